"""Results of metrics as bars: the FID of each class, precision to coverage, diversity and CLIP score of each class.

Reads a result; returns pixels. Titles or classes say how many pictures were measured.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ..plots import bar_chart, to_pixels
from ..results import Result

SIZE = (900, 420)  # pixels
MAX_BARS = 50  # classes with bars of their own; a judgement
SHARES = ("precision", "recall", "density", "coverage")


def fid_bars(result: Result) -> np.ndarray | None:
    """The FID of each class, the highest first, with both numbers of pictures, uint8 [H,W,3]; the set's in the title.

    None where none was measured by class.
    """
    by_class: dict[str, dict[str, Any]] = result.figures.get("per_class", {})
    measured = {name: entry for name, entry in by_class.items() if entry["fid"] is not None}
    if not measured:
        return None
    worst = sorted(measured, key=lambda name: -measured[name]["fid"])[:MAX_BARS]
    groups = [f"{name} ({measured[name]['count']} / {measured[name]['reference_count']})" for name in worst]
    title = f"FID {result.figures['fid']:.2f}, {_counts(result)}; {_shown(worst, measured, 'highest')}"
    return to_pixels(bar_chart(groups, {"FID": [measured[name]["fid"] for name in worst]}, title, "FID", SIZE))


def precision_bars(result: Result) -> np.ndarray:
    """Precision, recall, density and coverage in per cent, of the set and then of its classes, uint8 [H,W,3]."""
    whole = {share: [100 * result.figures[share]] for share in SHARES}
    by_class: dict[str, dict[str, Any]] = result.figures.get("per_class", {})
    if not by_class:
        values = [value for (value,) in whole.values()]
        return to_pixels(bar_chart(SHARES, {"": values}, _counts(result), "per cent", SIZE))
    least = sorted(by_class, key=lambda name: by_class[name]["coverage"])[:MAX_BARS]
    groups = ["all", *(f"{name} ({by_class[name]['count']})" for name in least)]
    series = {share: [*value, *(100 * by_class[name][share] for name in least)] for share, value in whole.items()}
    title = f"{_counts(result)}; {_shown(least, by_class, 'lowest coverages')} (pictures of each set)"
    return to_pixels(bar_chart(groups, series, title, "per cent", SIZE))


def diversity_bars(result: Result) -> np.ndarray:
    """The Vendi score of each class, the lowest first, with its number of pictures, uint8 [H,W,3]."""
    by_class: dict[str, dict[str, Any]] = result.figures["per_class"]
    least = sorted(by_class, key=lambda name: by_class[name]["vendi"])[:MAX_BARS]
    groups = [f"{name} ({by_class[name]['count']})" for name in least]
    values = [by_class[name]["vendi"] for name in least]
    title = f"Vendi score {result.figures['vendi']:.2f}, mean; {_shown(least, by_class, 'lowest')} (pictures)"
    return to_pixels(bar_chart(groups, {"Vendi": values}, title, "unlike pictures", SIZE))


def clip_score_bars(result: Result) -> np.ndarray:
    """The CLIP score of each class, the lowest first, with its number of pictures, uint8 [H,W,3]."""
    by_class: dict[str, dict[str, Any]] = result.figures["per_class"]
    least = sorted(by_class, key=lambda name: by_class[name]["clip_score"])[:MAX_BARS]
    groups = [f"{name} ({by_class[name]['count']})" for name in least]
    values = [by_class[name]["clip_score"] for name in least]
    title = f"CLIP score {result.figures['clip_score']:.2f}; {_shown(least, by_class, 'lowest')} (pictures)"
    return to_pixels(bar_chart(groups, {"CLIP score": values}, title, "100 x cosine", SIZE))


def _counts(result: Result) -> str:
    """ "200 pictures against 10,000"."""
    count, reference = (result.inputs[side].get("count") for side in ("features", "reference"))
    return f"{count:,} pictures against {f'{reference:,}' if reference else 'an unknown number'}"


def _shown(classes: Sequence[str], all_classes: Collection[str], which: str) -> str:
    """ "of each class", or "the 50 highest of 100 classes"."""
    if len(classes) == len(all_classes):
        return "of each class"
    return f"the {len(classes)} {which} of {len(all_classes):,} classes"
