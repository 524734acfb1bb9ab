"""A real ComfyUI with this pack: started on a free port, over a base directory of its own, stopped again."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from headless.client import Client

from .console import Failure, explain
from .places import OUTPUT, PACK_NAME, ROOT
from .processes import environment, quiet_environment, stop
from .setup import Setup

MODEL_KINDS = (
    *("checkpoints", "diffusion_models", "text_encoders", "loras", "vae", "upscale_models"),
    *("classifiers", "inception", "captioners"),
)
FILE_SIZES = ROOT / "tools" / "stand_ins" / "file_sizes"  # the pack by which the stand-ins can be small
FILE_SIZES_NAME = "hyponet_file_sizes"
USUAL_PORT = 8188
START_PATIENCE = 600.0  # seconds that a server may run without an answer: other work on the machine, a slow disk
COMPLAINTS = ("Cannot import", "Error while calling", "(IMPORT FAILED)")  # in the log, when a pack fails to load


class Server:
    """A ComfyUI with this pack, on 127.0.0.1, with a base directory of its own.

    Args:
        python, comfyui: the interpreter and the code to run.
        base: the base directory; made ready by `prepare`.
        output: ComfyUI's output directory.
        models: folders that look like a `models` folder, searched besides the base's own.
        port: 0 takes a free one.
        options: further arguments of ComfyUI.
        quick: without other packs and cloud nodes.
        env: its environment, by default that of tests.

    Raises:
        Failure: the port is taken.
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
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.base, self.output, self.port = base, output, free_port(port)
        self.log = base / "server.log"
        self.client = Client(f"http://127.0.0.1:{self.port}")
        self.process: subprocess.Popen[bytes] | None = None
        self.env = quiet_environment() if env is None else env
        self.prepare(models)
        self.command = [str(python), str(Path(comfyui) / "main.py"), "--port", str(self.port)]
        self.command += ["--base-directory", str(base), "--output-directory", str(output)]
        self.command += ["--extra-model-paths-config", str(base / "models.yaml"), "--dont-print-server"]
        self.command += ["--database-url", "sqlite:///:memory:", "--disable-auto-launch"]
        if quick:
            self.command += ["--disable-api-nodes", "--disable-all-custom-nodes"]
            self.command += ["--whitelist-custom-nodes", PACK_NAME, FILE_SIZES_NAME]
        self.command += list(options)

    def prepare(self, models: Sequence[Path | str]) -> None:
        """Make the folders and settings that ComfyUI expects, and link the clone into custom_nodes."""
        for name in ("custom_nodes", "input", "models", "temp", "user/default"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        self.output.mkdir(parents=True, exist_ok=True)
        link_pack(self.base / "custom_nodes" / PACK_NAME)
        link_pack(self.base / "custom_nodes" / FILE_SIZES_NAME, FILE_SIZES)
        settings = self.base / "user" / "default" / "comfy.settings.json"
        if not settings.exists():
            settings.write_text(json.dumps({"Comfy.TutorialCompleted": True}), "utf-8")
        kinds = {kind: kind for kind in MODEL_KINDS}
        paths = {f"extra{i}": {"base_path": str(folder), **kinds} for i, folder in enumerate(models)}
        text = json.dumps(paths, indent=1, ensure_ascii=False)  # JSON is YAML, but for escaped surrogate pairs
        (self.base / "models.yaml").write_text(text, "utf-8")

    def start(self, patience: float = START_PATIENCE) -> Server:
        """Start and wait until it answers, as long as it runs.

        Raises:
            Failure: it ended, did not answer for `patience` seconds, or could not load the pack; with the log's last
                lines.
        """
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env, cwd=self.base
            )
        end = time.monotonic() + patience
        while not self.client.alive():
            if self.process.poll() is not None:
                raise explain("Starting ComfyUI", self.log, self.process.returncode)
            if time.monotonic() > end:
                self.stop()
                raise Failure(
                    f"ComfyUI runs and did not answer within {patience:.0f} s, so it was stopped: "
                    f"try again when the machine has less to do, or read {self.log}"
                )
            time.sleep(0.2)
        pack = str(Path("custom_nodes") / PACK_NAME)
        lines = [line for line in self.log.read_text("utf-8", "replace").splitlines() if pack in line]
        problems = [line for line in lines if any(complaint in line for complaint in COMPLAINTS)]
        if problems:
            self.stop()
            raise explain("Loading the pack in ComfyUI", self.log, 0, until=problems[0])
        return self

    def wait(self) -> int:
        """The exit code, once the server has ended by itself."""
        assert self.process is not None, "the server was never started"
        return self.process.wait()

    def stop(self) -> None:
        """End the server, if it runs."""
        if self.process:
            stop(self.process)

    def __enter__(self) -> Server:
        try:
            return self.start()
        except BaseException:  # Ctrl-C while it starts
            self.stop()
            raise

    def __exit__(self, *error: object) -> None:
        self.stop()


def free_port(port: int = 0) -> int:
    """`port`, or any free one for 0.

    Raises:
        Failure: `port` is taken.
    """
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Failure(
                f"Port {port} cannot be used ({error.strerror}): give another, or none for a free one."
            ) from None
        return int(probe.getsockname()[1])


def usual_port() -> int:
    """ComfyUI's own port, where bookmarks and `python -m headless` look; a free one where it is taken."""
    try:
        return free_port(USUAL_PORT)
    except Failure:
        return free_port()


def link_pack(link: Path, folder: Path = ROOT) -> None:
    """Make `link` lead to this clone (a junction on Windows, which needs no rights), also after the clone was moved.

    Args:
        folder: of a pack inside the clone, instead of the clone.

    Raises:
        Failure: a folder of that name is in the way.
    """
    if os.path.lexists(link):
        if link.resolve() == folder:
            return
        try:
            link.unlink() if link.is_symlink() else link.rmdir()  # of a junction, rmdir takes the link alone
        except OSError as error:
            raise Failure(f"{link} is in the way of a link to {folder} ({error.strerror}): move it away.") from None
    if os.name == "nt":
        subprocess.run(["cmd", "/c", "mklink", "/J", str(link), str(folder)], check=True, capture_output=True)
    else:
        link.symlink_to(folder, target_is_directory=True)


def device_options() -> list[str]:
    """`--cpu` unless there is an NVIDIA or Apple GPU."""
    has_gpu = bool(shutil.which("nvidia-smi")) or (platform.system(), platform.machine()) == ("Darwin", "arm64")
    return [] if has_gpu else ["--cpu"]


def local_server(setup: Setup, port: int = 0, extra_models: Sequence[Path] = (), packs: Sequence[str] = ()) -> Server:
    """The server over the clone's output folder, with all cores and the model hub.

    Args:
        packs: in its custom_nodes that it loads besides ours.
    """
    models = [setup.models, *extra_models]
    base, options = OUTPUT / ".comfyui", device_options()
    if packs:
        options += ["--whitelist-custom-nodes", PACK_NAME, FILE_SIZES_NAME, *packs]
    return Server(setup.python, setup.comfyui, base, OUTPUT, models, port, options, env=environment())


def scratch_server(base: Path, output: Path | None = None, port: int = 0, options: Sequence[str] = ()) -> Server:
    """A server on the CPU over `base`, by the variables that dev.py sets for tests and tools.

    Raises:
        Failure: they are not set.
    """
    comfyui, models = os.environ.get("HYPONET_COMFYUI"), os.environ.get("HYPONET_MODELS")
    if not comfyui or not models:
        raise Failure("HYPONET_COMFYUI or HYPONET_MODELS is not set; run this by `python3 dev.py`")
    return Server(sys.executable, comfyui, base, output or base / "output", [models], port, ("--cpu", *options))
