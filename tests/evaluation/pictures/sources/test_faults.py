"""What readers once got wrong: classes without a word, splits with capitals, Korean names, archives that swell."""

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


def test_a_class_folder_without_a_readable_picture_is_named(make_files):
    """torchvision's ImageFolder: "Found no valid file for the classes bird. Supported extensions are: ..."."""
    folder = make_files("cat/0.png", "dog/0.png", "bird/0.heic")
    with pytest.raises(ValueError, match="bird"):
        read_source("image folder", folder)


def test_split_folders_with_a_capital_are_no_classes(make_files):
    """Kaggle's zips spell them so; `train` and `test` in small letters are refused with this advice."""
    folder = make_files("Train/cat/0.png", "Train/dog/0.png", "Test/cat/0.png")
    with pytest.raises(ValueError, match="choose the split"):
        read_source("image folder", folder)


def test_a_split_is_found_under_a_name_with_a_capital(make_files):
    folder = make_files("Train/cat/0.png", "Train/dog/0.png", "Test/cat/0.png")
    assert read_source("image folder", folder, "train").class_names == ("cat", "dog")


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


def test_pictures_of_a_foreign_kind_beside_readable_ones_take_no_class_away(make_files):
    folder = make_files("cat/0.png", "cat/1.heic", "dog/0.png", "notes/readme.txt")
    assert read_source("image folder", folder).counts() == {"cat": 1, "dog": 1}


@pytest.mark.parametrize("name", ["VAL", "Valid", "validation"])
def test_the_validation_split_is_found_however_it_is_spelled(make_files, name):
    folder = make_files(f"{name}/cat/0.png", f"{name}/dog/0.png", "Train/cat/0.png")
    assert read_source("image folder", folder, "validation").counts() == {"cat": 1, "dog": 1}


def test_of_two_spellings_the_exact_one_is_the_split(make_files):
    folder = make_files("train/cat/0.png", "Train/cat/0.png", "Train/dog/0.png")
    assert read_source("image folder", folder, "train").counts() == {"cat": 1}


def zip_with_names(path, picture, names):
    """A zip whose names are these bytes, without the flag for UTF-8; each is put in for one of as many bytes."""
    packed = io.BytesIO()
    placeholders = {str(number).encode() * len(name): name for number, name in enumerate(names)}
    with zipfile.ZipFile(packed, "w") as archive:
        for placeholder in placeholders:
            archive.writestr(placeholder.decode(), picture)
    data = packed.getvalue()
    for placeholder, name in placeholders.items():
        data = data.replace(placeholder, name)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ([b"K\x84tzchen/0.png", b"H\x81ndchen/0.png"], ("H\xfcndchen", "K\xe4tzchen")),  # code page 437 of IBM's PC
        (["\uace0\uc591\uc774/0.png".encode(), b"dog/0.png"], ("dog", "\uace0\uc591\uc774")),  # macOS: UTF-8, no flag
        ([b"pets\\cat\\0.png", b"pets\\dog\\0.png"], ("cat", "dog")),  # .NET before 4.6.1
        ([b"/pets/cat/0.png", b"/pets/dog/0.png"], ("cat", "dog")),
    ],
)
def test_names_in_zips_of_other_programs(make_files, tmp_path, names, classes):
    picture = (make_files("0.png") / "0.png").read_bytes()
    zip_with_names(tmp_path / "pets.zip", picture, names)
    data = read_source("image folder", tmp_path / "pets.zip")
    assert data.class_names == classes
    assert data.read(0).shape == (6, 6, 3)


def test_a_flat_picture_that_packs_well_is_read(tmp_path):
    """An uncompressed picture of one colour: 12 MB that deflate packs to some 12 kB."""
    packed = io.BytesIO()
    Image.new("RGB", (2000, 2000), "red").save(packed, "BMP")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/0.bmp", packed.getvalue())
    assert read_source("image folder", tmp_path / "b.zip").read(0).shape == (2000, 2000, 3)
