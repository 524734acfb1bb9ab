"""What readers once got wrong: classes without a word, splits with capitals, Korean names, archives that swell."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
import zipfile

import pytest
from PIL import Image

from hyponet.evaluation.pictures.labelled_images import merged
from hyponet.evaluation.pictures.sources import read_source
from hyponet.evaluation.pictures.sources.folders import read_folder

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


def test_a_split_that_is_none_is_refused_by_its_name(make_files):
    with pytest.raises(ValueError, match=r"split is 'foo'; expected one of: train, validation, test"):
        read_folder(make_files("train/cat/0.png"), split="foo")


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


def test_pictures_of_a_foreign_kind_beside_readable_ones_are_listed_as_left_out(make_files):
    folder = make_files("cat/0.png", "cat/1.heic", "dog/0.png", "notes/readme.txt")
    data = read_source("image folder", folder)
    assert data.counts() == {"cat": 1, "dog": 1}
    assert data.skipped == ("cat/1.heic", "notes/ (no picture)")
    assert merged([data, data], "twice").skipped == data.skipped * 2


@pytest.mark.parametrize("name", ["bird", "bird/nest"])
def test_a_folder_without_any_picture_is_named_in_the_log(make_files, caplog, name):
    """An unmounted disk leaves one behind; torchvision's ImageFolder refuses it."""
    folder = make_files("cat/0.png", "dog/0.png")
    (folder / name).mkdir(parents=True)
    (folder / name / "readme.txt").write_text("no picture")
    data = read_source("image folder", folder)
    assert data.class_names == ("cat", "dog")
    assert data.skipped[0] == "bird/ (no picture)", "what the page says, where nobody reads the log"
    assert "folders hold no picture (bird" in caplog.text


@pytest.mark.parametrize("wrapper", ["", "pets/"])
def test_folders_of_other_splits_are_not_named_as_left_out(make_files, caplog, wrapper):
    """The regression: a bare folder of test was named where train was read."""
    folder = make_files(*(f"{wrapper}{split}/{name}/0.png" for split in ("train", "test") for name in ("cat", "dog")))
    for bare in ("train/bird", "test/ship"):
        (folder / wrapper / bare).mkdir()
    assert read_source("image folder", folder, "train").skipped == (f"{wrapper}train/bird/ (no picture)",)
    assert f"1 folders hold no picture ({wrapper}train/bird)" in caplog.text


def test_an_empty_folder_beside_a_folder_of_classes_is_named(make_files):
    """The regression: the classes lie below pets/, so what lay beside it was no longer looked at."""
    folder = make_files("pets/cat/0.png", "pets/dog/0.png")
    (folder / "bird").mkdir()
    assert read_source("image folder", folder).skipped == ("bird/ (no picture)",)


@pytest.mark.parametrize("suffix", ["avif", "jfif", "AVIF", "JPE", "jp2", "tga", "pbm"])
def test_pictures_of_seldom_kinds_are_read(make_files, suffix):
    folder = make_files("cat/0.png", f"bird/0.{suffix}")
    assert read_source("image folder", folder).counts() == {"bird": 1, "cat": 1}


@pytest.mark.parametrize("suffix", ["heic", "HEIF", "jxl", "cr2", "svg"])
@pytest.mark.parametrize("split", ["", "train"])
def test_a_class_of_any_foreign_kind_is_named_in_every_split(make_files, suffix, split):
    start = f"{split}/" if split else ""
    folder = make_files(f"{start}cat/0.png", f"{start}bird/0.{suffix}")
    with pytest.raises(ValueError, match=rf"without a readable picture \(bird\).*bird/0\.{suffix}"):
        read_source("image folder", folder, split or "all")


@pytest.mark.parametrize(
    "names",
    [
        ("Training/cat/0.png", "Training/dog/0.png", "Testing/cat/0.png"),
        ("archive/Training/cat/0.png", "archive/Testing/cat/0.png"),
        ("TRAIN/cat/0.png", "VAL/cat/0.png", "extra/0.png"),
        ("train/cat/0.png", "test/cat/0.png", "sample_submission/0.png"),
    ],
)
def test_split_folders_of_any_spelling_are_no_classes_also_beside_others(make_files, names):
    """Kaggle's brain tumours, and zips with a folder of examples beside the splits."""
    folder = make_files(*names)
    with pytest.raises(ValueError, match="choose the split"):
        read_source("image folder", folder)
    assert read_source("image folder", folder, "train").class_names[0] == "cat"


def test_a_class_called_train_beside_others_is_a_class(make_files):
    folder = make_files("train/0.png", "car/0.png", "Test/deep/0.png")
    assert read_source("image folder", folder).class_names == ("Test", "car", "train")


@pytest.mark.parametrize("name", ["@eaDir", "$RECYCLE.BIN", "System Volume Information", "#recycle", "lost+found"])
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_folders_of_file_servers_and_windows_are_no_classes(make_files, tmp_path, name, packed):
    """Synology puts a thumbnail of each picture into @eaDir, also below a class."""
    folder = make_files("cat/0.png", "dog/0.png", f"{name}/0.png", f"cat/{name}/0.png")
    if packed:
        path = tmp_path / "set.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*.png")):
                archive.write(file, file.relative_to(folder).as_posix())
        folder = path
    assert read_source("image folder", folder).counts() == {"cat": 1, "dog": 1}


LABELS = [b'{"file_name": "a/0.png", "label": "cat: tabby"}', b'{"file_name": "b/0.png", "label": "zebra"}']


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([LABELS[0], LABELS[1][:30]], "line 2 is no JSON"),  # torn by a crash or a copy that was cut short
        ([LABELS[0], b"", b"[" * 100_000], "line 3 is nested too deeply"),
        ([b"[" + b",".join(LABELS) + b"]"], "line 1 is no JSON object"),
        (["\n".join(line.decode() for line in LABELS).encode("utf-16")], "line 1 is no"),
        ([LABELS[0], b'{"label": "' + b"x" * (1 << 20) + b'"}'], "line 2 has 1,048,"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_damaged_labels_beside_a_folder_are_not_passed_over(make_files, tmp_path, lines, said, packed):
    """Else pictures would count under the folders' names, which stand for other classes or for none."""
    folder = make_files("a/0.png", "b/0.png")
    (folder / "metadata.jsonl").write_bytes(b"\n".join(lines))
    if packed:
        path = tmp_path / "set.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*.*")):
                archive.write(file, file.relative_to(folder).as_posix())
        folder = path
    with pytest.raises(ValueError, match=rf"metadata\.jsonl in set.*{said}.*delete the file"):
        read_source("image folder", folder)


def test_lines_about_other_things_name_no_classes(make_files):
    """Hugging Face's metadata.jsonl has captions, boxes, anything; a damaged line of those says nothing of a class."""
    folder = make_files("a/0.png", "b/0.png")
    (folder / "metadata.jsonl").write_bytes(b'{"file_name": "a/0.png", "text": "a cat"}\n{"file_name": "b/0.p')
    assert read_source("image folder", folder).class_names == ("a", "b")


def test_a_picture_of_which_a_table_has_the_path_alone_is_named(tmp_path):
    """What datasets' to_parquet writes where pictures are not embedded."""
    import pyarrow
    import pyarrow.parquet as parquet

    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    image = pyarrow.array([{"bytes": None, "path": "cat/0.png"}], kind)
    parquet.write_table(pyarrow.table({"image": image, "label": ["cat"]}), tmp_path / "set.parquet")
    with pytest.raises(ValueError, match=r"row 0 is not in the file, only its path 'cat/0\.png'") as raised:
        read_source("Parquet", tmp_path / "set.parquet").read(0)
    assert "0x" not in str(raised.value)


@pytest.mark.parametrize("name", ["VAL", "Valid", "validation"])
def test_the_validation_split_is_found_however_it_is_spelled(make_files, name):
    folder = make_files(f"{name}/cat/0.png", f"{name}/dog/0.png", "Train/cat/0.png")
    assert read_source("image folder", folder, "validation").counts() == {"cat": 1, "dog": 1}


def test_of_two_spellings_the_exact_one_is_the_split(make_files):
    folder = make_files("train/cat/0.png", "Train/cat/0.png", "Train/dog/0.png")
    if (folder / "TRAIN").exists():
        pytest.skip("Windows' and macOS's own disks take both for one folder")
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


# "cat" and a cola in Korean: the second's first syllable is in code page 949 and not in EUC-KR
RARE = "\uace0\uc591\uc774 \ud3b2\uc2dc\ucf54"


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ([b"K\x84tzchen/0.png", b"H\x81ndchen/0.png"], ("H\xfcndchen", "K\xe4tzchen")),  # code page 437 of IBM's PC
        (["\uace0\uc591\uc774/0.png".encode(), b"dog/0.png"], ("dog", "\uace0\uc591\uc774")),  # macOS: UTF-8, no flag
        ([b"pets\\cat\\0.png", b"pets\\dog\\0.png"], ("cat", "dog")),  # .NET before 4.6.1
        ([b"/pets/cat/0.png", b"/pets/dog/0.png"], ("cat", "dog")),
        ([b"/abs\\cat\\0.png", b"\\abs\\dog\\0.png"], ("cat", "dog")),
        ([f"{RARE}/0.png".encode("cp949"), b"dog/0.png"], ("dog", RARE)),
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
