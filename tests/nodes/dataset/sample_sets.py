"""Small sets for the tests of the dataset room."""

from __future__ import annotations

import functools
import hashlib
from contextlib import AbstractContextManager

import numpy as np

from hyponet.nodes.dataset.open import create_or_open
from hyponet.nodes.dataset.store.description import SetSpec
from hyponet.nodes.dataset.store.provenance import Provenance
from hyponet.nodes.dataset.store.writable_store import WritableStore
from hyponet.nodes.prompts.item import Item, Pick

IDENTITY = {"steps": 2, "sampler": "euler"}


def item(label: str, rank: int, attempt: int = 0) -> Item:
    pick = Pick("color", ("red", "blue")[rank % 2], "color.txt")
    return Item(label, rank, attempt, f"a {pick.option} {label}", "blurry", (pick,), rank * 100 + attempt)


@functools.cache
def picture(label: str, rank: int, attempt: int = 0, side: int = 24) -> np.ndarray:
    """Pixels that depend on the item alone, like a sampler's: a coarse pattern, so that no two look alike."""
    seed = int.from_bytes(hashlib.sha256(f"{label} {rank} {attempt}".encode("utf-8", "replace")).digest()[:4], "little")
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    pixels = np.kron(coarse, np.ones((side // 6, side // 6, 1), np.uint8))
    pixels.flags.writeable = False
    return pixels


MAKING = Provenance(prompt={"1": {"class_type": "KSampler"}}, workflow={"nodes": []}, parameters={"Steps": 2})


def open_set(
    base, name="pets", labels=("cat", "dog"), identity=None, provenance=MAKING, **more
) -> AbstractContextManager[WritableStore]:
    """The set for writing, as a context."""
    plan = {"classes": [{"name": label, "synset": ""} for label in labels]}
    return create_or_open(base, name, SetSpec(plan, IDENTITY if identity is None else identity, provenance, **more))


def make_set(*arguments, **more) -> None:
    """Open a set for writing and close it."""
    with open_set(*arguments, **more):
        pass


def schedule(labels=("cat", "dog"), count=4):
    return [(label, rank) for rank in range(count) for label in labels]


def generate(store: WritableStore, labels=("cat", "dog"), count=4) -> int:
    """Make what is missing, as Generate does; how many were made."""
    made = list(store.missing(schedule(labels, count)))
    for label, rank, attempt in made:
        store.add(item(label, rank, attempt), picture(label, rank, attempt))
    return len(made)


def note_pictures(root, count) -> None:
    """Let dataset.json say what it says after a crash: how many there were when the set was closed before."""
    import json

    path = root / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "pictures": count}), "utf-8")


def assert_whole(root, labels=("cat", "dog"), count=4):
    """Every item once, every file readable and matching its line, nothing else in the class folders."""
    import json

    from PIL import Image

    lines = [json.loads(line) for line in (root / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert sorted((line["label"], line["rank"]) for line in lines) == sorted(schedule(labels, count))
    for line in lines:
        data = (root / line["file_name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == line["sha256"], line["file_name"]
        with Image.open(root / line["file_name"]) as image:
            pixels = np.asarray(image.convert("RGB"))
        expected = picture(line["label"], line["rank"], line["attempt"], pixels.shape[0])
        assert np.array_equal(pixels, expected), f"{line['file_name']} shows another item"
    on_disk = {path.relative_to(root).as_posix() for path in root.glob("*/*")}
    assert on_disk == {line["file_name"] for line in lines}
