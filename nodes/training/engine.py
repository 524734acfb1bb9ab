"""What the training nodes need of the running ComfyUI: folders, memory, progress and result files.

Reads: what paths.read_bases() names, models/classifiers. Writes: output/hyponet/classifiers/<name>/<run>/,
output/hyponet/results/<name>/, output/hyponet/cache.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ...evaluation.pictures.cache import without_corrupt
from ...evaluation.pictures.labelled_images import LabelledImages, limited
from ...evaluation.pictures.sheets import samples
from ...evaluation.pictures.sources import read_source
from ...evaluation.pictures.sources.download import DOWNLOADABLE, download
from ...evaluation.pictures.sources.ours import is_ours, read_ours
from ...evaluation.results import Result
from ...evaluation.training import accuracy as testing
from ...evaluation.training import records
from ...evaluation.training.checkpoint import Checkpoint, is_checkpoint, load_checkpoint
from ...evaluation.training.progress import TrainProgress
from ...evaluation.training.settings import Settings
from ...evaluation.training.train import Trained, folder_name, train
from .. import paths
from ..dataset.store.store import DatasetRef
from ..engine import progress_bar, progress_text

NOTHING_TRAINED = "(nothing trained yet)"
SHEET = 64


def classifiers_dir() -> Path:
    """Where checkpoints are written: output/hyponet/classifiers."""
    return paths.hyponet_dir() / "classifiers"


def results_dir() -> Path:
    """Where result files are written: output/hyponet/results."""
    return paths.hyponet_dir() / "results"


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
        return paths.confine_any(paths.read_bases(), path, what="path")
    if source not in DOWNLOADABLE:
        raise ValueError(
            f"download is on for {source}; only {' and '.join(DOWNLOADABLE)} can be fetched; switch it off"
        )
    base = paths.read_bases()[0]
    return download(source, paths.confine(base, path or source.lower(), what="path"))


def input_file(name: str) -> Path:
    """A file of the user's below the folders that may be read."""
    return paths.confine_any(paths.read_bases(), name, what="mapping file")


def stamp(path: str | None) -> str:
    """What changes when the files at `path` do: names, sizes and times; the revision of a set of ours.

    A link that leads nowhere counts by its name alone.
    """
    if not path or not isinstance(path, str):
        return ""
    try:
        found = paths.confine_any(paths.read_bases(), path, what="path")
        if found.is_file():
            return f"{found.stat().st_size} {found.stat().st_mtime_ns}"
        if is_ours(found):
            revision = json.loads((found / "dataset.json").read_text("utf-8")).get("revision")
            return f"{revision} {(found / 'metadata.jsonl').stat().st_size}"
        total = hashlib.blake2b(digest_size=16)
        for file in sorted(found.rglob("*")):
            total.update(f"{file}\n{_state(file)}".encode("utf-8", "surrogatepass"))
        return total.hexdigest()
    except (OSError, ValueError):  # the run itself says what is wrong
        return ""


def _state(file: Path) -> str:
    try:
        state = file.stat()
    except OSError:  # a link that leads nowhere
        return ""
    return f"{state.st_size}\n{state.st_mtime_ns}\n"


def counts_text(data: LabelledImages) -> str:
    """The set's name, size and counts, a line a class."""
    lines = [f"{data.name}: {len(data):,} pictures", *(f"{name}: {count:,}" for name, count in data.counts().items())]
    if data.synthetic.any():
        lines.append(f"generated: {int(data.synthetic.sum()):,}")
    if data.skipped:
        lines.append(f"skipped as corrupt: {len(data.skipped):,}: {', '.join(data.skipped[:5])}")
    return "\n".join(lines)


def samples_sheet(data: LabelledImages) -> torch.Tensor:
    """Up to 64 pictures, class by class."""
    return samples(data, SHEET)


def run_name(name: str) -> str:
    """The name of a run, checked to be a relative path of plain parts."""
    stated = name.strip()
    paths.confine(classifiers_dir(), stated, what="name")
    return stated


def weight_files() -> list[str]:
    """Files in models/classifiers that may be torchvision's ResNet weights."""
    return sorted(
        {
            file.relative_to(folder).as_posix()
            for folder in paths.model_folders("classifiers")
            for file in folder.glob("*resnet*")
            if file.suffix in (".safetensors", ".pth", ".pt")
        }
    )


def start_weights(start: str, architecture: str, scratch: str, fetch: str) -> Path | None:
    """The file of first weights that a choice of `start` means; None from scratch."""
    if start == scratch:
        return None
    folders = paths.model_folders("classifiers")
    if start != fetch:
        return paths.confine_any(folders, start, what="start")
    from torchvision.models import get_model_weights

    wanted = get_model_weights(architecture)["IMAGENET1K_V1"]
    target = folders[0] / Path(wanted.url).name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(wanted.url, str(target), hash_prefix=target.stem.split("-")[-1])
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{wanted.url} could not be fetched ({error}); put the file into {folders[0]}") from None
    return target


@dataclass(frozen=True, eq=False)
class Runs:
    """What Train Classifier gives: one checkpoint and one result a run."""

    checkpoints: list[Checkpoint]
    results: list[Result]
    curves: torch.Tensor

    def as_ui(self) -> dict[str, Any]:
        return {**_ui(self.results), "text": ["\n\n".join(records.training_text(result) for result in self.results)]}


def train_runs(
    images: LabelledImages,
    settings: Settings,
    name: str,
    runs: int,
    best: bool,
    weights: Path | None,
    node_id: str | None,
) -> Runs:
    """Train `runs` classifiers with seeds from settings.seed on.

    Args:
        best: give the checkpoint of the best held-out epoch instead of the last's.
    """
    every = [replace(settings, seed=settings.seed + number) for number in range(runs)]  # refuses a seed too large
    if best and not settings.held_out:
        raise ValueError(
            "chosen_epoch is the best held-out epoch, and nothing is held out; set held_out above 0, e.g. 0.1"
        )
    images.hash_pictures(progress_bar(len(images)))  # every key below asks for it
    done: list[tuple[Settings, Trained, Result]] = []
    with _memory_to_ourselves() as device:
        for number, seeded in enumerate(every):
            folder = classifiers_dir() / name / folder_name(images, seeded)
            prefix = f"run {number + 1} of {runs}, " if runs > 1 else ""
            bar = progress_bar(1)

            def callback(progress: TrainProgress, prefix: str = prefix, bar: Any = bar) -> None:
                progress_text(prefix + progress.text(), node_id)
                bar(progress.step, progress.steps)

            prepare = progress_bar(len(images))
            try:
                trained = train(
                    images, seeded, folder, device=device, weights=weights, callback=callback, progress=prepare
                )
            except torch.cuda.OutOfMemoryError as error:
                raise ValueError(
                    f"batch size is {settings.batch_size} at {settings.size} pixels, too much for the GPU's memory; "
                    "expected one that fits; halve it, or choose a smaller size, and queue again"
                ) from error
            result = records.training_result(results_dir(), name, images, seeded, trained, best)
            done.append((seeded, trained, result))
    chosen = [trained.best if best and trained.best is not None else trained.last for _, trained, _ in done]
    return Runs(chosen, [result for *_, result in done], records.curves([(s.seed, t) for s, t, _ in done]))


def checkpoint_files() -> list[str]:
    """Checkpoints below output/hyponet/classifiers, newest first, then those of ours in models/classifiers, by name."""
    root = classifiers_dir()
    files = sorted(root.rglob("*.safetensors"), key=lambda file: -file.stat().st_mtime) if root.is_dir() else []
    others = {
        file.relative_to(folder).as_posix()
        for folder in paths.model_folders("classifiers")
        for file in folder.rglob("*.safetensors")
        if is_checkpoint(file)
    }
    return list(dict.fromkeys([*(file.relative_to(root).as_posix() for file in files), *sorted(others)]))


def open_checkpoint(name: str) -> Checkpoint:
    """The checkpoint of that name below output/hyponet/classifiers or models/classifiers."""
    if name == NOTHING_TRAINED:
        raise ValueError("no classifier is chosen; expected one that Train Classifier saved; run it first")
    return load_checkpoint(paths.confine_any([classifiers_dir(), *paths.model_folders("classifiers")], name))


def checkpoint_stamp(name: str | None) -> str:
    """What changes when that checkpoint does."""
    try:
        path = open_checkpoint(name or NOTHING_TRAINED).path
        return f"{path.stat().st_size} {path.stat().st_mtime_ns}"
    except (OSError, ValueError):
        return ""


def about(checkpoint: Checkpoint) -> str:
    """A checkpoint's classes, preprocessing, settings and data as text."""
    stated = {key: value for key, value in checkpoint.provenance.to_json().items() if key != "history"}
    body = {"classes": checkpoint.class_names, "preprocessing": asdict(checkpoint.preprocessing), **stated}
    return json.dumps(body, indent=1, ensure_ascii=False)


@dataclass(frozen=True, eq=False)
class Tested:
    """What Test Classifier gives."""

    results: list[Result]
    table: str
    confusion: torch.Tensor
    mistakes: torch.Tensor

    def as_ui(self) -> dict[str, Any]:
        warnings = dict.fromkeys(f"warning: {warning}" for result in self.results for warning in result.warnings)
        return {**_ui(self.results), "text": ["\n".join([self.table, *warnings])]}


def test(
    checkpoints: Sequence[Checkpoint],
    sets: Sequence[LabelledImages],
    name: str,
    mistakes: int,
    node_id: str | None,
) -> Tested:
    """Test each classifier on each set."""
    testing.check_classes(checkpoints)
    runs: list[list[testing.SetResult]] = []
    with _memory_to_ourselves() as device:
        for number, checkpoint in enumerate(checkpoints, 1):
            runs.append([])
            for data in sets:
                progress_text(f"classifier {number} of {len(checkpoints)} on {data.name}", node_id)
                runs[-1].append(testing.measure_accuracy(checkpoint, data, device, progress_bar(len(data)), mistakes))
    accuracies = [[result.figures for result in run] for run in runs]
    results = [
        records.test_result(results_dir(), name, checkpoint, sets, run)
        for checkpoint, run in zip(checkpoints, accuracies, strict=True)
    ]
    confusion = records.confusions(accuracies)
    return Tested(results, testing.table(accuracies), confusion, records.mistake_sheet(sets, runs[0]))


def compare(
    first: Sequence[Checkpoint], second: Sequence[Checkpoint], data: LabelledImages, name: str, node_id: str | None
) -> tuple[Result, str]:
    """McNemar's test of two classifiers, run by run; the result and a Markdown table."""
    progress_text(f"comparing on {data.name}", node_id)
    with _memory_to_ourselves() as device:
        pairs = testing.compare(first, second, data, device, progress_bar(len(data)))
    result = records.comparison_result(results_dir(), name, first, second, data, pairs)
    return result, testing.comparison_table(pairs)


def _ui(results: Sequence[Result]) -> dict[str, Any]:
    return {
        "hyponet_result": [result.to_json() for result in results],
        "text": ["\n\n".join(result.summary() for result in results)],
    }


@contextmanager
def _memory_to_ourselves() -> Iterator[torch.device]:
    """ComfyUI's device, its models moved off it first, our memory given back after."""
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()
    try:
        yield comfy.model_management.get_torch_device()
    finally:
        gc.collect()
        comfy.model_management.soft_empty_cache()
