"""tests/pure.txt, the tests that run on Windows and macOS too: what needs another system or a ComfyUI is marked.

On another ComfyUI they are left out, and those of tests/evaluation.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.dev.places import ROOT

# what Windows has not, or not for everybody
POSIX = re.compile(r"symlink|fcntl\.|import (fcntl|resource)|os\.fork|SIGKILL|killpg|/proc/|/dev/|mkfifo|geteuid|chmod")
SKIPS = re.compile(r"pytest\.mark\.posix|win32|not on Windows|needs_proc")
PLACES = [ROOT / line for line in (ROOT / "tests" / "pure.txt").read_text("utf-8").split()]


def files() -> list[Path]:
    return [path for place in PLACES for path in ([place] if place.is_file() else sorted(place.rglob("*.py")))]


def each_test(path: Path) -> Iterator[tuple[str, str]]:
    """(name, source with decorators) of each test in a file."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, "\n".join(lines[start - 1 : node.end_lineno])


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_what_is_listed_is_there(place: Path) -> None:
    assert place.exists()


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_windows_lacks_is_skipped_there_with_a_reason(path: Path) -> None:
    text = path.read_text("utf-8")
    if "allow_module_level=True" in text and "not on Windows" in text:
        return
    unmarked = [name for name, source in each_test(path) if POSIX.search(source) and not SKIPS.search(source)]
    assert not unmarked, "mark them: @pytest.mark.posix(reason)"


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_needs_a_comfyui_is_marked(path: Path) -> None:
    if "HYPONET_COMFYUI" in path.read_text("utf-8"):
        assert any("pytest.mark.comfyui" in source for _, source in each_test(path))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_encoding_of_a_text_file_is_stated(path: Path) -> None:
    """Windows takes its own code page for one that is not, in which most letters are others or none."""
    unstated = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            arguments = len(node.args) + len(node.keywords)
            first = node.args[0] if node.args else None
            is_plain = isinstance(first, ast.Constant) and str(first.value).isascii()
            if (node.func.attr == "read_text" and not arguments) or (
                node.func.attr == "write_text" and arguments == 1 and not is_plain
            ):
                unstated.append(f"line {node.lineno}: {ast.unparse(node)}")
    assert not unstated


def test_another_comfyui_runs_what_is_marked_to_need_one():
    """It takes a pytest of its own, which collects one file, with tests of either kind."""
    path = ROOT / "tests" / "nodes" / "dataset" / "test_damaged_sets.py"
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", "not pure", path]
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}  # of who runs the suite
    shown = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    collected = set(re.findall(r"::(test_\w+)", shown))
    marked = {name for name, source in each_test(path) if "pytest.mark.comfyui" in source}
    assert collected == marked != {name for name, _ in each_test(path)}
