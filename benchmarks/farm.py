"""What the driver of a farm costs, how well two servers share rows, and what a killed node costs, each with its bar.

    python benchmarks/farm.py --part pretended   a sweep of 1,000 rows, 200 rows over 4 nodes, 1,000 workers: 4 minutes
    python benchmarks/farm.py --part servers     two real ComfyUI servers on this machine against one: 8 minutes

Real servers (farm_real.py) have one thread each, and need HYPONET_COMFYUI and HYPONET_MODELS, as `python3 dev.py test`
sets them. Pretended ones (farm_servers.py) are in a process of their own, so that the processor time is the driver's.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from farm_real import WORKFLOW, Silent, measure_servers, memory, verdict

from headless.backends.urls import url_workers
from headless.gather import write_report
from headless.schedule import Schedule
from headless.state import DONE, RowState, State
from headless.sweep import Driver
from headless.sweep_file import SweepRow, read_sweep

GRAPH = {"1": {"class_type": "HypoNetGenerateDataset", "inputs": {}, "_meta": {"title": "Generate Dataset"}}}
NODES = 4


@contextmanager
def pretended(seconds: float) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A process of pretended servers: its address, to which each server's number is added."""
    command = [sys.executable, str(Path(__file__).with_name("farm_servers.py")), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process
        finally:
            process.kill()


def rows_of(count: int) -> list[SweepRow]:
    """Rows that are all alike but for their names."""
    return [SweepRow(f"row{number}", f"row{number}", 1.0, GRAPH, "key") for number in range(count)]


def measure_sweep(folder: Path, count: int) -> None:
    """Opening the state of a long sweep, and its report; peaks of memory for a tenth of it and for all."""
    shown = [{"kind": "fid", "name": "set", "run": "1", "figures": {f"figure {i}": i / 7 for i in range(50)}}]
    texts = [["Node", "x" * 2000]] * 4
    peaks: list[list[float]] = []
    for size in (count // 10, count):
        state, rows = State(folder / str(size)), rows_of(size)
        for row in rows:
            state.write(row.name, RowState("key", DONE, results=shown, texts=texts))
        begin = time.perf_counter()
        Schedule(rows, state)
        opened = time.perf_counter() - begin
        peaks.append([])
        for work in (Schedule, write_report):
            tracemalloc.start()
            work(rows, state)
            peaks[-1].append(tracemalloc.get_traced_memory()[1] / 1e6)
            tracemalloc.stop()
    shown_mb = sum(path.stat().st_size for path in (folder / str(count) / "rows").iterdir()) / 1e6
    more = max(all_rows - tenth for tenth, all_rows in zip(*peaks, strict=True))
    print(
        f"{count:,} rows that are done and showed {shown_mb:.0f} MB: state opened in {opened:.2f} s "
        f"({verdict(opened, 1, 'bar 1 s')}); opening takes {peaks[1][0]:.1f} MB at most, the report {peaks[1][1]:.1f}, "
        f"{more:.1f} MB more than for a tenth of the rows ({verdict(more, shown_mb / 4, 'bar: a quarter of the MB')})"
    )
    lines = "".join(f"r{number},{WORKFLOW},{number}\n" for number in range(count))
    (folder / "long.csv").write_text(f"name,workflow,Dataset Plan.seed\n{lines}", "utf-8")
    begin = time.perf_counter()
    read_sweep(folder / "long.csv")
    seconds = time.perf_counter() - begin
    tracemalloc.start()
    kept = read_sweep(folder / "long.csv")
    held = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    print(f"a file of {len(kept):,} rows: read in {seconds:.2f} s, {held:.1f} MB kept")


def measure_loss(folder: Path, rows: int, seconds: float) -> None:
    """One of four nodes killed half-way: what it takes longer than was lost, and whether all rows are done once."""
    over = {}  # seconds more than the least that the nodes could do
    for is_killed in (False, True):
        state = State(folder / str(is_killed))
        half = rows * seconds / NODES / 2
        with ExitStack() as stack:
            nodes = [stack.enter_context(pretended(seconds)) for _ in range(NODES)]
            farm = stack.enter_context(url_workers([f"{url}/0" for url, _ in nodes], lost_after=5.0))
            driver = Driver(farm, rows_of(rows), state, Silent())
            begin = time.perf_counter()
            if is_killed:
                threading.Timer(half, nodes[0][1].kill).start()
            tally = driver.run()
            wall = time.perf_counter() - begin
        states = [state.read(f"row{number}") for number in range(rows)]
        done = sum(row.status == DONE for row in states)
        again = sum(len(row.abandoned) for row in states)
        best = half + half * (NODES / (NODES - 1) if is_killed else 1)
        over[is_killed] = wall - best
        print(
            f"{rows} rows of {seconds:g} s over {NODES} nodes{', one killed half-way' if is_killed else ''}: "
            f"{tally.done} done, {done} on disk, {again} handed out again; {wall:.1f} s (at best {best:.1f})"
        )
    lost = over[True] - over[False]
    print(
        f"the killed node cost {lost:.1f} s more than that three are slower than four "
        f"({verdict(lost, again * seconds, f'bar: {again * seconds:g} s, of the rows handed out again')}); "
        f"each row done once ({verdict(abs(done - rows) + abs(tally.done - rows), 0, 'bar: all')})"
    )


@dataclass(frozen=True)
class Load:
    """Of a driver: rows a second, cores in the mean and at most within 5 seconds, MB that it took."""

    rate: float
    cores: float
    most: float
    megabytes: float


def load_of(folder: Path, workers: int, seconds: float, rows: int) -> Load:
    """Drive so many rows through so many pretended workers."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    before = memory()
    with pretended(seconds) as (url, _), url_workers([f"{url}/{number}" for number in range(workers)]) as farm:
        driver = Driver(farm, rows_of(rows), State(folder), Silent())
        begin, used = time.perf_counter(), time.process_time()
        samples = [(0.0, 0.0, before)]
        is_over = threading.Event()

        def sample() -> None:
            while not is_over.wait(5.0):
                samples.append((time.perf_counter() - begin, time.process_time() - used, memory()))

        watcher = threading.Thread(target=sample)
        watcher.start()
        tally = driver.run()
        wall, busy = time.perf_counter() - begin, time.process_time() - used
        is_over.set()
        watcher.join()
    assert tally.done == rows, tally
    most = max((after[1] - start[1]) / (after[0] - start[0]) for start, after in pairwise(samples))
    return Load(rows / wall, busy / wall, most, max(megabytes for _, _, megabytes in samples) - before)


def measure_thousand(folder: Path, workers: int, seconds: float, rows: int) -> None:
    """The driver's share of a core while so many workers run; and how many rows a second it gives out at most."""
    load = load_of(folder / "usual", workers, seconds, rows)
    print(
        f"{workers:,} workers, {rows:,} rows of {seconds:g} s: {load.rate:.0f} rows a second; "
        f"driver {load.cores:.2f} of a core ({verdict(load.cores, 0.5, 'bar 0.5')}), at most {load.most:.2f} in 5 s; "
        f"{1000 * load.megabytes / workers:.0f} kB of its memory a worker"
    )
    short = load_of(folder / "short", workers, 0.5, rows)
    print(
        f"with rows of 0.5 s it saturates at {short.rate:.0f} rows a second, {short.cores:.2f} of a core and "
        f"{1000 * short.cores / short.rate:.1f} ms of processor time a row: {workers:,} workers stand idle where rows "
        f"take less than {workers / short.rate:.0f} s"
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", choices=("pretended", "servers"), required=True)
    add = parser.add_argument_group("pretended").add_argument
    add("--workers", type=int, default=1000)
    add("--rows", type=int, default=2000)
    add("--seconds", type=float, default=30.0, help="of a row")
    add("--lost-rows", type=int, default=200, help="over the nodes of which one is killed")
    add("--lost-seconds", type=float, default=0.8, help="of such a row")
    add = parser.add_argument_group("servers").add_argument
    add("--turns", type=int, default=3)
    add("--shards", type=int, default=8, help="of a server")
    add("--per-class", type=int, default=16, help="pictures of a server, of each of five classes")
    add("--side", type=int, default=64)
    add("--steps", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.part == "servers":
            drawing = {"width": options.side, "height": options.side, "steps": options.steps}
            measure_servers(folder, options.turns, options.shards, options.per_class, drawing)
            return
        measure_sweep(folder / "sweep", 1000)
        measure_loss(folder / "loss", options.lost_rows, options.lost_seconds)
        measure_thousand(folder / "thousand", options.workers, options.seconds, options.rows)


if __name__ == "__main__":
    main()
