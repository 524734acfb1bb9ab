"""Exports that need nothing but the standard library: zip, tar shards, CSV, captions beside pictures.

Reads pictures and manifest of a set; writes into an empty folder.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from pathlib import PurePosixPath

from .job import Job


def write_zip(job: Job) -> None:
    """One zip: class folders for torchvision's ImageFolder, and metadata.jsonl with the real labels."""
    with zipfile.ZipFile(job.folder / f"{job.name}.zip", "w", zipfile.ZIP_STORED, allowZip64=True) as out:
        for _, line, data in job.pictures():
            out.writestr(line.file_name, data)
        out.writestr("metadata.jsonl", b"".join(line.to_bytes() for line in job.lines))


def write_tars(job: Job) -> None:
    """Tar shards of `key.png`, `key.cls` (class number), `key.txt` (prompt) and `key.json` (manifest line).

    The class names stand in classes.txt beside the shards, by number.
    """
    numbers = job.label_numbers()
    shard: tarfile.TarFile | None = None
    try:
        for place, line, data in job.pictures():
            if place % job.shard_size == 0:
                if shard is not None:
                    shard.close()
                path = job.folder / f"{job.name}-{place // job.shard_size:06d}.tar"
                shard = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - one after the other
            assert shard is not None
            suffix = PurePosixPath(line.file_name).suffix.lstrip(".")
            for ending, content in (
                (suffix, data),
                ("cls", str(numbers[line.label]).encode()),
                ("txt", line.prompt.encode("utf-8")),
                ("json", line.to_json().encode("utf-8")),
            ):
                _add(shard, f"{place:08d}.{ending}", content)
    finally:
        if shard is not None:
            shard.close()
    (job.folder / "classes.txt").write_text("".join(_one_line(label) + "\n" for label in numbers), encoding="utf-8")


def write_csv(job: Job) -> None:
    """One table; `file_name` is relative to the set's folder, picks are JSON."""
    with open(job.folder / f"{job.name}.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        for place, line in enumerate(job.lines):
            row = json.loads(line.to_json())
            row["picks"] = json.dumps(row["picks"], ensure_ascii=False)
            if place == 0:
                table.writerow(row)
            table.writerow(row.values())
            job.progress(place + 1, len(job.lines))


def write_captions(job: Job) -> None:
    """Each picture in its class folder with its prompt in a .txt of the same name, as LoRA trainers read them."""
    for _, line, data in job.pictures():
        path = job.folder / line.file_name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        path.with_suffix(".txt").write_text(line.prompt, encoding="utf-8")


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o644
    shard.addfile(info, io.BytesIO(content))


def _one_line(label: str) -> str:
    return label if label.isprintable() else json.dumps(label, ensure_ascii=False)
