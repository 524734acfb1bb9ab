from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyponet.evaluation.fonts import caption_font
from hyponet.nodes.dataset.contact_sheet import SheetSettings, contact_sheet, save_sheet
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore

from .sample_sets import generate, item, open_set, picture, schedule


def test_a_sheet_shows_the_pictures_in_rows(pets):
    """Cells of 24 pixels without captions, 2 pixels apart: picture (row, column) begins at 2 + 26 * place."""
    settings = SheetSettings(columns=3, rows=2, cell=24, caption="none")
    sheet = contact_sheet(DatasetStore.open(pets), settings)
    assert sheet.image.shape == (2 + 2 * 26, 2 + 3 * 26, 3)
    assert sheet.pages == 2
    by_class = sorted(schedule())
    for place, (label, rank) in enumerate(by_class[:6]):
        top, left = 2 + 26 * (place // 3), 2 + 26 * (place % 3)
        assert np.array_equal(sheet.image[top : top + 24, left : left + 24], picture(label, rank))


def test_pages_orders_and_classes(pets):
    store = DatasetStore.open(pets)
    second = contact_sheet(store, SheetSettings(columns=3, rows=2, cell=24, page=1))
    assert [line.key for line in second.records] == [("dog", 2), ("dog", 3)]
    turns = contact_sheet(store, SheetSettings(columns=2, rows=2, cell=24, order="interleaved"))
    assert [line.key for line in turns.records] == schedule(count=2)
    dogs = contact_sheet(store, SheetSettings(cell=24, only_class="dog"))
    assert {line.label for line in dogs.records} == {"dog"}
    with pytest.raises(ValueError, match="page is 2; expected 0 to 1"):
        contact_sheet(store, SheetSettings(columns=3, rows=2, page=2))
    with pytest.raises(ValueError, match="only_class is 'fox'"):
        contact_sheet(store, SheetSettings(only_class="fox"))


def test_a_sheet_holds_the_graph_that_made_the_set(pets):
    """ComfyUI's page opens what stands under the keywords `workflow` and `prompt` of a PNG that is dropped on it."""
    store = DatasetStore.open(pets)
    settings = SheetSettings(columns=3, rows=2, cell=24)
    path, _ = save_sheet(store, settings, contact_sheet(store, settings))
    with Image.open(path) as image:
        assert json.loads(image.info["workflow"]) == store.description.provenance.workflow == {"nodes": []}
        assert json.loads(image.info["prompt"]) == store.description.provenance.prompt


def test_a_picture_that_cannot_be_read_is_crossed_out(pets):
    (pets / "cat" / "000000.png").write_bytes(b"torn")
    sheet = contact_sheet(DatasetStore.open(pets), SheetSettings(columns=1, rows=1, cell=24, caption="none"))
    assert (sheet.image == (255, 0, 0)).all(axis=-1).any()


def test_captions_change_what_is_below_the_picture(tmp_path):
    with open_set(tmp_path, labels=("\uace0\uc591\uc774", "cat")) as store:
        generate(store, ("\uace0\uc591\uc774", "cat"), 1)
        drawn = [
            contact_sheet(store, SheetSettings(columns=2, rows=1, cell=96, caption=caption)).image
            for caption in ("number and label", "label", "prompt", "none")
        ]
    assert len({image.tobytes() for image in drawn}) == 4
    for image in drawn[:3]:
        assert (image[98:, :98] < 128).any(), "something is written below the first picture"


def test_a_font_has_the_glyphs_or_the_text_is_escaped():
    """A private character is in no font; Korean is drawn as it is where a font has it, and escaped elsewhere."""
    from matplotlib.ft2font import FT2Font

    for text in ("cat", "\uace0\uc591\uc774", "\U0010ff01"):
        font, drawn = caption_font(text, 12)
        assert drawn in (text, ascii(text)[1:-1])
        assert {ord(char) for char in drawn} <= set(FT2Font(str(font.path)).get_charmap())
    assert caption_font("\U0010ff01", 12)[1] == "\\U0010ff01"


def test_a_sheet_is_saved_beside_the_set(pets):
    store = DatasetStore.open(pets)
    settings = SheetSettings(cell=24)
    path, said = save_sheet(store, settings, contact_sheet(store, settings))
    assert Path(path).parent == pets.parent / "pets.sheets"
    assert Path(path).is_file()
    assert said == f"Saved as {path}"
    assert {entry.name for entry in pets.iterdir() if entry.is_dir()} == {"cat", "dog"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_sheet_that_the_disk_does_not_take_is_shown_all_the_same(pets, monkeypatch, number):
    store = DatasetStore.open(pets)
    settings = SheetSettings(cell=24)

    def fail(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "replace", fail)
    path, said = save_sheet(store, settings, contact_sheet(store, settings))
    assert path == ""
    assert re.search(rf"^Not saved: .*pets\.sheets cannot be written \({os.strerror(number)}\)", said)


def test_fallback_pictures_are_starred(pets):
    settings = SheetSettings(columns=1, rows=1, cell=96)
    before = contact_sheet(DatasetStore.open(pets), settings).image
    with open_for_writing(pets) as store:
        mark(store, {("cat", 0): Mark("by hand")}, attempts=1)
    assert not np.array_equal(contact_sheet(DatasetStore.open(pets), settings).image, before)


def test_a_sheet_that_no_memory_holds_is_refused(tmp_path):
    """The widgets' limits together, 100x100 cells of 1,024 pixels, are ten gigapixels: 31 GB."""
    with open_set(tmp_path, labels=("cat",)) as store:
        for rank in range(260):
            store.add(item("cat", rank), picture("cat", rank, side=6))
    store = DatasetStore.open(store.root)
    with pytest.raises(ValueError, match=r"has 100x3 cells of 1024 pixels, 315 million in all; .* look at several"):
        contact_sheet(store, SheetSettings(columns=100, rows=100, cell=1024))
    few = contact_sheet(store, SheetSettings(columns=100, rows=100, cell=32, caption="none"))
    assert len(few.records) == 260
