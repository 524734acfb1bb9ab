"""Writes workflows/*.json, workflows/api/*.json and subgraphs/*.json from their descriptions in builder/.

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

from tools.dev.places import ROOT
from tools.dev.server import scratch_server

from .builder.blueprints import blueprint_form, blueprints
from .builder.catalogue import build
from .builder.forms import api_form, dump, graph_form

FOLDER = ROOT / "workflows"
FOLDERS = (FOLDER, ROOT / "subgraphs")


def pack_version() -> str:
    """The version in pyproject.toml."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("version")).split('"')[1]


def texts(schemas: dict[str, Any]) -> dict[str, str]:
    """The content of every file below workflows/ and subgraphs/, by its path from the root."""
    files = {}
    for flow in build(schemas):
        if not flow.api_only:
            files[f"workflows/{flow.name}.json"] = dump(graph_form(flow, pack_version()))
        files[f"workflows/api/{flow.name}.json"] = dump(api_form(flow))
    for blueprint in blueprints(schemas):
        files[f"subgraphs/{blueprint.name}.json"] = dump(blueprint_form(blueprint, pack_version()))
    return files


def differing(files: dict[str, str]) -> list[str]:
    """The paths that are missing, differ, or should not be there."""
    existing = {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in folder.rglob("*.json")}
    changed = [name for name in files if name not in existing or (ROOT / name).read_text("utf-8") != files[name]]
    return sorted(changed + [name for name in existing if name not in files])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when files differ")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, scratch_server(Path(scratch)) as server:
        files = texts(server.client.object_info())
    changed = differing(files)
    for name in changed:
        print(f"{'differs' if options.check else 'written' if name in files else 'removed'}: {name}")
        if not options.check:
            path = ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], "utf-8") if name in files else path.unlink()
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
