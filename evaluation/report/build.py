"""Results -> a Report: every table, and which result is which row of the thesis."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timezone

from ..results import Result
from . import thesis
from .accuracy_tables import accuracy_tables
from .comparison_tables import comparison_tables
from .loop_tables import loop_tables
from .metric_tables import metric_tables
from .read_figures import read_figures
from .tables import Report, Source, Table


def build_report(
    results: Sequence[Result],
    title: str,
    rows: Mapping[str, str] | None = None,
    left_out: Mapping[str, str] | None = None,
    new_runs: Collection[str] = (),
) -> Report:
    """The report of these results.

    Args:
        results: in any order; of repeated runs with one seed and one setting the newest counts.
        title: its heading.
        rows: name of a result or a test set -> row or test set of the thesis, where it does not say so by itself.
        left_out: files and folders that should hold results and do not, each with why, as `read_results` has it.
        new_runs: the runs that were measured just now; the report begins with them.
    """
    notes = [f"Left out: {name} {why}." for name, why in (left_out or {}).items()]
    sources: list[Source] = []
    for result in sorted(results, key=lambda result: result.run):
        try:
            figures = read_figures(result)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
            notes.append(f"Left out: {result.name}, run {result.run} ({result.kind}), is damaged: {problem}.")
        else:
            holes = ", ".join(figures.holes())
            if holes:
                notes.append(f"Blank: {result.name}, run {result.run} ({result.kind}), has no number for {holes}.")
            row = _row(result, rows or {})
            sources.append(Source(len(sources) + 1, row, result, figures, result.run in new_runs))
    if not sources:
        notes.append("There is no result yet: run Test Classifier, FID or another metric first.")
    tables = (
        *accuracy_tables(sources, rows),
        *loop_tables(sources),
        *metric_tables(sources),
        *comparison_tables(sources),
    )
    new = {source.number for source in sources if source.is_new}
    return Report(
        title=title,
        created=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        tables=tuple(sorted(tables, key=lambda table: not new & _cited(table))),  # what was measured just now first
        sources=tuple(sources),
        notes=tuple(notes),
    )


def _cited(table: Table) -> set[int]:
    """The numbers of the sources of a table's figures."""
    return {number for row in table.rows for cell in row.cells for number in cell.sources}


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
            raise ValueError(f"line {number} of thesis_rows is {repr(line)[:80]}; expected: our name = SD1.5 HypoNet")
        rows[name] = thesis.row_of(row) or row
    return rows


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
