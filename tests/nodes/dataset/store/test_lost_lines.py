"""A manifest that was cut, by an editor or a disk: its later pictures are not made again as if they had never been."""

from __future__ import annotations

import pytest

from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import assert_whole, generate, open_set

COUNT = 50  # of each class


@pytest.fixture
def many(tmp_path):
    with open_set(tmp_path) as store:
        generate(store, count=COUNT)
    return store.root


def cut_in_a_line(content):
    return content[: len(content) // 10]


def cut_between_two(content):
    return content[: content.index(b"\n", len(content) // 10) + 1]


def cut_to_nothing(content):
    return b""


@pytest.mark.parametrize("cut", [cut_in_a_line, cut_between_two, cut_to_nothing, None])
def test_a_set_whose_manifest_was_cut_is_refused(many, cut):
    manifest, description = many / "metadata.jsonl", many / "dataset.json"
    whole = manifest.read_bytes()
    if cut is None:
        manifest.unlink()
    else:
        manifest.write_bytes(cut(whole))
    before = {path: path.read_bytes() for path in (manifest, description) if path.exists()}
    with pytest.raises(ValueError, match=r"pictures that no line of metadata\.jsonl names"), open_set(many.parent):
        pass
    assert {path: path.read_bytes() for path in before} == before
    manifest.write_bytes(whole)
    with open_set(many.parent) as store:
        assert generate(store, count=COUNT) == 0
    assert_whole(many, count=COUNT)


def test_verify_is_the_way_out(many):
    manifest = many / "metadata.jsonl"
    manifest.write_bytes(cut_in_a_line(manifest.read_bytes()))
    with open_for_writing(many) as store:
        stay = len(store)
        mark_findings(store, verify(store, duplicates=False))
    with open_set(many.parent) as store:
        assert generate(store, count=COUNT) == 2 * COUNT - stay
    assert_whole(many, count=COUNT)
    assert len(list((many.parent / "pets.rejects" / "unlisted").glob("*/*.png"))) == 2 * COUNT - stay


def test_what_a_crash_leaves_is_none(many):
    """One for each thread when a process is killed, some more when the power fails; here forty."""
    manifest = many / "metadata.jsonl"
    manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[:-40]))
    with open_set(many.parent) as store:
        assert len(store.unlisted()) == 40
        assert generate(store, count=COUNT) == 40
    assert_whole(many, count=COUNT)


def test_files_of_others_and_what_was_rejected_do_not_count(many):
    """Captions beside the pictures have other suffixes; rejected pictures a crash leaves in any number."""
    with open_set(many.parent) as store:
        rejections = [record for record in store.records() if record.label == "dog"]
        from hyponet.nodes.dataset.store.rejection_log import BY_HAND, Rejection

        store.log_rejections(Rejection(record, "by hand", BY_HAND) for record in rejections)
    for rank in range(1000, 1100):
        (many / "cat" / f"{rank:06d}.txt").write_text("a cat")
        (many / "cat" / f"cat {rank}.png").write_bytes(b"")
    assert len(DatasetStore.open(many)) == COUNT
    assert DatasetStore.open(many).unlisted() == []
    with open_set(many.parent) as store:
        assert generate(store, count=COUNT) == COUNT
