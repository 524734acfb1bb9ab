"""Comparing classifiers on one test set: McNemar's test run by run, and the paired tests over their seeds.

Reads: checkpoints and labelled pictures. Returns values; comparison_figures.py has their form in a result file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial

import torch

from ..intervals import holm, mcnemar, p_text
from ..markdown import one_line
from ..paired import paired_test
from ..pictures.labelled_images import LabelledImages
from ..progress import Progress
from .accuracy import measure_accuracy, title
from .checkpoint import Checkpoint
from .comparison_figures import Comparison, OverSeeds
from .repetitions import differences_beyond_seed


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


def _side_title(checkpoint: Checkpoint) -> str:
    """How a table over training seeds names the classifiers of one side."""
    provenance = checkpoint.provenance
    best = ", best epochs" if provenance.kind == "best" else ""
    return f"{provenance.data['name']}, {provenance.settings.architecture}{best}"


def _titles(checkpoint: Checkpoint, rival: Checkpoint) -> tuple[str, str]:
    """The titles of two that are compared, with every setting that they do not share."""
    all_settings = [asdict(one.provenance.settings) for one in (checkpoint, rival)]
    differing = [
        name
        for name in all_settings[0]
        if all_settings[0][name] != all_settings[1][name] and name not in ("seed", "architecture")
    ]
    first, second = (
        ", ".join([title(one), *(f"{name.replace('_', ' ')} {settings[name]}" for name in differing)])
        for one, settings in zip((checkpoint, rival), all_settings, strict=True)
    )
    return first, second


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
