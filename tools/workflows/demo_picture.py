"""Draws docs/demo.jpg, the README's picture, from what `python3 dev.py demo` left in output/.

    python3 dev.py screenshots --demo

A row a class: the photo or word that it began with, some of its kinds, its first pictures (none is chosen); beside
them the accuracy on real photos of the classifier that learnt from nothing else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tools.dev.console import Failure
from tools.dev.demo import SMALL
from tools.dev.places import OUTPUT, ROOT

PICTURE = ROOT / "docs" / "demo.jpg"
NAME = "demo"
COLUMNS = 6
TILE, GAP = 100, 4
ROW = TILE + GAP
TOP, BOTTOM = 76, 44
SOURCE, KINDS, SHEET = 20, 190, 440  # left edges
BAR = SHEET + COLUMNS * ROW + 40
WIDTH = BAR + 190
KINDS_SHOWN = 3
INK, GREY, BLUE, PALE = "#1f2328", "#6e7781", "#2f6db5", "#e6eaef"


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, which is there on every machine."""
    return ImageFont.load_default(size)


class Demo:
    """What the demo left: plan and pictures of its set, the photo, the figures of the test.

    Raises:
        Failure: it did not run to its end here.
    """

    def __init__(self, output: Path) -> None:
        self.folder = output / "datasets" / NAME
        self.photo = output / ".comfyui" / "input" / "cat.png"
        try:
            plan = json.loads((self.folder / "dataset.json").read_text("utf-8"))["plan"]
            lines = (self.folder / "metadata.jsonl").read_text("utf-8").splitlines()
        except FileNotFoundError as error:
            raise Failure(f"{error.filename} is missing: run `python3 dev.py demo` first.") from None
        self.classes: list[dict[str, Any]] = plan["classes"]
        self.records = sorted(map(json.loads, lines), key=lambda record: record["rank"])
        results = [
            json.loads(path.read_text("utf-8")) for path in (output / "hyponet" / "results" / NAME).glob("*.json")
        ]
        tests = [result for result in results if result["kind"] == "test"]
        if not tests:
            raise Failure("The demo's test has no result: run `python3 dev.py demo` to its end.")
        newest = max(tests, key=lambda result: result["created"])
        self.accuracy: dict[str, Any] = newest["figures"]["test_sets"][0]

    def pictures(self, label: str) -> list[Image.Image]:
        """The first pictures of a class."""
        files = [record["file_name"] for record in self.records if record["label"] == label][:COLUMNS]
        return [Image.open(self.folder / file).convert("RGB") for file in files]


def drawn(demo: Demo) -> Image.Image:
    """The whole picture."""
    page = Image.new("RGB", (WIDTH, TOP + len(demo.classes) * ROW + BOTTOM), "white")
    pen = ImageDraw.Draw(page)
    count = f"{len(demo.records):,}"
    for left, title, under in (
        (SOURCE, "You give", "a photo, or a word"),
        (KINDS, "WordNet lists", "kinds of it"),
        (SHEET, f"Generate Dataset makes {count} labelled pictures", "the first of each class, none chosen"),
        (BAR, "A ResNet-18", "learns from these"),
    ):
        pen.text((left, 14), title, INK, font(24))
        pen.text((left, 44), under, GREY, font(18))
    for number, spec in enumerate(demo.classes):
        top = TOP + number * ROW
        pen.line((SOURCE, top - GAP // 2, SHEET - 20, top - GAP // 2), PALE, 2)
        if number == 0:
            page.paste(fitted(Image.open(demo.photo).convert("RGB"), 140, TILE), (SOURCE, top))
        else:
            pen.text((SOURCE, top + TILE // 2), spec["name"], INK, font(24), anchor="lm")
        kinds = [name for name in spec["hyponyms"] if name != spec["name"]]
        shown = [*kinds[:KINDS_SHOWN], f"and {len(kinds) - KINDS_SHOWN} more" if len(kinds) > KINDS_SHOWN else ""]
        for line, text in enumerate(shown):
            pen.text((KINDS, top + 2 + 24 * line), text, GREY if line == KINDS_SHOWN else INK, font(20))
        for column, picture in enumerate(demo.pictures(spec["name"])):
            page.paste(picture.resize((TILE, TILE), Image.Resampling.LANCZOS), (SHEET + column * ROW, top))
    draw_bar(pen, demo.accuracy, page.height, len(demo.classes))
    below = f"The pictures are by {Path(SMALL).stem}, a model of 23 million parameters that comes with this repository."
    pen.text((SOURCE, page.height - 30), below, GREY, font(18))
    return page


def fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The picture's middle at that size."""
    scale = max(width / picture.width, height / picture.height)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def draw_bar(pen: ImageDraw.ImageDraw, accuracy: dict[str, Any], height: int, classes: int) -> None:
    """The accuracy as a bar of 0 to 100 per cent, its interval, and chance as a line."""
    top, bottom, left, right = TOP, height - BOTTOM - 30, BAR, BAR + 64

    def level(share: float) -> float:
        return bottom - share * (bottom - top)

    low, high = accuracy["interval"]
    middle = (left + right) / 2
    pen.rectangle((left, top, right, bottom), PALE)
    pen.rectangle((left, level(accuracy["accuracy"]), right, bottom), BLUE)
    pen.line((middle, level(high), middle, level(low)), INK, 3)
    for end in (low, high):
        pen.line((middle - 9, level(end), middle + 9, level(end)), INK, 3)
    chance = level(1 / classes)
    pen.line((left - 8, chance, right + 8, chance), INK, 2)
    pen.text((right + 14, chance), f"chance {100 / classes:.0f} %", GREY, font(18), anchor="lm")
    pen.text(
        (right + 14, level(accuracy["accuracy"])), f"{100 * accuracy['accuracy']:.0f} %", INK, font(32), anchor="lm"
    )
    pen.text((right + 14, level(accuracy["accuracy"]) + 20), "right", GREY, font(18))
    pen.text((left, bottom + 8), f"of {accuracy['count']:,} real photos", INK, font(18))


def main() -> int:
    """Draw the picture and say where it lies; the exit code."""
    try:
        page = drawn(Demo(OUTPUT))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    PICTURE.parent.mkdir(exist_ok=True)
    page.save(PICTURE, quality=90, subsampling=0, optimize=True)  # 0: letters keep their edges
    print(f"{PICTURE.relative_to(ROOT).as_posix()}: {PICTURE.stat().st_size // 1024} kB")
    return 0
