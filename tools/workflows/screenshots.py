"""Pictures of the workflows: workflows/<name>.jpg, the thumbnails that the template browser shows, and the README's.

python3 dev.py screenshots              the thumbnail of each (thumbnails.py)
python3 dev.py screenshots NAME ...     of these
python3 dev.py screenshots --opened DIR [NAME ...]  each as the newest page opens it, on two sizes of screen
python3 dev.py screenshots --readme     docs/quick_start.jpg, the quick start in the editor
python3 dev.py screenshots --demo       docs/demo.jpg, from what `dev.py demo` left
python3 dev.py screenshots --help-pages [NAME ...]  web/docs/<node id>/in_use.webp, of the nodes or workflows named
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from tools.dev.places import PACK_NAME, ROOT
from tools.dev.server import Server, scratch_server

from . import demo_picture, help_pictures
from .editor import AS_PEOPLE_HAVE_IT, bounds, editor
from .inputs import write_inputs
from .thumbnails import RESULTS, thumbnail
from .write import FOLDER

SCREENS = ((1920, 1080), (1440, 900))
QUICK_START, README_PICTURE = "hyponet_01_quick_start", ROOT / "docs" / "quick_start.jpg"
README_SIZE = (1600, 900)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="workflows without suffix, or nodes by id; default: all")
    parser.add_argument("--opened", type=Path, metavar="DIR", help="write what people see when they open them there")
    parser.add_argument("--readme", action="store_true", help="picture the quick start for the README alone")
    parser.add_argument("--demo", action="store_true", help="draw docs/demo.jpg alone, from what the demo left")
    parser.add_argument("--help-pages", action="store_true", help="draw the pictures of the nodes' help pages alone")
    options = parser.parse_args()
    if options.demo:
        return demo_picture.main()
    if options.help_pages:
        return help_pictures.main(options.names)
    if options.readme:
        picture_quick_start()
        return 0
    names = options.names or sorted(path.stem for path in FOLDER.glob("*.json"))
    if options.opened:
        picture_opened(names, options.opened)
        return 0
    results = run_results(names)
    for name in names:
        path = FOLDER / f"{name}.jpg"
        thumbnail(form_of(name), results.get(name)).save(path, quality=85, optimize=True)
        print(f"workflows/{path.name}: {path.stat().st_size // 1024} kB", flush=True)
    return 0


def form_of(name: str) -> dict[str, Any]:
    """A workflow in graph form."""
    form: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return form


@contextmanager
def started(*options: str) -> Iterator[Server]:
    """A server of its own, with the sample photos."""
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        (base / "input").mkdir()
        write_inputs(base / "input", only_photos=True)
        with scratch_server(base, options=options) as server:
            yield server


def run_results(names: Sequence[str]) -> dict[str, Image.Image]:
    """What those of the workflows make that need no model."""
    pictures: dict[str, Image.Image] = {}
    wanted = [name for name in names if name in RESULTS]
    if not wanted:
        return pictures
    with started() as server:
        for name in wanted:
            graph = json.loads((FOLDER / "api" / f"{name}.json").read_text("utf-8"))
            (node_id,) = (key for key, node in graph.items() if node["_meta"]["title"] == RESULTS[name])
            (file, *_) = server.client.run(graph)[node_id]["images"]
            pictures[name] = Image.open(io.BytesIO(server.client.picture(file))).convert("RGB")
    return pictures


def picture_opened(names: Sequence[str], folder: Path) -> None:
    """Each as the newest page opens it from the template browser; says how large it shows it."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = os.environ["HYPONET_CHROMIUM"]
    with started("--front-end-root", os.environ["HYPONET_FRONTEND"]) as server:
        for size in SCREENS:
            with editor(server.client.url, chromium, size, settings=AS_PEOPLE_HAVE_IT, is_bare=False) as page:
                for name in names:
                    page.open_template(name, PACK_NAME)
                    page.picture(folder / f"{name}-{size[0]}.png")
                    scale = page.page.evaluate("() => window.app.canvas.ds.scale")
                    print(f"{name} on {size[0]}x{size[1]}: {scale:.2f}", flush=True)


def picture_quick_start() -> None:
    """The quick start in the editor, whole."""
    form = form_of(QUICK_START)
    with started() as server, editor(server.client.url, os.environ["HYPONET_CHROMIUM"], README_SIZE) as page:
        page.load(form)
        page.frame(bounds(form))
        page.settle()
        picture = Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")
    picture.save(README_PICTURE, quality=85, optimize=True)
    print(f"{README_PICTURE.relative_to(ROOT).as_posix()}: {README_PICTURE.stat().st_size // 1024} kB")


if __name__ == "__main__":
    sys.exit(main())
