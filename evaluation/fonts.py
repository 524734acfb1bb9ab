"""A font that has the glyphs of a caption: default fonts show Korean and emoji as empty boxes.

Reads the system's fonts through matplotlib, once.
"""

from __future__ import annotations

import functools
import logging
from pathlib import Path

from PIL import ImageFont

logger = logging.getLogger("hyponet")


def caption_font(text: str, size: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """A font of `size` pixels and the text to draw with it: `text` itself, or escaped where no font has its glyphs."""
    needed = {ord(char) for char in text if not char.isspace()}
    for path in _fonts():
        if needed <= _glyphs(path):
            try:
                return ImageFont.truetype(path, size), text
            except OSError:  # colour bitmap fonts have one size only
                continue
    return ImageFont.truetype(_fonts()[0], size), ascii(text)[1:-1]


@functools.cache
def _fonts() -> tuple[str, ...]:
    """Fonts to try, in order: matplotlib's own DejaVu Sans, then the system's, plain ones first."""
    from matplotlib import font_manager

    own = Path(font_manager.findfont("DejaVu Sans"))
    system = sorted(font_manager.findSystemFonts(), key=lambda path: (_fancy(path), path))
    return (str(own), *system)


def _fancy(path: str) -> bool:
    name = Path(path).stem.lower()
    return any(word in name for word in ("bold", "italic", "oblique", "thin", "black", "light", "mono", "serif"))


@functools.lru_cache(maxsize=256)
def _glyphs(path: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError, ValueError) as error:
        logger.debug("font %s cannot be read: %s", path, error)
        return frozenset()
