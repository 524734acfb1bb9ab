"""Run workflow files on any ComfyUI.

    python3 -m headless run WORKFLOW.json [--url URL] [--set node.widget=value ...] [--save DIR]
    python3 -m headless sweep FILE.csv [--url URL ...] [--shard K/N] [--state DIR]
    python3 -m headless farm WORKFLOW.json or FILE.csv [--url URL ... | --ray | --slurm] [--shards N] [--state DIR]
    python3 -m headless fetch SET --store URL [--into DIR]
    python3 -m headless evaluate SET [--against SET] [--metrics fid,kid,prdc,is,diversity]
    python3 -m headless merge SET SET ... --into SET

Exit codes: 0 all that was asked for is done; 1 a run failed, or did only a part; 2 a file, an override or an argument
is wrong, or the disk here refuses; 3 no server; 130 stopped by Ctrl-C, Ctrl-Break or kill, which withdraw what is
queued; but jobs of SLURM go on after a kill. Results go to stdout; progress of `run`, and what went wrong, to stderr.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from evaluation.progress import duration

from .backends.choice import USUAL_URL, add_worker_options, open_workers
from .backends.core import Terminated
from .client import Client, NoAnswer, Rejected, RunFailed, checked_url
from .console import Console
from .disk import file_name, naming, output_path
from .gather import write_report
from .local import add_local_commands, command_evaluate, command_merge
from .run import Outcome, outcome, run_workflow
from .save import save_files
from .shards import cut, farm_rows
from .state import State
from .store import Store
from .sweep import PROGRESS_INTERVAL, Driver, ServerGone
from .sweep_file import SweepRow, read_sweep, shard
from .tally import failure_lines, failures
from .watch import Watch
from .workflow import parse_setting, read_workflow, with_overrides

CLONE = "python3 -m headless"  # how a clone calls it
DONE, FAILED, WRONG, NO_SERVER, STOPPED = 0, 1, 2, 3, 130
OUTPUT = Path(__file__).resolve().parent.parent / "output" / "sweeps"


def say(text: str) -> None:
    """A line of results."""
    print(text, flush=True)


def warn(text: str) -> None:
    """A line on what went wrong, or on how it goes while results are still to come."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None, command: str = CLONE) -> int:
    """Do what the command line says; the exit code.

    Args:
        command: under which the program was called, for its help.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console of few letters, such as cp949, must not end a run
    options = parser(command).parse_args(arguments)
    try:
        commands = {
            "run": command_run,
            "sweep": command_sweep,
            "farm": command_farm,
            "fetch": command_fetch,
            "evaluate": command_evaluate,
            "merge": command_merge,
        }
        return commands[options.command](options)
    except (Rejected, RunFailed, TimeoutError) as error:
        warn(f"the run failed: {error}")
        return FAILED
    except (ValueError, BlockingIOError) as error:
        warn(str(error))
        return WRONG
    except ServerGone as error:
        warn(f"{error}; run the same command again to resume")
        return NO_SERVER
    except NoAnswer as error:
        warn(f"no ComfyUI at {options.url}: {error}; start one, or give another address with --url")
        return NO_SERVER
    except OSError as error:
        reason = error.strerror or str(error)
        warn(f"{error.filename} cannot be read or written here: {reason}" if error.filename else reason)
        return WRONG
    except KeyboardInterrupt as stop:
        left = isinstance(stop, Terminated) and getattr(options, "slurm", None) is not None
        what = "its jobs go on" if left else "and withdrawn if the server answers"
        warn(f"stopped, {what}; run the same command again to resume")
        return STOPPED


def parser(command: str = CLONE) -> argparse.ArgumentParser:
    """The commands and their options, under the name by which the program was called."""
    top = argparse.ArgumentParser(
        prog=command,
        description=(__doc__ or "").replace(CLONE, command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run one workflow")
    run.add_argument("workflow", type=Path, help="a workflow file, in API form or with its API form beside it")
    run.add_argument("--set", action="append", default=[], metavar="NODE.WIDGET=VALUE", help="node by title or id")
    run.add_argument("--save", type=output_path, metavar="DIR", help="fetch the pictures that the run shows into DIR")
    run.add_argument("--json", type=output_path, metavar="FILE", help="write what the nodes show to FILE")
    sweep = commands.add_parser("sweep", help="run every row of a CSV or YAML file that is not done yet")
    sweep.add_argument("file", type=Path)
    sweep.add_argument("--shard", default="1/1", metavar="K/N", help="only part K of N, whole groups")
    farm = commands.add_parser("farm", help="cut each set into shards, make them on many servers, join and verify them")
    farm.add_argument("file", type=Path, help="a workflow, or a sweep file; each row that makes a set is cut")
    farm.add_argument("--set", action="append", default=[], metavar="NODE.WIDGET=VALUE", help="of a workflow")
    farm.add_argument(
        "--shards", default="auto", metavar="N", help="of each set; default: 4 a server, 1 a job of SLURM"
    )
    fetch = commands.add_parser("fetch", help="fetch a set that a farm delivered to a store")
    fetch.add_argument("name", metavar="SET")
    fetch.add_argument("--store", required=True, metavar="URL")
    fetch.add_argument("--into", type=output_path, default=Path(), metavar="DIR", help="default: the folder you are in")
    add_local_commands(commands)
    run.add_argument("--url", default=USUAL_URL, help="default: %(default)s")
    for driver in (sweep, farm):
        driver.add_argument("--state", type=output_path, metavar="DIR", help="default: output/sweeps/<the file's name>")
        add_worker_options(driver)
    for waiting, patience in ((run, 60), (sweep, 600), (farm, 600)):
        waiting.add_argument(
            "--patience",
            type=float,
            default=patience,
            metavar="SECONDS",
            help="wait this long when no server answers; default: %(default)s",
        )
    return top


def command_run(options: argparse.Namespace) -> int:
    """Run one workflow; what it shows is printed and saved also when it failed."""
    options.url = checked_url(options.url)
    graph = with_overrides(read_workflow(options.workflow), dict(parse_setting(text) for text in options.set))
    if options.save:  # before a run of days, not after it
        options.save.mkdir(parents=True, exist_ok=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        with open(options.json, "ab"):
            pass
    start = last_line = time.monotonic()
    watch = Watch(options.url, Client(options.url).client_id)

    def tick(prompt_id: str) -> None:
        nonlocal last_line
        watch.poll()
        if time.monotonic() - last_line >= PROGRESS_INTERVAL:
            last_line = time.monotonic()
            warn(f"  {watch.line(prompt_id, graph) or 'running'} ({duration(time.monotonic() - start)} so far)")

    try:
        result = run_workflow(options.url, graph, patience=options.patience, tick=tick)
    except RunFailed as error:
        if error.entry is not None:
            show(outcome(graph, error.entry), options)
        raise
    finally:
        watch.close()
    show(result, options)
    say(f"done in {duration(time.monotonic() - start)}")
    return DONE


def show(result: Outcome, options: argparse.Namespace) -> None:
    """Print and save what a run showed."""
    for title, text in result.texts:
        say(f"--- {title}\n{text}")
    for file in result.files:
        say(f"{file.get('type', 'output')}: {'/'.join(filter(None, (file.get('subfolder', ''), file['filename'])))}")
    if options.json:
        with naming(options.json):
            options.json.write_text(json.dumps(result.outputs, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if options.save:
        for path, instead_of in save_files(Client(options.url), result.files, options.save):
            if instead_of is not None:
                warn(f"{instead_of} was there already with other content; saved as {path}")


def command_sweep(options: argparse.Namespace) -> int:
    """Run every row that is not done and write the report, also of a sweep that breaks off; returns the exit code."""
    rows = read_sweep(options.file)
    index, count = part(options.shard)
    mine = rows if count == 1 else shard(rows, index, count)
    state, console = State(options.state or OUTPUT / file_name(options.file.stem)), Console(options.json)
    with state.lock(index, count), open_workers(options, state.folder) as workers:
        console.say(f"{len(mine)} of {len(rows)} rows; state in {state.folder}", "start", rows=len(mine))
        return drive(Driver(workers, mine, state, console, patience=options.patience), rows)


def command_farm(options: argparse.Namespace) -> int:
    """Make every set in shards, join them, and write the report; returns the exit code."""
    rows = farm_rows(options.file, dict(parse_setting(text) for text in options.set))
    state, console = State(options.state or OUTPUT / file_name(options.file.stem)), Console(options.json)
    with state.lock(1, 1), open_workers(options, state.folder) as workers:
        count, rows = cut(options.shards, state, rows, workers)
        places = sum(worker.places for worker in workers)
        console.say(
            f"{len(rows)} rows, each set in {count} shards, on {places} servers; state in {state.folder}",
            "start", rows=len(rows), shards=count, workers=[worker.name for worker in workers],
        )  # fmt: skip
        return drive(Driver(workers, rows, state, console, patience=options.patience), rows)


def command_fetch(options: argparse.Namespace) -> int:
    """Fetch a set; returns the exit code."""
    count = Store(options.store).get(options.name, options.into / options.name)
    say(f"{options.into / options.name}: the set, out of {count} deliveries of the same pictures")
    return DONE


def drive(driver: Driver, rows: list[SweepRow]) -> int:
    """Drive to the end, write the report over `rows` whatever happens, and say how it ended; the exit code."""
    try:
        tally = driver.run()
    finally:
        report = write_report(rows, driver.state)
    failed = failures(driver.schedule.runs)
    lines = [
        *failure_lines(failed),
        f"{tally.done} done, {tally.skipped} done before, {tally.failed} failed, {tally.held_back} held back; "
        f"report: {report}",
    ]
    driver.console.say("\n".join(lines), "end", **asdict(tally), failures=failed, report=str(report))
    return DONE if tally.is_complete else FAILED


def part(text: str) -> tuple[int, int]:
    """(k, n) of "k/n" with 1 <= k <= n."""
    index, _, count = text.partition("/")
    if index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count):
        return int(index), int(count)
    raise ValueError(f"--shard is {text!r}; expected K/N with K from 1 to N, such as 1/4")


def stop_as_ctrl_c_does() -> None:
    """Let what else ends a program (kill, a service manager, Ctrl-Break) withdraw what is queued, as Ctrl-C does.

    But kill is told from the others: jobs of SLURM outlive it. A signal that whoever started this program has switched
    off stays off.
    """
    for name, handler in (("SIGTERM", _terminate), ("SIGBREAK", signal.default_int_handler)):  # the second: Windows
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, handler)


def _terminate(number: int, frame: object) -> None:
    raise Terminated


if __name__ == "__main__":
    stop_as_ctrl_c_does()
    sys.exit(main())
