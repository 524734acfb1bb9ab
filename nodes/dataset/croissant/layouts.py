"""Which files hold the pictures and their lines, in Croissant's words: of a set as it lies, and of each form of export.

Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ....evaluation.pictures.manifest import MANIFEST, SUFFIX_OF
from ..facts import SetFacts

Json = dict[str, Any]

_JSON_LINES, _ZIP, _TAR, _CSV = "application/jsonlines", "application/zip", "application/x-tar", "text/csv"
_PARQUET = "application/x-parquet"
_MEDIA_TYPES = {".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg"}

# columns of a manifest -> type and meaning; file_name, label and the picture stand in front of them
_COLUMNS = {
    "rank": ("sc:Integer", "Number of the item within its class, from 0."),
    "attempt": ("sc:Integer", "Number of this attempt at the item, from 0."),
    "status": ("sc:Text", "ok, or fallback where every attempt was rejected."),
    "prompt": ("sc:Text", "The prompt of the picture."),
    "negative": ("sc:Text", "The negative prompt."),
    "seed": ("sc:Integer", "The seed of the picture's noise."),
    "width": ("sc:Integer", "In pixels."),
    "height": ("sc:Integer", "In pixels."),
    "sha256": ("sc:Text", "Hash of the picture's file."),
    "check": ("sc:Text", "Verdict of Check Labels: unchecked, passed or failed."),
    "check_probability": ("sc:Float", "Probability of the label among the set's classes, 0 before a check."),
    "check_predicted": ("sc:Text", "The class that the check saw."),
}
_FRONT = {
    "file_name": ("sc:Text", "The picture's file, <class folder>/<file>."),
    "label": ("sc:Text", "The class that the picture is to show."),
}
_WITH_LABEL = {"label": _FRONT["label"], **_COLUMNS}
_PICTURES, _LINES, _FILES = "pictures", "lines", "picture-files"  # ids of tables, and of a set of files
_MANIFEST_ID = "manifest"

Columns = Mapping[str, tuple[str, str]]


HASHED_SUFFIXES = (".zip", ".tar", ".parquet", ".csv", ".jsonl")
"""Of the files of an export that its layout names one by one; pictures and captions stand in patterns."""


class NamedFile(NamedTuple):
    """A file beside the document: its path from there, its SHA-256, its bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a set or export, and the tables that they make."""

    distribution: list[Json]
    record_sets: list[Json] = field(default_factory=list)


def set_layout(facts: SetFacts) -> Layout:
    """Of a set as it lies: class folders and metadata.jsonl."""
    lines = _file(_MANIFEST_ID, NamedFile(MANIFEST, facts.manifest.sha256, facts.manifest.size), _JSON_LINES)
    return Layout([lines, _pictures("*/*", facts)], _joined(_WITH_LABEL))


def zip_layout(facts: SetFacts, files: Sequence[NamedFile]) -> Layout:
    """Of the ImageFolder zip: class folders and metadata.jsonl inside."""
    (archive,) = files
    inside = {"containedIn": {"@id": "archive"}}
    lines = {
        **_named("cr:FileObject", _MANIFEST_ID), "contentUrl": MANIFEST, "encodingFormat": _JSON_LINES, **inside,
    }  # fmt: skip
    pictures = {**_pictures("*/*", facts), **inside}
    return Layout([_file("archive", archive, _ZIP), lines, pictures], _joined(_WITH_LABEL))


def tars_layout(facts: SetFacts, files: Sequence[NamedFile]) -> Layout:
    """Of tar shards: a picture's files have one name, its number in the export, and endings of their own."""
    shards = [_file(f"shard-{number}", file, _TAR) for number, file in enumerate(files)]
    inside = {"containedIn": [{"@id": shard["@id"]} for shard in shards]}
    pictures = {**_pictures("*", facts), **inside}
    numbers = {
        **_named("cr:FileSet", "label-files"), "encodingFormat": "text/plain", "includes": "*.cls", **inside,
    }  # fmt: skip
    lines = {
        **_named("cr:FileSet", "line-files"), "encodingFormat": "application/json", "includes": "*.json", **inside,
    }  # fmt: skip
    tables = [
        _member_table(_PICTURES, _FILES, "image", "sc:ImageObject", "The picture."),
        _member_table("labels", numbers["@id"], "label", "sc:Integer", "The number of the class, from 0."),
        _member_table(_LINES, lines["@id"], "line", "sc:Text", "All that is known of the picture, a JSON object."),
    ]
    return Layout([*shards, pictures, numbers, lines], tables)


def parquet_layout(facts: SetFacts, files: Sequence[NamedFile]) -> Layout:
    """Of Parquet shards: everything is a column, and the label the number of its class."""
    rows = {
        **_named("cr:FileSet", "rows"), "encodingFormat": _PARQUET, "includes": "data/*.parquet",
    }  # fmt: skip
    columns = {**_COLUMNS, "label": ("sc:Integer", "The number of the class, from 0: its row in the table `classes`.")}
    source = {"fileSet": {"@id": "rows"}}
    cell = {**source, "extract": {"column": "image"}, "transform": {"jsonPath": "bytes"}}
    image = _field(_PICTURES, "image", "sc:ImageObject", "The picture.", cell)
    table = _record_set(_PICTURES, "A row a picture.", [image, *_column_fields(_PICTURES, columns, source)])
    shards = [_file(f"shard-{number}", file, _PARQUET) for number, file in enumerate(files)]
    return Layout([*shards, rows], [table])


def csv_layout(facts: SetFacts, files: Sequence[NamedFile]) -> Layout:
    """Of the table alone: the pictures stay in the set's folder."""
    (file,) = files
    fields = _column_fields(_LINES, {**_FRONT, **_COLUMNS}, {"fileObject": {"@id": "table"}})
    return Layout(
        [_file("table", file, _CSV)],
        [_record_set(_LINES, "A line a picture, whose file is not in this export.", fields)],
    )


def captions_layout(facts: SetFacts, files: Sequence[NamedFile]) -> Layout:
    """Of pictures with their captions: metadata.jsonl has nothing else."""
    (lines,) = files
    columns = {"text": ("sc:Text", "The prompt, as a caption.")}
    return Layout([_file(_MANIFEST_ID, lines, _JSON_LINES), _pictures("1_*/*", facts)], _joined(columns))


def _member_table(name: str, files: str, column: str, kind: str, text: str) -> Json:
    """The members of tar shards with one ending: what is in each, under its key.

    Tables with equal keys belong together: no file in the shards names the members, to join them by.
    """
    key = {"fileSet": {"@id": files}, "extract": {"fileProperty": "filename"}, "transform": {"regex": "^([^.]+)"}}
    content = {"fileSet": {"@id": files}, "extract": {"fileProperty": "content"}}
    fields = [
        _field(name, "key", "sc:Text", "Number of the picture in the export, as WebDataset's key.", key),
        _field(name, column, kind, text, content),
    ]
    return _record_set(name, f"{text} The same key stands in the tables pictures, labels and lines.", fields)


def _joined(columns: Columns) -> list[Json]:
    """The pictures of a file set, each with its line of the manifest, which names it."""
    lines = {"fileObject": {"@id": _MANIFEST_ID}}
    key = {"references": {**lines, "extract": {"column": "file_name"}}}
    of_files = {"fileSet": {"@id": _FILES}}
    content = {**of_files, "extract": {"fileProperty": "content"}}
    # the whole path; without a pattern mlcroissant 1.1.1 compares a path of a folder with a text, and finds nothing
    path = {**of_files, "extract": {"fileProperty": "fullpath"}, "transform": {"regex": "^(.+)$"}}
    fields = [
        _field(_PICTURES, "image", "sc:ImageObject", "The picture.", content),
        {**_field(_PICTURES, "file_name", *_FRONT["file_name"], path), **key},
        *_column_fields(_PICTURES, columns, lines),
    ]
    return [_record_set(_PICTURES, "A picture and its line.", fields)]


def _column_fields(record_set: str, columns: Columns, source: Json) -> list[Json]:
    return [
        _field(record_set, name, kind, text, {**source, "extract": {"column": name}})
        for name, (kind, text) in columns.items()
    ]


def _field(record_set: str, name: str, kind: str, text: str, source: Json) -> Json:
    named = {**_named("cr:Field", f"{record_set}/{name}"), "name": name}
    return {**named, "description": text, "dataType": kind, "source": source}


def _record_set(name: str, text: str, fields: list[Json]) -> Json:
    return {**_named("cr:RecordSet", name), "description": text, "field": fields}


def _pictures(pattern: str, facts: SetFacts) -> Json:
    """The files of the pictures, `pattern` without the suffix; a merge may have pictures of every format."""
    suffixes = [SUFFIX_OF[facts.format]] if not facts.making.origins else list(_MEDIA_TYPES)
    types = [_MEDIA_TYPES[suffix] for suffix in suffixes]
    return {
        **_named("cr:FileSet", _FILES),
        "encodingFormat": types[0] if len(types) == 1 else types,
        "includes": [f"{pattern}{suffix}" for suffix in suffixes],
    }


def _file(identifier: str, file: NamedFile, media_type: str) -> Json:
    """A file by a plain id: its own name may have spaces and letters that no IRI has."""
    return {
        **_named("cr:FileObject", identifier),
        "name": file.name,
        "contentUrl": file.name,
        "contentSize": f"{file.size} B",
        "encodingFormat": media_type,
        "sha256": file.sha256,
    }


def _named(kind: str, name: str) -> Json:
    return {"@type": kind, "@id": name, "name": name}
