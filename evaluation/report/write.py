"""A report on disk: <folder>/report.html, report.md, report.tex, report.csv, method.md and plots/*.png, *.svg, *.pdf.

Reads: a Report, and the pictures kept of its sets. Each file is written whole under a temporary name and renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from .. import plots
from ..files import replacing
from ..lock import only_writer
from ..pictures.samples import kept_samples
from ..pictures.tensors import to_image
from .charts import CURVE, KINDS, SQUARE, WIDE, Plot, accuracy_plots, confusion_plots, curve_plots
from .html_page import Sample, report_html
from .latex import report_latex
from .method import method_text
from .tables import Report
from .text import report_csv, report_markdown

MAX_SETS = 24  # of which pictures are shown; a page with so many is about 2 MB


@dataclass(frozen=True)
class WrittenReport:
    """What was written, and its plots as [B,H,W,3] float32 in 0..1, one tensor for each kind.

    A kind without a plot is a note that says so, and is not among `drawn`.
    """

    folder: Path
    markdown: str
    accuracy: torch.Tensor
    curves: torch.Tensor
    confusion: torch.Tensor
    drawn: tuple[torch.Tensor, ...]


def write_report(folder: Path, report: Report, samples: Path | None = None) -> WrittenReport:
    """Write the report's files into `folder`, over an earlier one's; plots that only that one had go.

    Args:
        samples: where pictures/samples.py keeps pictures of sets; None shows none.

    Raises:
        AnotherWriter: another process is writing it.
    """
    with only_writer(folder, f"the report {folder.name!r}"):
        return _write_report(folder, report, [] if samples is None else _samples(report, samples))


def _write_report(folder: Path, report: Report, samples: list[Sample]) -> WrittenReport:
    accuracy, curves = accuracy_plots(report), curve_plots(report)
    confusion = confusion_plots(report)
    plotted = [*accuracy, *curves, *confusion]
    pages = _write_plots(folder / "plots", plotted)
    markdown = report_markdown(report)
    _write(folder / "report.html", report_html(report, pages, samples).encode())
    _write(folder / "report.md", markdown.encode())
    _write(folder / "method.md", method_text(report).encode())
    _write(folder / "report.tex", report_latex(report).encode())
    # with the mark, or spreadsheets take it for Latin-1
    _write(folder / "report.csv", report_csv(report).encode("utf-8-sig", "backslashreplace"))
    images = (
        _images(accuracy, "no accuracy was measured yet", WIDE),
        _images(curves, "nothing was trained or distorted yet", CURVE),
        _images(confusion, "no classifier was tested yet", SQUARE),
    )
    drawn = tuple(batch for batch, kind in zip(images, (accuracy, curves, confusion), strict=True) if kind)
    return WrittenReport(folder, markdown, *images, drawn)


def _write_plots(folder: Path, plotted: list[Plot]) -> dict[str, str]:
    """Each plot in three forms; title -> the SVG, for the page."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {}
    for plot in plotted:
        pages[plot.title] = plots.to_svg(plot.figure, plot.file)
        _write(folder / f"{plot.file}.png", plots.to_png(plot.figure))
        _write(folder / f"{plot.file}.svg", pages[plot.title].encode())
        _write(folder / f"{plot.file}.pdf", plots.to_pdf(plot.figure))
    files = {plot.file for plot in plotted}
    for path in folder.iterdir():
        is_ours = path.suffix in (".png", ".svg", ".pdf") and path.stem.partition("-")[0] in KINDS
        if is_ours and path.stem not in files:
            path.unlink()
    return pages


def _samples(report: Report, folder: Path) -> list[Sample]:
    """Pictures of each set that a figure is of, those of this run's figures first."""
    samples: dict[str, Sample] = {}
    for source in sorted(report.sources, key=lambda source: not source.is_new):
        for picture_set in source.figures.picture_sets():
            key = picture_set.content_key
            if key not in samples and len(samples) < MAX_SETS and (sheet := kept_samples(folder, key)) is not None:
                samples[key] = Sample(picture_set.name, picture_set.count, picture_set.synthetic, sheet)
    return list(samples.values())


def _images(plotted: list[Plot], missing: str, size: tuple[int, int]) -> torch.Tensor:
    """The plots as one batch (B, H, W, 3) at the size of the largest, white beside and below the others."""
    figures = [plot.figure for plot in plotted] or [plots.note(missing, size)]
    images = [to_image(plots.to_pixels(figure)) for figure in figures]  # (1, h, w, 3) each
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    return torch.cat(
        [
            torch.nn.functional.pad(image, (0, 0, 0, width - image.shape[2], 0, height - image.shape[1]), value=1.0)
            for image in images
        ]
    )


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
