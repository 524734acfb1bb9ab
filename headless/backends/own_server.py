"""A ComfyUI server that we start, watch, start anew and end: what a worker of the farm owns. POSIX and Windows."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ..client import Client, NoAnswer

OUR_CODE = str(Path(__file__).resolve().parents[2])  # where a job of SLURM finds it; a server is to find none of it
_GUARD = Path(__file__).with_name("guard.py")
_VENVS = (".venv", "venv")  # inside a ComfyUI folder, as its readme has people make them
_EMBEDDED = "python_embeded"  # sic: beside it, in its portable package for Windows
_ENDING = 10.0  # seconds in which a server that is asked to end does so
_LOG_LINES = 5  # of its end, in an error


class ServerFailed(RuntimeError):
    """A server of ours did not start; the message has the last lines of its log."""


@dataclass(frozen=True)
class ServerSpec:
    """How a worker starts its server; small, for it crosses to other machines.

    Args:
        comfyui: ComfyUI's folder, on the worker's machine.
        key: tells the folders of this farm's workers from those of others.
        python: its interpreter; empty: that of a virtual environment inside the folder, or beside it that of
            the portable package, else the worker's own.
        options: further arguments of ComfyUI's main.py.
        output: its output folder; empty: ComfyUI's own, or with a store one of the worker's own.
        store: where the sets that it makes are delivered, and others fetched; empty: all see one output folder.
        work: the folder in which each worker has one of its own; empty: that for temporary files.
        threads: of the processor that a server may use; 0: as many as it likes.
        patience: seconds in which a server must answer after its start.
        lost_after: seconds of silence after which a server that ran is ended and started anew.
    """

    comfyui: str
    key: str
    python: str = ""
    options: tuple[str, ...] = ()
    output: str = ""
    store: str = ""
    work: str = ""
    threads: int = 0
    patience: float = 300.0
    lost_after: float = 60.0


class OwnServer:
    """One server, on this machine alone (127.0.0.1), on a free port. It ends when this process does, even by kill -9.

    Args:
        spec: how to start it.
        name: of its worker.

    Raises:
        ValueError: `spec.comfyui` is no ComfyUI folder.
    """

    def __init__(self, spec: ServerSpec, name: str) -> None:
        if not (Path(spec.comfyui) / "main.py").is_file():
            raise ValueError(f"--comfyui is {spec.comfyui!r}; expected a ComfyUI folder; it has no main.py here")
        self.spec = spec
        self.folder = Path(spec.work or tempfile.gettempdir()) / f"hyponet-{spec.key}-{name}"
        self.output = Path(spec.output or self.folder / "output") if spec.output or spec.store else None
        self.log = self.folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.client = Client("http://127.0.0.1:1")
        self.starts = 0

    @property
    def is_running(self) -> bool:
        """Whether its process is there; it may be silent."""
        return self.process is not None and self.process.poll() is None

    def ensure(self) -> Client:
        """The client of the server that runs, else of a new one that answers.

        Raises:
            ServerFailed: it does not start.
        """
        if not self.is_running:
            self.stop()
            self._start()
        return self.client

    def stop(self) -> None:
        """End the server, if it runs."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_ENDING)
        process.kill()
        process.wait()
        if process.stdin:
            process.stdin.close()

    def _start(self) -> None:
        _make_own_folder(self.folder)
        port = _free_port()
        self.client = Client(f"http://127.0.0.1:{port}", timeout=self.spec.lost_after)
        self.starts += 1
        command = [_python(self.spec), str(_GUARD), str(Path(self.spec.comfyui) / "main.py"), "--port", str(port)]
        if self.output:
            self.output.mkdir(parents=True, exist_ok=True)
            command += ["--output-directory", str(self.output)]
        command += ["--temp-directory", str(self.folder), "--database-url", "sqlite:///:memory:"]
        command += ["--disable-auto-launch", "--dont-print-server"]
        with self.log.open("ab") as log:
            # no session and no group of its own: SLURM ends those of a job; the guard is for all else
            self.process = subprocess.Popen(
                [*command, *self.spec.options], stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=self.folder,
                env=_variables(self.spec.threads),
            )  # fmt: skip
        end = time.monotonic() + self.spec.patience
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise ServerFailed(f"ComfyUI did not start: {self.last_words()}; its log: {self.log}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        """Whether it is our server that answers: another may have taken the port meanwhile."""
        try:
            return str(self.folder) in self.client.get("/system_stats", timeout=5)["system"]["argv"]
        except (NoAnswer, KeyError, TypeError):
            return False

    def last_words(self) -> str:
        """The end of its log, one line."""
        lines = self.log.read_text("utf-8", "replace").split("\n")
        return " | ".join([line.strip() for line in lines if line.strip()][-_LOG_LINES:])


def split_options(text: str) -> tuple[str, ...]:
    """The arguments in a text, as on a command line; a backslash is one, for paths of Windows have them.

    Raises:
        ValueError: a quotation is not closed.
    """
    words = shlex.shlex(text, posix=True, punctuation_chars=False)
    words.whitespace_split, words.commenters, words.escape = True, "", ""
    return tuple(words)


def interpreters(comfyui: Path, *, is_windows: bool) -> list[Path]:
    """Where a ComfyUI folder may have its own interpreter."""
    inside = Path("Scripts/python.exe" if is_windows else "bin/python")
    places = [comfyui / venv / inside for venv in _VENVS]
    return [*places, comfyui.parent / _EMBEDDED / "python.exe"] if is_windows else places


def _make_own_folder(folder: Path) -> None:
    """Make a folder that nobody else reads or writes; raises ServerFailed where somebody else made it before."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    is_others = sys.platform != "win32" and folder.lstat().st_uid != os.getuid()
    if folder.is_symlink() or is_others:
        raise ServerFailed(f"{folder} is a link, or somebody else's; expected a folder of our own; give --work")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _python(spec: ServerSpec) -> str:
    places = interpreters(Path(spec.comfyui), is_windows=os.name == "nt")
    return spec.python or next((str(path) for path in places if path.is_file()), sys.executable)


def _variables(threads: int) -> dict[str, str]:
    """The server's environment. Ray gives each actor one thread for OpenMP, which is no wish of anybody's."""
    variables = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    paths = [path for path in variables.pop("PYTHONPATH", "").split(os.pathsep) if path not in ("", OUR_CODE)]
    if paths:
        variables["PYTHONPATH"] = os.pathsep.join(paths)
    return {**variables, "PYTHONUTF8": "1"} | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
