"""A report on disk: <folder>/report.html, report.md, report.csv and plots/*.png; and the plots as pictures.

Reads: a Report. Each file is written whole under a temporary name and renamed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

from .. import plots
from ..files import replacing
from ..lock import only_writer
from ..pictures.tensors import to_image
from .html_page import report_html
from .read_figures import PictureSet
from .tables import Cell, Report, Source, same_making
from .text import report_csv, report_markdown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = (1200, 600)  # pixels
CURVE = (800, 480)
SQUARE = (720, 640)
OURS, OURS_ALONE, THESIS = "ours", "ours, not compared", "thesis"
BARS = {OURS: plots.COLOURS[0], OURS_ALONE: plots.COLOURS[1], THESIS: "#9aa3ad"}
MAX_PLOTS = 60  # plots of one kind: Table 5-9 whole has 39 confusion matrices
PLOTS = ("accuracy", "training", "distortion", "confusion")  # what the file names of plots begin with
T = TypeVar("T")
logger = logging.getLogger("hyponet")
_SHORT = {"Stable Diffusion 1.4": "SD1.4", "Stable Diffusion 1.5": "SD1.5", "Stable Diffusion XL": "SDXL"}


@dataclass(frozen=True)
class Plot:
    """A figure with the file name it gets."""

    file: str
    title: str
    figure: Figure


@dataclass(frozen=True)
class WrittenReport:
    """What was written, and its plots as [B,H,W,3] float32 in 0..1, one tensor for each kind."""

    folder: Path
    markdown: str
    accuracy: torch.Tensor
    curves: torch.Tensor
    confusion: torch.Tensor


def write_report(folder: Path, report: Report) -> WrittenReport:
    """Write the report's files into `folder`, over an earlier one's; plots that only that one had go.

    Raises:
        AnotherWriter: another process is writing it.
    """
    with only_writer(folder, f"the report {folder.name!r}"):
        return _write_report(folder, report)


def _write_report(folder: Path, report: Report) -> WrittenReport:
    accuracy, curves = accuracy_plots(report), curve_plots(report)
    confusion = confusion_plots(report)
    plotted = [*accuracy, *curves, *confusion]
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for plot in plotted:
        _write(folder / "plots" / f"{plot.file}.png", plots.to_png(plot.figure))
    for path in (folder / "plots").glob("*.png"):
        if path.stem.partition("-")[0] in PLOTS and path.stem not in {plot.file for plot in plotted}:
            path.unlink()
    pages = {plot.title: plots.to_svg(plot.figure, plot.file) for plot in plotted}
    markdown = report_markdown(report)
    _write(folder / "report.html", report_html(report, pages).encode())
    _write(folder / "report.md", markdown.encode())
    # with the mark, or spreadsheets take it for Latin-1
    _write(folder / "report.csv", report_csv(report).encode("utf-8-sig", "backslashreplace"))
    return WrittenReport(
        folder=folder,
        markdown=markdown,
        accuracy=_images(accuracy, "no accuracy was measured yet", WIDE),
        curves=_images(curves, "nothing was trained or distorted yet", CURVE),
        confusion=_images(confusion, "no classifier was tested yet", SQUARE),
    )


def accuracy_plots(report: Report) -> list[Plot]:
    """Figure 5-2: average accuracy by training set, ours beside the thesis's; nothing when nothing was tested."""
    table = report.table("5-9")
    if not table.ran:
        return []
    rows = [row for row in table.rows if any(not cell.is_blank for cell in row.cells)]
    names = [f"{_SHORT[row.group]} {row.label}" if row.group in _SHORT else row.label for row in rows]
    plotted = []
    for column, test_set in reversed(list(enumerate(table.columns))):
        ours = [row.cells[column].value for row in rows]
        if any(value is not None for value in ours):
            title = (
                "Figure 5-2: average accuracy by training set" if test_set == "Average" else f"Accuracy on {test_set}"
            )
            series = _bars([row.cells[column] for row in rows])
            colours = [BARS[name] for name in series]
            plotted.append(
                Plot(f"accuracy-{_slug(test_set)}", title, plots.bar_chart(names, series, title, "%", WIDE, colours))
            )
    return plotted


def _bars(cells: Sequence[Cell]) -> dict[str, list[float | None]]:
    """Bars side by side only where the table has a pair; all else of ours, and what was not run, stands alone."""
    series: dict[str, list[float | None]] = {
        OURS: [None if cell.thesis is None else cell.value for cell in cells],
        OURS_ALONE: [cell.value if cell.thesis is None else None for cell in cells],
        THESIS: [cell.thesis for cell in cells],
    }
    return {name: values for name, values in series.items() if any(value is not None for value in values)}


def curve_plots(report: Report) -> list[Plot]:
    """Training and distortion curves: the newest run of each row and settings, the newest MAX_PLOTS of them."""
    plotted: list[Plot] = []
    for kind in ("training", "distortion"):
        sources = [source for source in report.sources if source.result.kind == kind]
        for source in _newest({(source.row, _curve_key(source)): source for source in sources}):
            subject = "Training" if kind == "training" else "Figure 5-3: FID under distortion"
            title = f"{subject}: {source.row} [{source.number}]"
            figure = _training_curves(source, title) if kind == "training" else _distortion_curves(source, title)
            if figure is not None:
                plotted.append(Plot(f"{kind}-{source.number}", title, figure))
    return plotted


def _curve_key(source: Source) -> str:
    """What a training or distortion curve is of: one that was made again takes the place of the one before."""
    if source.result.kind == "training":
        return same_making(source)
    images = source.figures.images or PictureSet()
    pictures = images.content_key or f"unknown, source {source.number}"
    return json.dumps([source.result.settings, source.figures.strengths, sorted(source.figures.distortions), pictures])


def confusion_plots(report: Report) -> list[Plot]:
    """One matrix for each classifier and test set: the newest run of a row, the newest MAX_PLOTS of them."""
    newest: dict[tuple[str, str], tuple[Source, int]] = {}
    for source in report.sources:
        for number, accuracy in enumerate(source.figures.accuracies):
            newest[source.row, accuracy.name] = (source, number)
    plotted = []
    for source, number in _newest(newest):
        accuracy = source.figures.accuracies[number]
        synthetic = " (synthetic pictures)" if accuracy.synthetic else ""
        title = f"{source.row} on {accuracy.name}{synthetic} [{source.number}]"
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


def _newest(by_row: dict[tuple[str, str], T]) -> list[T]:
    if len(by_row) > MAX_PLOTS:
        logger.warning("the report has %d plots of one kind; only the newest %d are drawn", len(by_row), MAX_PLOTS)
    return list(by_row.values())[-MAX_PLOTS:]


def _images(plotted: list[Plot], missing: str, size: tuple[int, int]) -> torch.Tensor:
    figures = [plot.figure for plot in plotted] or [plots.note(missing, size)]
    return torch.cat([to_image(plots.to_pixels(figure)) for figure in figures])


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text.lower())
