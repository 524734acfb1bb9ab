"""How fast plans, wildcards and templates are, beside dynamicprompts 0.31.0 drawing the same prompts.

    python benchmarks/prompts.py [--items N] [--rounds N]

Prints medians of interleaved rounds: items a second of a balanced plan (with picks, negative and seed), without and
with rules between slots, over prompts a second of dynamicprompts, from files and inline; the time and the memory of a
million-line wildcard over splitlines(); and the memory that a run of items leaves behind.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from pack import ROOT, load_pack

load_pack()

from hyponet.nodes.prompts.item import ClassSpec  # noqa: E402
from hyponet.nodes.prompts.plan import Plan  # noqa: E402
from hyponet.nodes.prompts.wildcards.library import Library  # noqa: E402
from hyponet.nodes.prompts.wildcards.lines import read_lines, readable  # noqa: E402

LISTS = ("view", "color", "automobile", "location")
TEMPLATE = "__view__ of a __color__ (__automobile__:1.4) in __location__, best quality, 8k"


def per_second(work: Callable[[], object], count: int) -> float:
    """How often a second `work` does one of its `count` things."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def compare_items(items: int, rounds: int) -> None:
    """A balanced plan beside dynamicprompts, from the same files and inline."""
    from dynamicprompts.generators import RandomPromptGenerator
    from dynamicprompts.wildcards import WildcardManager

    logging.disable(logging.CRITICAL)
    folder = ROOT / "wildcards" / "thesis"
    lines = {name: (folder / f"{name}.txt").read_text("utf-8").split("\n")[:-1] for name in LISTS}
    inline = TEMPLATE
    for name, options in lines.items():
        inline = inline.replace(f"__{name}__", "{" + "|".join(options) + "}")
    plan = Plan([ClassSpec("automobile")], TEMPLATE, Library([folder]), seed=1)
    kind, places, view = lines["automobile"][0], lines["location"], lines["view"][-1]
    rules = f"{kind}: not {places[0]}, {places[1]}\nview={view}: only location={places[2]}"
    ruled = Plan([ClassSpec("automobile")], TEMPLATE, Library([folder]), seed=1, rules=rules)
    manager = WildcardManager(folder)
    speeds: dict[str, list[float]] = {"plan": [], "with rules": [], "from files": [], "inline": []}
    for number in range(rounds):
        first = number * items
        speeds["plan"].append(per_second(lambda rank=first: run(plan, rank, items), items))
        speeds["with rules"].append(per_second(lambda rank=first: run(ruled, rank, items), items))
        for name, template, count in (("from files", TEMPLATE, 400), ("inline", inline, 20_000)):
            generator = RandomPromptGenerator(manager, seed=number + 1)
            speeds[name].append(per_second(lambda g=generator, t=template, n=count: list(g.generate(t, n)), count))
    middle = {name: statistics.median(values) for name, values in speeds.items()}
    print(f"plan: {middle['plan']:.0f} items/s over {rounds} x {items} items")
    for name in ("from files", "inline"):
        ratios = [
            statistics.median(ours / theirs for ours, theirs in zip(speeds[plan], speeds[name], strict=True))
            for plan in ("plan", "with rules")
        ]
        print(
            f"dynamicprompts {name}: {middle[name]:.0f} prompts/s; "
            f"the plan is {ratios[0]:.1f} times as fast, with rules {ratios[1]:.1f} times"
        )


def run(plan: Plan, first: int, count: int) -> None:
    for rank in range(first, first + count):
        plan.item("automobile", rank)


def measure_memory(items: int) -> None:
    """What a run of items leaves in memory."""
    plan = Plan([ClassSpec("automobile")], TEMPLATE, Library([ROOT / "wildcards" / "thesis"]), seed=1)
    run(plan, 0, 10_000)
    tracemalloc.start()
    run(plan, 10_000, 10_000)
    early, _ = tracemalloc.get_traced_memory()
    run(plan, items - 10_000, 10_000)
    late, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"memory: {early} bytes kept at item 20000, {late} at item {items}; peak {peak} bytes")


def compare_lines(rounds: int) -> None:
    """A wildcard of a million lines beside splitlines()."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "million.txt")
        path.write_text("\n".join(f"option number {number}" for number in range(1_000_000)), "utf-8")
        ratios = []
        for _ in range(rounds):
            data = path.read_bytes()
            theirs = per_second(lambda d=data: d.decode().splitlines(), 1)
            ours = per_second(lambda d=data: read_lines(readable(d, "million.txt")[0]), 1)
            ratios.append(theirs / ours)
        tracemalloc.start()
        lines = read_lines(readable(path.read_bytes(), "million.txt")[0])
        size, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        share = path.stat().st_size
    print(
        f"{len(lines)} lines: {statistics.median(ratios):.2f} times the time of splitlines(); "
        f"{size / share:.2f} times the file's bytes kept, {peak / share:.2f} at the peak"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    compare_items(options.items, options.rounds)
    measure_memory(1_000_000)
    compare_lines(options.rounds)
