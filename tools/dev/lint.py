"""Style by ruff and types by mypy, the same whatever the clone's folder is called."""

from __future__ import annotations

import os

from .places import OUTPUT, PACK_NAME, ROOT
from .processes import Command, run_logged
from .rooms import is_face
from .server import link_pack
from .setup import Setup


def lint(setup: Setup) -> None:
    """Ruff over everything, mypy over the modules that ComfyUI does not touch.

    Raises:
        Failure: one of them found something; the message has its last lines.
    """
    ruff: Command = [setup.python, "-m", "ruff"]
    run_logged("Checking style with ruff", [*ruff, "check", "--no-cache", "."])
    run_logged("Checking format with ruff", [*ruff, "format", "--no-cache", "--check", "."])
    folder = OUTPUT / ".types"
    folder.mkdir(parents=True, exist_ok=True)
    link_pack(folder / PACK_NAME)
    modules = [part for name in pure_modules() for part in ("-m", name)]
    mypy: Command = [
        setup.python,
        "-m",
        "mypy",
        "--config-file",
        ROOT / "pyproject.toml",
        "--cache-dir",
        folder / "cache",
    ]
    run_logged("Checking types with mypy", [*mypy, *modules], env={**os.environ, "MYPYPATH": str(folder)})


def pure_modules() -> list[str]:
    """The dotted names of ours and of what may not import ComfyUI; graph.py does inside one function only."""
    folders = ("nodes", "evaluation", "headless", "tools/dev")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    paths = [path.relative_to(ROOT) for path in files if path.name != "__init__.py"]
    pure = [path for path in paths if path.name == "graph.py" or not is_face(path.as_posix())]
    return [".".join((PACK_NAME, *path.with_suffix("").parts)) for path in pure]
