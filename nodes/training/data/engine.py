"""What the nodes of labelled pictures need of the running ComfyUI: folders that may be read, downloads, progress.

Reads: what paths.read_bases() names. Writes: output/hyponet/cache; a download that was asked for, below input/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import torch

from ....evaluation.pictures.cache import without_corrupt
from ....evaluation.pictures.draws import limited
from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.pictures.sheets import samples
from ....evaluation.pictures.sources import read_source
from ....evaluation.pictures.sources.download import DOWNLOADABLE, download
from ....evaluation.pictures.sources.ours import is_ours, read_ours
from ....evaluation.pictures.tensors import to_image
from ... import paths
from ...dataset.beyond_plan import beyond_plan_text, plan_or_none
from ...dataset.engine import naming_sets
from ...dataset.store.fingerprint import set_fingerprint
from ...dataset.store.store import DatasetRef, DatasetStore
from ...engine import progress_bar

NOTHING_GIVEN = (
    "path is empty and no data set is connected; expected one of them; give a folder below input, or connect "
    "Generate Dataset"
)
MAX_SAMPLES = 64  # pictures on the sheet of a set; a judgement: eight rows of eight


def load(
    source: str,
    path: str,
    split: str,
    per_class: int,
    skip_corrupt: bool,
    download_missing: bool,
    seed: int,
    dataset: DatasetRef | None,
) -> LabelledImages:
    """What Load Labelled Images gives; see its widgets."""
    cache = paths.hyponet_dir() / "cache"
    if dataset is not None:
        data = read_ours(dataset.path, dataset.name, cache)
    else:
        data = read_source(source, _source_path(source, path, download_missing), split, cache)
    if skip_corrupt:
        return without_corrupt(data, progress_bar(len(data)), per_class, seed)
    return limited(data, per_class, seed)


def _source_path(source: str, path: str, download_missing: bool) -> Path:
    if not download_missing:
        with naming_sets(path) if source == "HypoNet set" else nullcontext():
            return paths.confine_any(paths.read_bases(), path, what="path")
    if source not in DOWNLOADABLE:
        raise ValueError(
            f"download is on for {source}; only {' and '.join(DOWNLOADABLE)} can be fetched; switch it off"
        )
    base = paths.read_bases()[0]
    return download(source, paths.confine(base, path or source.lower(), what="path"))


def beyond_plan_of(source: str, path: str, dataset: DatasetRef | None) -> str:
    """What is said of pictures that a set of ours holds beside those of its plan; "" of any other source."""
    if dataset is None and source in DOWNLOADABLE:  # CIFAR-10's and STL-10's own files, perhaps just fetched
        return ""
    folder = dataset.path if dataset is not None else _source_path(source, path, download_missing=False)
    if not is_ours(folder):
        return ""
    store = DatasetStore.open(folder)
    plan = plan_or_none(store)
    return "" if plan is None else beyond_plan_text(store, plan)


def input_file(name: str) -> Path:
    """A file of the user's below the folders that may be read."""
    return paths.confine_any(paths.read_bases(), name, what="mapping file")


def path_fingerprint(path: str | None) -> str | float:
    """What changes when the files at `path` do: names, sizes and times; the revision of a set of ours.

    A link that leads nowhere counts by its name alone. NaN, which never equals itself, when the path comes through a
    link of the graph and is not known yet.
    """
    if not isinstance(path, str):
        return float("nan")
    try:
        source = paths.confine_any(paths.read_bases(), path, what="path")
        if source.is_file():
            return f"{source.stat().st_size} {source.stat().st_mtime_ns}"
        if is_ours(source):
            return set_fingerprint(source)
        digest = hashlib.blake2b(digest_size=16)
        for file in sorted(source.rglob("*")):
            digest.update(f"{file}\n{_size_and_time(file)}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()
    except (OSError, ValueError):  # the run itself says what is wrong
        return ""


def _size_and_time(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:  # a link that leads nowhere
        return ""
    return f"{status.st_size}\n{status.st_mtime_ns}\n"


def counts_text(data: LabelledImages, said: str = "") -> str:
    """The set's name, size and counts, a line a class, and below them what is `said` of it."""
    lines = [f"{data.name}: {len(data):,} pictures", *(f"{name}: {count:,}" for name, count in data.counts().items())]
    if data.synthetic.any():
        lines.append(f"generated: {int(data.synthetic.sum()):,}")
    if data.skipped:
        lines.append(
            f"left out (corrupt, foreign, empty, without a line): {len(data.skipped):,}: {', '.join(data.skipped[:5])}"
        )
    if said:
        lines.append(said)
    return "\n".join(lines)


def left_out_text(classes: Mapping[str, int]) -> str:
    """The classes that a mapping leaves out, and how many pictures they have; nothing where it leaves none out."""
    if not classes:
        return ""
    names = ", ".join(list(classes)[:20]) + (", ..." if len(classes) > 20 else "")
    return f"left out: {sum(classes.values()):,} pictures of {len(classes)} other classes: {names}"


def samples_sheet(data: LabelledImages) -> torch.Tensor:
    """Up to 64 pictures, class by class, [1,H,W,3] float32 in 0..1."""
    return to_image(samples(data, MAX_SAMPLES))
