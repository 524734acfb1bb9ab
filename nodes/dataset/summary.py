"""What a set holds: pictures a class, and how evenly each slot's options were picked.

Reads a set's manifest; returns Markdown and a plot.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...evaluation.fonts import caption_font
from ...evaluation.plots import to_pixels
from .store.record import FAILED, PASSED
from .store.store import DatasetStore

_MOST_BARS = 24


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a set. `picks`: slot -> option -> how often it was picked; `kept` pictures failed every try."""

    name: str
    classes: dict[str, int]
    picks: dict[str, dict[str, int]]
    kept: int
    passed: int
    failed: int
    megabytes: float

    def markdown(self) -> str:
        total = sum(self.classes.values())
        rows = [f"{self.name}: {total} pictures in {len(self.classes)} classes, {self.megabytes:.1f} MB."]
        if self.kept:
            rows.append(f"{self.kept} stay although every try was rejected; exports leave them out unless asked.")
        if self.passed or self.failed:
            rows.append(f"Labels checked: {self.passed} passed, {self.failed} failed.")
        rows += ["", "| class | pictures |", "|---|---|"]
        rows += [f"| {label} | {count} |" for label, count in self.classes.items()]
        if self.picks:
            rows += ["", "| slot | options | least | most | least picked | most picked |", "|---|---|---|---|---|---|"]
        for slot, options in self.picks.items():
            ends = min(options, key=options.__getitem__), max(options, key=options.__getitem__)
            low, high = options[ends[0]], options[ends[1]]
            rows.append(f"| {slot} | {len(options)} | {low} | {high} | {ends[0]} | {ends[1]} |")
        return "\n".join(rows)


def summarize(store: DatasetStore) -> Summary:
    """Read the manifest once and count."""
    picks: dict[str, Counter[str]] = {}
    checks: Counter[str] = Counter()
    for line in store.lines():
        checks[line.check] += 1
        for pick in line.picks:
            picks.setdefault(pick.slot, Counter())[pick.option] += 1
    folders = (entry for entry in store.root.iterdir() if entry.is_dir())
    size = sum(entry.stat().st_size for folder in folders for entry in folder.iterdir() if entry.is_file())
    return Summary(
        name=store.name,
        classes=store.counts(),
        picks={slot: dict(counts) for slot, counts in picks.items()},
        kept=len(store.manifest.index.kept),
        passed=checks[PASSED],
        failed=checks[FAILED],
        megabytes=size / 1e6,
    )


def plot(summary: Summary) -> np.ndarray:
    """Bars for the classes and for each slot's options, [H, W, 3] uint8."""
    from matplotlib.figure import Figure

    panels = {"pictures a class": summary.classes, **summary.picks}
    panels = {title: counts or {"none": 0} for title, counts in panels.items()}
    heights = [1.0 + 0.25 * min(len(counts), _MOST_BARS + 1) for counts in panels.values()]
    figure = Figure(figsize=(8, sum(heights)), dpi=100, layout="constrained")
    axes = np.atleast_1d(figure.subplots(len(panels), 1, height_ratios=heights))
    for axis, (title, counts) in zip(axes, panels.items(), strict=True):
        _bars(axis, title, counts)
    return to_pixels(figure)


def _bars(axis: Any, title: str, counts: dict[str, int]) -> None:
    shown = sorted(counts.items(), key=lambda each: -each[1])
    if len(shown) > _MOST_BARS:
        rest = shown[_MOST_BARS:]
        shown = [*shown[:_MOST_BARS], (f"{len(rest)} more, mean", round(sum(n for _, n in rest) / len(rest)))]
    axis.barh(range(len(shown)), [count for _, count in shown], color="#4878a8")
    axis.invert_yaxis()
    names = [_text(name, 40) for name, _ in shown]
    axis.set_yticks(range(len(shown)), [text for text, _ in names])
    for tick, (_, font) in zip(axis.get_yticklabels(), names, strict=True):
        tick.set_fontproperties(font)
    text, font = _text(title, 80)
    axis.set_title(text, fontproperties=font, loc="left")
    axis.tick_params(axis="x", labelsize=8)


def _text(text: str, longest: int) -> tuple[str, Any]:
    """What to write, and a font that has its glyphs."""
    from matplotlib.font_manager import FontProperties

    line = " ".join(text.split())
    font, drawn = caption_font(line if len(line) <= longest else line[: longest - 3] + "...", 9)
    return drawn.replace("$", r"\$"), FontProperties(fname=str(font.path), size=8)
