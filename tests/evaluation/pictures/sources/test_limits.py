"""Files of 3 MB that unpack to 3 GB are refused, or read within 500 MB; what headers claim is not believed.

Measured in a process of its own: the kernel counts the most memory that it ever had (VmHWM of proc(5)), and forgets it
when asked to (5 to clear_refs), which getrusage does not.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from .swollen_files import UNPACKED, npy_header, npz_with, packed_zeros, png, sparse, tar_header, zip_with

ROOT = Path(__file__).resolve().parents[4]
BAR = 500  # MB
LIMIT = 6 << 30  # bytes: a reader that fails the test is stopped before the machine is out of memory
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="not on Windows and macOS: Linux tells a peak"
)

MEASURE = """
import json, resource, sys
from pathlib import Path
sys.path.append(sys.argv[1])
from tools.dev.pack import load_pack
load_pack()
from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.statistics_files import load_statistics
from hyponet.evaluation.pictures.cache import without_corrupt
from hyponet.evaluation.pictures.sources import read_source

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name))) >> 10

def read(kind, path):
    if kind == "statistics":
        load_statistics(path, preparation=Preparation())
        return "read"
    data = read_source(kind, path, "test" if kind == "CIFAR-10" else "all")
    return f"read, without {', '.join(without_corrupt(data).skipped)}"

resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]),) * 2)
found = {}
for name, (kind, path) in json.loads(sys.argv[3]).items():
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    try:
        said = read(kind, Path(path))
    except (ValueError, MemoryError) as error:
        said = f"{type(error).__name__}: {error}"
    found[name] = (said, status("VmHWM") - before)
print(json.dumps(found))
"""


def files(folder: Path) -> dict[str, tuple[str, Path]]:
    """name -> (source, file)."""
    (folder / "folder" / "cat").mkdir(parents=True)
    (folder / "folder" / "cat" / "0.png").write_bytes(png())
    sparse(folder / "folder" / "cat" / "1.png", UNPACKED)
    numbers, terabytes = npy_header("<f8", "(2048,)"), npy_header("<f8", "(100000, 100000, 1000)")
    for name, start in {
        "batch": tar_header("test_batch.bin", UNPACKED),
        "long name": tar_header("././@LongLink", UNPACKED, tarfile.GNUTYPE_LONGNAME),
        "long comment": tar_header("./PaxHeaders", UNPACKED, tarfile.XHDTYPE),
    }.items():
        (folder / f"{name}.tar.gz").write_bytes(packed_zeros(start))
    (folder / "members.tar.gz").write_bytes(many_members())
    picture, label = tar_header("a.png", UNPACKED), tar_header("a.cls", UNPACKED)
    return {
        "zip, picture": ("image folder", zip_with(folder / "picture.zip", "cat/1.png")),
        "zip, picture after its first bytes": ("image folder", zip_with(folder / "start.zip", "cat/1.png", png())),
        "zip, labels": ("image folder", zip_with(folder / "labels.zip", "metadata.jsonl", b'{"label": "a"}\n')),
        "folder, picture": ("image folder", folder / "folder"),
        "tar.gz, batch": ("CIFAR-10", folder / "batch.tar.gz"),
        "tar.gz, a name of 3 GB": ("CIFAR-10", folder / "long name.tar.gz"),
        "tar.gz, a comment of 3 GB": ("CIFAR-10", folder / "long comment.tar.gz"),
        "tar.gz, millions of members": ("CIFAR-10", folder / "members.tar.gz"),
        "shard, picture": ("WebDataset", sparse(folder / "p.tar", picture, UNPACKED, tar_header("a.cls", 0))),
        "shard, label": ("WebDataset", sparse(folder / "l.tar", tar_header("a.png", 0), label, UNPACKED)),
        "npz, mean": ("statistics", npz_with(folder / "mean.npz", "mu", numbers)),
        "npz, 80 TB": ("statistics", npz_with(folder / "terabytes.npz", "sigma", terabytes)),
        "npz, a header of 3 GB": ("statistics", npz_with(folder / "header.npz", "mu", b"\x93NUMPY\2\0\0\0\0\xc0")),
        "npz, facts": ("statistics", npz_with(folder / "facts.npz", "hyponet", npy_header("<U500000000", "()"))),
        **tables(folder),
    }


def many_members() -> bytes:
    """6,291,456 empty files: what is kept of each is a kilobyte."""
    part = gzip.compress(tar_header("a", 0) * 32_768)
    return part * (UNPACKED // (32_768 * 512))


def tables(folder: Path) -> dict[str, tuple[str, Path]]:
    """Parquet: a swollen column of pictures, and values that stand in it once for many rows."""
    import pyarrow
    import pyarrow.parquet as parquet

    def write(name, images, labels, **settings):
        path = folder / f"{name}.parquet"
        table = pyarrow.table({"image": images, "label": labels})
        parquet.write_table(table, path, compression="zstd", **settings)
        return "Parquet", path

    part = bytes(64 << 20)

    def repeated(value, count):
        return pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * count, pyarrow.int32()), [value])

    plain = folder / "plain.parquet"
    schema = pyarrow.schema({"image": pyarrow.binary(), "label": pyarrow.string()})
    with parquet.ParquetWriter(plain, schema, compression="zstd", use_dictionary=False) as writer:
        group = pyarrow.table({"image": pyarrow.array([part] * 8, pyarrow.binary()), "label": ["cat"] * 8})
        for _ in range(UNPACKED // (8 * len(part))):
            writer.write_table(group)
    megabyte = random.Random(1).randbytes(1 << 20)
    rows = repeated("a", 64 << 20)
    return {
        "Parquet, pictures": ("Parquet", plain),
        "Parquet, one picture 3,072 times": write("repeated", repeated(megabyte, 3072), ["cat"] * 3072),
        "Parquet, one label 3,072 times": write("labels", [png()] * 3072, repeated(megabyte.hex()[: 1 << 20], 3072)),
        "Parquet, 64 million rows": write("rows", rows, rows),
    }


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """name -> (what was said, MB that it took)."""
    paths = {name: (kind, str(path)) for name, (kind, path) in files(tmp_path_factory.mktemp("swollen")).items()}
    command = [sys.executable, "-c", MEASURE, str(ROOT), str(LIMIT), json.dumps(paths)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


@needs_proc
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zip, picture", r"read, without cat/1\.png"),
        ("zip, picture after its first bytes", r"read, without cat/1\.png"),
        ("zip, labels", r"labels\.zip is no whole zip file .*unpack to 3,221,225,487"),
        ("folder, picture", r"read, without cat/1\.png"),
        ("tar.gz, batch", r"test_batch\.bin in batch\.tar\.gz has 3,221,225,472 bytes"),
        ("tar.gz, a name of 3 GB", r"long name\.tar\.gz is no whole tar archive"),
        ("tar.gz, a comment of 3 GB", r"long comment\.tar\.gz is no whole tar archive"),
        ("tar.gz, millions of members", r"members\.tar\.gz .*more than 10,000 members"),
        ("shard, picture", r"none of the 1 pictures of p can be decoded"),
        ("shard, label", r"l\.tar is no whole WebDataset shard"),
        ("npz, mean", r"mean\.npz|read"),
        ("npz, 80 TB", r"terabytes\.npz .*sigma has the shape \(100000, 100000, 1000\)"),
        ("npz, a header of 3 GB", r"header\.npz cannot be read"),
        ("npz, facts", r"facts\.npz .*hyponet has the shape \(\) of <U500000000"),
        ("Parquet, pictures", r"none of the 48 pictures"),
        ("Parquet, one picture 3,072 times", r"none of the 3072 pictures"),
        ("Parquet, one label 3,072 times", "read"),
        ("Parquet, 64 million rows", r"rows\.parquet states 67,108,864 rows"),
    ],
)
def test_three_gigabytes_are_not_unpacked(measured, name, said):
    found, megabytes = measured[name]
    assert re.search(said, found), found
    assert "MemoryError" not in found
    assert megabytes < BAR
