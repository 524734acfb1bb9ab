"""Names that went through a Mac come back in decomposed letters (NFD) and are the same names.

Apple's HFS+ stored them so, and Finder's zips, tar and rsync carry them to Linux: a syllable of Korean in two or three
letters, e with an accent in two.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from unicodedata import normalize

import pytest
from PIL import Image

from hyponet.evaluation.pictures.labelled_images import labelled, merged
from hyponet.evaluation.pictures.mapping import ClassMapping
from hyponet.evaluation.pictures.sources import read_source
from hyponet.evaluation.training.accuracy import measure_accuracy
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train

from ...sample_pictures import MemoryPictures, colours, describe_set

CAT, DOG = "\uace0\uc591\uc774", "\uac15\uc544\uc9c0"  # cat and puppy in Korean, composed
NAMES = [CAT, "caf\u00e9", "\u304c", "\u00c5ngstr\u00f6m", "\u1ec7"]  # Korean, French, Japanese, Swedish, Vietnamese
each_name = pytest.mark.parametrize("name", NAMES)


def decomposed(name: str) -> str:
    assert normalize("NFD", name) != name
    return normalize("NFD", name)


def png() -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (6, 6), "red").save(packed, "PNG")
    return packed.getvalue()


def folder_of(root, *names):
    for name in names:
        if (root / name).exists():
            pytest.skip("macOS's own disks keep one of two names that differ in form alone")
        (root / name).mkdir(parents=True)
        (root / name / f"{len(name)}.png").write_bytes(png())
    return root


def set_of(*names):
    return labelled("set", names, range(len(names)), MemoryPictures([colours().read(0)] * len(names)))


def packed_by_zip(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


@each_name
@pytest.mark.parametrize("pack", [lambda folder: folder, packed_by_zip], ids=["folder", "zip"])
def test_a_class_folder_of_a_mac_has_the_name_that_others_give_it(tmp_path, name, pack):
    data = read_source("image folder", pack(folder_of(tmp_path / "set", decomposed(name), "z")))
    assert sorted(data.class_names) == sorted([name, "z"])
    assert data.read(0).shape == (6, 6, 3), "the file is read by the name that it has"


@each_name
def test_two_folders_of_one_name_are_one_class(tmp_path, name):
    """As where a copy of a Mac was merged into one of Linux: each has some of the pictures."""
    data = read_source("image folder", folder_of(tmp_path / "set", name, decomposed(name), "z"))
    assert data.counts() == {name: 2, "z": 1}
    assert [data.read(index).shape for index in range(3)] == [(6, 6, 3)] * 3


@each_name
def test_sets_are_merged_and_mapped_by_names_of_either_form(tmp_path, name):
    mac = read_source("image folder", folder_of(tmp_path / "mac", decomposed(name), "z"))
    linux = read_source("image folder", folder_of(tmp_path / "linux", name, "z"))
    assert merged([mac, linux], "both").counts() == dict.fromkeys(mac.class_names, 2)
    for spelled in (name, decomposed(name), decomposed(name).upper()):
        mapping = ClassMapping.parse(f"{spelled} = {spelled}\nz = z", "mine")
        for data in (mac, linux):
            assert mapping.apply(data).counts() == {normalize("NFC", spelled): 1, "z": 1}


def test_a_mapping_that_names_a_class_in_both_forms_names_it_twice():
    with pytest.raises(ValueError, match="line 2 states"):
        ClassMapping.parse(f"{CAT} = a\n{decomposed(CAT)} = b", "mine")
    with pytest.raises(ValueError, match="line 2 names the source"):
        ClassMapping.parse(f"a = {CAT}\nb = {decomposed(CAT)}", "mine")


def test_a_classifier_knows_the_classes_of_a_test_set_in_either_form(tmp_path):
    names = (CAT, "green", "blue")
    checkpoint = train(colours(names=names), Settings(size=16, epochs=1, batch_size=8), tmp_path / "run").last
    of_a_mac = colours(names=tuple(normalize("NFD", name) for name in names))
    assert of_a_mac.class_names == names
    import torch

    measure_accuracy(checkpoint, of_a_mac, torch.device("cpu"))  # refuses classes that it does not know


def test_labels_beside_a_folder_find_their_files_in_either_form(tmp_path):
    root = folder_of(tmp_path / "set", decomposed(CAT), "dog")
    rows = [(f"{CAT}/{len(decomposed(CAT))}.png", "tabby"), ("dog/3.png", decomposed("caf\u00e9"))]
    lines = [json.dumps({"file_name": name, "label": label}) for name, label in rows]
    (root / "metadata.jsonl").write_text("\n".join(lines), "utf-8")
    assert read_source("image folder", root).counts() == {"caf\u00e9": 1, "tabby": 1}


def test_labels_in_tables_are_one_class_in_either_form(tmp_path):
    import pyarrow
    import pyarrow.parquet as parquet

    labels = [CAT, decomposed(CAT), DOG]
    parquet.write_table(pyarrow.table({"image": [png()] * 3, "label": labels}), tmp_path / "set.parquet")
    assert read_source("Parquet", tmp_path / "set.parquet").counts() == {DOG: 1, CAT: 2}
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for number, label in enumerate(labels):
            for suffix, content in (("png", png()), ("cls", label.encode())):
                member = tarfile.TarInfo(f"{number}.{suffix}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    assert read_source("WebDataset", tmp_path / "set.tar").counts() == {DOG: 1, CAT: 2}


def test_names_that_no_disk_joins_are_refused_rather_than_doubled():
    with pytest.raises(ValueError, match="names a class twice"):
        set_of(CAT, decomposed(CAT))


def test_a_set_of_ours_is_read_after_a_mac_had_it(tmp_path):
    """Its manifest is composed, and the class folder no longer is."""
    line = {
        **{"label": CAT, "rank": 0, "attempt": 0, "status": "ok", "prompt": "", "negative": "", "picks": [], "seed": 1},
        **{"file_name": f"{CAT}/000000.png", "width": 6, "height": 6, "sha256": "0", "check": "unchecked"},
        **{"check_probability": 0.0, "check_predicted": ""},
    }
    (tmp_path / "metadata.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    describe_set(tmp_path, {CAT: CAT})
    (tmp_path / decomposed(CAT)).mkdir()
    (tmp_path / decomposed(CAT) / "000000.png").write_bytes(png())
    data = read_source("HypoNet set", tmp_path)
    assert data.class_names == (CAT,)
    assert data.read(0).shape == (6, 6, 3)
    (tmp_path / CAT).mkdir(exist_ok=True)  # by the next run; the first picture stays where it was
    assert read_source("HypoNet set", tmp_path).read(0).shape == (6, 6, 3)
