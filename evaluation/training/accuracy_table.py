"""The Markdown table of tests: a column a test set, a row a classifier, and the figures of each class."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ..markdown import one_line
from .accuracy import CALIBRATION_BINS, average, averaged
from .accuracy_figures import SetAccuracy
from .checkpoint import CheckpointProvenance
from .repetitions import differences_beyond_seed


def accuracy_table(results: Sequence[Sequence[SetAccuracy]], runs: Sequence[CheckpointProvenance]) -> str:
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


def _shared_text(runs: Sequence[SetAccuracy]) -> str:
    counts = dict.fromkeys("unknown" if run.shared is None else f"{run.shared:,}" for run in runs)
    return " / ".join(counts)


def _class_cell(runs: Sequence[SetAccuracy], name: str, pooled: bool) -> str:
    """The mean of repetitions, or each classifier's own figure."""
    counts = [run.per_class().get(name) for run in runs]
    shares = [100 * right / count for right, count in filter(None, counts)]
    values = [statistics.fmean(shares)] if shares and pooled else shares
    return " / ".join(f"{share:.2f} %" for share in values)
