"""The results of a sweep's rows in one report: report.md for people, figures.csv for programs."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evaluation.progress import duration

from .disk import naming
from .state import DONE, State
from .sweep_file import SweepRow


def write_report(rows: list[SweepRow], state: State) -> Path:
    """Write report.md and figures.csv into the state's folder; the path of the first."""
    path, figures_path = state.folder / "report.md", state.folder / "figures.csv"
    with ExitStack() as stack:
        stack.enter_context(naming(state.folder))
        report = stack.enter_context(open(path, "w", encoding="utf-8", newline="\n"))
        report.write("# Sweep\n\n| row | state | time | figures |\n|---|---|---|---|\n")
        # with the mark, or spreadsheets take it for the machine's own code page
        table = csv.writer(stack.enter_context(open(figures_path, "w", encoding="utf-8-sig", newline="")))
        table.writerow(["row", "kind", "name", "run", "figure", "value"])
        for row in rows:  # one at a time: a sweep has thousands, and each holds all that its nodes showed
            row_state = state.read(row.name)
            for result in row_state.results:
                for figure, value in numbers(result.get("figures", {})):
                    table.writerow([row.name, result.get("kind"), result.get("name"), result.get("run"), figure, value])
            figures = "; ".join(summary(result) for result in row_state.results)
            word = row_state.status
            if row_state.status != DONE and row_state.message:
                word += f": {row_state.message}"
            cells = [row.name, word, duration(row_state.seconds) if row_state.seconds else "", figures]
            report.write("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n")
    return path


def numbers(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(name, value) of every plain number, nested names joined by a slash."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{prefix}{name}", value


def summary(result: Mapping[str, Any]) -> str:
    """A result in a few words: its kind, name and the figures at its top level, with those that it does not have."""
    figures = result.get("figures", {})
    plain = [f"{name} {value:.6g}" for name, value in numbers(figures) if "/" not in name]
    holes = [f"{name} none" for name, value in figures.items() if value is None]
    return f"{result.get('kind')} of {result.get('name')}: {', '.join([*plain[:6], *holes])}"
