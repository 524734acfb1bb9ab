"""Names of classes, sets and folders: written composed, and compared so.

A Mac gives file names in decomposed letters (Unicode's NFD: a syllable of Korean as two or three letters, e and its
accent as two), all others mostly composed (NFC). They look alike and are meant alike.
"""

from __future__ import annotations

import unicodedata


def composed(name: str) -> str:
    """The name in Unicode's form NFC."""
    return unicodedata.normalize("NFC", name)


def caseless(name: str) -> str:
    """What two names have in common that differ in case or form alone."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
