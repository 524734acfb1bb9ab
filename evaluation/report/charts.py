"""A report's plots: accuracy as bars with their intervals, training and distortion curves, confusion matrices."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from .. import plots
from .accuracy_cells import by_key, steered
from .figures import PictureSet
from .tables import Cell, Report, Row, Source, Table, same_making

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = (1200, 600)  # pixels
CURVE = (800, 480)
SQUARE = (720, 640)
OURS, OURS_ALONE, THESIS = "ours", "ours, not compared", "thesis"
BARS = {OURS: plots.COLOURS[0], OURS_ALONE: plots.COLOURS[1], THESIS: "#9aa3ad"}
PER_CENT = "%   (lines: 95 % interval, or one deviation of the seeds)"
MAX_PLOTS = 60  # plots of one kind: Table 5-9 whole has 39 confusion matrices
KINDS = ("accuracy", "training", "distortion", "confusion", "lora")  # what the file names of plots begin with
T = TypeVar("T")
logger = logging.getLogger("hyponet")
_SHORT = {"Stable Diffusion 1.4": "SD1.4", "Stable Diffusion 1.5": "SD1.5", "Stable Diffusion XL": "SDXL"}


@dataclass(frozen=True)
class Plot:
    """A figure with the file name it gets."""

    file: str
    title: str
    figure: Figure


def accuracy_plots(report: Report) -> list[Plot]:
    """Accuracy by training set: Figure 5-2, ours beside the thesis's, and a chart of each table of our own."""
    plotted = []
    for table in report.tables:
        if table.key == "5-9":
            plotted += _thesis_plots(table)
        elif table.key in ("accuracy", "held-out-synthetic"):
            plotted += _own_plot(table)
    return plotted


def _thesis_plots(table: Table) -> list[Plot]:
    rows = [row for row in table.rows if any(not cell.is_blank for cell in row.cells)]
    plotted = []
    for column, test_set in reversed(list(enumerate(table.columns))):
        cells = [_plotted(row.cells[column]) for row in rows]
        if any(cell.value is not None for cell in cells):
            title = (
                "Figure 5-2: average accuracy by training set" if test_set == "Average" else f"Accuracy on {test_set}"
            )
            ours = [cell.span if cell.value is not None else None for cell in cells]
            spans = {OURS: ours, OURS_ALONE: ours}
            series = _bars(cells)
            figure = plots.bar_chart(
                [_name(row) for row in rows], series, title, PER_CENT, WIDE, [BARS[name] for name in series], spans
            )
            plotted.append(Plot(f"accuracy-{_slug(test_set)}", title, figure))
    return plotted


def _own_plot(table: Table) -> list[Plot]:
    """One group a training set, one bar a test set; none where every figure is of pictures that steered a top-up."""
    rows = [[_plotted(cell) for cell in row.cells] for row in table.rows]
    columns = [
        (column, name)
        for column, name in enumerate(table.columns)
        if any(row[column].value is not None for row in rows)
    ]
    if not columns:
        return []
    series = {name: [row[column].value for row in rows] for column, name in columns}
    spans = {name: [row[column].span for row in rows] for column, name in columns}
    names = [row.label for row in table.rows]
    title = table.title.removesuffix(", per cent")
    figure = plots.bar_chart(names, series, title, PER_CENT, CURVE if len(names) < 5 else WIDE, spans=spans)
    return [Plot("accuracy-own" if table.key == "accuracy" else "accuracy-synthetic", title, figure)]


def _plotted(cell: Cell) -> Cell:
    """The cell without what is not reported."""
    return Cell(thesis=cell.thesis) if cell.steered else cell


def _name(row: Row) -> str:
    return f"{_SHORT[row.group]} {row.label}" if row.group in _SHORT else row.label


def _bars(cells: Sequence[Cell]) -> dict[str, list[float | None]]:
    """Bars side by side only where the table has a pair; all else of ours, and what was not run, stands alone."""
    series: dict[str, list[float | None]] = {
        OURS: [None if cell.thesis is None else cell.value for cell in cells],
        OURS_ALONE: [cell.value if cell.thesis is None else None for cell in cells],
        THESIS: [cell.thesis for cell in cells],
    }
    return {name: values for name, values in series.items() if any(value is not None for value in values)}


def curve_plots(report: Report) -> list[Plot]:
    """Training, LoRA and distortion curves: the newest run of each row and settings, the newest MAX_PLOTS of them."""
    plotted: list[Plot] = []
    for kind, (subject, draw) in _CURVES.items():
        sources = [source for source in report.sources if source.result.kind == kind]
        for source in _newest({(source.row, _curve_key(source)): source for source in sources}):
            title = f"{subject}: {source.row} [{source.number}]"
            figure = draw(source, title)
            if figure is not None:
                plotted.append(Plot(f"{kind.partition('_')[0]}-{source.number}", title, figure))
    return plotted


def _curve_key(source: Source) -> str:
    """What a training or distortion curve is of: one that was made again takes the place of the one before."""
    if source.result.kind == "training":
        return same_making(source)
    if source.result.kind == "lora_training":
        return json.dumps(source.result.settings, sort_keys=True)
    images = source.figures.images or PictureSet()
    pictures = images.content_key or f"unknown, source {source.number}"
    return json.dumps([source.result.settings, source.figures.strengths, sorted(source.figures.distortions), pictures])


def confusion_plots(report: Report) -> list[Plot]:
    """One matrix for each classifier and test set: the newest run of a row, the newest MAX_PLOTS of them."""
    newest: dict[tuple[str, str], tuple[Source, int]] = {}
    for source in report.sources:
        for number, accuracy in enumerate(source.figures.accuracies):
            newest[source.row, accuracy.name] = (source, number)
    plotted, steering = [], steered(report.sources)
    for source, number in _newest(newest):
        accuracy = source.figures.accuracies[number]
        synthetic = " (synthetic pictures)" if accuracy.synthetic else ""
        tested_on = source.figures.tested_on[number]
        is_steered = accuracy.steered or by_key(steering, tested_on, accuracy.count)
        mark = ", not to be reported: it steered" if is_steered else ""
        title = f"{source.row} on {accuracy.name}{synthetic}{mark} [{source.number}]"
        figure = plots.confusion_plot(accuracy.confusion.tolist(), accuracy.classes, title, SQUARE)
        plotted.append(Plot(f"confusion-{source.number}-{number + 1}", title, figure))
    return plotted


def _training_curves(source: Source, title: str) -> Figure | None:
    training = source.figures.training
    if training is None or not training.history:
        return None
    epochs = [past.epoch for past in training.history]
    curves: dict[str, tuple[list[int], list[float | None]]] = {
        "training accuracy": (epochs, [100 * past.accuracy for past in training.history])
    }
    if training.held_out is not None:
        held_out = [past.held_out_accuracy for past in training.history]
        name = "held-out synthetic accuracy" if training.held_out.synthetic else "held-out accuracy"
        curves[name] = (epochs, [None if accuracy is None else 100 * accuracy for accuracy in held_out])
    return plots.line_chart(curves, title, "epoch", "%", CURVE)


def _distortion_curves(source: Source, title: str) -> Figure:
    return plots.distortion_plot(source.figures.strengths, source.figures.distortions, title, CURVE)


def _lora_curve(source: Source, title: str) -> Figure | None:
    losses = source.figures.lora_losses
    curve = {"mean of the epoch": (range(1, len(losses) + 1), losses)}
    return plots.line_chart(curve, title, "epoch", "mean squared error", CURVE) if losses else None


_CURVES: dict[str, tuple[str, Callable[[Source, str], Figure | None]]] = {
    "training": ("Training", _training_curves),
    "lora_training": ("LoRA", _lora_curve),
    "distortion": ("Figure 5-3: FID under distortion", _distortion_curves),
}


def _newest(by_row: dict[tuple[str, str], T]) -> list[T]:
    if len(by_row) > MAX_PLOTS:
        logger.warning("the report has %d plots of one kind; only the newest %d are drawn", len(by_row), MAX_PLOTS)
    return list(by_row.values())[-MAX_PLOTS:]


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text.lower())
