"""Small faults that a review of the sets found, each tried in more places than the one in which it was found."""

from __future__ import annotations

import json
import shutil

import pytest

from hyponet.nodes.dataset.culling.deleted import reject_deleted
from hyponet.nodes.dataset.culling.items import reject_by_hand
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.store import DatasetStore

from .sample_sets import generate, make_set, open_set, schedule

FAILED = {"check": "failed", "predicted": "dog"}


def checked(store):
    mark(store, {key: Mark(check="passed", probability=0.5, predicted=key[0]) for key in schedule()})


def rejected(store):
    reject_by_hand(store, "cat: 1", 1, 5)


def verified(store):
    (store.root / "dog" / "000001.png").unlink()
    mark_findings(store, verify(store, duplicates=True))


def remade(store):
    reject_by_hand(store, "cat: 1", 1, 5)
    generate(store)


def best_of_two(store):
    """The first attempt of cat 1 comes back from the rejects."""
    for probability in (0.4, 0.1):
        mark(store, {("cat", 1): Mark("looks like dog", probability=probability, **FAILED)}, attempts=2)
        generate(store)


def extended(store):
    generate(store, ("cat", "dog", "fox"), 6)


def lines_of(root):
    return [json.loads(line) for line in (root / "metadata.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("change", [checked, rejected, verified, remade, best_of_two, extended])
@pytest.mark.parametrize("mend", [False, True])
def test_a_column_of_ones_own_stays_whatever_becomes_of_the_set(pets, change, mend):
    """m1. What was drawn anew has none."""
    lines = lines_of(pets)
    for line in lines:
        line["text"] = f"mine: {line['sha256']}"
        line["score"] = [line["rank"], {"by": "me"}]
    texts = [json.dumps(line) for line in lines]
    if mend:
        texts[3] += " }"  # a damaged line, of which the object can still be read
    (pets / "metadata.jsonl").write_text("\n".join(texts) + "\n", "utf-8")
    with open_for_writing(pets, mend=mend) as store:
        change(store)
    before = {line["sha256"]: line for line in lines}
    after = [line for line in lines_of(pets) if line["sha256"] in before]
    assert len(after) == {checked: 8, rejected: 7, verified: 7, remade: 7, best_of_two: 8, extended: 8}[change]
    for line in after:
        assert (line["text"], line["score"]) == (f"mine: {line['sha256']}", [line["rank"], {"by": "me"}])


def reject_a_class(root):
    with open_for_writing(root) as store:
        reject_by_hand(store, "dog: *", 1, 5)


def find_a_class_torn(root):
    for path in (root / "dog").iterdir():
        path.write_bytes(b"torn")
    with open_for_writing(root) as store:
        mark_findings(store, verify(store, duplicates=False))


def delete_a_class(root):
    shutil.rmtree(root / "dog")
    with open_for_writing(root) as store:
        reject_deleted(store)


def delete_a_class_but_for_one(root):
    """An empty folder stays where its only picture is deleted by hand."""
    with open_for_writing(root) as store:
        reject_by_hand(store, "dog: 1-3", 1, 5)
    (root / "dog" / "000000.png").unlink()
    with open_for_writing(root) as store:
        reject_deleted(store)


CLASS_LEAVES = [reject_a_class, find_a_class_torn, delete_a_class, delete_a_class_but_for_one]


@pytest.mark.parametrize("leave", CLASS_LEAVES)
def test_torchvision_reads_what_is_left_when_a_class_leaves_a_set(tmp_path, leave):
    """m3: it refuses a set with an empty class folder. So it would the small copies, and the parts of a split."""
    from torchvision.datasets import ImageFolder

    with open_set(tmp_path, copies=Copies((12,), "area")) as store:
        generate(store)
    root = store.root
    split(DatasetStore.open(root), tmp_path, "pets", Shares(1, 0, 0), 1)
    leave(root)
    split(DatasetStore.open(root), tmp_path, "pets", Shares(1, 0, 0), 1)
    for name in ("pets", "pets.12px", "pets-train"):
        folder = ImageFolder(str(tmp_path / name))
        assert (folder.classes, len(folder)) == (["cat"], 4), name


STRANGERS = [
    "x.png", "cat/x.PNG", "cat/.hidden/x.png", "cat/a/b/c/x.jpeg", ".ipynb_checkpoints/x.png", "fox/x.webp",
    "cat/000000-copy.png", "cat/000000.png.jpg",
]  # fmt: skip


@pytest.mark.parametrize("place", STRANGERS)
def test_a_picture_that_no_line_names_is_found_wherever_it_lies(pets, place):
    """m4. It is moved beside the set, under its own name, and said."""
    from torchvision.datasets import ImageFolder

    content = (pets / "dog" / "000000.png").read_bytes()
    (pets / place).parent.mkdir(parents=True, exist_ok=True)
    (pets / place).write_bytes(content)
    with open_for_writing(pets) as store:
        found = verify(store, duplicates=False)
        mark_findings(store, found)
    assert found.unlisted == [place]
    assert place in found.report()
    assert (pets.parent / "pets.rejects" / "unlisted" / place).read_bytes() == content
    if "/" in place and not place.startswith(("fox", ".ipynb")):  # of those the empty folder stays
        assert len(ImageFolder(str(pets))) == 8


@pytest.mark.parametrize("name", ["cat", "cat/inner", "new", "new/inner"])
def test_no_set_is_made_in_another_by_a_split_either(pets, name):
    """m5. Its parts would be classes of the outer one."""
    outer = pets.parent / "outer"
    shutil.copytree(pets, outer)
    with pytest.raises(ValueError, match="lies in the folder of another set"):
        split(DatasetStore.open(pets), outer / name, "inner", Shares(1, 0, 0), 1)
    assert {path.name for path in outer.iterdir()} == {path.name for path in pets.iterdir()}


def test_no_set_is_made_around_others(tmp_path):
    """m5, the other way round: the sets in it would be its classes."""
    with open_set(tmp_path / "mine", "pets") as store:
        generate(store)
    with pytest.raises(ValueError, match="not ours"):
        make_set(tmp_path, "mine")


@pytest.mark.parametrize("name", ["test data", "train", "my-val"])
@pytest.mark.parametrize("how", ["imagefolder", "the folder"])
def test_whatever_a_set_is_called_it_opens_as_the_split_train_as_it_lies(tmp_path, name, how, monkeypatch):
    """m16, of the set itself; its exports: test_whatever_a_set_is_called_an_export_of_it_opens_as_the_split_train."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    with open_set(tmp_path / "sets", name) as store:
        generate(store)
    opened = tmp_path / "opened" / name  # pytest's own folder is called by the test
    shutil.copytree(store.root, opened)
    if how == "imagefolder":
        splits = datasets.load_dataset("imagefolder", data_dir=str(opened))
    else:
        splits = datasets.load_dataset(str(opened))
    assert {split: len(rows) for split, rows in splits.items()} == {"train": 8}
