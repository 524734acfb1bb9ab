"""A manifest that was cut, by an editor or a disk: its later pictures are not made again as if they had never been."""

from __future__ import annotations

import json
import shutil

import pytest

from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.export.formats import export
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.dataset.store.writable_store import WritableStore
from hyponet.nodes.dataset.summary import summarize

from ..sample_sets import assert_whole, generate, make_set, open_set

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


def crashed(root):
    """A copy of the set as the power's failure leaves it: of 100 pictures the last 40 lack their lines."""
    with open_set(root.parent, "crash") as store:
        generate(store, count=30)
    with open_set(root.parent, "crash") as store:
        generate(store, count=COUNT)
        copy = shutil.copytree(store.root, root.parent / "copy" / "pets")
    lose_lines(copy, 40)
    return copy


def lose_lines(root, count):
    manifest = root / "metadata.jsonl"
    manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[:-count]))


def test_what_a_crash_leaves_is_made_again_with_a_word(many):
    """One for each thread when a process is killed, some more when the power fails; here forty."""
    root = crashed(many)
    with open_set(root.parent) as store:
        assert len(store.unlisted()) == 40
        assert "40 pictures lie in the class folders that no line of metadata.jsonl names" in store.found_text()
        assert generate(store, count=COUNT) == 40
        assert store.found_text().startswith("Files without a line in metadata.jsonl that lay in the way of new")
    assert_whole(root, count=COUNT)
    assert not (root.parent / "pets.rejects").exists(), "the same pictures were made, byte for byte"


def test_whoever_shows_a_set_says_what_a_crash_left(many):
    """The regression: a set of 60 opened without a word, and its 40 other pictures lay beside them."""
    root = crashed(many)
    says = "40 pictures lie in the class folders that no line of metadata.jsonl names (cat/000030.png, "
    store = DatasetStore.open(root)
    assert store.left_out().startswith(says)
    assert says in summarize(store).markdown()
    data = read_ours(root)
    assert (len(data), len(data.skipped), data.skipped[0]) == (60, 40, "cat/000030.png")


NOTED = "no line of metadata.jsonl names .* and 9[0-9] lines, though there were 100; expected none"


@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_short_cut_is_told_from_a_crash_by_what_the_description_says(many, count):
    """The regression: up to 64 pictures were made again; columns and checks that stood in their lines were lost."""
    manifest = many / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b"}\n", b', "note": "mine"}\n'))
    with open_set(many.parent):
        pass
    whole = manifest.read_bytes()
    lose_lines(many, count)
    store = DatasetStore.open(many)
    assert f"{count:,} pictures lie in the class folders that no line" in store.left_out()
    for use in (
        lambda: make_set(many.parent),
        lambda: read_ours(many),
        lambda: split(store, many.parent, "parts", Shares(0.5, 0.5, 0), 1),
    ):
        with pytest.raises(ValueError, match=NOTED):
            use()
    manifest.write_bytes(whole)
    with open_set(many.parent) as store:
        assert generate(store, count=COUNT) == 0
    assert manifest.read_bytes() == whole


def test_a_line_that_is_cut_in_a_closed_set_is_no_torn_one(many):
    """A crash leaves the beginning of a line too; here dataset.json says that the line was whole."""
    manifest = many / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    with pytest.raises(ValueError, match=NOTED):
        make_set(many.parent)


@pytest.mark.parametrize("marks", [{("cat", 1): Mark("by hand")}, {("cat", 1): Mark(check="passed")}])
def test_who_marks_items_of_a_cut_set_does_not_hide_that_it_was_cut(many, marks):
    lose_lines(many, 3)
    with open_for_writing(many) as store:
        mark(store, marks)
    with pytest.raises(ValueError, match=NOTED.replace("100", "(99|100)")):
        make_set(many.parent)
    assert len(mended(many)) == 3
    with open_set(many.parent) as store:
        generate(store, count=COUNT)
    assert_whole(many, count=COUNT)


def mended(root):
    """The pictures that Verify Dataset moved beside the set."""
    with open_for_writing(root) as store:
        found = verify(store, duplicates=False)
        mark_findings(store, found)
    return found.unlisted


def test_a_cut_part_of_a_split_keeps_what_was_marked_in_it(many):
    """Its pictures can be taken again from the source, what a check said of them cannot."""
    source = DatasetStore.open(many)
    root = split(source, many.parent, "some", Shares(1, 0, 0), 1)["train"].path
    with open_for_writing(root) as store:
        mark(store, {key: Mark(check="passed", probability=0.5, predicted=key[0]) for key in store.keys()})  # noqa: SIM118
    lose_lines(root, 3)
    with pytest.raises(ValueError, match=NOTED):
        split(source, many.parent, "some", Shares(1, 0, 0), 1)


def test_lines_that_are_gone_with_their_pictures_are_no_cut(many):
    """A person took both out."""
    lines = (many / "metadata.jsonl").read_text("utf-8").splitlines()[-3:]
    for line in lines:
        (many / json.loads(line)["file_name"]).unlink()
    lose_lines(many, 3)
    assert len(read_ours(many)) == 97
    with open_set(many.parent):
        pass
    assert DatasetStore.open(many).description.pictures == 97
    with open_set(many.parent) as store:
        assert generate(store, count=COUNT) == 3


@pytest.mark.parametrize("crash_at", ["rewriting", "closing"])
def test_a_crash_while_items_leave_is_not_taken_for_a_cut(many, crash_at):
    """What the description says is never more than what is in the manifest."""
    store = WritableStore.open(many)
    rejected = {("cat", 1): Mark("by hand"), ("dog", 4): Mark("by hand")}
    if crash_at == "rewriting":
        store._manifest.rewrite = lambda change: None
    mark(store, rejected)
    shutil.copytree(many, many.parent / "copy" / "pets")
    store.close()
    with open_set(many.parent / "copy") as store:
        generate(store, count=COUNT)
    assert_whole(many.parent / "copy" / "pets", count=COUNT)


def test_what_a_person_writes_into_the_description_during_a_run_stays(tmp_path):
    """The regression: what the run itself had to write into it replaced the whole file."""
    with open_set(tmp_path) as store:
        path = store.root / "dataset.json"
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "licence": "mit", "mine": 1}), "utf-8")
        generate(store, labels=("cat", "fox"))
        store.raise_revision()
    said = json.loads(path.read_text("utf-8"))
    assert (said["licence"], said["mine"], said["revision"], said["pictures"]) == ("mit", 1, 1, 8)
    assert [entry["label"] for entry in said["classes"]] == ["cat", "dog", "fox"]


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


def test_lines_that_a_killed_rejection_leaves_are_not_lost(many, monkeypatch):
    """Killed between its log and the manifest: what the log names is made again, and is no cut."""
    left = many.parent / "killed" / "pets"
    monkeypatch.setattr(WritableStore, "replace_records", lambda store, changes: shutil.copytree(store.root, left))
    with open_for_writing(many) as store:
        mark(store, {("cat", rank): Mark("blurred") for rank in range(3)}, attempts=9)
        shutil.copytree(many.parent / "pets.work", left.parent / "pets.work")
    monkeypatch.undo()
    shutil.copy(left / "cat" / "000010.png", left / "cat" / "000090.png")  # as a killed Generate leaves one
    with open_set(left.parent) as store:
        assert generate(store, count=COUNT) == 3
