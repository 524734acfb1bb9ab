"""Published data sets in the layouts in which they are published, made small or sparse; and damaged ones, by name."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib

import datasets
import numpy as np
import pyarrow
import pytest
import webdataset
from PIL import Image
from pyarrow import parquet

from hyponet.evaluation.pictures.cache import resized, without_corrupt
from hyponet.evaluation.pictures.manifest import Record
from hyponet.evaluation.pictures.pixels import pixel_digest
from hyponet.evaluation.pictures.sources import SOURCES, SPLITS, read_source
from hyponet.evaluation.pictures.sources.cifar10 import BATCH, CLASSES
from hyponet.evaluation.pictures.sources.cifar10 import VALUES as CIFAR_VALUES
from hyponet.evaluation.pictures.sources.download import damaged
from hyponet.evaluation.pictures.sources.stl10 import COUNTS as STL_COUNTS
from hyponet.evaluation.pictures.sources.stl10 import VALUES as STL_VALUES

from ...sample_pictures import describe_set


def encoded(colour, kind="PNG", side=6):
    packed = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(packed, kind)
    return packed.getvalue()


def read_all(data):
    return [(data.class_names[label], data.read(i)[0, 0].tolist()) for i, label in enumerate(data.labels)]


@pytest.fixture(scope="module")
def cifar_batch():
    """10,000 records: label i % 10, a picture whose top left pixel is (i % 251, 1, 2) and bottom right is 7."""
    records = np.zeros((BATCH, 1 + CIFAR_VALUES), dtype=np.uint8)
    number = np.arange(BATCH)
    records[:, 0] = number % 10
    records[:, 1] = number % 251
    records[:, 1 + 1024] = 1
    records[:, 1 + 2048] = 2
    records[:, [1024, 2048, 3072]] = 7
    return records


def check_cifar(data):
    assert data.class_names == CLASSES
    assert len(data) == BATCH
    assert data.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    picture = data.read(252)
    assert picture.shape == (32, 32, 3)
    assert picture[0, 0].tolist() == [1, 1, 2]
    assert picture[31, 31].tolist() == [7, 7, 7]
    assert picture[0, 1].tolist() == [0, 0, 0]


def test_cifar10_binary_folder_and_archive(tmp_path, cifar_batch):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "test_batch.bin").write_bytes(cifar_batch.tobytes())
    check_cifar(read_source("CIFAR-10", tmp_path, "test"))
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(folder, folder.name)
    data = read_source("CIFAR-10", tmp_path / "cifar-10-binary.tar.gz", "test")
    check_cifar(data)
    assert data.name == "CIFAR-10 test"


@pytest.mark.parametrize("keys", [str, lambda key: key.encode()], ids=["text keys", "bytes keys"])
def test_cifar10_python_archive(tmp_path, cifar_batch, keys):
    batch = {keys("data"): cifar_batch[:, 1:], keys("labels"): cifar_batch[:, 0].tolist(), keys("batch_label"): b"x"}
    stored = pickle.dumps(batch, 2)
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("cifar-10-batches-py/test_batch")
        member.size = len(stored)
        archive.addfile(member, io.BytesIO(stored))
    check_cifar(read_source("CIFAR-10", tmp_path / "cifar-10-python.tar.gz", "test"))


def test_cifar10_python_folder_and_all_of_it(tmp_path, cifar_batch):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    stored = pickle.dumps({b"data": cifar_batch[:, 1:], b"labels": cifar_batch[:, 0].tolist()}, 2)
    for name in ("test_batch", *(f"data_batch_{number}" for number in range(1, 6))):
        (folder / name).write_bytes(stored)
    check_cifar(read_source("CIFAR-10", tmp_path, "test"))
    both = read_source("CIFAR-10", folder, "all")
    assert (both.name, len(both)) == ("CIFAR-10 train and test", 60_000), "a mix must not be named as a test set is"


@pytest.mark.parametrize("method", ["gz", "xz", "bz2"])
def test_a_damaged_archive_is_named(tmp_path, cifar_batch, method):
    (tmp_path / "test_batch.bin").write_bytes(cifar_batch.tobytes())
    path = tmp_path / f"cifar.tar.{method}"
    with tarfile.open(path, f"w:{method}") as archive:
        archive.add(tmp_path / "test_batch.bin", "test_batch.bin")
    whole = path.read_bytes()
    said = []
    for place in (12, len(whole) // 3, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:place] + bytes(byte ^ 0x55 for byte in whole[place : place + 20]) + whole[place + 20 :])
        try:  # damage behind the last file's data goes unnoticed; whatever is noticed is a ValueError
            read_source("CIFAR-10", path, "test")
        except ValueError as error:
            said.append(str(error))
    assert [text for text in said if "is no whole tar archive" in text or "cannot be read" in text]


def test_a_partial_download_is_noticed(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"whole")
    (tmp_path / "data_batch_2").write_bytes(b"cut sh")
    expected = [
        [f"data_batch_{number}", hashlib.md5(content).hexdigest()]
        for number, content in enumerate((b"whole", b"cut short", b"missing"), 1)
    ]
    assert damaged(tmp_path, expected) == ["data_batch_2", "data_batch_3"]
    assert damaged(tmp_path, [*expected[:1], ["unlabeled_X.bin", "0" * 32]]) == []


def test_cifar10_damaged(tmp_path, cifar_batch):
    with pytest.raises(ValueError, match=r"data_batch_1 is missing .* https://"):
        read_source("CIFAR-10", tmp_path, "train")
    (tmp_path / "test_batch.bin").write_bytes(cifar_batch.tobytes()[:-100])
    with pytest.raises(ValueError, match=r"test_batch\.bin has 30,729,900 bytes; expected 30,730,000"):
        read_source("CIFAR-10", tmp_path, "test")
    cifar_batch = cifar_batch.copy()
    cifar_batch[5, 0] = 77  # as CIFAR-100 has
    (tmp_path / "test_batch.bin").write_bytes(cifar_batch.tobytes())
    with pytest.raises(ValueError, match="the label 77"):
        read_source("CIFAR-10", tmp_path, "test")
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8b nothing")
    with pytest.raises(ValueError, match="no whole tar archive"):
        read_source("CIFAR-10", tmp_path / "x.tar.gz", "test")
    with pytest.raises(ValueError, match="split is 'validation'"):
        read_source("CIFAR-10", tmp_path, "validation")


def test_stl10_binary_files(tmp_path):
    count = STL_COUNTS["test"]
    with open(tmp_path / "test_X.bin", "wb") as file:
        file.truncate(count * STL_VALUES)  # sparse
        # picture 3, red plane, stored column by column: byte 96 is row 0 of column 1
        file.seek(3 * STL_VALUES + 96)
        file.write(b"\xc8")
    (tmp_path / "test_y.bin").write_bytes(bytes(range(1, 11)) * (count // 10))
    data = read_source("STL-10", tmp_path, "test")
    assert data.class_names[2] == "car"
    assert data.labels[:3].tolist() == [0, 1, 2]
    assert data.read(3)[0, 1].tolist() == [200, 0, 0]
    assert data.read(3)[1, 0].tolist() == [0, 0, 0]
    (tmp_path / "test_y.bin").write_bytes(b"\x0b" * count)
    with pytest.raises(ValueError, match=r"test_y\.bin"):
        read_source("STL-10", tmp_path, "test")
    with open(tmp_path / "test_X.bin", "ab") as file:
        file.truncate(1000)
    with pytest.raises(ValueError, match=r"test_X\.bin has 1,000 bytes; expected 221,184,000"):
        read_source("STL-10", tmp_path, "test")
    with pytest.raises(ValueError, match=r"train_X\.bin is missing"):
        read_source("STL-10", tmp_path, "train")


def test_stl10_archive_and_all_of_it(tmp_path):
    colours = {"train": 9, "test": 200}
    for part, count in STL_COUNTS.items():
        with open(tmp_path / f"{part}_X.bin", "wb") as file:
            file.truncate(count * STL_VALUES)  # sparse
            file.seek(3 * STL_VALUES + 2 * 96 * 96 + 1)  # picture 3, blue plane, row 1 of column 0
            file.write(bytes([colours[part]]))
        (tmp_path / f"{part}_y.bin").write_bytes(bytes(range(1, 11)) * (count // 10))
    both = read_source("STL-10", tmp_path, "all")
    assert (both.name, len(both)) == ("STL-10 train and test", 13_000)
    assert [both.read(at)[1, 0].tolist() for at in (3, 5003)] == [[0, 0, 9], [0, 0, 200]]
    with tarfile.open(tmp_path / "stl10_binary.tar.gz", "w:gz", compresslevel=1) as archive:
        for name in ("test_X.bin", "test_y.bin"):
            archive.add(tmp_path / name, f"stl10_binary/{name}")
    data = read_source("STL-10", tmp_path / "stl10_binary.tar.gz", "test")
    assert (data.name, len(data), data.class_names[data.labels[3]]) == ("STL-10 test", 8000, "cat")
    assert data.read(3)[1, 0].tolist() == [0, 0, 200]
    with pytest.raises(ValueError, match=r"train_X\.bin is missing in stl10_binary\.tar\.gz"):
        read_source("STL-10", tmp_path / "stl10_binary.tar.gz", "train")


def image_folder(root):
    for name, colour in (("cat", "red"), ("dog", "blue")):
        (root / name).mkdir(parents=True)
        for number in range(2):
            (root / name / f"{number}.png").write_bytes(encoded(colour))


EXPECTED = [("cat", [255, 0, 0])] * 2 + [("dog", [0, 0, 255])] * 2


def test_image_folder_split_folder_and_zip(tmp_path):
    image_folder(tmp_path / "set" / "val")
    (tmp_path / "set" / "val" / "cat" / "notes.txt").write_text("no picture")
    assert read_all(read_source("image folder", tmp_path / "set" / "val")) == EXPECTED
    assert read_all(read_source("image folder", tmp_path / "set", "validation")) == EXPECTED
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path / "set").as_posix())
        archive.writestr("__MACOSX/val/cat/0.png", b"junk")
    assert read_all(read_source("image folder", tmp_path / "set.zip", "validation")) == EXPECTED
    with pytest.raises(ValueError, match="no class folder"):
        read_source("image folder", tmp_path / "set", "train")
    with pytest.raises(ValueError, match="choose the split"):
        read_source("image folder", tmp_path / "set")
    (tmp_path / "bad.zip").write_bytes(b"PK no")
    with pytest.raises(ValueError, match="no whole zip"):
        read_source("image folder", tmp_path / "bad.zip")


def test_a_class_called_train_is_a_class(tmp_path):
    image_folder(tmp_path)
    (tmp_path / "cat").rename(tmp_path / "train")
    (tmp_path / "dog").rename(tmp_path / "test")
    assert read_source("image folder", tmp_path).class_names == ("test", "train")


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_without_class_folders_the_error_says_so(tmp_path, packed):
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "0.png").write_bytes(encoded("red"))
    (tmp_path / "bare").mkdir()
    flat, bare = (pack(tmp_path / name) if packed else tmp_path / name for name in ("flat", "bare"))
    with pytest.raises(
        ValueError, match=r"flat\S* holds no class folder: its pictures lie directly in it; .* one folder"
    ):
        read_source("image folder", flat)
    with pytest.raises(ValueError, match=r"bare\S* holds no class folder with pictures"):
        read_source("image folder", bare)


def pack(folder):
    """The files of a folder as a zip beside it, by their paths below the folder."""
    packed = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())
    return packed


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_lone_folder_around_the_class_folders_is_no_class(tmp_path, packed):
    def at(name):
        return pack(tmp_path / name) if packed else tmp_path / name

    image_folder(tmp_path / "wrapped" / "pets")
    assert read_all(read_source("image folder", at("wrapped"))) == EXPECTED
    image_folder(tmp_path / "divided" / "pets" / "test")
    assert read_all(read_source("image folder", at("divided"), "test")) == EXPECTED
    with pytest.raises(ValueError, match="the folders test, which look like splits"):
        read_source("image folder", at("divided"))
    (tmp_path / "single" / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "single" / "pets" / "cat" / "0.png").write_bytes(encoded("red"))
    assert read_source("image folder", at("single")).class_names == ("pets",), "one folder of pictures is one class"
    image_folder(tmp_path / "mixed" / "pets")
    (tmp_path / "mixed" / "pets" / "0.png").write_bytes(encoded("red"))
    assert read_source("image folder", at("mixed")).class_names == ("pets",), "pictures directly in it"


@pytest.mark.posix("making links needs a right")
def test_a_linked_class_folder_is_skipped_with_a_warning(tmp_path, caplog):
    image_folder(tmp_path / "set")
    image_folder(tmp_path / "elsewhere")
    (tmp_path / "set" / "bird").symlink_to(tmp_path / "elsewhere" / "cat", target_is_directory=True)
    (tmp_path / "set" / "cat" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert read_all(read_source("image folder", tmp_path / "set")) == EXPECTED
    assert "set: 2 links to folders or to nothing are skipped (bird, cat/gone.png)" in caplog.text


# where flags and method lie in a zip's two kinds of header: PKWARE's APPNOTE, 4.3.7 and 4.3.12
HEADERS = {b"PK\x03\x04": (6, 8), b"PK\x01\x02": (8, 10)}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [(0, 1, "cat/0.png is encrypted"), (1, 9, "cat/0.png is packed by method 9 .*Deflate64")],
)
def test_a_zip_that_python_cannot_unpack_is_named(tmp_path, field, value, message):
    image_folder(tmp_path / "set")
    stored = bytearray(pack(tmp_path / "set").read_bytes())
    for signature, offsets in HEADERS.items():
        place = -1
        while (place := stored.find(signature, place + 1)) >= 0:
            stored[place + offsets[field]] = value
    (tmp_path / "set.zip").write_bytes(stored)
    with pytest.raises(ValueError, match=rf"set\.zip: {message}"):
        read_source("image folder", tmp_path / "set.zip")


GROUND_TRUTHS = {
    "val.txt": "ILSVRC2012_val_00000001.JPEG 281\nILSVRC2012_val_00000002.JPEG 9\n",
    "LOC_val_solution.csv": "ImageId,PredictionString\nILSVRC2012_val_00000001,n02123045 1 2 3 4 n02123045 5 6 7 8 \n"
    "ILSVRC2012_val_00000002,n01518878 1 2 3 4 \n",
    "imagenet_2012_validation_synset_labels.txt": "n02123045\nn01518878\n",
    "ILSVRC2012_validation_ground_truth.txt": "2\n1\n",
}


@pytest.mark.parametrize("name", GROUND_TRUTHS)
@pytest.mark.parametrize("beside", [True, False], ids=["beside the folder", "in it"])
def test_imagenet_flat(tmp_path, name, beside):
    from scipy.io import savemat

    folder = tmp_path / "val"
    folder.mkdir()
    (folder / "ILSVRC2012_val_00000001.JPEG").write_bytes(encoded("red", "BMP"))
    (folder / "ILSVRC2012_val_00000002.JPEG").write_bytes(encoded("blue", "BMP"))
    where = tmp_path if beside else folder
    (where / name).write_text(GROUND_TRUTHS[name], "utf-8")
    # the development kit's table: ILSVRC2012_ID, WNID, words, gloss, num_children; numbers are its own, not wnid order
    rows = np.array(
        [(1, "n01518878", "ostrich", "", 0), (2, "n02123045", "tabby", "", 0), (3, "n00001740", "entity", "", 2)],
        dtype=[("ILSVRC2012_ID", "u2"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "u2")],
    )
    savemat(where / "meta.mat", {"synsets": rows.reshape(-1, 1)})
    tabby, ostrich = ("281", "9") if name == "val.txt" else ("n02123045", "n01518878")
    assert read_all(read_source("ImageNet validation", folder)) == [(tabby, [255, 0, 0]), (ostrich, [0, 0, 255])]


@pytest.mark.parametrize(
    ("kit", "said"),
    [
        (bytes(128) + struct.pack("<II", 15, 1 << 30) + zlib.compress(bytes(65 << 20)), "unpacks to more than"),
        (b"MATLAB" * 100, "no MATLAB file"),
        (b"", "no MATLAB file"),
    ],
)
def test_a_kit_that_swells_or_is_damaged_is_named(tmp_path, kit, said):
    """Elements of type 15 are packed by zlib: MATLAB's MAT-File Format, 1-9."""
    folder = tmp_path / "set" / "val"  # truths are looked for above it and beside that
    folder.mkdir(parents=True)
    (folder / "ILSVRC2012_val_00000001.JPEG").write_bytes(encoded("red", "BMP"))
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n")
    (folder / "meta.mat").write_bytes(kit)
    with pytest.raises(ValueError, match=rf"meta\.mat .*{said}"):
        read_source("ImageNet validation", folder)


def test_imagenet_class_folders_and_what_is_missing(tmp_path):
    (tmp_path / "n02123045").mkdir()
    (tmp_path / "n02123045" / "ILSVRC2012_val_00000001.JPEG").write_bytes(encoded("red", "BMP"))
    data = read_source("ImageNet validation", tmp_path)
    assert (data.name, data.class_names) == ("ImageNet validation", ("n02123045",))
    empty = tmp_path / "n02123045" / "flat"
    empty.mkdir()
    with pytest.raises(ValueError, match="neither class folders"):
        read_source("ImageNet validation", empty)
    (empty / "ILSVRC2012_val_00000002.JPEG").write_bytes(encoded("red", "BMP"))
    with pytest.raises(ValueError, match=r"no ground truth .* LOC_val_solution\.csv"):
        read_source("ImageNet validation", empty)
    (empty / "ILSVRC2012_validation_ground_truth.txt").write_text("2\n1\n")
    with pytest.raises(ValueError, match=r"meta\.mat is missing"):
        read_source("ImageNet validation", empty)


def line(name, label, rank, status="ok"):
    return Record(name, label, rank, 0, status, f"a {label}", "", (), rank, 8, 8, f"hash of {name}").to_json()


def our_set(root):
    image_folder(root)
    for picture in list(root.glob("*/*.png")):
        picture.rename(picture.with_name(f"{int(picture.stem):06d}.png"))
    lines = [
        line("dog/000000.png", "dog", 0),
        line("cat/000000.png", "a cat: \uace0\uc591\uc774", 0),
        line("dog/000001.png", "dog", 1, "fallback"),
        line("cat/000001.png", "a cat: \uace0\uc591\uc774", 1),
    ]
    (root / "metadata.jsonl").write_text("".join(f"{line}\n" for line in lines) + '{"file_name": "to', "utf-8")
    describe_set(root, {"dog": "dog", "a cat: \uace0\uc591\uc774": "cat"})


def test_our_own_sets_by_their_manifest(tmp_path):
    our_set(tmp_path)
    data = read_source("HypoNet set", tmp_path)
    assert data.class_names == ("dog", "a cat: \uace0\uc591\uc774"), "dataset.json's order, the real label"
    assert [data.describe(i) for i in range(len(data))] == ["dog/000000.png", "cat/000000.png", "cat/000001.png"]
    assert data.synthetic.all()
    key = data.content_key
    (tmp_path / "cat" / "000001.png").write_bytes(encoded("green", side=9))
    assert read_source("HypoNet set", tmp_path).content_key != key, "a changed file is noticed"
    assert read_source("image folder", tmp_path).class_names == data.class_names


def test_a_picture_of_our_set_that_is_replaced_has_another_hash(tmp_path):
    """Pictures of equal size, such as BMP; the manifest's line stays as it was. Features are kept by this hash."""
    our_set(tmp_path)
    data = read_source("HypoNet set", tmp_path)
    before = data.pictures_key
    path = tmp_path / data.describe(0)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert read_source("HypoNet set", tmp_path).pictures_key != before
    path.write_bytes(content)  # a copy of the set has other times on its files
    assert read_source("HypoNet set", tmp_path).pictures_key == before


def bmp(value: int) -> bytes:
    """A picture of 3x3: as many bytes whatever it shows."""
    out = io.BytesIO()
    Image.fromarray(np.full((3, 3, 3), value, np.uint8)).save(out, "BMP")
    return out.getvalue()


def test_a_picture_of_a_folder_that_is_replaced_by_one_of_equal_size_is_seen_in_all_that_is_kept(tmp_path):
    """Small copies, digests of pixels, the verdict on what is corrupt; times are set back, as by a copy of the disk."""
    folder, cache = tmp_path / "set", tmp_path / "cache"
    (folder / "cat").mkdir(parents=True)
    path = folder / "cat" / "0.bmp"
    path.write_bytes(bmp(10))
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    for value in (10, 200, 10):
        path.write_bytes(bmp(value))
        os.utime(path, ns=times)
        data = without_corrupt(read_source("image folder", folder, cache=cache))
        assert resized(data, 2).unique().tolist() == [value]
        assert data.pixel_digests().tolist() == [pixel_digest(np.full((3, 3, 3), value, np.uint8))]


def test_a_picture_in_an_archive_that_is_replaced_by_one_of_equal_size_has_another_hash(tmp_path):
    """The archive has as many bytes as before too."""
    keys, sizes = set(), set()
    for value in (10, 200):
        with tarfile.open(tmp_path / "0.tar", "w") as archive:
            for name, content in (("0.bmp", bmp(value)), ("0.cls", b"0")):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        keys.add(read_source("WebDataset", tmp_path).pictures_key)
        sizes.add((tmp_path / "0.tar").stat().st_size)
    assert (len(keys), len(sizes)) == (2, 1)


def test_a_picture_is_the_same_in_our_set_and_in_a_folder_of_it(tmp_path):
    our_set(tmp_path)
    ours, folder = (read_source(source, tmp_path) for source in ("HypoNet set", "image folder"))
    named = {folder.describe(i): folder.source.digest(i) for i in range(len(folder))}
    assert {ours.describe(i): ours.source.digest(i) for i in range(len(ours))}.items() <= named.items()


def test_labels_beside_an_image_folder_count_whatever_editor_wrote_them(tmp_path):
    """Notepad puts a byte order mark in front and ends lines with CRLF."""
    rows = []
    for folder, label in (("a", "zebra"), ("b", "cat: tabby")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "0.png").write_bytes(encoded("red"))
        rows.append(json.dumps({"file_name": f"{folder}/0.png", "label": label}))
    (tmp_path / "metadata.jsonl").write_bytes("\r\n".join([*rows, ""]).encode("utf-8-sig"))
    data = read_source("image folder", tmp_path)
    assert data.class_names == ("cat: tabby", "zebra")
    assert not data.synthetic.any()


def test_a_set_of_another_version_is_refused_before_its_lines_are_read(tmp_path):
    """The regression: the message was that a line has no such column, and to run a node that refuses the set too."""
    our_set(tmp_path)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "dog/0.png", "try": 0}\n')
    path = tmp_path / "dataset.json"
    path.write_text(path.read_text("utf-8").replace('"version": 2', '"version": 1'), "utf-8")
    with pytest.raises(ValueError, match=r"dataset.json has format version 1, which this HypoNet cannot read"):
        read_source("HypoNet set", tmp_path)


def test_a_whole_last_line_counts_without_its_line_break(tmp_path):
    our_set(tmp_path)
    manifest = tmp_path / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().rpartition(b"\n")[0])  # an editor that strips it; dog/0, cat/0, cat/1
    assert len(read_source("HypoNet set", tmp_path)) == 3
    manifest.write_bytes(manifest.read_bytes()[:-1])
    assert len(read_source("HypoNet set", tmp_path)) == 2, "now the last line is torn"


@pytest.mark.parametrize("bad", ["not json", line("../../secret.png", "dog", 0), '{"label": "dog"}'])
def test_a_damaged_manifest_is_named(tmp_path, bad):
    our_set(tmp_path)
    (tmp_path / "metadata.jsonl").write_text(f"{bad}\n", "utf-8")
    with pytest.raises(ValueError, match=r"metadata\.jsonl, line 1"):
        read_source("HypoNet set", tmp_path)


def test_parquet_in_hugging_faces_image_form(tmp_path):
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    rows = {"image": [Image.new("RGB", (6, 6), name) for name in ("red", "red", "blue", "blue")], "label": [0, 0, 1, 1]}
    datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / "train-0.parquet", batch_size=2)
    assert read_all(read_source("Parquet", tmp_path, "train")) == EXPECTED
    assert read_all(read_source("Parquet", tmp_path / "train-0.parquet")) == EXPECTED
    with pytest.raises(ValueError, match="begins with test"):
        read_source("Parquet", tmp_path, "test")
    (tmp_path / "test.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="cannot be read as Parquet"):
        read_source("Parquet", tmp_path, "test")


def test_parquet_with_plain_columns(tmp_path):
    table = {"img": [encoded(c) for c in ("red", "red", "blue", "blue")], "label": ["cat", "cat", "dog", "dog"]}
    parquet.write_table(pyarrow.table(table), tmp_path / "set.parquet", row_group_size=1)
    data = read_source("Parquet", tmp_path / "set.parquet")
    assert read_all(data) == EXPECTED
    assert read_all(data.select([3, 0, 2, 1])) == [EXPECTED[i] for i in (3, 0, 2, 1)]
    parquet.write_table(pyarrow.table({"picture": [1]}), tmp_path / "set.parquet")
    with pytest.raises(ValueError, match="has the columns picture"):
        read_source("Parquet", tmp_path / "set.parquet")


def test_webdataset_shards(tmp_path):
    for shard, (name, colour) in enumerate((("cat", "red"), ("dog", "blue"))):
        path = tmp_path / f"set-{shard:06d}.tar"
        with path.open("wb") as file, webdataset.TarWriter(file) as sink:  # a path of Windows is no URL
            for number in range(2):
                stated = {"json": {"label": name}} if shard else {"cls": 1, "json": {"label": name}}
                sink.write({"__key__": f"{name}/{number}", "png": encoded(colour), **stated})
    data = read_source("WebDataset", tmp_path)
    assert read_all(data) == EXPECTED
    (tmp_path / "set-000001.tar").write_bytes((tmp_path / "set-000001.tar").read_bytes()[:700])
    with pytest.raises(ValueError, match=r"set-000001\.tar"):
        read_source("WebDataset", tmp_path)


def shard(path, *members):
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_webdataset_labels_in_words_and_captions(tmp_path):
    red, blue = ("a.png", encoded("red")), ("b.png", encoded("blue"))
    named = shard(tmp_path / "named.tar", red, ("a.cls", b"cat"), ("a.txt", b"a red cat"), blue, ("b.cls", b"dog\n"))
    assert read_all(read_source("WebDataset", named)) == [EXPECTED[0], EXPECTED[2]]
    captions = shard(tmp_path / "captions.tar", red, ("a.txt", b"a red cat"))
    with pytest.raises(ValueError, match=r"no label beside picture a; expected a\.cls or a label in a\.json"):
        read_source("WebDataset", captions)


@pytest.mark.parametrize("packer", [gzip, lzma], ids=["gz", "xz"])
def test_a_compressed_webdataset_shard_is_refused_by_name(tmp_path, packer):
    plain = shard(tmp_path / "set.tar", ("a.png", encoded("red")), ("a.cls", b"0"))
    plain.write_bytes(packer.compress(plain.read_bytes()))
    with pytest.raises(ValueError, match=r"set\.tar is compressed; .* unpack"):
        read_source("WebDataset", plain)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("split", SPLITS)
def test_nothing_there_is_an_error_for_every_source(tmp_path, source, split):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty|split"):
        read_source(source, tmp_path / "empty", split)


def test_a_sets_hash_does_not_depend_on_how_it_is_stored(tmp_path):
    image_folder(tmp_path / "set")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path / "set").as_posix())
    folder, packed = (read_source("image folder", tmp_path / name) for name in ("set", "set.zip"))
    assert folder.content_key == packed.content_key
