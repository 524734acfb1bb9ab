"""Testing classifiers: accuracy with its interval, per class, confusion, calibration, and the surest mistakes.

Reads: checkpoints and labelled pictures. Returns values; figures.py has their form in a result file.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import torch

from ..intervals import holm, mcnemar, p_text
from ..markdown import one_line
from ..paired import paired_test
from ..pictures.labelled_images import LabelledImages
from ..progress import Progress
from .checkpoint import Checkpoint, CheckpointProvenance
from .figures import Comparison, OverSeeds, SetAccuracy
from .predict import predict
from .repetitions import differences_beyond_seed

CALIBRATION_BINS = 15  # as torchmetrics and most papers since Guo et al.


@dataclass(frozen=True)
class Mistake:
    """A picture that the classifier got wrong. `index` is its number in the test set."""

    index: int
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class SetResult:
    """One classifier on one test set: the figures, and what only pictures and comparisons need.

    Args:
        figures: what the result file holds.
        mistakes: the surest first.
        correct: bool [N], by picture.
    """

    figures: SetAccuracy
    mistakes: tuple[Mistake, ...]
    correct: np.ndarray


def measure_accuracy(
    checkpoint: Checkpoint,
    data: LabelledImages,
    device: torch.device,
    progress: Progress | None = None,
    mistakes: int = 64,
) -> SetResult:
    """What the classifier makes of a test set, whose classes are matched by name.

    Raises:
        ValueError: the test set has a class that the classifier does not know.
    """
    labels = _known_labels(checkpoint, data)
    outputs = predict(checkpoint, data, device, progress).numpy()  # (N, K)
    predicted = outputs.argmax(axis=1)  # (N,)
    confidence = outputs.max(axis=1)  # (N,)
    names = checkpoint.class_names
    size = len(names)
    present = np.bincount(labels, minlength=size) > 0  # (K,)
    restricted = np.where(present, outputs, -1.0).argmax(axis=1)  # (N,)
    confusion = np.bincount(labels * size + predicted, minlength=size * size).reshape(size, size)  # true x predicted
    correct = predicted == labels
    wrong = np.flatnonzero(~correct)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:mistakes]
    return SetResult(
        figures=SetAccuracy(
            name=data.name,
            classes=names,
            confusion=confusion,
            calibration_error=expected_calibration_error(confidence, correct),
            synthetic=bool(data.synthetic.any()),
            shared=checkpoint.shared_with(data),
            restricted_right=None if present.all() else int((restricted == labels).sum()),
            entropy=class_entropies(outputs, labels, names),
        ),
        mistakes=tuple(
            Mistake(int(index), names[labels[index]], names[predicted[index]], float(confidence[index]))
            for index in surest
        ),
        correct=correct,
    )


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = CALIBRATION_BINS) -> float:
    """How far confidence and accuracy are apart, over `bins` equal bins of confidence, weighted by their pictures.

    Args:
        confidence: float [N], the highest probability, in 0..1.
        correct: bool [N].

    Source: Guo et al., On Calibration of Modern Neural Networks (arXiv 1706.04599), equation 3; bins are (a, b].
    """
    bin_of = np.ceil(np.asarray(confidence, dtype=np.float64) * bins).astype(int).clip(1, bins) - 1  # (N,)
    gaps = np.abs(np.bincount(bin_of, weights=confidence - correct.astype(np.float64), minlength=bins))  # (bins,)
    return float(gaps.sum() / len(confidence))


def class_entropies(outputs: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Class -> mean and standard deviation of its pictures' entropies: 0 where the answer is sure, 1 at a guess.

    Args:
        outputs: float [N,K], probabilities.
        labels: int [N].
        names: of the K classes; those without a picture are left out.
    """
    shares = np.asarray(outputs, dtype=np.float64)
    logarithms = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    entropies = -(shares * logarithms).sum(axis=1) / np.log(len(names))  # (N,)
    return {
        names[label]: (float(entropies[labels == label].mean()), float(entropies[labels == label].std()))
        for label in np.unique(labels)
    }


def average(results: Sequence[SetAccuracy]) -> float:
    """The plain mean of the accuracies on the sets of `averaged`, as Table 5-9 has it. No interval belongs to it."""
    return statistics.fmean(result.accuracy for result in averaged(results)[0])


def averaged(results: Sequence[SetAccuracy]) -> tuple[list[SetAccuracy], str]:
    """The sets of an average, and its name: the real ones of which no picture steered a top-up.

    Where there is none, the real ones; where none is real, all.
    """
    real = [result for result in results if not result.synthetic]
    if not real:
        return list(results), "average (synthetic)"
    reported = [result for result in real if not result.steered]
    if reported and len(reported) < len(real):
        return reported, "average of the sets that are reported"
    return real, "average" if len(real) == len(results) else "average of the real sets"


def compare(
    first: Sequence[Checkpoint],
    second: Sequence[Checkpoint],
    data: LabelledImages,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[Comparison, ...]:
    """McNemar's test run by run (the first of one with the first of the other, and so on), Holm over the runs.

    Raises:
        ValueError: the numbers of runs differ.
    """
    if len(first) != len(second):
        raise ValueError(
            f"the classifiers have {len(first)} and {len(second)} runs; expected as many of each, to be compared run "
            "by run; train both with the same number of runs"
        )
    pairs = []
    for checkpoint, rival in zip(first, second, strict=True):
        correct = measure_accuracy(checkpoint, data, device, progress).correct  # (N,)
        rival_correct = measure_accuracy(rival, data, device, progress).correct
        test = mcnemar(int((correct & ~rival_correct).sum()), int((rival_correct & ~correct).sum()))
        first_title, second_title = _titles(checkpoint, rival)
        pairs.append(
            Comparison(
                first=first_title,
                second=second_title,
                first_accuracy=float(correct.mean()),
                second_accuracy=float(rival_correct.mean()),
                test=test,
                adjusted=test.p,
            )
        )
    adjusted = holm([pair.test.p for pair in pairs])
    return tuple(replace(pair, adjusted=p) for pair, p in zip(pairs, adjusted, strict=True))


def over_seeds(
    first: Sequence[Checkpoint], second: Sequence[Checkpoint], pairs: Sequence[Comparison], pictures: int
) -> OverSeeds | None:
    """The paired tests over the training seeds; None for one pair.

    Args:
        first, second, pairs: see compare.
        pictures: of the test set.
    """
    if len(pairs) < 2:
        return None
    name_of_first, name_of_second = (_side_title(side[0]) for side in (first, second))
    without = partial(OverSeeds, name_of_first, name_of_second, pictures, None)
    for name, side in ((name_of_first, first), (name_of_second, second)):
        differences = differences_beyond_seed([checkpoint.provenance for checkpoint in side])
        if differences:
            return without(f"the runs of {name} differ in {', '.join(differences)}")
    seeds = [[checkpoint.provenance.settings.seed for checkpoint in side] for side in (first, second)]
    if seeds[0] != seeds[1]:
        return without("the two were trained with other seeds, so that none is a pair")
    test = paired_test([pair.test.only_first - pair.test.only_second for pair in pairs])
    return OverSeeds(name_of_first, name_of_second, pictures, test, "")


def title(checkpoint: Checkpoint) -> str:
    """How tables name a checkpoint: its training set, seed and architecture, and the epoch where it is not the last."""
    provenance = checkpoint.provenance
    settings = provenance.settings
    named = f"{provenance.data['name']}, seed {settings.seed}, {settings.architecture}"
    if provenance.kind == "best":
        named += f", best epoch ({provenance.epochs_done})"
    if not provenance.complete:
        done = provenance.epochs_trained
        named += f", stopped after {done} of {settings.epochs} epochs" if done is not None else ", of an unfinished run"
    return named


def _side_title(checkpoint: Checkpoint) -> str:
    """How a table over training seeds names the classifiers of one side."""
    provenance = checkpoint.provenance
    best = ", best epochs" if provenance.kind == "best" else ""
    return f"{provenance.data['name']}, {provenance.settings.architecture}{best}"


def _titles(checkpoint: Checkpoint, rival: Checkpoint) -> tuple[str, str]:
    """The titles of two that are compared, with every setting that they do not share."""
    made = [asdict(one.provenance.settings) for one in (checkpoint, rival)]
    differing = [name for name in made[0] if made[0][name] != made[1][name] and name not in ("seed", "architecture")]
    first, second = (
        ", ".join([title(one), *(f"{name.replace('_', ' ')} {settings[name]}" for name in differing)])
        for one, settings in zip((checkpoint, rival), made, strict=True)
    )
    return first, second


def check_classes(checkpoints: Sequence[Checkpoint]) -> None:
    """Classifiers of one table and one confusion matrix have the same classes in the same order.

    Raises:
        ValueError: two have not.
    """
    for number, checkpoint in enumerate(checkpoints, 1):
        if checkpoint.class_names != checkpoints[0].class_names:
            raise ValueError(
                f"classifier {number} ({title(checkpoint)}) has the classes {', '.join(checkpoint.class_names[:20])}; "
                f"expected those of the first: {', '.join(checkpoints[0].class_names[:20])}, in this order; test it in "
                "another Test Classifier"
            )


def _known_labels(checkpoint: Checkpoint, data: LabelledImages) -> np.ndarray:
    label_of = {name: label for label, name in enumerate(checkpoint.class_names)}
    unknown = [name for name, count in data.counts().items() if count and name not in label_of]
    if unknown:
        raise ValueError(
            f"{data.name} has the classes {', '.join(unknown[:5])}, which the classifier does not know; expected only "
            f"{', '.join(checkpoint.class_names[:20])}; bring them together with Map Classes"
        )
    labels: np.ndarray = np.array([label_of.get(name, -1) for name in data.class_names], dtype=np.int64)[data.labels]
    return labels


def table(results: Sequence[Sequence[SetAccuracy]], runs: Sequence[CheckpointProvenance]) -> str:
    """A Markdown table: a column a test set; of several repetitions the mean and standard deviation over their seeds.

    Args:
        results: a classifier a row.
        runs: where the classifiers came from.
    """
    differences = differences_beyond_seed(runs)
    sets = [one_line(result.name) + " (synthetic)" * result.synthetic for result in results[0]]
    mean = averaged(results[0])[1]
    lines = [f"| | {' | '.join(sets)} | {mean} |", "|---" * (len(sets) + 2) + "|"]
    for number, run in enumerate(results, 1):
        cells = []
        for result in run:
            low, high = result.interval
            cells.append(
                f"{100 * result.accuracy:.2f} % ({100 * low:.2f} to {100 * high:.2f}), "
                f"calibration error {100 * result.calibration_error:.2f} %"
                + "".join(f", {one_line(remark)}" for remark in result.remarks())
            )
        lines.append(f"| run {number} | {' | '.join(cells)} | {100 * average(run):.2f} % |")
    if len(results) > 1 and not differences:
        columns = [[100 * run[column].accuracy for run in results] for column in range(len(sets))]
        columns.append([100 * average(run) for run in results])
        cells = [f"{statistics.fmean(column):.2f} +- {statistics.stdev(column):.2f} %" for column in columns]
        lines.append(f"| mean and standard deviation of {len(results)} seeds | {' | '.join(cells)} |")
    lines += ["", f"| class | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"]
    for name in results[0][0].classes:
        cells = [_class_cell([run[column] for run in results], name, not differences) for column in range(len(sets))]
        lines.append(f"| {one_line(name)} | {' | '.join(cells)} |")
    lines += ["", f"95 % Wilson intervals; calibration error over {CALIBRATION_BINS} equal bins."]
    overlaps = [
        f"{one_line(first.name)} {_shared_text([run[i] for run in results])}" for i, first in enumerate(results[0])
    ]
    lines.append(f"Test pictures that are of the training set: {'; '.join(overlaps)}.")
    if len(results) > 1 and differences:
        lines.append(f"No mean: the classifiers are no repetitions, they differ in {', '.join(differences)}.")
    return "\n".join(lines)


def comparison_table(pairs: Sequence[Comparison], over_seeds: OverSeeds | None = None) -> str:
    """A Markdown table: a row a pair of runs; below it the paired tests over the seeds."""
    lines = [
        "| first | second | accuracy | only first right | only second right | p | p (Holm) | test |",
        "|---" * 8 + "|",
    ]
    for pair in pairs:
        lines.append(
            f"| {one_line(pair.first)} | {one_line(pair.second)} "
            f"| {100 * pair.first_accuracy:.2f} %, {100 * pair.second_accuracy:.2f} % "
            f"| {pair.test.only_first} | {pair.test.only_second} | {p_text(pair.test.p)} | {p_text(pair.adjusted)} "
            f"| {pair.test.method} |"
        )
    if over_seeds is not None:
        lines += ["", over_seeds.text()]
    return "\n".join(lines)


def _shared_text(runs: Sequence[SetAccuracy]) -> str:
    counts = dict.fromkeys("unknown" if run.shared is None else f"{run.shared:,}" for run in runs)
    return " / ".join(counts)


def _class_cell(runs: Sequence[SetAccuracy], name: str, pooled: bool) -> str:
    """The mean of repetitions, or each classifier's own figure."""
    counts = [run.per_class().get(name) for run in runs]
    shares = [100 * right / count for right, count in filter(None, counts)]
    shown = [statistics.fmean(shares)] if shares and pooled else shares
    return " / ".join(f"{share:.2f} %" for share in shown)
