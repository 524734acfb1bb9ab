"""Two real ComfyUI servers on this machine against one, for benchmarks/farm.py: tiny SD 1.5, one thread each."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pack import ROOT, load_pack

from headless.backends.urls import url_workers
from headless.console import Console
from headless.shards import sharded
from headless.state import State
from headless.sweep import Driver
from headless.sweep_file import SweepRow
from headless.workflow import graph_digest, read_workflow, with_overrides

WORKFLOW = ROOT / "workflows" / "api" / "hyponet_thesis_table_5_9_sd15_none.json"
CLASSES, FEW = 5, 2  # of that workflow; shards of a set that is cut into few


class Silent(Console):
    """Lines cost what they cost, but are not shown."""

    def _write(self, text: str, event: str, facts: dict[str, object], is_trouble: bool) -> None:
        pass


def verdict(value: float, most: float, bar: str) -> str:
    """The bar, and whether the value is at most that."""
    return f"{bar}: {'reached' if value <= most else 'NOT reached'}"


def memory(pid: int | str = "self", kind: str = "VmRSS") -> float:
    """Of a process now, or of the kind VmHWM at most so far; MB."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024


def processor_seconds(pid: int) -> float:
    """Of a process and its threads, user and system, until now."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Drive:
    """Sets made: seconds by the clock, of the servers' and the driver's processor; the share that the servers idle."""

    wall: float
    used: float
    own: float
    idle: float


def shards(name: str, per_class: int, count: int, drawing: Mapping[str, int]) -> list[SweepRow]:
    """Table 5-9 by the tiny model as shards, without the row that joins them."""
    values = {f"Generate Dataset.{widget}": str(value) for widget, value in drawing.items()}
    values |= {"Load Checkpoint.ckpt_name": "tiny_sd15.ckpt", "Generate Dataset.name": name}
    values["Dataset Plan.images_per_class"] = str(per_class)
    graph = with_overrides(read_workflow(WORKFLOW), values)
    return sharded([SweepRow(name, name, 1.0, graph, graph_digest(graph))], count)[:-1]


def drive(state: State, urls: Sequence[str], pids: Sequence[int], rows: list[SweepRow]) -> Drive:
    """Make the rows' sets on these servers, of which the processes are `pids`."""
    before, own = sum(map(processor_seconds, pids)), time.process_time()
    begin = time.perf_counter()
    with url_workers(urls) as farm:
        tally = Driver(farm, rows, state, Silent()).run()
    wall, own = time.perf_counter() - begin, time.process_time() - own
    assert tally.done == len(rows), tally
    working = sum(state.read(row.name).seconds for row in rows)
    return Drive(wall, sum(map(processor_seconds, pids)) - before, own, 1 - working / wall / len(urls))


def measure_servers(folder: Path, turns: int, count: int, per_class: int, drawing: Mapping[str, int]) -> None:
    """Rounds of one server, and of two with twice the pictures and shards; once the pictures of one in few shards."""
    load_pack()
    from tools.dev.server import scratch_server

    ones, twos = list[Drive](), list[Drive]()
    with ExitStack() as stack:
        servers = [stack.enter_context(scratch_server(folder / str(number), folder / "output")) for number in (1, 2)]
        urls = [server.client.url for server in servers]
        pids = [server.process.pid for server in servers if server.process]

        def run(name: str, who: Sequence[int], images: int, parts: int) -> Drive:
            rows = shards(name, images, parts, drawing)
            return drive(State(folder / name), [urls[i] for i in who], [pids[i] for i in who], rows)

        for server in (0, 1):  # models loaded
            run(f"warm{server}", [server], FEW, FEW)
        few = run("few", [0], per_class, FEW)
        for turn in range(turns):
            ones.append(run(f"one{turn}", [turn % 2], per_class, count))
            twos.append(run(f"two{turn}", (0, 1), 2 * per_class, 2 * count))
        peaks = [memory(pid, "VmHWM") for pid in pids]
    pictures = per_class * CLASSES
    ratio = median(two.used / 2 / one.used for one, two in zip(ones, twos, strict=True))
    idle, own = median(two.idle for two in twos), median(two.own / two.used for two in twos)
    shard = median((one.used - few.used) / (count - FEW) for one in ones)
    slower = median((one.wall - few.wall) / (count - FEW) for one in ones)
    speed = median(2 * one.wall / two.wall for one, two in zip(ones, twos, strict=True))
    print(f"{turns} rounds of {pictures} pictures a server in {count} shards, {dict(drawing)}; medians")
    print(
        f"one server {1000 * median(one.used for one in ones) / pictures:.0f} ms of processor time a picture; two "
        f"{ratio:.3f} times that ({verdict(ratio, 1.05, 'bar 1.05')}), and {speed:.2f} times the pictures a second"
    )
    print(f"both servers idle {100 * idle:.1f} % of the time ({verdict(idle, 0.05, 'bar 5 %')})")
    asking = 1000 * median(two.own / two.wall for two in twos)
    print(
        f"the driver takes {100 * own:.2f} % of their processor time ({verdict(own, 0.01, 'bar 1 %')}), {asking:.1f} "
        "ms a second by the clock: on a busy machine it asks as often, and they do less"
    )
    print(f"a shard more costs {shard:.2f} s of processor time, {slower:.2f} s by the clock")
    print(f"a worker takes {max(peaks):.0f} MB at most")
