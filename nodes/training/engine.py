"""Training, testing and comparing in the running ComfyUI: its memory and device, its progress, our result files.

Writes: output/hyponet/classifiers/<name>/<run>/, output/hyponet/results/<name>/, output/hyponet/cache/samples.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ...evaluation.pictures.labelled_images import LabelledImages
from ...evaluation.pictures.samples import keep_samples
from ...evaluation.pictures.tensors import to_image
from ...evaluation.results import Result
from ...evaluation.training import accuracy as testing
from ...evaluation.training import comparison, records
from ...evaluation.training.accuracy_table import accuracy_table
from ...evaluation.training.charts import NO_MISTAKE, Course, class_bars, confusions, curves, mistake_sheet
from ...evaluation.training.checkpoint import Checkpoint, is_checkpoint, load_checkpoint
from ...evaluation.training.progress import Callback, TrainProgress
from ...evaluation.training.settings import Settings
from ...evaluation.training.state import kept_steps
from ...evaluation.training.top_up import steered_by
from ...evaluation.training.train import LAST, STATE, folder_name, train
from ..engine import NodeBar, answer, last_line, progress_bar, progress_text
from ..live_picture import LivePicture
from ..paths import results_dir, samples_dir
from ..sampling.memory import out_of_memory
from .paths import classifiers_dir


@dataclass(frozen=True, eq=False)
class Runs:
    """What Train Classifier gives: one checkpoint and one result a run, and the curves of all, [1,H,W,3]."""

    checkpoints: list[Checkpoint]
    results: list[Result]
    curves: torch.Tensor

    def as_ui(self) -> dict[str, Any]:
        """What the node shows: the results, and a text for each."""
        return answer("\n\n".join(map(records.training_text, self.results)), self.curves, results=self.results)


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
    held_out_seed = settings.seed if settings.held_out else None  # runs that differ in more were no repetitions
    seeded_settings = [  # refuses a seed too large
        replace(settings, seed=settings.seed + run, held_out_seed=held_out_seed) for run in range(runs)
    ]
    if best and not settings.held_out:
        raise ValueError(
            "chosen_epoch is the best held-out epoch, and nothing is held out; set held_out above 0, e.g. 0.1"
        )
    if len(images.class_names) < 2:
        left_out = f"; left out of {images.name}: {', '.join(images.skipped[:5])}" if images.skipped else ""
        raise ValueError(
            f"the number of classes is 1 ({images.class_names[0]}){left_out}; expected at least 2; load a set with "
            "more classes"
        )
    images.hash_pictures(progress_bar(len(images)))  # every key below asks for it
    checkpoints: list[Checkpoint] = []
    results: list[Result] = []
    courses: list[Course] = []
    with memory_to_ourselves() as device:
        for number, seeded in enumerate(seeded_settings, 1):
            prefix = f"run {number} of {runs}, " if runs > 1 else ""
            folder = classifiers_dir() / name / folder_name(images, seeded)
            try:
                with last_line(node_id, functools.partial(_standing, prefix, folder)):
                    trained = train(
                        images,
                        seeded,
                        folder,
                        device=device,
                        weights=weights,
                        callback=_show_progress(prefix, node_id, seeded.seed, images, courses),
                        progress=progress_bar(len(images)),
                    )
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                raise ValueError(
                    f"batch size is {settings.batch_size} at {settings.size} pixels, too much for the memory; "
                    "expected one that fits; halve it, or choose a smaller size, and queue again"
                ) from error
            checkpoints.append(trained.best if best and trained.best is not None else trained.last)
            results.append(records.training_result(results_dir(), name, images, seeded, trained, best))
            courses.append(Course.of(seeded.seed, trained))
    keep_samples(images, samples_dir())
    return Runs(checkpoints, results, to_image(curves(courses)))


def _standing(prefix: str, folder: Path) -> str:
    """What the disk holds of a run, one line."""
    steps = kept_steps(folder / STATE)
    if steps:
        return f"{prefix}stopped; {steps:,} steps are kept: queue again to resume"
    is_done = is_checkpoint(folder / LAST) and load_checkpoint(folder / LAST).provenance.complete
    return prefix + ("trained" if is_done else "nothing is kept")


def _show_progress(
    prefix: str, node_id: str | None, seed: int, images: LabelledImages, done: Sequence[Course]
) -> Callback:
    """A callback that moves the node's bar, writes into the node where the run stands, and draws the curves so far.

    Args:
        done: the runs before this one.
    """
    bar = NodeBar(1)
    live = LivePicture()
    synthetic = bool(images.synthetic.any())
    drawn = 0  # epochs

    def callback(progress: TrainProgress) -> None:
        nonlocal drawn
        progress_text(prefix + progress.text(), node_id)
        picture = None
        if len(progress.history) > drawn:
            course = Course(seed, progress.history, synthetic)
            picture = live.draw(lambda: curves([*done, course]), last=progress.step == progress.steps)
            drawn = len(progress.history) if picture else drawn
        bar(progress.step, progress.steps, picture)

    return callback


@dataclass(frozen=True, eq=False)
class Tested:
    """What Test Classifier gives: one result a classifier, a Markdown table, and three pictures [B,H,W,3].

    Without a mistake `mistakes` is a note that says so, which the node does not show.
    """

    results: list[Result]
    table: str
    bars: torch.Tensor
    confusion: torch.Tensor
    mistakes: torch.Tensor
    has_mistakes: bool

    def as_ui(self) -> dict[str, Any]:
        """What the node shows: the results, their table and their warnings."""
        warnings = dict.fromkeys(f"warning: {warning}" for result in self.results for warning in result.warnings)
        lines = [] if self.has_mistakes else [NO_MISTAKE, ""]
        text = "\n".join([self.table, "", *lines, *warnings])
        shown = [self.mistakes] if self.has_mistakes else []
        return answer(text, self.bars, self.confusion, *shown, results=self.results)


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
    with memory_to_ourselves() as device:
        for number, checkpoint in enumerate(checkpoints, 1):
            runs.append([])
            for data in sets:
                progress_text(f"classifier {number} of {len(checkpoints)} on {data.name}", node_id)
                runs[-1].append(testing.measure_accuracy(checkpoint, data, device, progress_bar(len(data)), mistakes))
    steered = [steered_by(results_dir(), data) for data in sets]
    accuracies = [
        [replace(result.figures, steered=counts) for result, counts in zip(run, steered, strict=True)] for run in runs
    ]
    results = [
        records.test_result(results_dir(), name, checkpoint, sets, run)
        for checkpoint, run in zip(checkpoints, accuracies, strict=True)
    ]
    for data in sets:
        keep_samples(data, samples_dir())
    provenances = [checkpoint.provenance for checkpoint in checkpoints]
    table = accuracy_table(accuracies, provenances)
    confusion = confusions(accuracies, provenances)
    has_mistakes = any(result.mistakes for result in runs[0])
    return Tested(results, table, class_bars(accuracies), confusion, mistake_sheet(sets, runs[0]), has_mistakes)


def compare(
    first: Sequence[Checkpoint], second: Sequence[Checkpoint], data: LabelledImages, name: str, node_id: str | None
) -> tuple[Result, str]:
    """McNemar's test of two classifiers, run by run; the result and a Markdown table."""
    progress_text(f"comparing on {data.name}", node_id)
    with memory_to_ourselves() as device:
        pairs = comparison.compare(first, second, data, device, progress_bar(len(data)))
    over_seeds = comparison.over_seeds(first, second, pairs, len(data))
    steered = steered_by(results_dir(), data)
    result = records.comparison_result(results_dir(), name, first, second, data, pairs, over_seeds, steered)
    keep_samples(data, samples_dir())
    return result, comparison.comparison_table(pairs, over_seeds)


@contextmanager
def memory_to_ourselves() -> Iterator[torch.device]:
    """ComfyUI's device, its models moved off it first, our memory given back after."""
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()
    try:
        yield comfy.model_management.get_torch_device()
    finally:
        gc.collect()
        comfy.model_management.soft_empty_cache()
