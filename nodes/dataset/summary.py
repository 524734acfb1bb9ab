"""What a set holds: pictures a class, and how evenly each slot's options were picked.

Reads a set's manifest; returns Markdown and a plot.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...evaluation.markdown import one_line
from ...evaluation.pictures.manifest import FAILED, PASSED
from ...evaluation.plots import label, to_pixels
from .store.store import DatasetStore

_MAX_BARS = 24  # options of a slot with a bar of their own, so that the plot stays a page; a judgement


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a set.

    Args:
        picks: slot -> option -> how often it was picked.
        left_out: what is said of lines and pictures that do not count, "" where there are none.
        fallbacks: pictures that stay although every attempt was rejected.
        passed, failed: verdicts of Check Labels.
    """

    name: str
    classes: dict[str, int]
    picks: dict[str, dict[str, int]]
    fallbacks: int
    passed: int
    failed: int
    megabytes: float
    left_out: str = ""

    def markdown(self) -> str:
        """The counts as a page: totals, a table of the classes, and one of the slots with their extremes."""
        total = sum(self.classes.values())
        rows = [f"{self.name}: {total} pictures in {len(self.classes)} classes, {self.megabytes:.1f} MB."]
        if self.fallbacks:
            rows.append(f"{self.fallbacks} stay although every try was rejected; exports leave them out unless asked.")
        if self.passed or self.failed:
            rows.append(f"Labels checked: {self.passed} passed, {self.failed} failed.")
        if self.left_out:
            rows.append(self.left_out)
        rows += ["", "| class | pictures |", "|---|---|"]
        rows += [f"| {one_line(label)} | {count} |" for label, count in self.classes.items()]
        if self.picks:
            rows += ["", "| slot | options | least | most | least picked | most picked |", "|---|---|---|---|---|---|"]
        for slot, options in self.picks.items():
            ends = min(options, key=options.__getitem__), max(options, key=options.__getitem__)
            low, high = options[ends[0]], options[ends[1]]
            least, most = one_line(ends[0]), one_line(ends[1])
            rows.append(f"| {one_line(slot)} | {len(options)} | {low} | {high} | {least} | {most} |")
        return "\n".join(rows)


def summarize(store: DatasetStore) -> Summary:
    """Read the manifest once and count."""
    picks: dict[str, Counter[str]] = {}
    checks: Counter[str] = Counter()
    for record in store.records():
        checks[record.check] += 1
        for pick in record.picks:
            picks.setdefault(pick.slot, Counter())[pick.option] += 1
    folders = (entry for entry in store.root.iterdir() if entry.is_dir())
    size = sum(entry.stat().st_size for folder in folders for entry in folder.iterdir() if entry.is_file())
    return Summary(
        name=store.name,
        classes=store.counts(),
        picks={slot: dict(counts) for slot, counts in picks.items()},
        fallbacks=store.fallback_count(),
        passed=checks[PASSED],
        failed=checks[FAILED],
        megabytes=size / 1e6,
        left_out=store.left_out(),
    )


def plot(summary: Summary) -> np.ndarray:
    """Bars for the classes and for each slot's options, [H, W, 3] uint8."""
    from matplotlib.figure import Figure

    panels = {"pictures a class": summary.classes, **summary.picks}
    panels = {title: counts or {"none": 0} for title, counts in panels.items()}
    heights = [1.0 + 0.25 * min(len(counts), _MAX_BARS + 1) for counts in panels.values()]
    figure = Figure(figsize=(8, sum(heights)), dpi=100, layout="constrained")
    axes = np.atleast_1d(figure.subplots(len(panels), 1, height_ratios=heights))
    for axis, (title, counts) in zip(axes, panels.items(), strict=True):
        _bars(axis, title, counts)
    return to_pixels(figure)


def _bars(axis: Any, title: str, counts: dict[str, int]) -> None:
    bars = sorted(counts.items(), key=lambda entry: -entry[1])
    if len(bars) > _MAX_BARS:
        remaining = bars[_MAX_BARS:]
        mean = round(sum(count for _, count in remaining) / len(remaining))
        bars = [*bars[:_MAX_BARS], (f"{len(remaining)} more, mean", mean)]
    axis.barh(range(len(bars)), [count for _, count in bars], color="#4878a8")
    axis.invert_yaxis()
    axis.set_yticks(range(len(bars)), [_text(name, 40) for name, _ in bars])
    axis.set_title(_text(title, 80), fontsize=8, loc="left")
    axis.tick_params(labelsize=8)


def _text(text: str, max_length: int) -> str:
    line = " ".join(text.split())
    return label(line if len(line) <= max_length else line[: max_length - 3] + "...")
