"""Contact sheets: many pictures of a set on one, with numbers and captions.

Reads pictures of a set; returns pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ...evaluation.files import replacing
from ...evaluation.fonts import caption_font
from ...evaluation.pictures.decode import decode
from ...evaluation.pictures.manifest import FALLBACK, Record
from .store.folders import SHEETS, make_sidecar
from .store.names import safe_folder
from .store.store import DatasetStore

CAPTIONS = ("number and label", "label", "prompt", "none")
ORDERS = ("by class", "interleaved")


@dataclass(frozen=True, slots=True)
class SheetSettings:
    """How a sheet looks.

    Args:
        columns, rows: cells; page 0 shows the first columns * rows pictures.
        cell: side of a picture in pixels.
        caption: one of CAPTIONS. order: one of ORDERS. only_class: "" shows all.
    """

    columns: int = 10
    rows: int = 10
    page: int = 0
    cell: int = 128
    caption: str = CAPTIONS[0]
    order: str = ORDERS[0]
    only_class: str = ""

    @property
    def per_page(self) -> int:
        """How many pictures a page shows."""
        return self.columns * self.rows


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page. `image`: [H, W, 3] uint8; `records`: of the pictures on it; `pages`: how many there are in all."""

    image: np.ndarray
    records: tuple[Record, ...]
    pages: int


def contact_sheet(store: DatasetStore, settings: SheetSettings) -> Sheet:
    """One page of the set's pictures.

    Raises:
        ValueError: the set has no picture of the class, or fewer pages.
    """
    class_indices = {label: index for index, label in enumerate(store.labels)}
    if settings.only_class and settings.only_class not in class_indices:
        classes = ", ".join(ascii(label) for label in class_indices)
        raise ValueError(f"only_class is {settings.only_class!a}; expected one of the set's: {classes}")
    keys = store.keys(in_turn=settings.order == ORDERS[1], only_class=settings.only_class)
    pages = -(-len(keys) // settings.per_page)
    if not keys:
        raise ValueError(f"data set {store.name!r} has no pictures to show; expected at least one; generate some first")
    if settings.page >= pages:
        raise ValueError(f"page is {settings.page}; expected 0 to {pages - 1}; the set shows {len(keys)} pictures")
    records = store.records_of(keys[settings.page * settings.per_page : (settings.page + 1) * settings.per_page])
    captions = [_caption(record, settings.caption, class_indices) for record in records]
    cells = [_cell(store, record, caption, settings) for record, caption in zip(records, captions, strict=True)]
    return Sheet(_grid(cells, settings.columns), tuple(records), pages)


def save_sheet(store: DatasetStore, settings: SheetSettings, sheet: Sheet) -> Path:
    """Write the sheet beside the set, in <name>.sheets, and say where."""
    folder = make_sidecar(store.root, SHEETS)
    of_class = f"-{safe_folder(settings.only_class)}" if settings.only_class else ""
    path = folder / f"sheet{of_class}-{settings.columns}x{settings.rows}-{settings.page:04d}.png"
    with replacing(path) as part:
        Image.fromarray(sheet.image).save(part, "PNG", compress_level=1)
    return path


def _caption(record: Record, kind: str, class_indices: dict[str, int]) -> str:
    number = record.rank * len(class_indices) + class_indices[record.label]
    star = " *" if record.status == FALLBACK else ""
    if kind == "number and label":
        return f"{number} {record.label}{star}"
    return {"label": record.label + star, "prompt": record.prompt}.get(kind, "")


def _cell(store: DatasetStore, record: Record, caption: str, settings: SheetSettings) -> Image.Image:
    side, strip = settings.cell, _strip(settings)
    cell = Image.new("RGB", (side, side + strip), "white")
    try:
        picture = Image.fromarray(decode(store.path(record), record.file_name))
        picture = _fitted(picture, side)
        cell.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    except ValueError:
        ImageDraw.Draw(cell).line([(0, 0), (side, side), (side, 0), (0, side)], fill="red", width=2)
    if strip:
        _write(cell, caption, side, strip)
    return cell


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    """As large as the cell; small pictures show their pixels."""
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BICUBIC)


def _strip(settings: SheetSettings) -> int:
    return 0 if settings.caption == "none" else max(10, settings.cell // 8)


def _write(cell: Image.Image, caption: str, side: int, strip: int) -> None:
    draw = ImageDraw.Draw(cell)
    font, text = caption_font(" ".join(caption.split()), max(8, strip - 3))
    while len(text) > 1 and draw.textlength(text, font=font) > side - 2:
        text = text[: max(1, int(len(text) * (side - 2) / draw.textlength(text, font=font)) - 1)]
    draw.text((1, side), text, font=font, fill="black")


def _grid(cells: list[Image.Image], columns: int) -> np.ndarray:
    width, height, gap = *cells[0].size, 2
    across, down = min(columns, len(cells)), -(-len(cells) // columns)
    sheet = Image.new("RGB", (across * (width + gap) + gap, down * (height + gap) + gap), "white")
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        sheet.paste(cell, (gap + column * (width + gap), gap + row * (height + gap)))
    return np.asarray(sheet)
