"""A manifest that was cut, by an editor or a disk: its later pictures are not made again as if they had never been."""

from __future__ import annotations

import pytest

from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.export.formats import export
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.dataset.summary import summarize

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


def lose_forty_lines(root):
    manifest = root / "metadata.jsonl"
    manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[:-40]))


def test_what_a_crash_leaves_is_made_again_with_a_word(many):
    """One for each thread when a process is killed, some more when the power fails; here forty."""
    lose_forty_lines(many)
    with open_set(many.parent) as store:
        assert len(store.unlisted()) == 40
        assert "40 pictures lie in the class folders that no line of metadata.jsonl names" in store.found_text()
        assert generate(store, count=COUNT) == 40
        assert store.found_text().startswith("Files without a line in metadata.jsonl that lay in the way of new")
    assert_whole(many, count=COUNT)
    assert not (many.parent / "pets.rejects").exists(), "the same pictures were made, byte for byte"


def test_whoever_shows_a_set_says_what_a_crash_or_a_short_cut_left(many):
    """The regression: a set of 60 opened without a word, and its 40 other pictures lay beside them."""
    lose_forty_lines(many)
    says = "40 pictures lie in the class folders that no line of metadata.jsonl names (cat/000030.png, "
    store = DatasetStore.open(many)
    assert store.left_out().startswith(says)
    assert says in summarize(store).markdown()
    data = read_ours(many)
    assert (len(data), len(data.skipped), data.skipped[0]) == (60, 40, "cat/000030.png")


def test_no_other_set_is_made_of_one_whose_manifest_was_cut(many):
    manifest = many / "metadata.jsonl"
    manifest.write_bytes(cut_between_two(manifest.read_bytes()))
    store = DatasetStore.open(many)
    options = {"shard_size": 9, "include_fallbacks": False, "progress": lambda done, total: None}
    for make in (
        lambda: read_ours(many),
        lambda: split(store, many.parent, "parts", Shares(0.5, 0.5, 0), 1),
        lambda: export(store, many.parent / "exports", "pets", "CSV table", **options),
    ):
        with pytest.raises(ValueError, match=r"pictures that no line of metadata\.jsonl names"):
            make()


def test_files_of_others_and_what_was_rejected_do_not_count(many):
    """Captions beside the pictures have other suffixes; rejected pictures a crash leaves in any number."""
    with open_set(many.parent) as store:
        rejections = [record for record in store.records() if record.label == "dog"]
        from hyponet.nodes.dataset.store.rejection_log import BY_HAND, Rejection

        store.log_rejections(Rejection(record, "by hand", BY_HAND) for record in rejections)
    for rank in range(1000, 1100):
        (many / "cat" / f"{rank:06d}.txt").write_text("a cat")
        (many / "cat" / f"cat {rank}.png").write_bytes(b"")
        (many / "cat" / f"{1_700_000_000_000 + rank}.png").write_bytes(b"")  # a phone's photos
        (many / "cat" / f"{rank:07d}.png").write_bytes(b"")
    assert len(DatasetStore.open(many)) == COUNT
    assert DatasetStore.open(many).unlisted() == []
    with open_set(many.parent) as store:
        assert generate(store, count=COUNT) == COUNT
