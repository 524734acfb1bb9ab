"""A report as data: results -> tables of cells, each with our figure, the thesis's beside it, and its sources.

report_accuracy and report_metrics build the tables, report_html and report_text write them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from . import thesis
from .results import Result


@dataclass(frozen=True)
class Cell:
    """One figure, or a blank.

    Attributes:
        value: ours; None was not run.
        low, high: its 95 % interval, where there is an honest one.
        spread: standard deviation over `runs`.
        runs: training seeds, splits or subsets behind value and spread; 0 when there is one figure.
        unit: what `runs` counts.
        count: pictures behind it.
        thesis: the published figure, where it may stand beside ours.
        note: what a reader has to know about this one.
        sources: numbers of the results it came from, from 1.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None
    runs: int = 0
    unit: str = "seeds"
    count: int | None = None
    thesis: float | None = None
    note: str = ""
    sources: tuple[int, ...] = ()

    @property
    def is_blank(self) -> bool:
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
        return any(cell.value is not None for row in self.rows for cell in row.cells)


@dataclass(frozen=True)
class Source:
    """One result as the report cites it."""

    number: int
    row: str
    result: Result


@dataclass(frozen=True)
class Report:
    """Everything that HTML, Markdown and CSV are written from."""

    title: str
    created: str
    tables: tuple[Table, ...]
    sources: tuple[Source, ...]
    notes: tuple[str, ...] = field(default=())

    def table(self, key: str) -> Table:
        return next(table for table in self.tables if table.key == key)


def build_report(results: Sequence[Result], title: str, rows: Mapping[str, str] | None = None) -> Report:
    """The report of these results.

    Args:
        results: in any order; of repeated runs with one seed and one setting the newest counts.
        title: its heading.
        rows: result name -> row, for names that do not say by themselves which row of the thesis they are.
    """
    from .report_accuracy import accuracy_tables
    from .report_metrics import metric_tables

    ordered = sorted(results, key=lambda result: (result.created, result.run))
    sources = tuple(Source(i, _row(result, rows or {}), result) for i, result in enumerate(ordered, start=1))
    notes = [] if sources else ["There is no result yet: run Test Classifier, FID or another metric first."]
    return Report(
        title=title,
        created=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        tables=(*accuracy_tables(sources), *metric_tables(sources)),
        sources=sources,
        notes=tuple(notes),
    )


def parse_rows(text: str) -> dict[str, str]:
    """Lines `our name = row of the thesis` as a mapping; rows are matched however they are spelled.

    Raises:
        ValueError: a line has no equals sign or an empty side; the message has its number.
    """
    rows: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, row = (part.strip() for part in line.partition("="))
        if not (name and equals and row):
            raise ValueError(f"line {number} of rows is {ascii(line)[:80]}; expected: our name = SD1.5 HypoNet")
        rows[name] = thesis.row_of(row) or row
    return rows


def same_settings(result: Result) -> str:
    """A key of everything but the seed: results with one key are repetitions."""
    settings = {key: value for key, value in result.settings.items() if key not in ("seed", "seeds")}
    if "seed" in result.settings and isinstance(settings.get("checkpoint"), str):
        # a checkpoint's file name may carry its seed
        settings["checkpoint"] = re.sub(rf"\b{result.settings['seed']}\b", "", settings["checkpoint"])
    return json.dumps(settings, sort_keys=True)


def in_thesis_order(labels: Sequence[str], published: Sequence[str]) -> list[tuple[str, str]]:
    """(group, label) of the published rows and then of our own."""
    own = [label for label in dict.fromkeys(labels) if label not in published]
    return [(_group(label), label) for label in published] + [("Other sets", label) for label in own]


def short_label(label: str, group: str) -> str:
    """The technique alone under its model's heading."""
    prefix = _PREFIXES.get(group, "")
    return label.removeprefix(prefix) if prefix else label


_GROUPS = {"SD1.4 ": "Stable Diffusion 1.4", "SD1.5 ": "Stable Diffusion 1.5", "SDXL ": "Stable Diffusion XL"}
_PREFIXES = {group: prefix for prefix, group in _GROUPS.items()}


def _group(label: str) -> str:
    return next((group for prefix, group in _GROUPS.items() if label.startswith(prefix)), "")


def _row(result: Result, rows: Mapping[str, str]) -> str:
    candidates = [result.name, result.name.split("/")[-1]]
    for part in ("training", "features", "images"):
        described = result.inputs.get(part)
        if isinstance(described, Mapping) and isinstance(described.get("name"), str):
            candidates.append(described["name"])
    for name in candidates:
        if name in rows:
            return rows[name]
    return next((row for row in map(thesis.row_of, candidates) if row), result.name)
