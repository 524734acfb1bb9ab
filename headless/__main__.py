"""Run workflow files on any ComfyUI.

    python -m headless run WORKFLOW.json [--url URL] [--set node.widget=value ...] [--save DIR]
    python -m headless sweep FILE.csv [--url URL] [--shard K/N] [--state DIR]

Exit codes: 0 all done; 1 a run failed; 2 a file, an override or an argument is wrong; 3 no server; 130 stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from .client import Client, Rejected, RunFailed
from .gather import write_report
from .run import run_workflow
from .state import State
from .sweep import PROGRESS_INTERVAL, UNREACHABLE, Driver, ServerGone
from .sweep_file import read_sweep, shard
from .watch import Watch, duration
from .workflow import parse_setting, read_workflow

DONE, FAILED, WRONG, NO_SERVER, STOPPED = 0, 1, 2, 3, 130
OUTPUT = Path(__file__).resolve().parent.parent / "output" / "sweeps"


def say(text: str) -> None:
    """Print at once, so that a log file can be followed."""
    print(text, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns its exit code. Errors that a user can mend become one sentence."""
    options = parser().parse_args(arguments)
    try:
        return command_run(options) if options.command == "run" else command_sweep(options)
    except (Rejected, RunFailed) as error:
        say(f"the run failed: {error}")
        return FAILED
    except (ValueError, BlockingIOError) as error:
        say(str(error))
        return WRONG
    except ServerGone as error:
        say(f"{error}; run the same command again to resume")
        return NO_SERVER
    except UNREACHABLE as error:
        say(f"no ComfyUI at {options.url}: {error}; start one, or give another address with --url")
        return NO_SERVER
    except KeyboardInterrupt:
        say("stopped; run the same command again to resume")
        return STOPPED


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="python -m headless", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run one workflow")
    run.add_argument("workflow", type=Path, help="a workflow file, in API form or with its API form beside it")
    run.add_argument("--set", action="append", default=[], metavar="NODE.WIDGET=VALUE", help="node by title or id")
    run.add_argument("--save", type=Path, metavar="DIR", help="fetch the pictures that the run shows into DIR")
    run.add_argument("--json", type=Path, metavar="FILE", help="write what the nodes show to FILE")
    sweep = commands.add_parser("sweep", help="run every row of a CSV or YAML file that is not done yet")
    sweep.add_argument("file", type=Path)
    sweep.add_argument("--shard", default="1/1", metavar="K/N", help="only part K of N, whole groups")
    sweep.add_argument("--state", type=Path, metavar="DIR", help="default: output/sweeps/<name of the file>")
    sweep.add_argument("--patience", type=float, default=600, metavar="SECONDS", help="wait this long for the server")
    for command in (run, sweep):
        command.add_argument("--url", default="http://127.0.0.1:8188", help="default: %(default)s")
    return top


def command_run(options: argparse.Namespace) -> int:
    """Run one workflow, show what its nodes show, and save what is asked for; returns the exit code."""
    overrides = dict(parse_setting(text) for text in options.set)
    graph = read_workflow(options.workflow)
    start = last_line = time.monotonic()
    watch = Watch(options.url, Client(options.url).client_id)

    def tick(prompt_id: str) -> None:
        nonlocal last_line
        watch.poll()
        if time.monotonic() - last_line >= PROGRESS_INTERVAL:
            last_line = time.monotonic()
            say(f"  {watch.line(prompt_id, graph) or 'running'} ({duration(time.monotonic() - start)} so far)")

    result = run_workflow(options.url, graph, overrides, tick=tick)
    for title, text in result.texts:
        say(f"--- {title}\n{text}")
    for file in result.files:
        say(f"{file.get('type', 'output')}: {'/'.join(filter(None, (file.get('subfolder', ''), file['filename'])))}")
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        for file in result.files:
            (options.save / Path(file["filename"]).name).write_bytes(Client(options.url).picture(file))
    if options.json:
        options.json.write_text(json.dumps(result.outputs, indent=1, ensure_ascii=False) + "\n", "utf-8")
    say(f"done in {duration(time.monotonic() - start)}")
    return DONE


def command_sweep(options: argparse.Namespace) -> int:
    """Run every row that is not done and write the report, also of a sweep that breaks off; returns the exit code."""
    rows = read_sweep(options.file)
    index, count = part(options.shard)
    mine = rows if count == 1 else shard(rows, index, count)
    state = State(options.state or OUTPUT / options.file.stem)
    with state.lock(f"shard-{index}-of-{count}"):
        say(f"{len(mine)} of {len(rows)} rows; state in {state.folder}")
        driver = Driver(Client(options.url), mine, state, say, patience=options.patience)
        try:
            tally = driver.run()
        finally:
            report = write_report(rows, state)
    say(
        f"{tally.done} done, {tally.skipped} done before, {tally.failed} failed, {tally.held_back} held back; "
        f"report: {report}"
    )
    return DONE if tally.is_complete else FAILED


def part(text: str) -> tuple[int, int]:
    """(k, n) of "k/n" with 1 <= k <= n."""
    index, _, count = text.partition("/")
    if index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count):
        return int(index), int(count)
    raise ValueError(f"--shard is {text!r}; expected K/N with K from 1 to N, such as 1/4")


if __name__ == "__main__":
    sys.exit(main())
