"""How names of wildcards, variables and classes compare."""

from __future__ import annotations

import unicodedata


def key_of(name: str) -> str:
    """`name` as it is compared: NFC, without case."""
    return unicodedata.normalize("NFC", name).strip().casefold()
