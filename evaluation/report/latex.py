"""A report's tables as LaTeX for a paper: booktabs, no vertical lines, notes below each table."""

from __future__ import annotations

import unicodedata
from itertools import groupby

from .tables import Cell, Report, Table, extent_parts, figure_text, footnotes, value_text

_HEAD = """% {title}, {created}
% In the preamble: \\usepackage{{booktabs}}
% Names beyond Latin letters need XeLaTeX or LuaLaTeX, and a font that has them.
"""
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "\u00b1": r"\(\pm\)",
    "[": "{[}",  # after a line's end it would be a length
    "]": "{]}",
    "*": "{*}",  # likewise
}


def report_latex(report: Report) -> str:
    """Every table as a float of its own, to be read by \\input or copied one by one."""
    head = _HEAD.format(title=_comment(report.title), created=report.created)
    return "\n".join([head, *(_table(table) for table in report.tables)])


def latex_text(text: str) -> str:
    """`text` on one line, as LaTeX prints it letter by letter."""
    flat = " ".join(text.encode("utf-8", "replace").decode().split())
    visible = "".join(c for c in flat if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return "".join(_SPECIAL.get(character, character) for character in visible)


def _comment(text: str) -> str:
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _table(table: Table) -> str:
    figures = len(table.columns) * (2 if table.compares else 1)
    marks = footnotes(table.rows)
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex_text(table.title)}}}",
        rf"\label{{tab:{_label(table.key)}}}",
        r"\centering",
        rf"\begin{{tabular}}{{l{'r' * figures}}}",
        r"\toprule",
        *_head(table),
        r"\midrule",
    ]
    for group, members in groupby(table.rows, key=lambda row: row.group):
        if group:
            lines.append(rf"\multicolumn{{{figures + 1}}}{{l}}{{\emph{{{latex_text(group)}}}}} \\")
        for row in members:
            cells = [latex_text(row.label)]
            for cell in row.cells:
                cells.append(_ours(cell, table.decimals, marks))
                if table.compares:
                    cells.append("" if cell.thesis is None else figure_text(cell.thesis, table.decimals))
            lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    for note in [*(f"{mark} {note}" for note, mark in marks.items()), *table.notes]:
        lines.append(rf"\par\footnotesize {latex_text(note)}")
    return "\n".join([*lines, r"\end{table}", ""])


def _head(table: Table) -> list[str]:
    first, columns = latex_text(table.first_column), [latex_text(column) for column in table.columns]
    if not table.compares:
        return [" & ".join([first, *columns]) + r" \\"]
    over = [rf"\multicolumn{{2}}{{c}}{{{column}}}" for column in columns]
    rules = [rf"\cmidrule(lr){{{2 * number + 2}-{2 * number + 3}}}" for number in range(len(columns))]
    return [
        " & ".join([first, *over]) + r" \\",
        " ".join(rules),
        " & ".join(["", *["ours", "thesis"] * len(columns)]) + r" \\",
    ]


def _ours(cell: Cell, decimals: int, marks: dict[str, str]) -> str:
    mark = latex_text(marks[cell.note]) if cell.note else ""
    if cell.value is None:
        return mark
    extent = latex_text(", ".join(extent_parts(cell, decimals)))
    value = value_text(cell, decimals).replace("<", r"\(<\)")
    return " ".join(filter(None, [value, rf"{{\footnotesize {extent}}}" if extent else "", mark]))


def _label(key: str) -> str:
    return "".join(character if character.isascii() and character.isalnum() else "-" for character in key)
