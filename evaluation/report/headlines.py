"""What a report begins with: the figures that were just measured, a line a row of the tables, in words."""

from __future__ import annotations

from dataclasses import replace

from .tables import Cell, Report, Row, Table, extent_parts, value_text

MAX_LINES = 12  # more are a table, and stand in it
# parts, a curve, and what was decided by pictures that are not reported
_DETAILS = ("fid-per-class", "precision_recall-per-class", "clip_score-per-class", "figure-5-3", "top-up")
_ACCURACIES = {
    "accuracy": "accuracy on {} {} %",
    "held-out-synthetic": "accuracy on {} (generated pictures) {} %",
    "5-9": "{} {} %",
    "5-10": "{} {} %",
    "learning-curve": "{} pictures a class {} %",
}


def headlines(report: Report) -> list[str]:
    """A line for each row that was measured in this run; without such a run, for every row of the results on disk.

    Of more than MAX_LINES these stay, then a line with the number of the others: of this run's the first of the tables,
    of those on disk the newest.
    """
    new = {source.number for source in report.sources if source.is_new}
    lines: list[tuple[int, str]] = []  # the newest source of a row's figures, and what is said of it
    for table in report.tables:
        for row in table.rows if not table.key.startswith(_DETAILS) else ():
            pairs = zip(table.columns, row.cells, strict=True)
            cells = [
                (column, cell)
                for column, cell in pairs
                if cell.value is not None and not cell.steered and (not new or new & set(cell.sources))
            ]
            if cells:
                newest = max((number for _, cell in cells for number in cell.sources), default=0)
                lines.append((newest, f"{_name(table, row)}: {_figures(table, cells)}"))
    left = len(lines) - MAX_LINES
    if left <= 0:
        return [line for _, line in lines]
    order = range(len(lines)) if new else sorted(range(len(lines)), key=lambda i: -lines[i][0])
    chosen = [lines[i][1] for i in sorted(order[:MAX_LINES])]
    return [*chosen, f"and {left} more rows in the tables below"]


def _name(table: Table, row: Row) -> str:
    """`mugs against photos`; of a table of the thesis also which it is: `Table 5-9, Stable Diffusion 1.5, none`."""
    if "Table 5-" not in table.title:
        return f"{row.label} {row.group}".strip()
    group = row.group if row.group != "Other sets" else ""
    return ", ".join(filter(None, [table.title.partition(":")[0], group, row.label]))


def _figures(table: Table, cells: list[tuple[str, Cell]]) -> str:
    """Each figure with its interval; the numbers of pictures once where all have the same."""
    numbers = {(cell.count, cell.reference_count) for _, cell in cells}
    once = extent_parts(Cell(count=cells[0][1].count, reference_count=cells[0][1].reference_count), 0)
    if len(numbers) > 1:
        once = []
    else:
        cells = [(column, replace(cell, count=None)) for column, cell in cells]
    form = _ACCURACIES.get(table.key, "{} {}")
    return ", ".join([*(_figure(table, form, column, cell) for column, cell in cells), *once])


def _figure(table: Table, form: str, column: str, cell: Cell) -> str:
    extent = ", ".join(extent_parts(cell, table.decimals))
    text = form.format(column, value_text(cell, table.decimals)).replace("on held out of", "held out of")
    return f"{text} ({extent})" if extent else text
