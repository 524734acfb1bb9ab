"""Contact sheets: many pictures of a set on one, with numbers and captions.

Reads pictures of a set; returns pixels. Writes <name>.sheets beside it.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ...evaluation.files import replacing
from ...evaluation.pictures.decode import decode
from ...evaluation.pictures.generated_mark import PNG_KEYWORD, XMP, mark_jpeg
from ...evaluation.pictures.making import Making
from ...evaluation.pictures.manifest import FALLBACK, Record
from ...evaluation.pictures.sheets import sheet as draw_sheet
from .store.folders import SHEETS, make_sidecar
from .store.names import safe_folder
from .store.store import DatasetStore

logger = logging.getLogger("hyponet")

CAPTIONS = ("number and label", "label", "prompt", "none")
_MOST_PIXELS = 250_000_000  # as an IMAGE three gigabytes; 100x100 cells of 128 pixels are allowed
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
        ValueError: the set has no picture of the class, or fewer pages; or the sheet would be too large.
    """
    class_indices = {label: index for index, label in enumerate(store.labels)}
    if settings.only_class and settings.only_class not in class_indices:
        classes = ", ".join(repr(label) for label in class_indices)
        raise ValueError(f"only_class is {settings.only_class!r}; expected one of the set's: {classes}")
    keys = store.keys(in_turn=settings.order == ORDERS[1], only_class=settings.only_class)
    pages = -(-len(keys) // settings.per_page)
    if not keys:
        raise ValueError(f"data set {store.name!r} has no pictures to show; expected at least one; generate some first")
    if settings.page >= pages:
        raise ValueError(f"page is {settings.page}; expected 0 to {pages - 1}; the set shows {len(keys)} pictures")
    records = store.records_of(keys[settings.page * settings.per_page : (settings.page + 1) * settings.per_page])
    across, down = min(settings.columns, len(records)), -(-len(records) // settings.columns)
    pixels = across * down * settings.cell * settings.cell
    if pixels > _MOST_PIXELS:
        raise ValueError(
            f"the sheet has {across}x{down} cells of {settings.cell} pixels, {pixels / 1e6:,.0f} million in all; "
            f"expected at most {_MOST_PIXELS / 1e6:,.0f} million; lower columns, rows or cell and look at several pages"
        )
    captions = [_caption(record, settings.caption, class_indices) for record in records]
    image = draw_sheet(
        (_picture(store, record) for record in records),
        captions,
        settings.columns,
        side=settings.cell,
        line_height=0 if settings.caption == "none" else max(10, settings.cell // 8),
    )
    return Sheet(image, tuple(records), pages)


def save_sheet(store: DatasetStore, settings: SheetSettings, sheet: Sheet) -> tuple[str, str]:
    """Write the sheet beside the set, in <name>.sheets.

    Returns:
        Where it is, "" where the disk did not take it, and a line that says so.
    """
    of_class = f"-{safe_folder(settings.only_class)}" if settings.only_class else ""
    name = f"sheet{of_class}-{settings.columns}x{settings.rows}-{settings.page:04d}.png"
    try:
        path = make_sidecar(store.root, SHEETS) / name
        with replacing(path) as part:
            Image.fromarray(sheet.image).save(part, "PNG", compress_level=1, pnginfo=_texts_of(store))
    except OSError as error:  # the sheet can be looked at all the same
        logger.warning("the sheet of %s is not saved: %s", store.name, error)
        return "", f"Not saved: {error}"
    return str(path), f"Saved as {path}"


def jpeg_of_sheet(store: DatasetStore, sheet: Sheet) -> bytes:
    """The sheet as a JPEG file, with the mark of generated pictures where the set's are."""
    packed = io.BytesIO()
    Image.fromarray(sheet.image).save(packed, "JPEG", quality=88)
    return mark_jpeg(packed.getvalue()) if _has_drawn(store) else packed.getvalue()


def _has_drawn(store: DatasetStore) -> bool:
    """Whether pictures of the set were made by a model."""
    making = Making.of_set(store.name, store.description.to_json(), len(store), 0, 0)
    return making.is_generated or making.is_mixed


def _texts_of(store: DatasetStore) -> PngInfo:
    """The mark of generated pictures, and the graph that made the set, where its pictures hold it as well.

    Dropped on the canvas, the sheet opens the graph.
    """
    info = PngInfo()
    if _has_drawn(store):
        info.add_itxt(PNG_KEYWORD, XMP.decode())
    if store.description.encoding.text:
        for keyword, text in store.description.provenance.graph_texts().items():
            info.add_text(keyword, text)
    return info


def _caption(record: Record, kind: str, class_indices: dict[str, int]) -> str:
    number = record.rank * len(class_indices) + class_indices[record.label]
    star = " *" if record.status == FALLBACK else ""
    texts = {
        "number and label": f"{number} {record.label}{star}",
        "label": record.label + star,
        "prompt": record.prompt,
    }
    return " ".join(texts.get(kind, "").split())  # a prompt may have lines


def _picture(store: DatasetStore, record: Record) -> np.ndarray | None:
    """Its pixels, uint8 [H,W,3]; None where they cannot be read."""
    try:
        return decode(store.path(record), record.file_name)
    except ValueError:
        return None
