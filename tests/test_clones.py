"""A clone works whatever its folder is called and wherever it lies: style, import, set-up, driver and tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hyponet.tests.tools.clones import copy_clone

IMPORT = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("pack", sys.argv[1], submodule_search_locations=[sys.argv[1][:-12]])
pack = importlib.util.module_from_spec(spec)
sys.modules["pack"] = pack
spec.loader.exec_module(pack)
from pack.evaluation.intervals import wilson
from pack.nodes.prompts.language.parser import parse
print(importlib.import_module(pack.__name__ + ".version").__version__)
"""
FOLDERS = {
    "the README's name": "hyponet",
    "a blank": "a b",
    "Korean letters": "\ud559\uc2b5 \uc138\ud2b8",
    "deep": "/".join(f"{level} quite long a name for a folder" for level in range(5)),
    **{f"that of its folder {name}": name for name in ("evaluation", "headless", "nodes", "tests", "tools")},
}


def run(clone: Path, *command: object, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `clone` as somebody with an empty cache would, but for what Python has compiled of packages."""
    cache = {"XDG_CACHE_HOME": str(clone.parent / "cache")}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd or clone,
        env={**os.environ, **cache, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )


@pytest.fixture(scope="module", params=FOLDERS.values(), ids=FOLDERS)
def clone(request, tmp_path_factory):
    folder = copy_clone(tmp_path_factory.mktemp("clones") / request.param)
    yield folder
    shutil.rmtree(folder)


def test_style_does_not_depend_on_the_folder_s_name(clone):
    ruff = run(clone, sys.executable, "-m", "ruff", "check", "--no-cache", ".")
    assert ruff.returncode == 0, ruff.stdout


def test_the_pack_loads(clone):
    loaded = run(clone, sys.executable, "-c", IMPORT, clone / "__init__.py", cwd=clone.parent)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == "0.1.0"


def test_the_commands_run_from_anywhere_with_a_bare_python(clone):
    """-S leaves site-packages out; an ASCII console must not stop what prints a path of other letters."""
    bare = (sys.executable, "-S")
    doctor = run(clone, *bare, clone / "dev.py", "doctor", cwd=clone.parent, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "MISSING  environment" in doctor.stdout, doctor.stderr
    assert doctor.returncode == 1
    driver = run(clone, *bare, "-m", "headless", "--help")
    assert driver.returncode == 0, driver.stderr


def test_tests_run(clone):
    """The regression: pytest imported the clone as the package of its name, so that `tools` was the clone itself."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    by_relative_imports = "tests/evaluation/pictures/test_mapping.py"
    tests = run(clone, *command, by_relative_imports, "tests/headless/test_workflow.py")
    assert tests.returncode == 0, tests.stdout


def without_write_permission(clone: Path) -> list[str]:
    """The prefix of a command that may not write below `clone`: for root one that gives up root's right to."""
    for path in [clone, *clone.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_clone_that_may_not_be_written_to_loads_and_says_what_it_needs(tmp_path):
    clone = copy_clone(tmp_path / "read only")
    prefix = without_write_permission(clone)
    try:
        assert run(clone, *prefix, "touch", clone / "probe").returncode != 0, "the clone is read-only"
        loaded = run(clone, *prefix, sys.executable, "-c", IMPORT, clone / "__init__.py")
        assert loaded.returncode == 0, loaded.stderr
        doctor = run(clone, *prefix, sys.executable, "-S", clone / "dev.py", "doctor")
        assert "MISSING  environment" in doctor.stdout, doctor.stderr
        assert run(clone, *prefix, sys.executable, "-S", "-m", "headless", "--help").returncode == 0
        serve = run(clone, *prefix, sys.executable, clone / "dev.py", "serve")
        assert "clone that you may write to" in serve.stderr
        assert "Traceback" not in serve.stderr
    finally:
        for path in [clone, *clone.rglob("*")]:
            path.chmod(0o755)
