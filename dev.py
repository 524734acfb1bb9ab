#!/usr/bin/env python3
"""Everything a fresh clone needs: a real ComfyUI with this pack, stand-in models, the demo and the tests.

    python3 dev.py demo      a photo and words become a set, a classifier and its accuracy, in a real ComfyUI
    python3 dev.py test      lint, type checks and every test, two at a time; further arguments go to pytest
    python3 dev.py test --full  the same, and every workflow on every page; counts go to docs/compatibility.md
    python3 dev.py test --comfyui DIR  the tests that depend on it, on another ComfyUI; counts go there too
    python3 dev.py serve     the server with the pack, for work in a browser
    python3 dev.py doctor    what is installed, what is missing, where things lie
    python3 dev.py workflows [--check]      write workflows/ and subgraphs/ from their builder
    python3 dev.py screenshots              draw the thumbnails of the workflows, or picture them in a real browser

Standard library only. Set-up goes to the user's cache folder, results and logs to output/ in the clone.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from pathlib import Path

sys.pycache_prefix = str(Path(__file__).resolve().parent / "output" / ".pycache")  # nothing beside the sources

from tools.dev import compatibility, demo  # noqa: E402
from tools.dev.browser import ensure_browser, find_browser  # noqa: E402
from tools.dev.console import Failure, Step, allow_any_letters, say  # noqa: E402
from tools.dev.lint import lint  # noqa: E402
from tools.dev.places import OUTPUT, PACK_NAME, ROOT  # noqa: E402
from tools.dev.processes import exit_when_asked, quiet_environment, run_here  # noqa: E402
from tools.dev.server import local_server, usual_port  # noqa: E402
from tools.dev.setup import GIB, NEEDED_GIB, PYTHON, Setup, is_complete  # noqa: E402
from tools.workflows import served  # noqa: E402

# A file's tests stay together, since they share what they start; in the order of the folders, the longest files first
TWO_AT_A_TIME = ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder")


def command_demo(options: argparse.Namespace, arguments: list[str]) -> int:
    setup = Setup(options.comfyui).ensure()
    folders = [demo.model_folder(path, OUTPUT / ".own", kind) for path, kind in own_models(options)]
    step = Step("Starting ComfyUI")
    with local_server(setup, extra_models=folders) as server:
        step.finish(f"log: {server.log.relative_to(ROOT)}")
        return demo.run(server.client, setup.python, server.base / "input", OUTPUT, options)


def own_models(options: argparse.Namespace) -> list[tuple[Path, str]]:
    """The user's own files as (path, kind of model).

    Raises:
        Failure: one of them, or a photo, is not there.
    """
    files = [(options.checkpoint, "checkpoints"), (options.classifier, "classifiers")]
    models = [(Path(name).expanduser().resolve(), kind) for name, kind in files if name]
    for path in [path for path, _ in models] + [Path(name).expanduser() for name in options.image or []]:
        if not path.is_file():
            raise Failure(f"{path} is no file; give the path of an existing one")
    return models


def command_test(options: argparse.Namespace, arguments: list[str]) -> int:
    setup = Setup(options.comfyui).ensure()
    browser = ensure_browser(setup.python)
    if not arguments and not options.comfyui:  # that ComfyUI decides which torch types would be checked against
        lint(setup)
    scratch = OUTPUT / "tests"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    env = quiet_environment(**setup.variables(browser), TMPDIR=str(scratch))
    pytest = [str(setup.python), "-m", "pytest", "-p", "no:cacheprovider", "--durations=15"]
    pytest += ["--basetemp", str(scratch / "pytest")]
    if options.full:
        env["HYPONET_FULL"] = "1"
    if arguments:
        return run_here([*pytest, *arguments], env=env)
    report = scratch / "report.xml"
    choice = ("-m", "not pure") if options.comfyui else ()
    code = run_here([*pytest, *TWO_AT_A_TIME, *choice, f"--junitxml={report}"], env=env)
    if (options.full or options.comfyui) and code in (0, 1):  # all passed, or some failed
        compatibility.write(report, setup.comfyui, setup.frontend_versions())
        say("docs/compatibility.md has the counts.")
    if code == 0:
        shutil.rmtree(scratch / "pytest", ignore_errors=True)  # what failed keeps its files until the next run
    return code


def command_serve(options: argparse.Namespace, arguments: list[str]) -> int:
    setup = Setup(options.comfyui).ensure()
    base = OUTPUT / ".comfyui"
    run_script(options, "tools.workflows.inputs", [str(base)])
    served.make_pack(base)
    step = Step("Starting ComfyUI")
    with local_server(setup, options.port or usual_port(), packs=[served.PACK]) as server:
        served.write_templates(server.client.object_info(), base)
        step.finish(f"log: {server.log.relative_to(ROOT)}")
        say(f"Open {server.client.url} ; Ctrl-C stops it. The workflows are in the template browser: under")
        say(f"{served.PACK} those that run here as they open, under {PACK_NAME} all, for real models.")
        return server.wait()


def command_doctor(options: argparse.Namespace, arguments: list[str]) -> int:
    """Say what stands and what is missing; exit code 1 when something needed is missing."""
    setup = Setup(options.comfyui)
    has_environment = is_complete(setup.environment)
    browser = find_browser(setup.python if has_environment else Path(sys.executable))
    free = shutil.disk_usage(ROOT).free / GIB
    can_make_environments = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    rows = [
        ("Python", sys.version_info >= PYTHON, sys.version.split()[0]),
        ("venv module", can_make_environments, "needed once, for the set-up"),
        ("environment", has_environment, str(setup.environment)),
        ("ComfyUI", is_complete(setup.comfyui) or bool(setup.own_comfyui), str(setup.comfyui)),
        ("newest frontend", is_complete(setup.frontend), str(setup.frontend)),
        ("stand-in models", is_complete(setup.models), str(setup.models)),
        ("Chromium", bool(browser), browser or "the browser tests are skipped without it"),
        ("disk", free > NEEDED_GIB or has_environment, f"{free:.0f} GB free"),
    ]
    for name, is_fine, note in rows:
        say(f"{'ok     ' if is_fine else 'MISSING'}  {name:<16} {note}")
    say("What is missing is made by the first `python3 dev.py demo` or `python3 dev.py test`.")
    return 0 if all(is_fine for _, is_fine, _ in rows) else 1


def command_workflows(options: argparse.Namespace, arguments: list[str]) -> int:
    return run_script(options, "tools.workflows.write", arguments)


def command_screenshots(options: argparse.Namespace, arguments: list[str]) -> int:
    setup = Setup(options.comfyui).ensure()
    return run_script(options, "tools.workflows.screenshots", arguments) if ensure_browser(setup.python) else 1


def run_script(options: argparse.Namespace, module: str, arguments: list[str]) -> int:
    """Run one of the project's own modules in the environment; its exit code."""
    setup = Setup(options.comfyui).ensure()
    env = quiet_environment(**setup.variables(find_browser(setup.python)))
    return run_here([setup.python, "-m", module, *arguments], env=env)


# name: (what runs, one line of help)
COMMANDS = {
    "demo": (command_demo, "a photo and words become a set, a classifier and its accuracy, in a real ComfyUI"),
    "test": (command_test, "lint, type checks and tests; further arguments go to pytest"),
    "serve": (command_serve, "run the server with the pack until Ctrl-C"),
    "doctor": (command_doctor, "say what is installed and what is missing"),
    "workflows": (command_workflows, "write workflows/ and subgraphs/ from their builder (--check: only compare)"),
    "screenshots": (command_screenshots, "make the thumbnails of the workflows, or picture them in a real browser"),
}
PASSING_ON = ("test", "workflows", "screenshots")  # their further arguments


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    subparsers = {}
    for name, (_, text) in COMMANDS.items():
        subparsers[name] = commands.add_parser(name, help=text, description=text, add_help=name != "test")
        subparsers[name].add_argument(
            "--comfyui", metavar="DIR", help="run this ComfyUI instead of 0.3.75 from the registry"
        )
    add = subparsers["demo"].add_argument
    add("--checkpoint", metavar="FILE", help="a real Stable Diffusion checkpoint")
    add("--classifier", metavar="FILE", help="a real ImageNet classifier, such as resnet50.safetensors")
    add("--image", metavar="FILE", action="append", help="a photo of one class; repeat for more classes")
    add("--count", type=at_least_one, default=500, metavar="N", help="pictures in all (default 500)")
    add("--open", action="store_true", help="show the report in the browser (with --image: the set)")
    subparsers["test"].add_argument("--full", action="store_true", help="every workflow on every page; hours")
    subparsers["serve"].add_argument("--port", type=int, default=0, help="default: 8188, or a free one")
    return top


def at_least_one(text: str) -> int:
    """A number of pictures.

    Raises:
        ArgumentTypeError: it is none, or below 1.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"is {text}; expected a whole number, 1 or more")
    return int(text)


def main() -> int:
    allow_any_letters()
    options, arguments = parser().parse_known_args()
    if arguments and options.command not in PASSING_ON:
        parser().error(f"unrecognised arguments: {' '.join(arguments)}")
    run, _ = COMMANDS[options.command]
    try:
        return run(options, arguments)
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130


if __name__ == "__main__":
    exit_when_asked()
    sys.exit(main())
