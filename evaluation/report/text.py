"""A report as Markdown for people and as CSV, one line a figure, for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from itertools import groupby

from ..markdown import one_line
from .headlines import headlines
from .tables import Cell, Report, Table, extent_parts, figure_text, footnotes, value_text

SOURCES = "## Where each figure comes from"  # the heading of a report's last part
CSV_COLUMNS = (
    "table",
    "group",
    "row",
    "column",
    "ours",
    "low",
    "high",
    "sd",
    "runs",
    "unit",
    "pictures",
    "reference_pictures",
    "thesis",
    "note",
    "sources",
)


def report_markdown(report: Report) -> str:
    """The tables, their notes and every source."""
    parts = [f"# {one_line(report.title)}", "", f"{report.created}. A blank was not run.", ""]
    parts += [f"{one_line(note)}\n" for note in report.notes]
    lines = headlines(report)
    if lines:
        parts += ["## What was measured", "", *(f"- {one_line(line)}" for line in lines), ""]
    for table in report.tables:
        parts += [f"## {one_line(table.title)}", "", *_table(table), ""]
        marked = [f"- {mark} {one_line(note)}" for note, mark in footnotes(table.rows).items()]
        parts += [*marked, *(f"- {one_line(note)}" for note in table.notes), ""]
    if report.sources:
        parts += [SOURCES, ""]
    for source in report.sources:
        result = source.result
        facts = {"data": result.inputs, "settings": result.settings, "versions": result.versions}
        kind = one_line(result.kind.replace("_", " "))
        created, run = one_line(result.created), one_line(result.run)
        parts.append(f"{source.number}. **{one_line(source.row)}**: {kind}, {created}, run `{run}`")
        parts += [f"   - {name}: `{one_line(json.dumps(part, ensure_ascii=False))}`" for name, part in facts.items()]
        parts += [f"   - warning: {one_line(warning)}" for warning in result.warnings]
    return "\n".join(parts) + "\n"


def report_csv(report: Report) -> str:
    """Every cell that has a figure, ours or the thesis's; numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for table in report.tables:
        for row in table.rows:
            for column, cell in zip(table.columns, row.cells, strict=True):
                if cell.is_blank:
                    continue
                numbers = [cell.value, cell.low, cell.high, cell.spread, cell.runs or None]
                writer.writerow(
                    [
                        *(_safe(part) for part in (table.key, row.group, row.label, column)),
                        *("" if number is None else repr(number) for number in numbers),
                        cell.unit if cell.runs else "",
                        "" if cell.count is None else cell.count,
                        "" if cell.reference_count is None else cell.reference_count,
                        "" if cell.thesis is None else repr(cell.thesis),
                        _safe(cell.note),
                        " ".join(map(str, cell.sources)),
                    ]
                )
    return text.getvalue()


def _table(table: Table) -> list[str]:
    columns = [table.first_column]
    for column in table.columns:
        name = one_line(column)
        columns += [name, f"{name} (thesis)"] if table.compares else [name]
    marks = footnotes(table.rows)
    lines = [_row(columns), _row(["---", *["---:"] * (len(columns) - 1)])]
    for group, members in groupby(table.rows, key=lambda row: row.group):
        if group:
            lines.append(_row([f"**{one_line(group)}**", *[""] * (len(columns) - 1)]))
        for row in members:
            cells = [one_line(row.label)]
            for cell in row.cells:
                cells.append(_ours(cell, table.decimals, marks))
                if table.compares:
                    cells.append("" if cell.thesis is None else figure_text(cell.thesis, table.decimals))
            lines.append(_row(cells))
    return lines


def _ours(cell: Cell, decimals: int, marks: Mapping[str, str]) -> str:
    if cell.value is None:
        return marks[cell.note] if cell.note else ""
    extent = ", ".join([*extent_parts(cell, decimals), *([marks[cell.note]] if cell.note else [])])
    links = ", ".join(map(str, cell.sources))
    return f"{value_text(cell, decimals)}{f' ({extent})' if extent else ''} [{links}]"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _safe(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
