"""Faults of the dataset room that were known before they were mended: each test states what is right.

Those that fail today are marked; one that passes is reported as a failure (strict): take its mark away with the change
that mends the fault.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sys
import unicodedata
from pathlib import Path

import pytest

from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.culling.verify import Findings, mark_findings, verify
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore

from .sample_sets import assert_whole, generate, open_set


def generate_again(root: Path) -> int:
    """Generate Dataset over a set that is there; how many pictures it made."""
    with open_set(root.parent, root.name) as store:
        return generate(store)


def check(root: Path) -> Findings:
    """Verify Dataset with its default widgets: what is found is marked as well."""
    with open_for_writing(root) as store:
        found = verify(store, duplicates=False)
        mark_findings(store, found)
    return found


def edit_lines(root: Path, change) -> None:
    """Replace each manifest line, a dictionary, by `change(number, line)`."""
    manifest = root / "metadata.jsonl"
    lines = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
    changed = [json.dumps(change(number, line)) + "\n" for number, line in enumerate(lines)]
    manifest.write_text("".join(changed), "utf-8")


def test_an_empty_line_of_the_manifest_is_skipped(pets):
    """As pandas, datasets and the manifest's own reader skip it; Verify finds nothing that could be mended."""
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes() + b"\n\n")
    assert verify(DatasetStore.open(pets), duplicates=False).problems() == 0
    assert len(read_ours(pets)) == 8


def test_numbers_with_a_decimal_point_are_no_damage(pets):
    """pandas writes whole numbers so after a join: 0.0 for 0."""
    manifest = pets / "metadata.jsonl"
    manifest.write_text(re.sub(r'"(rank|seed|width)": (\d+)', r'"\1": \2.0', manifest.read_text("utf-8")), "utf-8")
    assert verify(DatasetStore.open(pets), duplicates=False).problems() == 0
    assert len(read_ours(pets)) == 8
    assert generate_again(pets) == 0


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE, errno.EMFILE], ids=errno.errorcode.get)
def test_only_a_file_that_is_not_there_is_missing(pets, monkeypatch, number):
    """Any other error of the disk stops Verify and is said; the pictures are as they were."""
    read = Path.read_bytes

    def hiccup(path):
        if path.parent.name == "cat":
            raise OSError(number, os.strerror(number))
        return read(path)

    with monkeypatch.context() as while_it_lasts:
        while_it_lasts.setattr(Path, "read_bytes", hiccup)
        with pytest.raises(OSError, match=os.strerror(number)):
            check(pets)
    assert generate_again(pets) == 0
    assert_whole(pets)
    assert not list(pets.parent.glob("pets.rejects/**/*.png"))


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def test_a_file_system_without_locks_can_be_written(pets, monkeypatch, number):
    """Only EWOULDBLOCK and EACCES mean that somebody holds the lock (flock(2)); Lustre and some shares have none."""

    def lock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("msvcrt.locking" if sys.platform == "win32" else "fcntl.flock", lock)
    assert generate_again(pets) == 0


def test_a_class_folder_in_decomposed_letters_is_the_same_folder(tmp_path):
    """ "cat" in Korean: three syllables, which Finder's zips and HFS+ keep as eight letters (Unicode's form NFD)."""
    labels = ("\uace0\uc591\uc774", "dog")
    with open_set(tmp_path, labels=labels) as store:
        generate(store, labels)
    folder = store.root / labels[0]
    folder.rename(store.root / unicodedata.normalize("NFD", labels[0]))
    assert check(store.root).problems() == 0
    assert not (tmp_path / "pets.rejects").exists()


def test_torchvision_reads_a_set_after_a_class_was_rejected(pets):
    from torchvision.datasets import ImageFolder

    with open_for_writing(pets) as store:
        mark(store, {("dog", rank): Mark("by hand") for rank in range(4)})
    folder = ImageFolder(str(pets))
    assert (folder.classes, len(folder)) == (["cat"], 4)


def test_own_columns_of_the_manifest_stay(pets):
    """Hugging Face's imagefolder invites them: `text` is the caption that its trainers look for."""
    edit_lines(pets, lambda number, line: {**line, "text": f"caption {number}"})
    with open_for_writing(pets) as store:
        mark(store, {("cat", 1): Mark("by hand")})
    lines = [json.loads(line) for line in (pets / "metadata.jsonl").read_text("utf-8").splitlines()]
    # cat 1 was the third of the eight: cat 0, dog 0, cat 1, ...
    assert [line.get("text") for line in lines] == [f"caption {number}" for number in (0, 1, 3, 4, 5, 6, 7)]


def test_a_licence_written_into_the_description_reaches_the_card(pets):
    description = json.loads((pets / "dataset.json").read_text("utf-8"))
    assert "fill in `licence` in `dataset.json`" in (pets / "README.md").read_text("utf-8")
    (pets / "dataset.json").write_text(json.dumps({**description, "licence": "cc-by-4.0"}), "utf-8")
    assert generate_again(pets) == 0
    assert "license: cc-by-4.0" in (pets / "README.md").read_text("utf-8")


def test_a_description_with_a_byte_order_mark_is_read(pets):
    """Notepad and PowerShell 5 write one; the readers of sweeps and captions take it."""
    description = pets / "dataset.json"
    description.write_bytes(b"\xef\xbb\xbf" + description.read_bytes())
    assert len(DatasetStore.open(pets)) == 8


@pytest.mark.parametrize("place", ["pets/cat", "pets/cat/deep", "pets.work/deep"])
def test_a_set_inside_another_set_is_refused_however_deep(pets, place):
    from torchvision.datasets import ImageFolder

    with pytest.raises(ValueError, match="another set"):
        generate_again(pets.parent / place / "inner")
    assert len(ImageFolder(str(pets))) == 8
    assert not (pets.parent / place / "inner").exists()


def test_a_deeply_nested_line_is_a_broken_line(pets):
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(b"[" * 100_000 + b"]" * 100_000 + b"\n" + manifest.read_bytes())
    store = DatasetStore.open(pets)
    assert len(store) == 8
    assert verify(store, duplicates=False).damaged_lines == [("metadata.jsonl", 1, "is nested too deeply")]


@pytest.mark.parametrize("folder", ["badpictures", ".ipynb_checkpoints"])
def test_verify_finds_pictures_at_any_depth(pets, folder):
    """torchvision walks all the way down, hidden folders included."""
    from torchvision.datasets import ImageFolder

    (pets / "cat" / folder).mkdir()
    shutil.copy(pets / "dog" / "000000.png", pets / "cat" / folder / "x.png")
    assert len(ImageFolder(str(pets))) == 9
    assert check(pets).unlisted == [f"cat/{folder}/x.png"]
    assert len(ImageFolder(str(pets))) == 8
