"""Which classes a test found weak, and how many more pictures each of them gets out of a budget.

The pictures that steer here are never those that a paper reports: see `check_apart`, and `steered_by`, which knows them
again in other sets by the digests of their pixels that a top-up keeps beside its result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Any

import numpy as np

from ..intervals import wilson
from ..markdown import one_line
from ..pictures.labelled_images import LabelledImages
from ..pictures.pixels import count_shared, overlap_text, store_digests, stored_digests
from ..results import Measurement, Result, read_results, write_result
from .accuracy_figures import SetAccuracy

PIXELS = ".u64"  # ends the name of the digests beside a top-up's result
ERROR_RATE = 0.05  # chance that any class is called weak which is as good as the mean, over all classes together
STEERED_BY = ("accuracy", "confusion", "entropy")
RULE = "in proportion to what the classes lack on average, and for a weak class to what it surely lacks beyond that"


@dataclass(frozen=True)
class ClassNeed:
    """A class as the steering test saw it.

    Args:
        right, count: pictures of the class that were right, and all; of several runs the mean over them.
        lack: what steers, in 0..1: see `class_needs`.
        at_least: lower end of its interval.
        mean_lack: the plain mean of the classes' lacks.
        taken_for: the class that it was most often taken for; "" where it never was.
    """

    name: str
    right: float
    count: int
    lack: float
    at_least: float
    mean_lack: float
    taken_for: str

    @property
    def deficit(self) -> float:
        """By how much `at_least` lies above the mean; 0 where it does not."""
        return max(0.0, self.at_least - self.mean_lack)

    @property
    def weight(self) -> float:
        """What its share of a budget is in proportion to: its lack, shrunk to what the test is sure of."""
        return self.mean_lack + self.deficit

    @property
    def accuracy(self) -> float:
        """right / count."""
        return self.right / self.count


def class_needs(runs: Sequence[SetAccuracy], steer_by: str = "accuracy") -> tuple[ClassNeed, ...]:
    """What each class lacks, by one test or by repetitions of it on the same pictures.

    A class is weak when the whole interval of its lack lies above the plain mean of the classes, so that the chance of
    a small test set does not steer. The intervals are at 1 - ERROR_RATE over all classes together (Bonferroni).
    Repetitions see the same pictures, so they make no interval narrower.

    A budget goes in proportion to `weight`. All of it to the weak ones made the others weak: from 5 x 100 real pictures
    250 more cost the worst class 8 points beside an even set (benchmarks/top_up.py, 3 seeds).

    Args:
        steer_by: one of STEERED_BY. accuracy: the share of the class that was wrong. confusion: of the pictures that
            are of the class or were taken for it the share that is not both. Each with Wilson's interval. entropy: the
            mean entropy of the answers to its pictures, over that of a guess, with a normal interval.

    Source: pictures of weak classes, by feedback of the classifier that is to learn them: arXiv 2310.00158 (rare
    classes gain 4 points), 2502.15588 (as accurate by 3.4 to 8 times fewer pictures). The intervals are our choice.
    """
    first = runs[0]
    counts = {name: count for name, (_, count) in first.per_class().items()}
    rights = {name: fmean(run.per_class()[name][0] for run in runs) for name in counts}
    z = NormalDist().inv_cdf(1 - ERROR_RATE / (2 * len(counts)))
    confusion = np.sum([run.confusion for run in runs], axis=0)  # (K, K)
    lacks: dict[str, tuple[float, float]] = {}  # and what it is at least
    taken_for = dict.fromkeys(counts, "")
    for label, name in enumerate(first.classes):
        if name not in counts:
            continue
        row = [0 if answer == label else int(number) for answer, number in enumerate(confusion[label])]
        if any(row):
            taken_for[name] = first.classes[row.index(max(row))]
        if steer_by == "entropy":
            mean, deviation = (fmean(run.entropy[name][i] for run in runs) for i in range(2))
            lacks[name] = mean, mean - z * deviation / math.sqrt(counts[name])
            continue
        others = float(confusion[:, label].sum() - confusion[label, label]) / len(runs)
        seen = counts[name] + (others if steer_by == "confusion" else 0)
        lacks[name] = 1 - rights[name] / seen, 1 - wilson(rights[name], seen, z)[1]
    mean_lack = fmean(lack for lack, _ in lacks.values())
    return tuple(
        ClassNeed(name, rights[name], counts[name], *lacks[name], mean_lack, taken_for[name]) for name in counts
    )


def allocate(weights: Mapping[str, float], budget: int) -> dict[str, int]:
    """`budget` whole pictures in proportion to the weights, evenly where all are 0.

    What rounding leaves goes to the largest remainders (Hamilton's method), of equal ones to the first.
    """
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    total = sum(weights.values())
    shares = {name: budget * weight / total for name, weight in weights.items()}
    pictures = {name: int(share) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: pictures[name] - shares[name])  # stable: of equal ones the first
    for name in by_remainder[: budget - sum(pictures.values())]:
        pictures[name] += 1
    return pictures


def steering_figures(results: Sequence[Result], steering: LabelledImages) -> list[SetAccuracy]:
    """The figures of each result on the pictures of `steering`.

    Raises:
        ValueError: a result is of no test, not of these pictures, or of a classifier that learned some of them.
    """
    runs: list[SetAccuracy] = []
    for result in results:
        sets = result.inputs.get("test_sets") if result.kind == "test" else None
        keys = [stated.get("content_key") for stated in sets or ()]
        if steering.content_key not in keys:
            what = f"a {result.kind.replace('_', ' ')}" if result.kind != "test" else "of other test pictures"
            raise ValueError(
                f"result {result.name} is {what}; expected a test on the pictures of steering ({steering.name}); "
                "connect Test Classifier's result and the very pictures that it tested on"
            )
        figures = SetAccuracy.from_json(result.figures["test_sets"][keys.index(steering.content_key)])
        where = "are of the classifier's training set"
        overlap = overlap_text(figures.shared, figures.count, "steering pictures", where)
        if overlap:
            raise ValueError(
                f"{overlap}; expected none; what it learned says nothing of what it lacks; split them apart"
            )
        if runs and figures.classes != runs[0].classes:
            raise ValueError("the results are of classifiers with other classes; expected repetitions of one training")
        runs.append(figures)
    return runs


def check_apart(steering: LabelledImages, reported: LabelledImages) -> None:
    """The pictures that steer are none of those that are reported, pixel by pixel.

    Raises:
        ValueError: some are.
    """
    shared = count_shared(steering.pixel_digests(), reported.pixel_digests())
    text = overlap_text(shared, len(steering), "steering pictures", f"are in {reported.name}, which is reported")
    if text:
        raise ValueError(
            f"{text}; expected none: a set that was made by its answers is not tested by them; divide the test set "
            "with Split Labelled Images, steer by one part and report the other"
        )


def write_top_up(folder: Path | str, measurement: Measurement, steering: LabelledImages) -> Result:
    """The top-up's result below `folder`, and beside it the digests of the pictures that steered."""
    result = write_result(folder, measurement)
    assert result.path is not None
    store_digests(result.path.with_suffix(PIXELS), np.unique(steering.pixel_digests()))
    return result


def steered_by(folder: Path | str, data: LabelledImages) -> dict[str, int]:
    """Name of each top-up below `folder` -> pictures of `data` by which it was decided, of those with one.

    Pixel by pixel, so that a part of what steered, or a set that holds it, is known again. A top-up whose digests are
    missing counts where the set is the very one.
    """
    steered: dict[str, int] = {}
    for result in read_results(folder):
        stated = result.inputs.get("steering") if result.kind == "top_up" else None
        if not isinstance(stated, Mapping) or result.path is None:
            continue
        distinct = stated.get("distinct")
        digests = stored_digests(result.path.with_suffix(PIXELS), distinct) if isinstance(distinct, int) else None
        whole = len(data) if stated.get("content_key") == data.content_key else 0
        shared = whole if digests is None else count_shared(data.pixel_digests(), digests)
        if shared:
            steered[result.name] = max(shared, steered.get(result.name, 0))
    return steered


def top_up_measurement(
    name: str,
    needs: Sequence[ClassNeed],
    before: Mapping[str, int],
    added: Mapping[str, int],
    results: Sequence[Result],
    steering: LabelledImages,
    reported: LabelledImages,
    steer_by: str,
) -> Measurement:
    """The top-up as a result: what each class had, what it gets and why."""
    unplanned = [need for need in needs if need.name not in before]
    needs = [need for need in needs if need.name in before]
    need_of = {need.name: need for need in needs}
    classes: dict[str, dict[str, float]] = {}
    for label, count in before.items():
        classes[label] = {"before": count, "added": added[label]}
        if label in need_of:
            need = need_of[label]
            classes[label] |= {"accuracy": need.accuracy, "right": need.right, "count": need.count}
            classes[label] |= {"lack": need.lack, "at_least": need.at_least, "deficit": need.deficit}
    unseen = [label for label in before if label not in need_of]
    warnings = [f"no steering picture is of {', '.join(unseen[:10])}: weak or not, nobody knows"] if unseen else []
    if unplanned:
        names = ", ".join(f"{need.name}{' (weak)' * (need.deficit > 0)}" for need in unplanned[:10])
        warnings.append(f"the plan lacks {names}, which the test has: no picture is added of what the plan lacks")
    learned = results[0].inputs.get("training", {}).get("counts", {})
    lacking = sum(max(0, count - int(learned.get(label, 0))) for label, count in before.items())
    if lacking:
        warnings.append(
            f"the set that was learned has {lacking:,} pictures fewer than the plan before: finish a round that "
            "was stopped first, by Load Dataset's plan"
        )
    figures: dict[str, Any] = {
        "before": sum(before.values()),
        "added": sum(added.values()),
        "weak": [need.name for need in needs if need.deficit],
        "worst_accuracy": min(need.accuracy for need in needs),
        "per_class": classes,
    }
    inputs = {
        "steering": {**steering.summary(), "distinct": len(np.unique(steering.pixel_digests()))},
        "reported": reported.summary(),
        "tests": [result.run for result in results],
        "classifiers": list(dict.fromkeys(result.name for result in results)),
    }
    settings = {"steer_by": steer_by, "rule": RULE, "error_rate": ERROR_RATE}
    return Measurement(name, "top_up", figures, inputs, settings, tuple(warnings))


def top_up_table(needs: Sequence[ClassNeed], before: Mapping[str, int], added: Mapping[str, int], steer_by: str) -> str:
    """Markdown: a row a class, those that lack most first."""
    need_of = {need.name: need for need in needs}
    lacking = {"accuracy": "error", "confusion": "error or mistaken for it", "entropy": "entropy"}[steer_by]
    lines = [f"| class | accuracy | {lacking} | at least | taken for | had | gets |", "|---" * 7 + "|"]
    for label in sorted(before, key=lambda label: -need_of[label].lack if label in need_of else 1.0):
        need = need_of.get(label)
        tested = ["not tested", "", "", ""]
        if need is not None:
            shares = [f"{100 * share:.1f} %" for share in (need.accuracy, need.lack, max(0.0, need.at_least))]
            tested = [f"{shares[0]} of {need.count:,}", *shares[1:], need.taken_for]
        weak = " (weak)" if need is not None and need.deficit else ""
        cells = [one_line(label) + weak, *map(one_line, tested), f"{before[label]:,}", f"{added[label]:+,}"]
        lines.append(f"| {' | '.join(cells)} |")
    if not any(need.deficit for need in needs if need.name in before):
        lines += ["", "No class is surely worse than the mean: each gets as many."]
    return "\n".join(lines)
