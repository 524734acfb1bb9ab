"""Draws the pack's icon and banner for the registry: a word above its kinds, and the pictures of each kind.

    python -m tools.make_icon        # writes docs/icon.png and docs/banner.png; equal bytes each time

The registry asks for a square of at most 400 pixels, and a banner of 21:9.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

DOCS = Path(__file__).resolve().parent.parent / "docs"
ICON = (400, 400)
BANNER = (1260, 540)
SMOOTH = 4  # times the size at which shapes are drawn, before they are made small
GROUND, LINE, INK, DIM = "#171c23", "#5b6878", "#f2f5f9", "#a9b4c2"
KINDS = (("#3b7dd8", "#2f66b3", "#6aa0e6"), ("#e08214", "#b9690e", "#f0a850"), ("#2a9d6f", "#217e59", "#5dc29a"))


class Drawing:
    """A canvas in pixels of the finished picture."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._canvas = Image.new("RGB", (size[0] * SMOOTH, size[1] * SMOOTH), GROUND)
        self._draw = ImageDraw.Draw(self._canvas)

    def box(self, left: float, top: float, side: float, colour: str, radius: float) -> None:
        """A square with round corners."""
        edges = [round(SMOOTH * edge) for edge in (left, top, left + side, top + side)]
        self._draw.rounded_rectangle(edges, round(SMOOTH * radius), fill=colour)

    def line(self, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
        """A straight line."""
        points = [round(SMOOTH * coordinate) for coordinate in (*start, *end)]
        self._draw.line(points, fill=LINE, width=round(SMOOTH * width))

    def disc(self, centre: tuple[float, float], radius: float, colour: str) -> None:
        """A filled circle."""
        x, y = centre
        edges = [round(SMOOTH * edge) for edge in (x - radius, y - radius, x + radius, y + radius)]
        self._draw.ellipse(edges, fill=colour)

    def text(self, left: float, top: float, text: str, height: int, colour: str, *, bold: bool = False) -> None:
        """Text whose letters are `height` pixels high."""
        face = findfont("DejaVu Sans:bold" if bold else "DejaVu Sans")
        font = ImageFont.truetype(str(face), SMOOTH * height)
        self._draw.text((SMOOTH * left, SMOOTH * top), text, font=font, fill=colour)

    def save(self, path: Path) -> None:
        """Make it small and write it as PNG."""
        self._canvas.resize(self.size, Image.Resampling.LANCZOS).save(path, optimize=True)


def tree(drawing: Drawing, left: float, top: float, side: float) -> None:
    """A root, three kinds below it, and three pictures below each, in a square of that side."""
    column, width = side / 3, side * 0.035
    root = (left + side / 2, top + side * 0.12)
    middles = [(left + column * (number + 0.5), top + side * 0.4) for number in range(3)]
    for middle in middles:
        drawing.line(root, middle, width)
    for (x, y), colours in zip(middles, KINDS, strict=True):
        tile = column * 0.5
        for number, colour in enumerate(colours):
            drawing.box(x - tile / 2, y + side * 0.1 + number * tile * 1.1, tile, colour, tile * 0.14)
        drawing.disc((x, y), side * 0.075, colours[0])
    drawing.disc(root, side * 0.1, INK)


def main() -> None:
    """Write both pictures."""
    icon = Drawing(ICON)
    tree(icon, 40, 28, 320)
    icon.save(DOCS / "icon.png")
    banner = Drawing(BANNER)
    tree(banner, 790, 76, 390)
    banner.text(84, 150, "HypoNet", 104, INK, bold=True)
    banner.text(90, 296, "a picture or a word", 34, DIM)
    banner.text(90, 344, "becomes a labelled training set", 34, DIM)
    banner.save(DOCS / "banner.png")


if __name__ == "__main__":
    main()
