"""Test results -> observations, and several of them -> a cell: which are repetitions, and what may be averaged."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..paired import PairedTest
from ..pictures.pixels import overlap_text
from ..training.accuracy_figures import SetAccuracy
from ..training.training_figures import HeldOut
from . import thesis
from .comparability import accuracy_differences, beside_thesis
from .figures import PictureSet
from .tables import Cell, Source, same_making, was_stopped


@dataclass(frozen=True)
class Observation:
    """One classifier on one test set; accuracy and interval in per cent.

    Args:
        repetition: key of all but the seed: those of one key are repetitions.
        making: key of all but seed, size and test set: those of one key were made by one protocol.
        steps: key of all but seed and training pictures, whose numbers it has: a row of Table 5-10 compares with the
            control of equal key. A control with a picture that is not a repeated one has a key of its own.
        size: side of the pictures that the classifier sees.
        right: pictures that were right.
        note: what a reader has to know of it.
        steered: whether pictures of its test set steered a top-up.
        differences: in what it was made otherwise than the thesis's; empty also where the thesis has no such test set.
    """

    row: str
    test_set: str
    accuracy: float
    low: float
    high: float
    count: int
    right: int
    synthetic: bool
    seed: str
    repetition: str
    making: str
    steps: str
    size: object
    source: int
    note: str = ""
    steered: bool = False
    differences: tuple[str, ...] = ()


def observations(sources: Sequence[Source], names: Mapping[str, str]) -> list[Observation]:
    """One for every test set of a test, and for every training with a held-out share.

    Args:
        names: our test set -> the thesis's, where its name does not say so.
    """
    gathered = []
    in_loras, steering = _in_loras(sources), steered(sources)
    for source in sources:
        for accuracy, tested_on in zip(source.figures.accuracies, source.figures.tested_on, strict=True):
            accuracy = replace(accuracy, steered={**by_key(steering, tested_on, accuracy.count), **accuracy.steered})
            test_set = names.get(accuracy.name, accuracy.name)
            published = thesis.test_set_of(test_set)
            differences = accuracy_differences(source, published, accuracy) if published else ()
            observation = _observation(source, test_set, accuracy, tested_on, differences)
            key = tested_on.content_key
            note = "; ".join(filter(None, [observation.note, *in_loras.get(key, ())]))
            gathered.append(replace(observation, note=note, steered=bool(accuracy.steered)))
        training = source.figures.training
        if training is not None and training.held_out is not None:
            held_out_set = PictureSet(content_key="held out of its own set")
            gathered.append(_observation(source, "held out of its own set", training.held_out, held_out_set))
    return gathered


def _in_loras(sources: Iterable[Source]) -> dict[str, list[str]]:
    """content_key of a test set -> for each LoRA that was trained on pictures of it, on how many, as last counted."""
    counted = {
        (source.result.name, source.figures.kept_out.content_key): source.figures.kept_out
        for source in sources
        if source.figures.kept_out is not None and source.figures.kept_out.content_key
    }
    notes: dict[str, list[str]] = {}
    for (name, key), kept_out in counted.items():
        where = f"are among the pictures of the LoRA {name}"
        text = overlap_text(kept_out.shared, kept_out.count or 0, "test pictures", where)
        notes.setdefault(key, []).extend(filter(None, [text]))
    return notes


def steered(sources: Iterable[Source]) -> dict[str, list[str]]:
    """content_key of a set of pictures -> the top-ups that were decided by its answers."""
    names: dict[str, list[str]] = {}
    for source in sources:
        steering = source.figures.steering
        if steering is not None and steering.content_key:
            names.setdefault(steering.content_key, []).append(source.result.name)
    return names


def by_key(steering: Mapping[str, Sequence[str]], tested_on: PictureSet, count: int) -> dict[str, int]:
    """The top-ups that `tested_on` steered, name -> pictures: as its result counted them, and all of the very set."""
    return {**dict.fromkeys(steering.get(tested_on.content_key, ()), count), **tested_on.steered}


def _observation(
    source: Source,
    test_set: str,
    accuracy: SetAccuracy | HeldOut,
    tested_on: PictureSet,
    differences: tuple[str, ...] = (),
) -> Observation:
    low, high = accuracy.interval
    tested = tested_on.content_key or f"unknown, source {source.number}"
    trained_on = source.figures.trained_on or PictureSet()
    both = trained_on.generated_in_real
    generated = overlap_text(both, trained_on.synthetic or 0, "generated training pictures", "are among the real ones")
    notes = [] if isinstance(accuracy, HeldOut) else list(accuracy.remarks())
    return Observation(
        row=source.row,
        test_set=test_set,
        accuracy=100 * accuracy.accuracy,
        low=100 * low,
        high=100 * high,
        count=accuracy.count,
        right=round(accuracy.accuracy * accuracy.count),
        synthetic=accuracy.synthetic,
        seed=str(source.result.settings.get("seed")),
        repetition=f"{same_making(source)} {tested}",
        making=same_making(source, but=("seed", "size")),
        steps=f"{_steps(source)} {tested}",
        size=source.result.settings.get("size"),
        source=source.number,
        note="; ".join(filter(None, [*notes, generated])),
        differences=differences,
    )


def _steps(source: Source) -> str:
    trained_on = source.figures.trained_on or PictureSet()
    settings = {key: value for key, value in source.result.settings.items() if key not in ("seed", "held_out_seed")}
    repeated = thesis.repeated_per_class(source.row)
    is_no_control = repeated is not None and trained_on.repeated != repeated * len(trained_on.counts)
    if not trained_on.counts or settings.get("held_out") or is_no_control or was_stopped(source):
        return f"source {source.number}"
    return json.dumps([settings, dict(trained_on.counts)], sort_keys=True)


def overlap_note(tested_on: PictureSet) -> str:
    """The mark of a comparison's test set of which pictures are of a training set."""
    return overlap_text(tested_on.shared, tested_on.count or 0, "test pictures", "are of a training set")


def repetitions(items: Sequence[Observation], published: float | None) -> list[Observation]:
    """The runs behind a cell, oldest first: of one making, of each seed the newest.

    One made as the thesis made its own goes before newer ones, where the thesis has a figure.
    """
    if not items:
        return []
    chosen = max(items, key=lambda item: (published is not None and not item.differences, item.source))
    alike = sorted((item for item in items if item.repetition == chosen.repetition), key=lambda item: item.source)
    return list({item.seed: item for item in alike}.values())


def accuracy_cell(items: Sequence[Observation], published: float | None) -> Cell:
    """One seed with its interval, several as mean and standard deviation.

    Args:
        items: of one row and test set.
        published: the thesis's figure, per cent.
    """
    runs = repetitions(items, published)
    if not runs:
        return Cell(thesis=published)
    newest = runs[-1]
    others = len(items) - len(runs)
    notes = [
        *dict.fromkeys(run.note for run in runs),
        f"{others} older or differently set run{'s' * (others > 1)} not counted" if others else "",
    ]
    values = [run.accuracy for run in runs]
    has_spread = len(runs) > 1
    cell = Cell(
        value=statistics.fmean(values),
        low=None if has_spread else newest.low,
        high=None if has_spread else newest.high,
        spread=statistics.stdev(values) if has_spread else None,
        runs=len(runs) if has_spread else 0,
        count=newest.count,
        note="; ".join(filter(None, notes)),
        sources=tuple(run.source for run in runs),
        steered=any(run.steered for run in runs),
    )
    return beside_thesis(cell, published, list(dict.fromkeys(d for run in runs for d in run.differences)))


def average_cell(columns: Sequence[Sequence[Observation]], published: float | None) -> Cell:
    """The plain mean over test sets, where one classifier or one protocol was tested on all of them.

    Args:
        columns: the runs behind each test set's cell, in the order of thesis.TEST_SETS.
        published: the thesis's average.
    """
    if not all(columns):
        return Cell(thesis=published)
    protocol = _protocol([runs[-1] for runs in columns])
    if not protocol:
        return Cell(thesis=published, note="no average: its figures are of classifiers of different making")
    by_seed = [{run.seed: run for run in runs} for runs in columns]
    seeds = [seed for seed in by_seed[0] if all(seed in runs for runs in by_seed)]
    if not seeds:
        return Cell(thesis=published, note="no average: no training seed was tested on all sets")
    values = [statistics.fmean(runs[seed].accuracy for runs in by_seed) for seed in seeds]
    behind = [runs[seed] for runs in by_seed for seed in seeds]
    left_out = "of the seeds that were tested on all sets" if any(len(runs) > len(seeds) for runs in by_seed) else ""
    marks = dict.fromkeys(run.note for run in behind)
    cell = Cell(
        value=statistics.fmean(values),
        spread=statistics.stdev(values) if len(values) > 1 else None,
        runs=len(values) if len(values) > 1 else 0,
        note="; ".join(filter(None, [protocol, left_out, *marks])),
        sources=tuple(dict.fromkeys(run.source for run in behind)),
        steered=any(run.steered for run in behind),
    )
    return beside_thesis(cell, published, list(dict.fromkeys(d for run in behind for d in run.differences)))


def _protocol(runs: Sequence[Observation]) -> str:
    """What made the three classifiers of an average alike; empty where they are not."""
    sizes = [run.size for run in runs]
    if len({run.making for run in runs}) > 1:
        return ""
    if len(set(sizes)) == 1:
        return f"one model at {sizes[0]} px" if sizes[0] else "one model"
    if all(size in thesis.MODEL_SIZES[test_set] for size, test_set in zip(sizes, thesis.TEST_SETS, strict=True)):
        return f"one model per test set: {', '.join(map(str, sizes))} px"
    return ""


def paired_cells(test: PairedTest, count: int, sources: tuple[int, ...]) -> tuple[Cell, Cell, Cell]:
    """A test over seeds: the difference in points with its deviation, p of the t-test, p of Wilcoxon's.

    Args:
        count: test pictures.
    """
    points = 100 / count
    every_alike = "" if test.t_p is not None else "no t-test: every seed differs alike"
    return (
        Cell(value=test.mean * points, spread=test.sd * points, runs=test.n, sources=sources),
        Cell(value=test.t_p, is_p=True, note=every_alike, sources=sources),
        Cell(value=test.wilcoxon_p, is_p=True, sources=sources),
    )
