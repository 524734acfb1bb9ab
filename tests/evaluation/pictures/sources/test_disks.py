"""A disk that fails is neither a missing picture nor a damaged one: reading stops, with the file and the reason."""

from __future__ import annotations

import builtins
import errno
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from hyponet.evaluation.disk_errors import UnreadableFile
from hyponet.evaluation.pictures.cache import resized, without_corrupt
from hyponet.evaluation.pictures.decode import CorruptPicture, decode
from hyponet.evaluation.pictures.sources import read_source

FAILURES = [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ETIMEDOUT, errno.EPERM]
each_failure = pytest.mark.parametrize("number", FAILURES, ids=errno.errorcode.get)


def png(colour: str = "red") -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (6, 6), colour).save(packed, "PNG")
    return packed.getvalue()


@pytest.fixture
def folder(tmp_path):
    """Two classes of two pictures."""
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "set" / name / f"{number}.png").write_bytes(png())
    return tmp_path / "set"


def shard_of(folder: Path) -> Path:
    path = folder.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        for name, content in (("a.png", png()), ("a.cls", b"cat"), ("b.png", png()), ("b.cls", b"dog")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def zip_of(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


@pytest.fixture
def failing(monkeypatch):
    """failing(number, name): from now on nothing whose name is that one can be opened or, if a folder, listed."""

    def fail(number, name):
        def failing_version(call):
            def wrapper(path, *arguments, **keywords):
                if isinstance(path, (str, os.PathLike)) and Path(path).name == name:
                    raise OSError(number, os.strerror(number), str(path))
                return call(path, *arguments, **keywords)

            return wrapper

        monkeypatch.setattr(builtins, "open", failing_version(open))
        monkeypatch.setattr(io, "open", failing_version(io.open))
        monkeypatch.setattr(os, "scandir", failing_version(os.scandir))

    return fail


@each_failure
@pytest.mark.parametrize(
    "use", [lambda data: data.read(0), lambda data: data.pictures_key, without_corrupt, lambda data: resized(data, 8)]
)
def test_a_picture_that_the_disk_does_not_give_stops_whatever_needs_it(folder, failing, number, use, tmp_path):
    data = read_source("image folder", folder, cache=tmp_path / "cache")
    failing(number, "0.png")
    with pytest.raises(UnreadableFile, match=rf"0\.png cannot be read \({os.strerror(number)}\)"):
        use(data)


def test_a_missing_picture_is_missing_and_can_be_skipped(folder):
    data = read_source("image folder", folder)
    (folder / "cat" / "0.png").unlink()
    with pytest.raises(CorruptPicture, match=r"cat/0\.png is missing"):
        data.read(0)
    assert without_corrupt(data).skipped == ("cat/0.png",)


@each_failure
def test_a_class_folder_that_cannot_be_listed_is_not_left_out(folder, failing, number):
    """pathlib's rglob passes over folders without permission, and Python 3.13's over all that fail."""
    failing(number, "dog")
    with pytest.raises(UnreadableFile, match=rf"dog cannot be read \({os.strerror(number)}\)"):
        read_source("image folder", folder)


@each_failure
@pytest.mark.parametrize(("source", "pack"), [("image folder", zip_of), ("WebDataset", shard_of)])
def test_an_archive_that_the_disk_does_not_give_is_not_damaged(folder, failing, number, source, pack):
    path = pack(folder)
    failing(number, path.name)
    with pytest.raises(UnreadableFile, match=rf"{path.name} cannot be read \({os.strerror(number)}\)"):
        read_source(source, path)


@each_failure
def test_a_zip_whose_end_the_disk_does_not_give_is_none_that_is_cut(folder, monkeypatch, number):
    """zipfile says "File is not a zip file" then: its list of members stands at the end."""
    path = zip_of(folder)

    def end_of(file):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(zipfile, "_EndRecData", end_of)
    with pytest.raises(UnreadableFile, match=rf"{path.name} cannot be read \({os.strerror(number)}\)"):
        read_source("image folder", path)


@each_failure
def test_a_shard_that_is_lost_while_it_is_read_is_not_a_set_of_corrupt_pictures(folder, failing, number):
    data = read_source("WebDataset", shard_of(folder))
    failing(number, "set.tar")
    with pytest.raises(UnreadableFile, match=r"set\.tar cannot be read"):
        without_corrupt(data)


@each_failure
def test_a_tar_of_cifar_that_the_disk_does_not_give_is_not_to_be_fetched_again(folder, failing, number):
    path = shard_of(folder)
    failing(number, path.name)
    with pytest.raises(UnreadableFile) as raised:
        read_source("CIFAR-10", path, "test")
    assert "get it again" not in str(raised.value)


@each_failure
def test_parquet_that_the_disk_does_not_give_is_not_damaged(tmp_path, monkeypatch, number):
    """pyarrow opens files by itself; its errors have the kernel's number."""
    import pyarrow
    import pyarrow.parquet as parquet

    path = tmp_path / "set.parquet"
    parquet.write_table(pyarrow.table({"image": [png()], "label": ["cat"]}), path)
    data = read_source("Parquet", path)

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(parquet, "read_metadata", fail)
    with pytest.raises(UnreadableFile, match=r"set\.parquet"):
        read_source("Parquet", path)
    monkeypatch.setattr(parquet.ParquetFile, "read_row_group", fail)
    with pytest.raises(UnreadableFile, match=r"set\.parquet"):
        without_corrupt(data)


@each_failure
def test_a_file_that_the_disk_does_not_give_is_told_from_a_damaged_one(folder, failing, number):
    path = folder / "cat" / "0.png"
    path.write_bytes(png()[:50])
    with pytest.raises(CorruptPicture):
        decode(path, "0.png")
    failing(number, "0.png")
    with pytest.raises(UnreadableFile, match=r"0\.png"):
        decode(path, "0.png")


def test_a_tiff_that_points_to_nowhere_is_damaged(tmp_path):
    """Its list of tags begins at 4,294,967,295 of 8 bytes."""
    path = tmp_path / "0.tif"
    path.write_bytes(b"II*\0\xff\xff\xff\xff")
    with pytest.raises(CorruptPicture):
        decode(path, "0.tif")


@each_failure
def test_the_manifest_and_the_labels_beside_a_folder_are_not_passed_over(folder, failing, number):
    """Without its labels the folder would be read under other class names."""
    (folder / "metadata.jsonl").write_text('{"file_name": "cat/0.png", "label": "tabby"}\n')
    failing(number, "metadata.jsonl")
    with pytest.raises(UnreadableFile, match=r"metadata\.jsonl"):
        read_source("image folder", folder)
