"""dev.py's promises: an interrupted set-up never looks whole, failures say what to do, others are left alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import tomllib

from tools.dev import server
from tools.dev.console import Failure, explain
from tools.dev.demo import progress
from tools.dev.places import ROOT
from tools.dev.processes import answer, environment, quiet_environment, run_logged
from tools.dev.server import Server, link_pack
from tools.dev.setup import STAND_INS, WITHOUT_DEPENDENCIES, Setup, package_name


@pytest.fixture
def small_clone(tmp_path):
    """A clone whose only requirement is a package that lies in it, so that a real set-up takes seconds."""
    clone = tmp_path / "a clone"
    for folder in ("evaluation", "headless", "tools"):
        shutil.copytree(ROOT / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dev.py", clone)
    package = clone / "package"
    package.mkdir()
    (package / "setup.py").write_text("from setuptools import setup\nsetup(name='tiny', py_modules=['tiny'])\n")
    (package / "tiny.py").write_text("answer = 42\n")
    (clone / "requirements-dev.txt").write_text(f"{package}\n")
    return clone


def ensure(clone, cache, **options):
    small = "setup.WITHOUT_DEPENDENCIES, setup.NEEDED_GIB = (), 0"  # a disk that ours would not fit on is enough
    code = f"from tools.dev import setup; {small}; print(setup.Setup().ensure_environment())"
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=clone, env=env, stdout=subprocess.PIPE, text=True, **options
    )


@pytest.mark.skipif(os.name == "nt", reason="kills a process group")
def test_an_interrupted_set_up_is_made_again_and_a_whole_one_is_shared(small_clone, tmp_path):
    cache = tmp_path / "cache"
    first = ensure(small_clone, cache, start_new_session=True)
    deadline = time.monotonic() + 60
    while first.poll() is None and not list(cache.glob("hyponet/env-*/bin/python")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert first.poll() is None, "the first set-up is to be killed in its middle"
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    (environment,) = [path for path in cache.glob("hyponet/env-*") if path.is_dir()]
    assert not (environment / "complete.json").exists(), "the marker is written last"

    second = ensure(small_clone, cache)
    assert second.communicate(timeout=120)[0].splitlines()[-1] == str(environment)
    assert answer(environment / "bin" / "python", "import tiny; print(tiny.answer)") == "42"
    assert (environment / "complete.json").is_file()

    third = ensure(small_clone, cache)
    assert "Installing" not in third.communicate(timeout=60)[0], "the second run starts at once"

    (small_clone / "requirements-dev.txt").write_text(f"{small_clone / 'package'}\n# another pin\nwheel\n")
    code = "from tools.dev.setup import Setup; print(Setup().environment)"
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    moved = subprocess.run([sys.executable, "-c", code], cwd=small_clone, env=env, capture_output=True, text=True)
    assert moved.stdout.strip() != str(environment), "a changed pin makes a new environment"


def test_the_module_that_writes_the_stand_ins_is_ours_in_the_environment():
    """The regression: a package on the registry is called `tests`, and Python ran that instead of our folder."""
    code = f"import importlib.util; print(importlib.util.find_spec({f'{STAND_INS}.__main__'!r}).origin)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(ROOT / "tools" / "stand_ins" / "__main__.py")


# what the programs really print, and the advice that must follow
MESSAGES = {
    "The virtual environment was not created successfully because ensurepip is not\navailable.": "python3-venv",
    "OSError: [Errno 28] No space left on device": "disk is full",
    "NewConnectionError: Failed to establish a new connection: [Errno -3]": "registry cannot be reached",
    "[Errno 98] error while attempting to bind: address already in use": "port is taken",
    "RuntimeError: DefaultCPUAllocator: not enough memory: out of memory": "Out of memory",
}


@pytest.mark.parametrize(("message", "advice"), MESSAGES.items())
def test_a_failure_shows_the_last_lines_and_what_to_do(tmp_path, message, advice):
    log = tmp_path / "step.log"
    log.write_text("first line\n" * 50 + message, "utf-8")
    text = str(explain("Installing Python packages", log, 1))
    assert "Installing Python packages failed" in text
    assert message.splitlines()[-1] in text
    assert advice in text
    assert str(log) in text


def test_a_killed_step_is_told_as_want_of_memory(tmp_path):
    assert "memory" in str(explain("Writing stand-in models", tmp_path / "none.log", -9))


def test_a_failing_command_raises_with_its_own_words():
    with pytest.raises(Failure, match="what went wrong"):
        run_logged("Running a test command", [sys.executable, "-c", "raise SystemExit('what went wrong')"])


def test_a_taken_port_is_told_before_anything_starts(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Failure, match=f"Port {port}"):
            Server(sys.executable, tmp_path, tmp_path / "base", tmp_path / "out", [], port)


def test_serve_takes_comfyui_s_own_port_where_it_is_free(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(server, "USUAL_PORT", taken)
        assert server.usual_port() != taken
    assert server.usual_port() == taken


def test_the_server_for_people_may_use_all_cores_and_the_hub(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert not {"OMP_NUM_THREADS", "HF_HUB_OFFLINE"} & set(environment())
    assert {"OMP_NUM_THREADS", "HF_HUB_OFFLINE"} <= set(quiet_environment())


def test_a_child_keeps_what_it_compiles_apart_from_the_sources(monkeypatch, tmp_path):
    """The regression: with PYTHONDONTWRITEBYTECODE set, each server compiled all of torch anew, for 12 seconds."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "compiled.py").touch()
    cache = tmp_path / "cache"
    variables = environment(PYTHONPYCACHEPREFIX=str(cache))
    subprocess.run([sys.executable, "-c", "import compiled"], cwd=tmp_path, env=variables, check=True)
    assert len(list(cache.rglob("compiled.*.pyc"))) == 1
    assert not (tmp_path / "__pycache__").exists()


def test_the_link_to_the_pack_follows_a_clone_that_moved_and_spares_a_real_folder(tmp_path):
    link = tmp_path / "hyponet"
    link.symlink_to(tmp_path / "where the clone was", target_is_directory=True)
    link_pack(link)
    assert link.resolve() == ROOT
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").touch()
    with pytest.raises(Failure, match="in the way"):
        link_pack(tmp_path / "real")
    assert (tmp_path / "real" / "file").exists()


def test_a_folder_without_comfyui_is_refused(tmp_path):
    with pytest.raises(Failure, match=r"main\.py"):
        Setup(str(tmp_path))


def test_the_users_comfyui_decides_versions_but_not_torch(tmp_path):
    (tmp_path / "main.py").touch()
    (tmp_path / "requirements.txt").write_text(
        "torch\nnumpy>=1.25.0\ncomfyui-frontend-package==1.99.1\n# note\nnewthing\n"
    )
    lines = Setup(str(tmp_path)).requirements()
    assert "comfyui-frontend-package==1.99.1" in lines
    assert "newthing" in lines
    assert "numpy>=1.25.0" in lines
    assert [line for line in lines if line.startswith("torch==")]
    assert "torch" not in lines
    assert not [line for line in lines if line.startswith("numpy==")]


def test_a_comfyui_with_torchaudio_decides_its_torch_and_its_own_templates(tmp_path):
    """torchaudio loads one torch only; packages that ComfyUI names are not replaced by the versions of 0.3.75."""
    (tmp_path / "main.py").touch()
    names = "torch\ntorchaudio\ncomfyui-workflow-templates==0.11.44\n"
    (tmp_path / "requirements.txt").write_text(names)
    setup = Setup(str(tmp_path))
    assert not set(map(package_name, setup.requirements())) & {"torch", "torchvision", "torchaudio"}
    assert setup.without_dependencies() == ["comfy-cli==1.23.0"]
    assert Setup().without_dependencies() == list(WITHOUT_DEPENDENCIES)


def test_a_slow_start_is_not_reported_as_a_killed_one(tmp_path):
    (tmp_path / "main.py").write_text("import time; time.sleep(60)")
    slow = Server(sys.executable, tmp_path, tmp_path / "base", tmp_path / "out", [])
    with pytest.raises(Failure, match="did not answer within 1 s, so it was stopped") as caught:
        slow.start(patience=1)
    assert "memory" not in str(caught.value)
    assert slow.process.poll() is not None


def test_a_server_that_ended_is_waited_for_no_longer(tmp_path):
    (tmp_path / "main.py").write_text("raise SystemExit('no such model')")
    ended = Server(sys.executable, tmp_path, tmp_path / "base", tmp_path / "out", [])
    with pytest.raises(Failure, match="no such model"):
        ended.start(patience=1000)


def test_a_test_may_wait_for_the_slowest_start_and_still_run():
    """The regression: a start under load took longer than 180 s, which failed all tests of that server."""
    limit = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]["timeout"]
    assert limit >= server.START_PATIENCE + 300 >= 900


def test_doctor_says_what_is_missing_on_a_bare_machine(tmp_path):
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    doctor = subprocess.run(
        [sys.executable, ROOT / "dev.py", "doctor"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert doctor.returncode == 1
    assert "MISSING  environment" in doctor.stdout
    assert not list(tmp_path.rglob("complete.json"))


def test_a_console_of_few_letters_ends_nothing(tmp_path):
    """Korean Windows' cp949 has no letter for an emoji in a path; a failure goes to stderr, and only there."""
    home = tmp_path / "cat \U0001f408"
    home.mkdir()
    env = {**os.environ, "XDG_CACHE_HOME": str(home), "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp949:strict"}
    run = [sys.executable, ROOT / "dev.py"]
    doctor = subprocess.run([*run, "doctor"], cwd=tmp_path, env=env, capture_output=True, check=False)
    assert (doctor.returncode, doctor.stderr) == (1, b"")
    assert b"cat \\U0001f408" in doctor.stdout
    demo = [*run, "demo", "--comfyui", str(home)]
    failed = subprocess.run(demo, cwd=tmp_path, env=env, capture_output=True, check=False)
    assert failed.returncode == 1
    assert b"Traceback" not in failed.stderr
    assert b"cat \\U0001f408" in failed.stderr
    assert b"cat \\U0001f408" not in failed.stdout


@pytest.mark.parametrize("count", ["0", "-3", "1.5", "many"])
def test_the_demo_makes_no_other_number_of_pictures_than_asked(count):
    """The regression: --count 0 made one picture of each class."""
    demo = [sys.executable, ROOT / "dev.py", "demo", "--count", count]
    refused = subprocess.run(demo, capture_output=True, text=True, check=False)
    assert refused.returncode == 2, "as argparse ends on a wrong argument"
    assert refused.stderr.endswith(f"argument --count: is {count}; expected a whole number, 1 or more\n")


def test_the_demo_says_how_long_the_rest_takes(tmp_path, capsys, monkeypatch):
    manifest, clock = tmp_path / "metadata.jsonl", iter([0.0, 6.0, 6.0, 12.0, 12.0, 18.0, 18.0])
    monkeypatch.setattr("tools.dev.demo.time", SimpleNamespace(monotonic=lambda: next(clock)))
    tick = progress(manifest, 50)
    for count in (10, 20, 50):
        manifest.write_text("{}\n" * count, "utf-8")
        tick()
    # 10 in 6 s, so 30 more in 18 s
    assert capsys.readouterr().out.splitlines() == [
        "  10 of 50 pictures made",
        "  20 of 50 pictures made, about 18 s left",
        "  50 of 50 pictures made",
    ]


def written_pid(file):
    """The number that a child writes into `file` when it runs."""
    deadline = time.monotonic() + 30
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    return int(file.read_text())


def test_ctrl_c_stops_what_it_started_and_nothing_else(tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    child = tmp_path / "child.py"
    note = f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))"
    child.write_text(f"import os, pathlib, time\n{note}\ntime.sleep(60)")
    code = f"""
import signal, sys
from tools.dev.processes import run_logged
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background commands with it ignored
try:
    run_logged("Waiting", [sys.executable, {str(child)!r}])
except KeyboardInterrupt:
    print("stopped")
"""
    ours = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        pid = written_pid(tmp_path / "pid")
        ours.send_signal(signal.SIGINT)
        assert "stopped" in ours.communicate(timeout=30)[0]
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert stranger.poll() is None
    finally:
        for process in (ours, stranger):
            process.kill()
            process.wait()


SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")


@pytest.mark.skipif(os.name == "nt", reason="sends a signal of other systems")
@pytest.mark.parametrize(
    ("sent", "run"),
    [(sent, "run_here(command)") for sent in SIGNALS] + [("SIGTERM", "run_logged('Waiting', command)")],
)
def test_what_a_child_started_ends_with_dev_py(tmp_path, sent, run):
    """The regression: `kill` of `dev.py test` ended pytest at once, and the servers of its tests ran on for ever.

    The child waits for a server of its own and does not stop it, as a process that is killed.
    """
    server = tmp_path / "server.py"
    note = f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))"
    server.write_text(
        f"import os, pathlib, signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n{note}\ntime.sleep(60)"
    )
    child = tmp_path / "child.py"
    child.write_text(f"import subprocess, sys\nsubprocess.Popen([sys.executable, {str(server)!r}]).wait()")
    code = f"""
import signal, sys
from tools.dev.processes import exit_when_asked, run_here, run_logged
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background commands with it ignored
exit_when_asked()
command = [sys.executable, {str(child)!r}]
{run}
"""
    ours = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        pid = written_pid(tmp_path / "pid")
        ours.send_signal(getattr(signal, sent))
        ours.wait(60)
        deadline = time.monotonic() + 10
        while is_running(pid) and time.monotonic() < deadline:  # until whoever adopted it has buried it
            time.sleep(0.05)
        assert not is_running(pid)
    finally:
        ours.kill()
        ours.wait()


def is_running(pid: int) -> bool:
    """Whether it is there and no zombie, which has ended."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(shown.stdout.strip()) and not shown.stdout.strip().startswith("Z")
