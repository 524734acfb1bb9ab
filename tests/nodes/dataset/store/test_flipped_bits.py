"""Every single-bit flip of a manifest line: what is counted is what is read, and nothing is moved without a word."""

from __future__ import annotations

import pytest

from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.culling.verify import verify
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.dataset.store.writable_store import WritableStore

from ..sample_sets import generate, open_set, schedule


@pytest.mark.parametrize("number", [5, 8], ids=["in the middle", "the last"])
def test_every_flipped_bit_of_a_line(tmp_path, number):
    """A line is damaged, and then every writer refuses the set, or torn off at its end, or as good as before.

    What it says may be another thing then (a prompt of other letters), but never another item's picture.
    """
    with open_set(tmp_path) as store:
        generate(store)
    root = store.root
    manifest = root / "metadata.jsonl"
    content = manifest.read_bytes()
    lines = content.splitlines(keepends=True)
    start, line = sum(map(len, lines[: number - 1])), lines[number - 1]
    flips, damaged, intact = 0, 0, 0
    for bit in range(8 * len(line)):
        flipped = bytearray(content)
        flipped[start + bit // 8] ^= 1 << bit % 8
        manifest.write_bytes(flipped)
        flips += 1
        store = DatasetStore.open(root)
        keys = {record.key for record in store.records()}
        assert len(store) == len(keys) == len(store.keys()) == sum(store.counts().values()), bit
        assert keys <= set(schedule()), "an item that nobody planned"
        assert {(label, rank) for label, rank, _ in store.missing(schedule())} == set(schedule()) - keys, bit
        if store.damage():
            damaged += 1
            with pytest.raises(ValueError, match=f"line {number} "):
                read_ours(root)
            if bit % 61 == 0:  # each refusal keeps a copy
                with pytest.raises(ValueError, match=rf"metadata\.jsonl, line {number} "):
                    WritableStore.open(root)
            continue
        intact += 1
        assert len(keys) == 8, bit
        if bit % 7 == 0:  # the pictures are read for this
            found = verify(store, duplicates=False)
            assert found.missing == []
            assert found.unlisted == [], "would be moved beside the set"
    assert flips == 8 * len(line)
    assert damaged + intact == flips
    assert damaged > flips // 3
    assert {path.name for path in tmp_path.iterdir()} == {"pets", "pets.work", "pets.sheets"}
