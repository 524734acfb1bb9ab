"""Faults of the readers that are known and not mended yet: each test states what is right and fails today."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
import zipfile

import pytest
from PIL import Image

from hyponet.evaluation.pictures.sources import read_source

NOT_REFUSED = pytest.fail.Exception  # what pytest.raises ends in where nothing was raised


@pytest.fixture
def make_files(tmp_path):
    """Writes one small PNG under each name, whatever its extension says; gives the folder."""
    packed = io.BytesIO()
    Image.new("RGB", (6, 6), "red").save(packed, "PNG")

    def make(*names):
        for name in names:
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed.getvalue())
        return tmp_path / "set"

    return make


@pytest.mark.xfail(
    strict=True, raises=NOT_REFUSED, reason="a class whose pictures have another extension is left out without a word"
)
def test_a_class_folder_without_a_readable_picture_is_named(make_files):
    """torchvision's ImageFolder: "Found no valid file for the classes bird. Supported extensions are: ..."."""
    folder = make_files("cat/0.png", "dog/0.png", "bird/0.heic")
    with pytest.raises(ValueError, match="bird"):
        read_source("image folder", folder)


@pytest.mark.xfail(strict=True, raises=NOT_REFUSED, reason="split folders with a capital letter are taken for classes")
def test_split_folders_with_a_capital_are_no_classes(make_files):
    """Kaggle's zips spell them so; `train` and `test` in small letters are refused with this advice."""
    folder = make_files("Train/cat/0.png", "Train/dog/0.png", "Test/cat/0.png")
    with pytest.raises(ValueError, match="choose the split"):
        read_source("image folder", folder)


@pytest.mark.xfail(strict=True, raises=ValueError, reason="the split `train` does not find the folder Train")
def test_a_split_is_found_under_a_name_with_a_capital(make_files):
    folder = make_files("Train/cat/0.png", "Train/dog/0.png", "Test/cat/0.png")
    assert read_source("image folder", folder, "train").class_names == ("cat", "dog")


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="names in a zip of Korean Windows are read in the wrong code page"
)
def test_a_zip_of_korean_windows_keeps_its_class_names(make_files, tmp_path):
    """Explorer writes cp949 without the UTF-8 flag. Python's zipfile does so for ASCII: the names are put in later."""
    picture = (make_files("0.png") / "0.png").read_bytes()
    names = {b"aaaaaa": "\uace0\uc591\uc774", b"bbbbbb": "\uac15\uc544\uc9c0"}  # cat and puppy, six bytes each
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for placeholder in names:
            archive.writestr(f"{placeholder.decode()}/0.png", picture)
    data = packed.getvalue()
    for placeholder, name in names.items():
        data = data.replace(placeholder, name.encode("cp949"))
    (tmp_path / "pets.zip").write_bytes(data)
    assert read_source("image folder", tmp_path / "pets.zip").class_names == (
        "\uac15\uc544\uc9c0",
        "\uace0\uc591\uc774",
    )


SIZE = 64 << 20  # of the unpacked member; the archives have some 65 kB


def bomb_of_zip(tmp_path):
    """A "picture" of zeros; deflate packs them a thousand to one."""
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("cat/0.png", "w") as member:
            for _ in range(SIZE >> 20):
                member.write(bytes(1 << 20))
    return lambda: read_source("image folder", tmp_path / "b.zip").read(0)


def bomb_of_tar(tmp_path):
    """A "CIFAR-10 test batch" of zeros, twice as long as the real one: the size stands in the member's header."""
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("test_batch.bin")
        member.size = SIZE
        archive.addfile(member, io.BytesIO(bytes(SIZE)))
    return lambda: read_source("CIFAR-10", tmp_path / "b.tar.gz", "test")


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="a member of an archive is unpacked into memory whole, whatever its size"
)
@pytest.mark.parametrize("bomb", [bomb_of_zip, bomb_of_tar])
def test_a_member_is_not_unpacked_before_it_is_known_to_be_a_picture(tmp_path, bomb):
    """Refused by its stated size or its first bytes: the peak of memory stays below half of the member."""
    read = bomb(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"0\.png|test_batch\.bin"):
            read()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < SIZE / 2
