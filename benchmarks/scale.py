"""Opening a set of a million lines and asking what is missing, from the manifest alone; memory while writing 10,000.

    python benchmarks/scale.py [--lines N]

The peer of the first is reading every line by json.loads; prints seconds, the ratio and memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
import tracemalloc
from contextlib import closing
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from pack import load_pack

load_pack()
from hyponet.evaluation.pictures.manifest import PickedOption, Record  # noqa: E402
from hyponet.nodes.dataset.store.description import SetSpec  # noqa: E402
from hyponet.nodes.dataset.store.writable_store import WritableStore  # noqa: E402
from hyponet.nodes.dataset.store.writer import BackgroundWriter  # noqa: E402
from hyponet.nodes.prompts.item import Item, Pick  # noqa: E402

LABELS = tuple(f"class {number}" for number in range(10))
PICKS = (Pick("view", "front view", "thesis/view.txt"), Pick("color", "red", "thesis/color.txt"))
PROMPT = "front view of a red domestic cat in a park, best quality, 8k, highly detailed, photo, natural light"


def open_set(base: Path, name: str) -> WritableStore:
    plan = {"classes": [{"name": label, "synset": ""} for label in LABELS]}
    return WritableStore.create_or_open(base, name, SetSpec(plan, {}))


def schedule(count: int) -> list[tuple[str, int]]:
    return [(LABELS[index % 10], index // 10) for index in range(count)]


def write_manifest(root: Path, count: int) -> None:
    """A manifest of `count` lines; no pictures: opening must not look for them."""
    picks = tuple(PickedOption(pick.slot, pick.option, pick.source) for pick in PICKS)
    with open(root / "metadata.jsonl", "w", encoding="utf-8") as file:
        for label, rank in schedule(count):
            record = Record(
                f"{label}/{rank:06d}.png", label, rank, 0, "ok", PROMPT, "blurry, low quality", picks, rank, 512, 512,
                "0123456789abcdef" * 4,
            )  # fmt: skip
            file.write(record.to_json() + "\n")


def compare_opening(base: Path, count: int, rounds: int) -> None:
    open_set(base, "large").close()
    write_manifest(base / "large", count)
    asked = schedule(count + 1000)
    ours, peer, used = [], [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        with open(base / "large" / "metadata.jsonl", "rb") as file:
            sum(1 for line in file if json.loads(line)["rank"] >= 0)
        peer.append(time.perf_counter() - begin)
        begin, busy = time.perf_counter(), time.process_time()
        store = open_set(base, "large")
        missing = sum(1 for _ in store.missing(asked))
        ours.append(time.perf_counter() - begin)
        used.append(time.process_time() - busy)
        store.close()
        assert missing == 1000
    tracemalloc.start()
    store = open_set(base, "large")
    current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    store.close()
    megabytes = (base / "large" / "metadata.jsonl").stat().st_size / 1e6
    ratio = statistics.median(theirs / mine for theirs, mine in zip(peer, ours, strict=True))
    seconds, busy = statistics.median(ours), statistics.median(used)
    print(f"{count:,} lines, {megabytes:.0f} MB: opened and asked in {seconds:.1f} s ({busy:.1f} s of one core)")
    print(
        f"{ratio:.1f} times as fast as json.loads of every line; {current / 1e6:.1f} MB kept, {peak / 1e6:.0f} MB peak"
    )


def measure_writing(base: Path) -> None:
    """Memory of this process after 100 and after 10,000 pictures of 128x128."""
    peaks = {}
    rng = np.random.default_rng(0)
    with closing(open_set(base, "many")) as store, BackgroundWriter(store) as writer:
        for number, (label, rank) in enumerate(schedule(10_000), 1):
            writer.put(Item(label, rank, 0, PROMPT, "", PICKS, rank), rng.integers(0, 256, (128, 128, 3), np.uint8))
            if number in (100, 10_000):
                peaks[number] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory held: {peaks[100]:.0f} MB at 100 pictures, {peaks[10_000]:.0f} MB at 10,000")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure_writing(Path(folder))
        compare_opening(Path(folder), options.lines, options.rounds)


if __name__ == "__main__":
    main()
