"""A font that has the glyphs of a text: default fonts show Korean and emoji as empty boxes.

Sheets, bar charts and plots all ask here, so that one caption looks the same in each. Reads the system's fonts through
matplotlib, once.
"""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont

logger = logging.getLogger("hyponet")


class Font(NamedTuple):
    """A font file, and the family that matplotlib knows it by."""

    path: str
    family: str


def font_for(text: str) -> tuple[Font, str]:
    """A font and the text to draw with it: `text` itself, or its escapes where no font has all of its glyphs."""
    needed = {ord(char) for char in text if not char.isspace()}
    for font in _fonts():
        if needed <= _glyphs(font.path):
            return font, text
    return _fonts()[0], text.encode("ascii", "backslashreplace").decode()


def caption_font(text: str, size: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """`font_for` as Pillow draws with it, letters of `size` pixels."""
    font, drawn = font_for(text)
    return ImageFont.truetype(font.path, size), drawn


@functools.cache
def _fonts() -> tuple[Font, ...]:
    """Fonts to try, in order: matplotlib's own DejaVu Sans, then the system's, plain ones first."""
    from matplotlib.font_manager import findfont, fontManager

    first = Font(str(findfont("DejaVu Sans")), "DejaVu Sans")
    fonts = dict.fromkeys(Font(str(entry.fname), entry.name) for entry in fontManager.ttflist)
    # what else comes with matplotlib is for formulas, but for one that has a placeholder for every character
    system = [font for font in fonts if Path(font.path).parent != Path(first.path).parent]
    return (first, *sorted(system, key=lambda font: (_fancy(font), font.path)))


def _fancy(font: Font) -> bool:
    name = Path(font.path).stem.lower()
    return any(word in name for word in ("bold", "italic", "oblique", "thin", "black", "light", "mono", "serif"))


@functools.lru_cache(maxsize=256)
def _glyphs(path: str) -> frozenset[int]:
    """Character codes that the font has; none where it cannot be read or has one size only (colour bitmaps)."""
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
    except (OSError, RuntimeError, ValueError) as error:
        logger.debug("font %s cannot be read: %s", path, error)
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()
