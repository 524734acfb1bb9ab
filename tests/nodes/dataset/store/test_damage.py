"""Damaged lines: readers leave them out, every writer refuses them, and Verify Dataset mends them when asked to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.culling.items import reject_by_hand
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.merge import merge
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import assert_whole, generate, make_set, note_pictures, open_set, schedule


def contents(base: Path) -> dict[Path, bytes]:
    """All that is below `base` but the work folders."""
    files = (path for path in base.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if not path.relative_to(base).parts[0].endswith(".work")}


def change_lines(root: Path, change) -> None:
    """Replace each manifest line, a dictionary, by `change(number from 1, line)`."""
    manifest = root / "metadata.jsonl"
    lines = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
    manifest.write_text("".join(json.dumps(change(*entry)) + "\n" for entry in enumerate(lines, 1)), "utf-8")


def without_check(number, line):
    """Three of the eight lines lack a column, as after an edit by hand."""
    return {name: value for name, value in line.items() if name != "check" or number not in (2, 4, 6)}


def mended(root: Path) -> int:
    """Verify Dataset with mend_lines on; how many pictures the set has then."""
    with open_for_writing(root, mend=True) as store:
        found = verify(store, duplicates=False)
        assert found.damaged_lines
        mark_findings(store, found)
        return len(store)


def test_readers_count_what_they_read(pets):
    change_lines(pets, without_check)
    store = DatasetStore.open(pets)
    readable = {record.key for record in store.records()}
    assert len(store) == len(readable) == len(store.keys()) == sum(store.counts().values()) == 5
    assert {(label, rank) for label, rank, _ in store.missing(schedule())} == set(schedule()) - readable
    assert [line[:2] for line in store.damage()] == [("metadata.jsonl", number) for number in (2, 4, 6)]
    assert verify(store, duplicates=False).damaged_lines == store.damage()


def extend(root):
    make_set(root.parent, root.name, labels=("cat", "dog", "fox"))


def reject(root):
    with open_for_writing(root) as store:
        reject_by_hand(store, "cat: 0", 1, 5)


def merge_into(root):
    make_set(root.parent, "first")
    make_set(root.parent, "second")
    with merge([DatasetStore.open(root.parent / name) for name in ("first", "second")], root.parent, root.name):
        pass


def merge_from(root):
    make_set(root.parent, "other")
    with merge([DatasetStore.open(root), DatasetStore.open(root.parent / "other")], root.parent, "merged"):
        pass


def split_from(root):
    split(DatasetStore.open(root), root.parent, "part", Shares(1, 0, 0), 0)


@pytest.mark.parametrize("write", [extend, reject, merge_into, merge_from, split_from])
def test_every_writer_refuses_damaged_lines_and_changes_nothing(pets, write):
    """Also what would write a shorter set elsewhere: Split deletes from its parts what the source lacks."""
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b'"rank": 2', b'"rank": x'))
    before = contents(pets)
    with pytest.raises(ValueError, match=r"'pets' .*\(metadata\.jsonl, line 5 is no JSON .*; metadata\.jsonl, line 6 "):
        write(pets)
    assert contents(pets) == before
    assert not (pets.parent / "merged").exists()
    assert not (pets.parent / "part-train").exists()


def test_a_refused_file_is_kept_aside_once(pets):
    change_lines(pets, without_check)
    for _ in range(2):
        with pytest.raises(ValueError, match="mend_lines") as refused:
            make_set(pets.parent)
    (copy,) = (pets.parent / "pets.work").glob("damaged-*")
    assert copy.read_bytes() == (pets / "metadata.jsonl").read_bytes()
    assert str(copy) in str(refused.value)


def test_mending_raises_the_revision_by_itself(pets):
    """The regression: with nothing rejected Generate Dataset stayed cached, and never made what was lost."""
    change_lines(pets, without_check)
    with open_for_writing(pets, mend=True):
        pass
    assert DatasetStore.open(pets).description.revision == 1


def test_what_is_mended_is_made_again(pets):
    change_lines(pets, without_check)
    damaged = (pets / "metadata.jsonl").read_bytes()
    assert mended(pets) == 5
    (copy,) = (pets.parent / "pets.work").glob("damaged-*")
    assert copy.read_bytes() == damaged
    with open_set(pets.parent) as store:
        assert generate(store) == 3
    assert_whole(pets)


def as_one_array(text):
    return f"[{','.join(text.splitlines())}]".encode()


def with_old_mac_line_ends(text):
    return text.replace("\n", "\r").encode()


def pretty_printed(text):
    return "\n".join(json.dumps(json.loads(line), indent=2) for line in text.splitlines()).encode()


def as_a_pretty_array(text):
    return json.dumps({"rows": [json.loads(line) for line in text.splitlines()]}, indent=2).encode()


def in_utf_16(text):
    return text.encode("utf-16")


@pytest.mark.parametrize("save", [as_one_array, with_old_mac_line_ends, pretty_printed, as_a_pretty_array, in_utf_16])
def test_a_manifest_saved_in_another_form_is_refused_and_mended_whole(pets, save):
    """What an editor makes of it: no line can be used, and every record can still be read."""
    with open_for_writing(pets) as store:
        checked = {key: Mark(check="passed", probability=0.5, predicted=key[0]) for key in schedule()}
        mark(store, checked)
    manifest = pets / "metadata.jsonl"
    records = list(DatasetStore.open(pets).records())
    damaged = save(manifest.read_text("utf-8"))
    manifest.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"metadata\.jsonl, line 1"):
        make_set(pets.parent)
    assert manifest.read_bytes() == damaged
    assert mended(pets) == 8
    assert list(DatasetStore.open(pets).records()) == records
    assert_whole(pets)


def test_a_line_cut_in_the_middle_takes_the_next_one_with_it(pets):
    manifest = pets / "metadata.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:100]
    manifest.write_bytes(b"".join(lines))
    assert [line.number for line in DatasetStore.open(pets).damage()] == [3]
    assert len(DatasetStore.open(pets)) == 6
    assert mended(pets) == 7, "the line that stuck to what was cut is whole"


def test_what_is_no_utf_8_is_not_guessed(pets):
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b"a blue dog", b"a bl\xfce dog", 1))
    assert mended(pets) == 7


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((b'"status": "ok"', b'"status": "odd"'), "has the status 'odd'"),
        ((b'"rank": 3', b'"rank": ' + b"1" * 5000), "is no JSON"),
        ((b'"negative": "', b'"negative": '), "is no JSON"),
    ],
    ids=["a status of nobody", "a number too long for Python", "broken off before its end"],
)
def test_a_damaged_last_line_without_its_line_break_is_no_torn_one(pets, change, says):
    """The regression: it counted as torn by a crash and was cut off without a copy."""
    manifest = pets / "metadata.jsonl"
    lines = manifest.read_bytes().splitlines()
    lines[-1] = lines[-1].replace(*change)
    manifest.write_bytes(b"\n".join(lines))
    (line,) = DatasetStore.open(pets).damage()
    assert line.number == 8
    assert says in line.reason
    with pytest.raises(ValueError, match=r"line 8 .*run Verify Dataset"):
        read_ours(pets)
    with pytest.raises(ValueError, match="line 8 "):
        make_set(pets.parent)


@pytest.mark.parametrize("zeros", [1, 4096])
@pytest.mark.parametrize("cut", [1, 2, 20, 150, 250, 380])
def test_the_beginning_of_a_line_is_torn_wherever_it_ends(pets, cut, zeros):
    """With zeros behind it too: ext4 may leave them where the power failed before the bytes were there."""
    manifest = pets / "metadata.jsonl"
    written = manifest.read_bytes()
    start = written[:-1].rindex(b"\n") + 1
    manifest.write_bytes(written[: start + cut] + b"\0" * zeros)
    note_pictures(pets, 0)
    assert DatasetStore.open(pets).damage() == []
    with open_set(pets.parent) as store:
        assert generate(store) == 1
    assert_whole(pets)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"label": "cat", "rank": 1', b'"label": "cau", "rank": 1', "has the label 'cau', which dataset.json"),
        (b'"label": "cat", "rank": 1', b'"label": "dog", "rank": 1', "has the file_name 'cat/000001.png'; expected "),
        (b'"label": "cat", "rank": 1', b'"label": "cat", "rank": 2', "has the file_name 'cat/000001.png'; expected "),
        (b"cat/000001.png", b"cat/000000.png", "has the file_name 'cat/000000.png'; expected 'cat/000001.' and"),
        (b"cat/000001.png", b"dog/000001.png", "has the file_name 'dog/000001.png'; expected 'cat/000001.' and"),
    ],
)
def test_a_line_for_another_class_or_another_items_picture_is_damaged(pets, old, new, says):
    """The regressions: an unknown label counted and was not listed, and rejecting one item took another's picture."""
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(old, new, 1))
    store = DatasetStore.open(pets)
    (line,) = store.damage()
    assert line.reason.startswith(says)
    assert len(store) == len(store.keys()) == len(list(store.records())) == sum(store.counts().values()) == 7
    assert set(store.keys()) == set(schedule()) - {("cat", 1)}
    with pytest.raises(ValueError, match=f"line {line.number} has the "):
        read_ours(pets)
    assert mended(pets) == 7
    with open_set(pets.parent) as store:
        assert generate(store) == 1
    assert_whole(pets)


@pytest.fixture
def rejected(pets):
    """The set's log of rejections, of two items."""
    with open_for_writing(pets) as store:
        mark(store, {("cat", 1): Mark("by hand"), ("dog", 1): Mark("by hand")})
    return pets / "rejected.jsonl"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"score": -1.0', b'"score": 1' + b"0" * 400),
        (b'"score": -1.0', b'"score": NaN'),
        (b'"score": -1.0', b'"score": 1e999'),
        (b'"reason"', b'"raeson"'),
        (b'"rank": 1', b'"rank": 3'),
        (b'"record"', b"record"),
    ],
)
def test_a_damaged_rejection_is_refused_and_mended(pets, rejected, old, new):
    """The regression: it was left out without a word, and its attempt was made again."""
    rejected.write_bytes(rejected.read_bytes().replace(old, new, 1))
    store = DatasetStore.open(pets)
    assert [line[:2] for line in store.damage()] == [("rejected.jsonl", 1)]
    assert [rejection.record.key for rejection in store.rejections()] == [("dog", 1)]
    with pytest.raises(ValueError, match=r"rejected\.jsonl, line 1 "):
        make_set(pets.parent)
    assert mended(pets) == 6
    assert DatasetStore.open(pets).damage() == []
    with open_set(pets.parent) as store:
        assert list(store.missing(schedule())) == [("cat", 1, 0), ("dog", 1, 1)]


def test_rejections_in_another_form_are_mended_whole(pets, rejected):
    rejected.write_bytes(as_one_array(rejected.read_text("utf-8")))
    assert mended(pets) == 6
    assert len(list(DatasetStore.open(pets).rejections())) == 2
    with open_set(pets.parent) as store:
        assert list(store.missing(schedule())) == [("cat", 1, 1), ("dog", 1, 1)]


def test_blank_lines_and_a_byte_order_mark_are_no_damage_of_rejections(pets, rejected):
    rejected.write_bytes(b"\xef\xbb\xbf" + rejected.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert DatasetStore.open(pets).damage() == []
    assert len(list(DatasetStore.open(pets).rejections())) == 2


def test_damaged_copies_are_made_again(tmp_path):
    from hyponet.nodes.dataset.store.description import Copies

    for _ in range(2):
        with open_set(tmp_path, copies=Copies((12,))) as store:
            generate(store)
        copies = tmp_path / "pets.12px"
        assert len(DatasetStore.open(copies)) == 8
        (copies / "metadata.jsonl").write_bytes(b"[" + (copies / "metadata.jsonl").read_bytes())
    assert len(DatasetStore.open(copies)) == 7


def test_a_class_that_is_added_later_is_one_of_the_copies_too(tmp_path):
    from hyponet.nodes.dataset.store.description import Copies

    with open_set(tmp_path, copies=Copies((12,))) as store:
        generate(store, ("cat", "fox"), 1)
    assert DatasetStore.open(tmp_path / "pets.12px").counts() == {"cat": 1, "dog": 0, "fox": 1}
