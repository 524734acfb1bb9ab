"""Draws workflows/<name>.jpg, what the template browser shows: the way through a workflow, as signs of its stages.

The workflows name models that are not here, so their pictures are not; where no model is needed, what the workflow
makes stands beside its stages. Reads the graph form; `python3 dev.py screenshots` runs it.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 360
MARGIN, SIGN, ARROW, LINE = 24, 64, 18, 17
PAGE, BOX, INK, GREY, BLUE, GREEN, AMBER = "#1b1d21", "#2a2e35", "#eef1f4", "#9aa4af", "#5aa0ea", "#63c28d", "#e0b050"
PER_ROW = 4
RESULTS = {"hyponet_13_prompt_playground": "Plan Preview"}  # workflow -> the node whose picture is shown
Pen = ImageDraw.ImageDraw


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, which is there on every machine."""
    return ImageFont.load_default(size)


def photo(pen: Pen, x: float, y: float, size: float = SIGN) -> None:
    """A picture: a frame, a hill, the sun."""
    pen.rectangle((x, y + size * 0.1, x + size, y + size * 0.9), outline=INK, width=2)
    pen.polygon([(x + 4, y + size * 0.86), (x + size * 0.4, y + size * 0.4), (x + size * 0.8, y + size * 0.86)], GREEN)
    pen.ellipse((x + size * 0.66, y + size * 0.2, x + size * 0.84, y + size * 0.38), AMBER)


def words(pen: Pen, x: float, y: float) -> None:
    """A list."""
    for row, length in enumerate((0.9, 0.6, 0.75, 0.5)):
        top = y + 8 + row * 14
        pen.ellipse((x + 2, top, x + 8, top + 6), BLUE)
        pen.rectangle((x + 16, top + 1, x + 16 + 46 * length, top + 5), INK)


def plan(pen: Pen, x: float, y: float) -> None:
    """A table of which options meet."""
    for row in range(4):
        for column in range(4):
            is_met = (row + 2 * column) % 3 == 0
            left, top = x + column * 16, y + row * 16
            pen.rectangle((left, top, left + 12, top + 12), BLUE if is_met else None, outline=GREY)


def sheet(pen: Pen, x: float, y: float) -> None:
    """Many pictures."""
    for row in range(3):
        for column in range(3):
            photo(pen, x + column * 22, y + row * 22, 19)


def folders(pen: Pen, x: float, y: float) -> None:
    """Labelled pictures on disk."""
    for number, colour in enumerate((GREY, BLUE, INK)):
        left, top = x + number * 7, y + 6 + number * 9
        pen.rectangle((left, top, left + 20, top + 8), colour)
        pen.rectangle((left, top + 6, left + 48, top + 36), BOX, outline=colour, width=2)


def curve(pen: Pen, x: float, y: float) -> None:
    """A training: the loss falls."""
    pen.line((x, y, x, y + SIGN, x + SIGN, y + SIGN), GREY, 2)
    points = [(x + 4 + step * 6, y + 4 + 54 * (1 - 0.72**step)) for step in range(10)]
    pen.line(points, BLUE, 3, "curve")


def matrix(pen: Pen, x: float, y: float) -> None:
    """A test: the confusion of classes."""
    for row in range(3):
        for column in range(3):
            left, top = x + column * 21, y + row * 21
            pen.rectangle((left, top, left + 19, top + 19), GREEN if row == column else BOX, outline=GREY)


def bars(pen: Pen, x: float, y: float) -> None:
    """Figures."""
    pen.line((x, y + SIGN, x + SIGN, y + SIGN), GREY, 2)
    for number, height in enumerate((26, 48, 36)):
        pen.rectangle((x + 6 + number * 20, y + SIGN - height, x + 18 + number * 20, y + SIGN - 2), BLUE)


def tick(pen: Pen, x: float, y: float) -> None:
    """A check."""
    pen.ellipse((x + 2, y + 2, x + SIGN - 2, y + SIGN - 2), outline=GREEN, width=4)
    pen.line((x + 17, y + 33, x + 28, y + 45, x + 48, y + 20), GREEN, 6, "curve")


def page(pen: Pen, x: float, y: float) -> None:
    """A report."""
    pen.rectangle((x + 8, y, x + 56, y + SIGN), outline=INK, width=2)
    pen.rectangle((x + 14, y + 8, x + 44, y + 13), INK)
    for row in range(4):
        pen.line((x + 14, y + 24 + row * 9, x + 50, y + 24 + row * 9), GREY, 2)


def network(pen: Pen, x: float, y: float) -> None:
    """A model."""
    layers = [
        [(x + 6 + 26 * layer, y + SIGN * (row + 1) / (count + 1)) for row in range(count)]
        for layer, count in enumerate((2, 3, 2))
    ]
    for left, right in itertools.pairwise(layers):
        for one, other in itertools.product(left, right):
            pen.line((*one, *other), GREY, 1)
    for column, row in [point for layer in layers for point in layer]:
        pen.ellipse((column - 6, row - 6, column + 6, row + 6), BLUE)


# the first of these that a stage has is its sign
SIGNS: Mapping[str, Callable[[Pen, float, float], None]] = {
    "HypoNetWriteReport": page,
    "HypoNetCompareClassifiers": bars,
    "HypoNetTestClassifier": matrix,
    "HypoNetTrainClassifier": curve,
    "HypoNetTrainLora": curve,
    "HypoNetPlotDistortion": curve,
    "HypoNetLearningCurve": curve,
    "HypoNetMeasure": bars,
    "HypoNetSummarizeDataset": bars,
    "HypoNetCheckLabels": tick,
    "HypoNetVerifyDataset": tick,
    "HypoNetGenerateDataset": sheet,
    "HypoNetMakeContactSheet": sheet,
    "HypoNetRejectItems": tick,
    "HypoNetCaptionImages": words,
    "SaveImage": photo,
    "HypoNetExtractFeatures": network,
    "HypoNetSampleImages": folders,
    "HypoNetSplitImages": folders,
    "HypoNetLoadDataset": folders,
    "HypoNetMergeImages": folders,
    "HypoNetLoadLabelledImages": folders,
    "HypoNetPreviewPlan": plan,
    "HypoNetTopUpPlan": plan,
    "HypoNetPlanDataset": plan,
    "HypoNetHyponyms": words,
    "HypoNetClassesFromPictures": photo,
    "HypoNetClassesFromCaptions": words,
    "HypoNetClassesFromText": words,
    "HypoNetDefineClass": words,
    "LoadImage": photo,
    "HypoNetDynamicPrompt": words,
    "HypoNetSaveWildcard": words,
    "HypoNetLoadWildcard": words,
    "ImageUpscaleWithModel": photo,
    "CLIPTextEncode": words,
    "CheckpointLoaderSimple": network,
    "UNETLoader": network,
}


def stages(form: Mapping[str, Any]) -> list[tuple[str, Callable[[Pen, float, float], None]]]:
    """The titles of the stages that do something, in their order, each with its sign."""
    found = []
    for group in form["groups"]:
        left, top, width, height = group["bounding"]
        kinds = [
            node["type"]
            for node in form["nodes"]
            if left <= node["pos"][0] < left + width and top <= node["pos"][1] < top + height
        ]
        sign = next((draw for kind, draw in SIGNS.items() if any(node.startswith(kind) for node in kinds)), None)
        if sign is not None:
            found.append((group["title"].lstrip("0123456789. "), sign))
    return found


def thumbnail(form: Mapping[str, Any], result: Image.Image | None = None) -> Image.Image:
    """The thumbnail of a workflow in graph form.

    Args:
        result: a picture that the workflow made.
    """
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAGE)
    pen = ImageDraw.Draw(picture)
    lines = textwrap.wrap(form["extra"]["info"]["title"], 40)[:2]
    for number, line in enumerate(lines):
        pen.text((MARGIN, 18 + 34 * number), line, INK, font(29))
    top = 18 + 34 * len(lines) + 14
    if result is not None:
        shown = result.copy()
        shown.thumbnail((WIDTH - 2 * MARGIN, HEIGHT - top - MARGIN))
        picture.paste(shown, ((WIDTH - shown.width) // 2, top))
        return picture
    draw_way(pen, stages(form)[: 2 * PER_ROW], top)
    return picture


def draw_way(pen: Pen, way: list[tuple[str, Callable[[Pen, float, float], None]]], top: int) -> None:
    """The stages in one row or two, arrows between them."""
    rows = [way]
    if len(way) > PER_ROW:
        half = (len(way) + 1) // 2
        rows = [way[:half], way[half:]]
    height = (HEIGHT - top - MARGIN + ARROW) // len(rows) - ARROW
    widest = max(map(len, rows))
    width = (WIDTH - 2 * MARGIN + ARROW) // widest - ARROW
    for number, row in enumerate(rows):
        upper = top + number * (height + ARROW)
        for column, (title, sign) in enumerate(row):
            left = MARGIN + column * (width + ARROW)
            pen.rounded_rectangle((left, upper, left + width, upper + height), 8, BOX)
            label = textwrap.wrap(title, max(8, width // 8))[:2]
            block = SIGN + 6 + LINE * len(label)
            start = upper + max(4, (height - block) // 2)
            sign(pen, left + (width - SIGN) / 2, start)
            for line, text in enumerate(label):
                pen.text((left + width / 2, start + SIGN + 6 + LINE * line), text, GREY, font(15), anchor="ma")
            if column or number:
                pen.polygon(arrow(left, upper + height / 2), AMBER)


def arrow(left: float, middle: float) -> list[tuple[float, float]]:
    """A triangle that leads to a box from its left."""
    return [(left - ARROW + 4, middle - 8), (left - 4, middle), (left - ARROW + 4, middle + 8)]
