"""Parquet shards in Hugging Face's form: image bytes, class labels with names, one column for each fact.

Reads pictures of a set; writes into an empty folder. Needs pyarrow.
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
    schema = _schema(pa, job)
    (job.folder / "data").mkdir()
    class_numbers = job.label_numbers()
    writer: Any = None
    rows: list[dict[str, Any]] = []
    try:
        for number, record, content in job.pictures():
            if number % job.shard_size == 0:
                if writer is not None:
                    writer.close()
                name = f"train-{number // job.shard_size:05d}-of-{job.shards():05d}.parquet"
                writer = pq.ParquetWriter(job.folder / "data" / name, schema, compression="none")
            rows.append(_row(record, content, class_numbers))
            ends_shard = (number + 1) % job.shard_size == 0 or number + 1 == len(job.records)
            if ends_shard or len(rows) == _ROW_GROUP:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                rows = []
    finally:
        if writer is not None:
            writer.close()


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
