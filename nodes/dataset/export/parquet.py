"""Parquet shards in Hugging Face's form: image bytes, class labels with names, one column for each fact.

Reads pictures of a set; writes into a folder that may hold what an earlier try left. Needs pyarrow.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from ....evaluation.pictures.manifest import Record
from .job import ExportJob

_ROW_GROUP = 100  # pictures in a row group, so that readers and this writer hold few at once
_TEXTS = ("prompt", "negative", "status", "sha256", "check", "check_predicted")
_NUMBERS = ("rank", "attempt", "seed", "width", "height")


def write_parquet(job: ExportJob) -> None:
    """data/train-00000-of-0000N.parquet, which `datasets.load_dataset(folder)` opens as it is.

    Raises:
        ImportError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ImportError("Parquet needs pyarrow; install it by: pip install pyarrow; or choose another form") from None
    job.refuse_missing()
    schema = _schema(pa, job)
    class_numbers = job.label_numbers()
    shards = job.shards()
    places = [job.place(f"data/train-{shard.index:05d}-of-{len(shards):05d}.parquet") for shard in shards]
    for shard, path in job.unfinished(places):
        with pq.ParquetWriter(path, schema, compression="none") as writer:
            for first in range(0, len(shard.records), _ROW_GROUP):
                rows = []
                for number, record in enumerate(shard.records[first : first + _ROW_GROUP], shard.start + first + 1):
                    rows.append(_row(record, job.read(record), class_numbers))
                    job.say(number)
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _row(record: Record, content: bytes, class_numbers: dict[str, int]) -> dict[str, Any]:
    columns = {name: value for name, value in record.columns().items() if name not in record.extra}
    picture = {"bytes": content, "path": PurePosixPath(record.file_name).name}
    return {**columns, "image": picture, "label": class_numbers[record.label]}


def _schema(pa: Any, job: ExportJob) -> Any:
    text, number = pa.string(), pa.int64()
    pick = pa.struct([("slot", text), ("option", text), ("source", text)])
    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        "label": {"names": list(job.store.labels), "_type": "ClassLabel"},
        **{name: {"dtype": "string", "_type": "Value"} for name in _TEXTS},
        **{name: {"dtype": "int64", "_type": "Value"} for name in _NUMBERS},
        "check_probability": {"dtype": "float64", "_type": "Value"},
        "picks": {
            "feature": {key: {"dtype": "string", "_type": "Value"} for key in ("slot", "option", "source")},
            "_type": "List",
        },
    }
    columns = [("image", pa.struct([("bytes", pa.binary()), ("path", text)])), ("label", number)]
    columns += [(name, text) for name in _TEXTS] + [(name, number) for name in _NUMBERS]
    columns += [("check_probability", pa.float64()), ("picks", pa.list_(pick))]
    return pa.schema(columns, metadata={"huggingface": json.dumps({"info": {"features": features}})})
