"""What a report is made of: tables of cells, each with our figure, the thesis's beside it, and its sources.

accuracy_tables and metric_tables build the tables, build puts them together, html_page and text write them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..intervals import p_text
from ..results import Result
from .figures import Figures


@dataclass(frozen=True)
class Cell:
    """One figure, or a blank.

    Args:
        value: ours; None was not run.
        low, high: its 95 % interval, where there is an honest one.
        spread: standard deviation over `runs`.
        runs: training seeds, splits or subsets behind value and spread; 0 when there is one figure.
        unit: what `runs` counts.
        count: pictures behind it.
        reference_count: pictures of the set that it was compared with.
        thesis: the published figure, where it may stand beside ours; see comparability.beside_thesis.
        note: what a reader has to know about this one.
        sources: numbers of the results it came from, from 1.
        is_p: whether it is a p-value, which no fixed number of decimals shows.
        steered: whether its test pictures steered a top-up: it stands in its table with a note, and nowhere else.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    runs: int = 0
    unit: str = "seeds"
    count: int | None = None
    reference_count: int | None = None
    thesis: float | None = None
    note: str = ""
    sources: tuple[int, ...] = ()
    is_p: bool = False
    steered: bool = False

    def __post_init__(self) -> None:
        for number in (self.value, self.low, self.high, self.spread):
            if number is not None and not (isinstance(number, (int, float)) and math.isfinite(number)):
                raise ValueError(f"a figure is {repr(number)[:80]}; expected a finite number")

    @property
    def span(self) -> tuple[float, float] | None:
        """From where to where a chart draws its line: the interval, or one deviation of the runs to each side."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        if self.value is None or self.spread is None or not self.runs:
            return None
        return self.value - self.spread, self.value + self.spread

    @property
    def is_blank(self) -> bool:
        """Whether neither we nor the thesis have a figure."""
        return self.value is None and self.thesis is None


@dataclass(frozen=True)
class Row:
    """A set's figures; rows of one `group` stand under its heading."""

    label: str
    cells: tuple[Cell, ...]
    group: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `compares` says whether columns have the thesis's figure beside ours."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    decimals: int = 2
    notes: tuple[str, ...] = ()
    compares: bool = True
    first_column: str = "Data set"

    @property
    def ran(self) -> bool:
        """Whether a figure of ours stands in it."""
        return any(cell.value is not None for row in self.rows for cell in row.cells)


@dataclass(frozen=True)
class Source:
    """One result as the report cites it.

    Args:
        number: its place in the list of sources, from 1.
        row: the row of the tables that it belongs to.
        result: the file's content.
        figures: its figures, read and checked.
        is_new: whether the run that writes the report measured it; else it was on disk before.
    """

    number: int
    row: str
    result: Result
    figures: Figures
    is_new: bool = False


@dataclass(frozen=True)
class Report:
    """Everything that HTML, Markdown, LaTeX and CSV are written from."""

    title: str
    created: str
    tables: tuple[Table, ...]
    sources: tuple[Source, ...]
    notes: tuple[str, ...] = field(default=())


def figure_text(value: float, decimals: int) -> str:
    """A figure as it stands in a table; one that rounds to zero has no sign."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def footnotes(rows: Sequence[Row]) -> dict[str, str]:
    """Note -> the mark by which cells refer to it, in order of appearance."""
    notes = dict.fromkeys(cell.note for row in rows for cell in row.cells if cell.note)
    return {note: f"({chr(97 + i) if i < 26 else i + 1})" for i, note in enumerate(notes)}


def value_text(cell: Cell, decimals: int) -> str:
    """A cell's own figure as it stands in its table."""
    if cell.value is None:
        return ""
    return p_text(cell.value) if cell.is_p else figure_text(cell.value, decimals)


def extent_parts(cell: Cell, decimals: int) -> list[str]:
    """Interval, spread and numbers of pictures of a figure, as they stand under it."""
    parts = []
    if cell.low is not None and cell.high is not None:
        parts.append(f"[{figure_text(cell.low, decimals)}, {figure_text(cell.high, decimals)}]")
    if cell.spread is not None and cell.runs:
        parts.append(f"\u00b1 {figure_text(cell.spread, decimals)} ({cell.runs} {cell.unit})")
    if cell.count:
        against = f" against {cell.reference_count:,}" if cell.reference_count else ""
        parts.append(f"N = {cell.count:,}{against}")
    return parts


def same_making(source: Source, but: Sequence[str] = ("seed",)) -> str:
    """A key of how a classifier was made, held-out draw and training pictures included: equal but for `but`.

    A result that does not say what it was trained on is like no other, nor is one of a training that was stopped.
    """
    settings = dict(source.result.settings)
    if was_stopped(source):
        settings["training"] = source.result.inputs.get("identity") or f"source {source.number}"
    if settings.get("held_out") and settings.get("held_out_seed") is None:
        settings["held_out_seed"] = settings.get("seed")
    trained_on = source.figures.trained_on.content_key if source.figures.trained_on else ""
    stated = {key: value for key, value in settings.items() if key not in but}
    return json.dumps([stated, trained_on or f"unknown, source {source.number}"], sort_keys=True)


def was_stopped(source: Source) -> bool:
    """Whether it is of a classifier whose training was not finished; no file says after which step it was stopped."""
    settings = source.result.settings
    return bool(settings.get("epochs_trained", settings.get("epochs")) != settings.get("epochs"))


def in_thesis_order(labels: Sequence[str], published: Sequence[str]) -> list[tuple[str, str]]:
    """(group, label) of the published rows and then of our own."""
    unpublished = [label for label in dict.fromkeys(labels) if label not in published]
    return [(_group(label), label) for label in published] + [("Other sets", label) for label in unpublished]


def short_label(label: str, group: str) -> str:
    """The technique alone under its model's heading."""
    prefix = _PREFIXES.get(group, "")
    return label.removeprefix(prefix) if prefix else label


_GROUPS = {"SD1.4 ": "Stable Diffusion 1.4", "SD1.5 ": "Stable Diffusion 1.5", "SDXL ": "Stable Diffusion XL"}
_PREFIXES = {group: prefix for prefix, group in _GROUPS.items()}


def _group(label: str) -> str:
    return next((group for prefix, group in _GROUPS.items() if label.startswith(prefix)), "")
