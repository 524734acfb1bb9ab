"""What the driver of a farm costs, how well two servers share rows, and what a killed node costs.

    python benchmarks/farm.py --part pretended   1,000 pretended workers, 200 rows over 4 nodes, a sweep of 1,000 rows
    python benchmarks/farm.py --part servers     real ComfyUI servers on this machine, one thread each: two against one

Pretended servers (farm_servers.py) are processes of their own, so that the processor time is the driver's alone. Real
ones need HYPONET_COMFYUI and HYPONET_MODELS, as `python3 dev.py test` sets them.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

from pack import ROOT, load_pack

from headless.backends.urls import url_workers
from headless.console import Console
from headless.gather import write_report
from headless.schedule import Schedule
from headless.shards import sharded
from headless.state import DONE, RowState, State
from headless.sweep import Driver
from headless.sweep_file import SweepRow, read_sweep
from headless.workflow import graph_digest, read_workflow, with_overrides

GRAPH = {"1": {"class_type": "HypoNetGenerateDataset", "inputs": {}, "_meta": {"title": "Generate Dataset"}}}
WORKFLOW = ROOT / "workflows" / "api" / "hyponet_thesis_table_5_9_sd15_none.json"


class Silent(Console):
    """Lines cost what they cost, but are not shown."""

    def _write(self, text: str, event: str, facts: dict[str, object], is_trouble: bool) -> None:
        pass


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


def measure_thousand(folder: Path, workers: int, seconds: float, rows: int) -> None:
    """The driver's share of a core while so many workers run."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with pretended(seconds) as (url, _), url_workers([f"{url}/{number}" for number in range(workers)]) as farm:
        driver = Driver(farm, rows_of(rows), State(folder), Silent())
        begin, used = time.perf_counter(), time.process_time()
        samples: list[tuple[float, float]] = []
        done = threading.Event()

        def sample() -> None:
            while not done.wait(5.0):
                samples.append((time.perf_counter() - begin, time.process_time() - used))

        watcher = threading.Thread(target=sample)
        watcher.start()
        tally = driver.run()
        wall, busy = time.perf_counter() - begin, time.process_time() - used
        done.set()
        watcher.join()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ideal = rows * seconds / workers
    most = max((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(samples))
    print(
        f"{workers:,} workers, {rows:,} rows of {seconds:g} s: {tally.done:,} done in {wall:.0f} s "
        f"(at best {ideal:.0f}); driver {busy / wall:.2f} of a core, at most {most:.2f} in 5 s; {memory:.0f} MB"
    )


def measure_loss(folder: Path, rows: int, seconds: float) -> None:
    """One of four nodes killed half-way: what it takes longer, and what was handed out twice."""
    for killed in (False, True):
        state = State(folder / str(killed))
        with ExitStack() as stack:
            nodes = [stack.enter_context(pretended(seconds)) for _ in range(4)]
            farm = stack.enter_context(url_workers([f"{url}/0" for url, _ in nodes], lost_after=5.0))
            driver = Driver(farm, rows_of(rows), state, Silent())
            begin = time.perf_counter()
            if killed:
                timer = threading.Timer(rows * seconds / 8, nodes[0][1].kill)
                timer.start()
            tally = driver.run()
            wall = time.perf_counter() - begin
        left = [state.read(f"row{number}") for number in range(rows)]
        again = sum(len(row.abandoned) for row in left)
        ideal = rows * seconds / 4 if not killed else rows * seconds / 8 + (rows / 2 + again) * seconds / 3
        print(
            f"{rows} rows of {seconds:g} s over 4 nodes{', one killed half-way' if killed else ''}: {tally.done} done, "
            f"{sum(row.status == DONE for row in left)} states say so, {again} handed out again; {wall:.1f} s "
            f"(at best {ideal:.1f})"
        )


def measure_sweep(folder: Path, count: int) -> None:
    """Opening the state of a long sweep, and its report; peaks of memory for a tenth of it and for all."""
    shown = [{"kind": "fid", "name": "set", "run": "1", "figures": {f"figure {i}": i / 7 for i in range(50)}}]
    texts = [["Node", "x" * 2000]] * 4
    for size in (count // 10, count):
        state, rows = State(folder / str(size)), rows_of(size)
        for row in rows:
            state.write(row.name, RowState("key", DONE, results=shown, texts=texts))
        begin = time.perf_counter()
        Schedule(rows, state)
        opened = time.perf_counter() - begin
        peaks = []
        for work in (Schedule, write_report):
            tracemalloc.start()
            work(rows, state)
            peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
            tracemalloc.stop()
        print(
            f"{size:,} rows that are done: state opened in {opened:.2f} s, {peaks[0]:.1f} MB at most; "
            f"report {peaks[1]:.1f} MB at most"
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


def processor_seconds(pid: int) -> float:
    """Of a process and its threads, until now."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shards(name: str, per_class: int, count: int) -> list[SweepRow]:
    """Table 5-9 by the tiny model as shards, without the row that joins them."""
    values = {
        "Load Checkpoint.ckpt_name": "tiny_sd15.ckpt", "Dataset Plan.images_per_class": str(per_class),
        "Generate Dataset.name": name, "Generate Dataset.width": "128", "Generate Dataset.height": "128",
        "Generate Dataset.steps": "6",
    }  # fmt: skip
    graph = with_overrides(read_workflow(WORKFLOW), values)
    return sharded([SweepRow(name, name, 1.0, graph, graph_digest(graph))], count)[:-1]


def measure_servers(folder: Path, per_class: int) -> None:
    """Two real servers against one: processor seconds a picture, idle time, the driver's own."""
    load_pack()
    from tools.dev.server import scratch_server

    with ExitStack() as stack:
        servers = [stack.enter_context(scratch_server(folder / str(number), folder / "output")) for number in (1, 2)]
        urls = [server.client.url for server in servers]

        def drive(name: str, used_urls: Sequence[str], images: int, count: int) -> None:
            state = State(folder / name)
            pids = [server.process.pid for server in servers if server.process]
            before, own = sum(map(processor_seconds, pids)), time.process_time()
            begin = time.perf_counter()
            with url_workers(used_urls) as farm:
                rows = shards(name, images, count)
                tally = Driver(farm, rows, state, Silent()).run()
            wall, own = time.perf_counter() - begin, time.process_time() - own
            used = sum(map(processor_seconds, pids)) - before
            working = sum(state.read(row.name).seconds for row in rows)
            print(
                f"{name}: {len(used_urls)} servers, {tally.done} shards, {images * 5} pictures in {wall:.1f} s: "
                f"{1000 * used / (images * 5):.0f} ms of processor time a picture; servers idle "
                f"{100 * (1 - working / wall / len(used_urls)):.1f} % of the time; driver {100 * own / used:.2f} % of "
                "their processor time"
            )

        for url in urls:  # models loaded
            drive(f"warm{url[-1]}", [url], 2, 2)
        for turn in range(2):
            drive(f"one{turn}", urls[:1], per_class, 16)
            drive(f"two{turn}", urls, 2 * per_class, 32)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", choices=("pretended", "servers"), required=True)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=30.0, help="of a pretended row")
    parser.add_argument("--per-class", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.part == "servers":
            measure_servers(folder, options.per_class)
            return
        measure_sweep(folder / "sweep", 1000)
        measure_loss(folder / "loss", 200, 1.0)
        measure_thousand(folder / "thousand", options.workers, options.seconds, options.rows)


if __name__ == "__main__":
    main()
