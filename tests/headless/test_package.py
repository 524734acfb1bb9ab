"""`pip install .` gives one package with one command, which needs the standard library alone."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from hyponet.tests.tools.clones import copy_clone
from tools.dev.places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
BROUGHT_BY_COMFYUI = ("torch", "torchvision", "numpy", "pillow")


@pytest.mark.timeout(600)
def test_the_wheel_has_the_command_and_it_runs_where_nothing_else_is_installed(tmp_path):
    clone, wheels = copy_clone(tmp_path / "clone"), tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(clone)]
    subprocess.run(build, check=True)
    (wheel,) = wheels.glob("hyponet-*.whl")
    venv.create(tmp_path / "clean", with_pip=False)
    scripts = next(path for path in (tmp_path / "clean" / "bin", tmp_path / "clean" / "Scripts") if path.is_dir())
    python = next(path for path in (scripts / "python", scripts / "python.exe") if path.exists())
    subprocess.run([*pip, "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    for command in ("run", "sweep", "farm"):
        shown = subprocess.run(
            [str(scripts / "hyponet"), command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert "--url" in shown.stdout
        assert shown.stdout.startswith(f"usage: hyponet {command} ")
    for command in ("evaluate", "merge"):  # the extra `local` is not there
        options = ["a", "b", "--into", "c"] if command == "merge" else ["a"]
        told = subprocess.run([str(scripts / "hyponet"), command, *options], capture_output=True, text=True)
        assert (told.returncode, "pip install torch torchvision numpy pillow" in told.stderr) == (2, True), told.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean", "clone", "wheels"]


def test_the_package_holds_every_folder_of_modules():
    folders = {
        path.parent.relative_to(ROOT)
        for top in ("evaluation", "headless", "nodes")
        for path in (ROOT / top).rglob("__init__.py")
    }
    packages = {"hyponet", *(".".join(("hyponet", *folder.parts)) for folder in folders)}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == packages


def test_what_comfyui_brings_is_required_by_the_extra_local_alone():
    required = {"": PROJECT["project"]["dependencies"], **PROJECT["project"]["optional-dependencies"]}
    for extra, lines in required.items():
        named = [name for name in BROUGHT_BY_COMFYUI if any(line.startswith(name) for line in lines)]
        assert named == (list(BROUGHT_BY_COMFYUI) if extra == "local" else [])
    assert "headless/" in (Path(ROOT) / ".comfyignore").read_text("utf-8").splitlines()
