"""Pictures every workflow in a real Chromium: workflows/<name>.jpg, the thumbnail that the template browser shows.

python3 dev.py screenshots              all of them
python3 dev.py screenshots NAME ...     these
python3 dev.py screenshots --large DIR  also large pictures, to look at every letter
python3 dev.py screenshots --demo       docs/demo.jpg alone, the README's picture, from what `dev.py demo` left
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tools.dev.server import scratch_server

from . import demo_picture
from .editor import bounds, editor
from .inputs import write_inputs
from .write import FOLDER

VIEW = (1280, 720)
THUMBNAIL = (640, 360)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="workflows without suffix; default: all")
    parser.add_argument("--large", type=Path, metavar="DIR", help="write pictures of 2560x1440 there")
    parser.add_argument("--demo", action="store_true", help="draw docs/demo.jpg alone, from what the demo left")
    options = parser.parse_args()
    if options.demo:
        return demo_picture.main()
    names = options.names or sorted(path.stem for path in FOLDER.glob("*.json"))
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        (base / "input").mkdir()
        write_inputs(base / "input", only_photos=True)
        with scratch_server(base) as server, editor(server.client.url, os.environ["HYPONET_CHROMIUM"], VIEW, 2) as page:
            for name in names:
                form = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
                page.load(form)
                page.frame(bounds(form))
                page.settle()
                picture = Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")
                if options.large:
                    options.large.mkdir(parents=True, exist_ok=True)
                    picture.save(options.large / f"{name}.png")
                path = FOLDER / f"{name}.jpg"
                picture.resize(THUMBNAIL, Image.Resampling.LANCZOS).save(path, quality=80, optimize=True)
                print(f"workflows/{path.name}: {path.stat().st_size // 1024} kB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
