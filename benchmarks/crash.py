"""kill -9 of the writing process at 50 random moments of one 200-image run, going on after each.

    python benchmarks/crash.py [--kills N] [--images N]

Ends well only if afterwards every index is there exactly once, every file is readable and matches its line, labels are
right and nothing outside the set was touched. Needs fork.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

from pack import load_pack

load_pack()
from hyponet.nodes.dataset.open import create_or_open  # noqa: E402
from hyponet.nodes.dataset.store.description import Copies, SetSpec  # noqa: E402
from hyponet.nodes.dataset.store.store import DatasetStore  # noqa: E402
from hyponet.nodes.dataset.store.writable_store import WritableStore  # noqa: E402
from hyponet.nodes.dataset.store.writer import BackgroundWriter  # noqa: E402
from hyponet.nodes.prompts.item import Item  # noqa: E402

LABELS = ("cat", "dog", "train", "\uace0\uc591\uc774")


def picture(label: str, rank: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(f"{label} {rank}".encode()).digest()[:4], "little")
    return np.random.default_rng(seed).integers(0, 256, (128, 128, 3), np.uint8)


def schedule(images: int) -> list[tuple[str, int]]:
    return [(LABELS[index % len(LABELS)], index // len(LABELS)) for index in range(images)]


def open_set(base: Path) -> AbstractContextManager[WritableStore]:
    plan = {"classes": [{"name": label, "synset": ""} for label in LABELS]}
    return create_or_open(base, "set", SetSpec(plan, {"steps": 2}, copies=Copies((32,))))


def write(base: Path, images: int, slow: float) -> None:
    """Make what is missing; `slow` seconds a picture stand for the sampler, so that the kills spread over the run."""
    with open_set(base) as store, BackgroundWriter(store, threads=2) as writer:
        for label, rank, attempt in list(store.missing(schedule(images))):
            writer.put(Item(label, rank, attempt, f"a {label}", "", (), rank), picture(label, rank))
            time.sleep(slow)


def killed(base: Path, images: int, slow: float, after: float) -> bool:
    """Whether the child was still at work when it was killed `after` seconds."""
    child = os.fork()
    if child == 0:
        try:
            write(base, images, slow)
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def check(base: Path, images: int) -> list[str]:
    """Everything that is wrong with the finished set."""
    root, wrong = base / "set", []
    lines = [json.loads(line) for line in (root / "metadata.jsonl").read_text("utf-8").splitlines()]
    if sorted((line["label"], line["rank"]) for line in lines) != sorted(schedule(images)):
        wrong.append("indexes are not exactly the schedule's")
    for line in lines:
        data = (root / line["file_name"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != line["sha256"]:
            wrong.append(f"{line['file_name']} does not match its line")
        if not np.array_equal(np.asarray(Image.open(root / line["file_name"])), picture(line["label"], line["rank"])):
            wrong.append(f"{line['file_name']} shows another item")
    if {path.relative_to(root).as_posix() for path in root.glob("*/*")} != {line["file_name"] for line in lines}:
        wrong.append("files that no line names")
    copies = (base / "set.32px" / "metadata.jsonl").read_text("utf-8").splitlines()
    if len(copies) != images:
        wrong.append(f"{len(copies)} small copies")
    if (base / "note.txt").read_text() != "untouched":
        wrong.append("something outside the set was touched")
    if {path.name for path in base.iterdir()} != {"set", "set.work", "set.sheets", "set.32px", "note.txt"}:
        wrong.append(f"strange files: {sorted(path.name for path in base.iterdir())}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    moments = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "note.txt").write_text("untouched")
        hit, counts = 0, []
        for _ in range(options.kills):
            hit += killed(base, options.images, 0.04, moments.uniform(0.0, 0.3))
            opened = (base / "set" / "dataset.json").exists()
            counts.append(len(DatasetStore.open(base / "set")) if opened else 0)
        print(f"{hit} of {options.kills} kills hit a process at work; pictures after each: {counts}")
        write(base, options.images, 0)
        wrong = check(base, options.images)
    print(
        "\n".join(wrong)
        or f"all {options.images} pictures there once, whole, matching their lines; nothing else touched"
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
