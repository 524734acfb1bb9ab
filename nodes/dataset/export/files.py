"""Exports that need nothing but the standard library: zip, tar shards, CSV, captions beside pictures.

Reads pictures and manifest of a set; writes into a folder that may hold what an earlier try left.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from ....evaluation.disk_errors import disk_error_of, reading, unreadable
from ....evaluation.files import file_sha256
from ....evaluation.pictures.manifest import MANIFEST
from ....evaluation.pictures.sources.encoded import MAX_STORED
from .job import ExportJob


def write_zip(job: ExportJob) -> None:
    """One zip: class folders for torchvision's ImageFolder, and metadata.jsonl with the real labels."""
    job.refuse_missing()
    path = job.place(f"{job.name}.zip")
    written = _pictures_in_zip(path, job)
    job.keep(job.records[:written])
    # zipfile itself empties a file that it cannot open to append to, and takes one that it cannot read for none
    with path.open("r+b" if written else "w+b") as file:
        end = file.seek(0, os.SEEK_END)
        with zipfile.ZipFile(file, "a" if written else "w", zipfile.ZIP_STORED, allowZip64=True) as out:
            is_read = len(out.infolist()) == written
            if is_read:
                _write_after(out, job, written)
        if not is_read:
            file.truncate(end)  # the directory of an empty zip, which closing wrote behind the pictures
            raise unreadable(path, OSError(errno.EIO, os.strerror(errno.EIO)))


def _write_after(out: zipfile.ZipFile, job: ExportJob, there: int) -> None:
    """The pictures from number `there` on, and the manifest of all."""
    for number, record in enumerate(job.records[there:], there + 1):
        out.writestr(_entry(record.file_name), job.read(record))
        job.say(number)
    out.writestr(_entry(MANIFEST), b"".join(record.to_bytes() for record in job.records))


def _entry(name: str) -> zipfile.ZipInfo:
    """A file of a zip without the time of the export, so that one set has one zip and one hash."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o644 << 16  # as tar has it; programs that keep rights would else take all of them away
    return entry


def _pictures_in_zip(path: Path, job: ExportJob) -> int:
    """How many of the first pictures a zip of an earlier try holds and nothing else; 0 where it has to begin again.

    One that was stopped was closed, so that it can be gone on with; a process that was killed leaves none that opens.
    """
    try:
        with reading(path), zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > len(job.records):
                return 0
            for number, (entry, record) in enumerate(zip(entries, job.records, strict=False), 1):
                is_other = entry.filename != record.file_name or entry.file_size > MAX_STORED
                if is_other or hashlib.sha256(archive.read(entry)).hexdigest() != record.sha256:
                    return 0
                job.say(number)
            return len(entries)
    except FileNotFoundError:
        return 0
    except zipfile.BadZipFile as error:  # zipfile's word for a disk that fails, too
        cause = disk_error_of(error)
        if cause is None or isinstance(cause, FileNotFoundError):
            return 0
        raise unreadable(path, cause) from error


def write_tars(job: ExportJob) -> None:
    """Tar shards of `key.png`, `key.cls` (class number), `key.txt` (prompt) and `key.json` (manifest line).

    The class names stand in classes.txt beside the shards, by number.
    """
    job.refuse_missing()
    class_numbers = job.label_numbers()
    for shard, path in job.unfinished([job.place(f"{job.name}-{shard.index:06d}.tar") for shard in job.shards()]):
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as out:
            for number, record in enumerate(shard.records, shard.start):
                suffix = PurePosixPath(record.file_name).suffix.lstrip(".")
                for ending, content in (
                    (suffix, job.read(record)),
                    ("cls", str(class_numbers[record.label]).encode()),
                    ("txt", record.prompt.encode("utf-8")),
                    ("json", record.to_json().encode("utf-8")),
                ):
                    _add(out, f"{number:08d}.{ending}", content)
                job.say(number + 1)
    job.place("classes.txt").write_text("".join(_one_line(label) + "\n" for label in class_numbers), encoding="utf-8")


def write_csv(job: ExportJob) -> None:
    """One table; `file_name` is relative to the set's folder, picks are JSON.

    A column of the user's that some records lack is empty there.
    """
    columns = list(dict.fromkeys(column for record in job.records for column in record.columns()))
    # with the mark, or spreadsheets take it for the machine's own code page
    with open(job.place(f"{job.name}.csv"), "w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        for number, record in enumerate(job.records, 1):
            row = record.columns()
            row["picks"] = json.dumps(row["picks"], ensure_ascii=False)
            table.writerow(row.get(column, "") for column in columns)
            job.say(number)


def write_captions(job: ExportJob) -> None:
    """Each picture with its prompt in a .txt of the same name and as `text` in metadata.jsonl, for LoRA trainers.

    kohya's trainers read folders called <repeats>_<name> and no others; diffusers' read the column `text`.
    """
    job.refuse_missing()
    lines = []
    for number, record in enumerate(job.records, 1):
        path = job.place(f"1_{record.file_name}")
        if path.is_file() and file_sha256(path) == record.sha256:
            job.keep((record,))
        else:
            path.write_bytes(job.read(record))
        text = job.place(f"1_{PurePosixPath(record.file_name).with_suffix('.txt')}")
        text.write_text(record.prompt, encoding="utf-8", errors="backslashreplace")
        lines.append(json.dumps({"file_name": f"1_{record.file_name}", "text": record.prompt}) + "\n")
        job.say(number)
    job.place(MANIFEST).write_text("".join(lines), encoding="utf-8")


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = 0o644
    shard.addfile(info, io.BytesIO(content))


def _one_line(label: str) -> str:
    return label if label.isprintable() else json.dumps(label, ensure_ascii=False)
