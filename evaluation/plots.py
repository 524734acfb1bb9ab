"""Figures as matplotlib draws them, without its global state: numbers in, a Figure out, then pixels, PNG, SVG or PDF.

The SVG has no background and takes its ink from the page (currentColor), so that it reads on light and dark alike.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .fonts import font_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import Locator

INK = "#010203"  # stands for the page's text colour in SVG
COLOURS = ("#3b7dd8", "#e08214", "#2a9d6f", "#c2528b", "#8a6fd1", "#8c8c8c", "#b8a02e", "#3aa7b5")
MAX_STANDING_GROUPS = 24  # groups of bars that have room side by side; judged by eye, as the two below
MAX_COUNTED_CLASSES = 20  # of a confusion matrix with numbers in its cells
MAX_NAMED_CLASSES = 50  # classes named along one side of it
NOTE_SIZE = (640, 160)  # pixels
DASHES = ("-", "--", ":", "-.")
Span = tuple[float, float] | None  # lowest and highest value of a bar's interval


def bar_chart(
    groups: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    title: str,
    unit: str,
    size: tuple[int, int],
    colours: Sequence[str] = COLOURS,
    spans: Mapping[str, Sequence[Span]] | None = None,
) -> Figure:
    """Bars of every series side by side in each group (Figure 5-2); None leaves a gap. Many groups lie on their side.

    Args:
        groups: labels along the axis.
        series: name -> one value a group.
        size: in pixels; many groups make it higher.
        colours: of the series.
        spans: name -> one interval a group, drawn as a line across the bar's end.
    """
    lying = len(groups) > MAX_STANDING_GROUPS
    figure, axes = _figure(title, (size[0], max(size[1], 100 + 26 * len(groups))) if lying else size)
    width = 0.8 / max(1, len(series))
    for number, (name, values) in enumerate(series.items()):
        offset = (number - (len(series) - 1) / 2) * width
        positions = [group + offset for group, value in enumerate(values) if value is not None]
        lengths = [value for value in values if value is not None]
        draw = axes.barh if lying else axes.bar
        draw(positions, lengths, width * 0.92, label=label(name), color=colours[number % len(colours)])
        limits = (spans or {}).get(name) or [None] * len(values)
        drawn = [span for span, value in zip(limits, values, strict=True) if value is not None]
        _ends(axes, positions, lengths, drawn, lying=lying)
    if lying:
        axes.set_yticks(range(len(groups)), [label(group) for group in groups])
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.set_xlabel(unit)
        axes.margins(x=0.08)
        _finish(axes, legend=len(series) > 1, along="x")
        return figure
    turned = max((len(group) for group in groups), default=0) > 12 and len(groups) > 4
    axes.set_xticks(
        range(len(groups)),
        [label(group) for group in groups],
        rotation=30 if turned else 0,
        ha="right" if turned else "center",
    )
    axes.set_xlim(-0.5, max(1, len(groups)) - 0.5)
    axes.set_ylabel(unit)
    axes.margins(y=0.12)
    _finish(axes, legend=len(series) > 1)
    return figure


def _ends(
    axes: Axes, positions: Sequence[float], lengths: Sequence[float], spans: Sequence[Span], *, lying: bool
) -> None:
    """The interval of each bar as a line with caps, and its value beyond that."""
    for position, length, span in zip(positions, lengths, spans, strict=True):
        if span is not None:
            reach = [[max(0.0, length - span[0])], [max(0.0, span[1] - length)]]
            x, y = (length, position) if lying else (position, length)
            along, up = (reach, None) if lying else (None, reach)
            axes.errorbar(x, y, xerr=along, yerr=up, fmt="none", ecolor=INK, elinewidth=1, capsize=2.5)
        end = length if span is None else max(length, span[1])
        axes.annotate(
            f"{length:.1f}",
            (end, position) if lying else (position, end),
            xytext=(3, 0) if lying else (0, 2),
            textcoords="offset points",
            ha="left" if lying else "center",
            va="center" if lying else "bottom",
            fontsize=7,
            color=INK,
        )


def line_chart(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float | None]]],
    title: str,
    across: str,
    up: str,
    size: tuple[int, int],
) -> Figure:
    """One line a curve.

    Args:
        curves: name -> (x, y); None breaks the line.
        across, up: labels of the axes.
        size: in pixels.
    """
    figure, axes = _figure(title, size)
    for number, (name, (x, y)) in enumerate(curves.items()):
        axes.plot(
            list(x),
            [math.nan if value is None else value for value in y],
            DASHES[number // len(COLOURS) % len(DASHES)],
            label=label(name),
            color=COLOURS[number % len(COLOURS)],
            marker="o" if len(x) <= 20 else None,
            markersize=3.5,
            linewidth=1.8,
        )
    if all(isinstance(value, int) or float(value).is_integer() for x, _ in curves.values() for value in x):
        axes.xaxis.set_major_locator(_whole_numbers())
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    _finish(axes, legend=bool(curves))
    return figure


def _whole_numbers() -> Locator:
    """Ticks at whole numbers only: there is no half epoch."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True)


def confusion_plot(
    matrix: Sequence[Sequence[int]], classes: Sequence[str], title: str, size: tuple[int, int]
) -> Figure:
    """Shares of each true class (row) by predicted class (column); counts written in where there are few classes."""
    figure, axes = _figure(title, size)
    counts = np.asarray(matrix, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    few = len(classes) <= MAX_COUNTED_CLASSES
    # few cells as shapes, which stay sharp in print; many as one bitmap, since a thousand classes have a million cells
    lines = {"edgecolors": "#88888840", "linewidth": 0.5} if few else {"rasterized": True}
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, **lines)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    names = [label(name) for name in classes]
    step = -(-len(names) // MAX_NAMED_CLASSES)  # every n-th class is named
    centres = [number + 0.5 for number in range(len(names))]
    axes.set_xticks(centres[::step], names[::step], rotation=40 if few else 90, ha="right" if few else "center")
    axes.set_yticks(centres[::step], names[::step])
    if not few:
        axes.tick_params(labelsize=7)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if few:
        for row, column in np.ndindex(*counts.shape):
            ink = "white" if shares[row, column] > 0.5 else "#202020"
            axes.text(
                column + 0.5, row + 0.5, f"{int(counts[row, column])}", ha="center", va="center", color=ink, fontsize=8
            )
    return figure


def distortion_plot(
    strengths: Sequence[float],
    fids: Mapping[str, Sequence[float | None]],
    title: str,
    size: tuple[int, int] = (900, 600),
) -> Figure:
    """FID over strength for each kind of distortion (Figure 5-3).

    Args:
        strengths: along the axis.
        fids: kind -> one FID a strength.
        title, size: of the picture; size in pixels.
    """
    curves = {kind: (strengths, values) for kind, values in fids.items()}
    return line_chart(curves, title, "strength of the distortion", "FID", size)


def note(text: str, size: tuple[int, int] = NOTE_SIZE) -> Figure:
    """A picture that says why there is none, for an output that has nothing to show."""
    figure, axes = _figure("", size)
    axes.axis("off")
    axes.text(0.5, 0.5, label(text), ha="center", va="center", fontsize=12, color=INK, transform=axes.transAxes)
    return figure


def to_pixels(figure: Figure) -> np.ndarray:
    """The figure as uint8 RGB [H,W,3] on white."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(_dressed(figure))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]  # (H, W, 4) -> (H, W, 3)


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG on white."""
    packed = io.BytesIO()
    _dressed(figure).savefig(packed, format="png")
    return packed.getvalue()


def to_svg(figure: Figure, salt: str) -> str:
    """The figure as inline SVG in the page's ink.

    Args:
        salt: makes the ids inside differ from those of other figures on the page.
    """
    import matplotlib

    packed = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        _dressed(figure).savefig(packed, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = packed.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")


def to_pdf(figure: Figure) -> bytes:
    """The figure as a PDF page of its size, with its fonts as journals ask (Type 42); equal figures, equal bytes."""
    import matplotlib

    packed = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        _dressed(figure).savefig(packed, format="pdf", metadata={"CreationDate": None})
    return packed.getvalue()


def label(text: str) -> str:
    """`text` as matplotlib is to be given it: no `$` starts a formula, and what no font can draw is escaped."""
    return font_for(text)[1].replace("$", r"\$")


def _figure(title: str, size: tuple[int, int]) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] / 100, size[1] / 100), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(label(title), color=INK, fontsize=11)
    for spine in axes.spines.values():
        spine.set_color(INK)
        spine.set_alpha(0.4)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return figure, axes


def _finish(axes: Axes, *, legend: bool, along: Literal["x", "y"] = "y") -> None:
    axes.grid(axis=along, color="#888888", alpha=0.25, linewidth=0.7)
    axes.set_axisbelow(True)
    if legend:
        axes.legend(frameon=False, fontsize=9, labelcolor=INK)


def _dressed(figure: Figure) -> Figure:
    """Its texts in DejaVu Sans, and in the fonts that have the glyphs which DejaVu Sans lacks."""
    from matplotlib.text import Text

    texts = figure.findobj(Text)
    families = ["DejaVu Sans", *(font_for(text.get_text())[0].family for text in texts)]
    for text in texts:
        text.set_fontfamily(list(dict.fromkeys(families)))
    return figure
