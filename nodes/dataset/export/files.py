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

from ....evaluation.pictures.manifest import MANIFEST
from .job import ExportJob


def write_zip(job: ExportJob) -> None:
    """One zip: class folders for torchvision's ImageFolder, and metadata.jsonl with the real labels."""
    with zipfile.ZipFile(job.folder / f"{job.name}.zip", "w", zipfile.ZIP_STORED, allowZip64=True) as out:
        for _, record, content in job.pictures():
            out.writestr(record.file_name, content)
        out.writestr(MANIFEST, b"".join(record.to_bytes() for record in job.records))


def write_tars(job: ExportJob) -> None:
    """Tar shards of `key.png`, `key.cls` (class number), `key.txt` (prompt) and `key.json` (manifest line).

    The class names stand in classes.txt beside the shards, by number.
    """
    class_numbers = job.label_numbers()
    shard: tarfile.TarFile | None = None
    try:
        for number, record, picture in job.pictures():
            if number % job.shard_size == 0:
                if shard is not None:
                    shard.close()
                path = job.folder / f"{job.name}-{number // job.shard_size:06d}.tar"
                shard = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - one after the other
            assert shard is not None
            suffix = PurePosixPath(record.file_name).suffix.lstrip(".")
            for ending, content in (
                (suffix, picture),
                ("cls", str(class_numbers[record.label]).encode()),
                ("txt", record.prompt.encode("utf-8")),
                ("json", record.to_json().encode("utf-8")),
            ):
                _add(shard, f"{number:08d}.{ending}", content)
    finally:
        if shard is not None:
            shard.close()
    (job.folder / "classes.txt").write_text(
        "".join(_one_line(label) + "\n" for label in class_numbers), encoding="utf-8"
    )


def write_csv(job: ExportJob) -> None:
    """One table; `file_name` is relative to the set's folder, picks are JSON.

    A column of the user's that some records lack is empty there.
    """
    columns = list(dict.fromkeys(column for record in job.records for column in record.columns()))
    # with the mark, or spreadsheets take it for the machine's own code page
    with open(job.folder / f"{job.name}.csv", "w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        for number, record in enumerate(job.records, 1):
            row = record.columns()
            row["picks"] = json.dumps(row["picks"], ensure_ascii=False)
            table.writerow(row.get(column, "") for column in columns)
            job.progress(number, len(job.records))


def write_captions(job: ExportJob) -> None:
    """Each picture with its prompt in a .txt of the same name and as `text` in metadata.jsonl, for LoRA trainers.

    kohya's trainers read folders called <repeats>_<name> and no others; diffusers' read the column `text`.
    """
    lines = []
    for _, record, content in job.pictures():
        path = job.folder / f"1_{record.file_name}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        path.with_suffix(".txt").write_text(record.prompt, encoding="utf-8", errors="backslashreplace")
        lines.append(json.dumps({"file_name": f"1_{record.file_name}", "text": record.prompt}) + "\n")
    (job.folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o644
    shard.addfile(info, io.BytesIO(content))


def _one_line(label: str) -> str:
    return label if label.isprintable() else json.dumps(label, ensure_ascii=False)
