"""Writes workflows/*.json and workflows/api/*.json from their descriptions in builder/.

    python3 dev.py workflows            write them
    python3 dev.py workflows --check    say which differ from what the builder makes; exit code 1 if any does

The order and the defaults of widgets come from the server itself, which is started for that.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from .builder.catalogue import build
from .builder.forms import api_form, dump, graph_form

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "workflows"


def pack_version() -> str:
    """The version in pyproject.toml."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("version")).split('"')[1]


def texts(schemas: dict[str, Any]) -> dict[str, str]:
    """The content of every file below workflows/, by its relative path."""
    files = {}
    for flow in build(schemas):
        files[f"{flow.name}.json"] = dump(graph_form(flow, pack_version()))
        files[f"api/{flow.name}.json"] = dump(api_form(flow))
    return files


def differing(files: dict[str, str], folder: Path = FOLDER) -> list[str]:
    """The relative paths that are missing, differ, or should not be there."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.json")}
    changed = [name for name in files if name not in there or (folder / name).read_text("utf-8") != files[name]]
    return sorted(changed + [name for name in there if name not in files])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when files differ")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, server(Path(place)) as running:
        files = texts(running.client.object_info())
    changed = differing(files)
    for name in changed:
        print(f"{'differs' if options.check else 'written' if name in files else 'removed'}: workflows/{name}")  # noqa: T201
        if not options.check:
            path = FOLDER / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], "utf-8") if name in files else path.unlink()
    return 1 if options.check and changed else 0


def server(base: Path) -> Any:
    """A server of our own over a scratch folder."""
    import os

    import dev

    if "HYPONET_COMFYUI" not in os.environ:
        raise SystemExit("HYPONET_COMFYUI is not set; run this by `python3 dev.py workflows` or `screenshots`")
    return dev.Server(
        sys.executable,
        os.environ["HYPONET_COMFYUI"],
        base,
        base / "output",
        [os.environ["HYPONET_MODELS"]],
        0,
        ("--cpu",),
    )


if __name__ == "__main__":
    sys.exit(main())
