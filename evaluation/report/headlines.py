"""What a report begins with: the figures that were just measured, a line a row of the tables, in words."""

from __future__ import annotations

from .tables import Cell, Report, Row, Table, extent_parts, value_text

MAX_LINES = 12  # more are a table, and stand in it
_DETAILS = ("fid-per-class", "figure-5-3")  # tables of parts of a figure, or of a curve


def headlines(report: Report) -> list[str]:
    """A line for each row that was measured in this run; without such a run, for the rows of the newest results."""
    new = {source.number for source in report.sources if source.is_new}
    if not new:
        new = {source.number for source in report.sources[-MAX_LINES:]}
    lines = []
    for table in report.tables:
        for row in table.rows if table.key not in _DETAILS else ():
            parts = [
                f"{column} {_figure(cell, table)}"
                for column, cell in zip(table.columns, row.cells, strict=True)
                if cell.value is not None and new & set(cell.sources)
            ]
            if parts:
                lines.append(f"{_name(row)}: {'; '.join(parts)} ({table.title})")
    left = len(lines) - MAX_LINES
    return lines if left <= 0 else [*lines[:MAX_LINES], f"and {left} more rows in the tables below"]


def _name(row: Row) -> str:
    return f"{row.group}, {row.label}" if row.group and row.group != "Other sets" else row.label


def _figure(cell: Cell, table: Table) -> str:
    extent = ", ".join(extent_parts(cell, table.decimals))
    return f"{value_text(cell, table.decimals)}{f' ({extent})' if extent else ''}"
