"""The disk fails at every open, read, listing, rename and sync in the life of a set of 40 pictures, with ten errors.

    python benchmarks/disk_errors.py [--state FILE] [--places]

A case is one failing call with one error: what lies there before a phase (writing half of the set, resuming, rejecting,
verifying) is copied, the phase runs with that failure, what is left is checked, then the phase runs again and the rest
is made. Ends well only if in every case no picture is gone or replaced, no line is damaged, the message names the file
or its folder, and the set is whole in the end. First each place in the code with each error, then all other calls;
`--places` ends after the former. With `--state` it goes on where it was stopped. Needs fork.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from pack import ROOT, load_pack

load_pack()
from hyponet.tests.nodes.dataset import failing_disk  # noqa: E402

SAID, QUIET, WRONG = "said", "quiet", "WRONG"  # how a case ends: with a message, without one, not as it should


class Case(NamedTuple):
    """One failing call: the number of the phase and of the call in it, and the error."""

    phase: int
    call: int
    error: int


def all_cases(places: list[list[tuple[str, ...]]]) -> tuple[list[Case], int]:
    """Every case, the first call of each place in front; how many those in front are."""
    first, others = [], []
    for phase, calls in enumerate(places):
        seen = set()
        for call, place in enumerate(calls):
            cases = [Case(phase, call, error) for error in failing_disk.ERRORS]
            (others if place in seen else first).extend(cases)
            seen.add(place)
    return first + others, len(first)


def run(cases: list[Case], stages: list[Path], base: Path) -> dict[Case, tuple[str, str]]:
    """How the cases end, in a process of their own: what it opens and remembers is gone with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with open(writing, "w", encoding="utf-8") as file:
            for case in cases:
                json.dump(end_of(case, stages, base), file)
                file.write("\n")
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        ends = [json.loads(line) for line in file]
    os.waitpid(child, 0)
    ends += [[WRONG, "the process ended"]] * (len(cases) - len(ends))
    return {case: (ending, text) for case, (ending, text) in zip(cases, ends, strict=True)}


def end_of(case: Case, stages: list[Path], base: Path) -> tuple[str, str]:
    """How one case ends, and the message or what went wrong."""
    shutil.rmtree(base, ignore_errors=True)  # of one that went wrong
    phase = failing_disk.PHASES[case.phase]
    try:
        message = failing_disk.fail_once(phase, stages[case.phase], base, case.call, case.error)
    except BaseException:  # noqa: BLE001 - reported by the parent
        return WRONG, traceback.format_exc()
    return (SAID if message else QUIET), message


def read_state(path: Path, key: str) -> dict[Case, str]:
    """The cases that an earlier run of the same calls ended, and how."""
    if not path.exists():
        return {}
    head, *lines = path.read_text("ascii").splitlines()
    if head != key:
        raise SystemExit(f"{path} is of other calls, since the code changed; give another file to --state")
    fields = [line.split() for line in lines]
    return {Case(*map(int, numbers)): ending for *numbers, ending in fields if len(numbers) == len(Case._fields)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--state", type=Path)
    parser.add_argument("--places", action="store_true")
    options = parser.parse_args()
    os.cpu_count = lambda: 1  # threads would mix the order of the calls
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        stages = list(failing_disk.make_stages(Path(folder)).values())
        base = Path(folder) / "base"
        calls = []
        for phase, stage in zip(failing_disk.PHASES, stages, strict=True):
            calls.append(failing_disk.places_of(phase, stage, base))
            failing_disk.go_on(phase, base, failing_disk.pictures(base))  # what it compares is known to the children
            shutil.rmtree(base)
        cases, in_front = all_cases(calls)
        key = hashlib.sha256(repr(calls).replace(str(ROOT), "").encode()).hexdigest()
        ended = read_state(options.state, key) if options.state else {}
        print(f"{len(cases):,} cases, {in_front:,} of them first calls of a place; {len(ended):,} ended earlier")
        if options.state and not ended:
            options.state.write_text(f"{key}\n", "ascii")
        todo = [case for case in (cases[:in_front] if options.places else cases) if case not in ended]
        started, ran = time.monotonic(), 0
        for _, same_call in itertools.groupby(todo, key=lambda case: case[:2]):
            ends = run(list(same_call), stages, base)
            for case, (ending, text) in ends.items():
                if ending == WRONG:
                    print(case, text, sep="\n", flush=True)
                ended[case] = ending
            if options.state:
                with options.state.open("a", encoding="ascii") as file:
                    file.writelines(f"{case.phase} {case.call} {case.error} {ended[case]}\n" for case in ends)
            ran += len(ends)
            if ran % 500 < len(ends):
                print(f"{len(ended):,} ended, {ran / (time.monotonic() - started):.1f} a second", flush=True)
    counts = {ending: list(ended.values()).count(ending) for ending in (SAID, QUIET, WRONG)}
    print(f"{len(ended):,} of {len(cases):,} cases ended: {counts}")
    sys.exit(bool(counts[WRONG]))


if __name__ == "__main__":
    main()
