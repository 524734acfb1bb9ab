"""Which older encoding a text file is in that is no UTF-8; only what is plain is told, nothing is guessed.

CP949 is what Korean Windows writes, Windows-1252 (with Latin-1 in it) what Western Windows writes.
"""

from __future__ import annotations

import re

NAMES = {"cp949": "CP949", "cp1252": "Windows-1252"}

_SHARE = 0.9  # of the characters beyond ASCII that must be what the encoding is mostly used for; a judgement
_UTF_8_PAIR = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def older(data: bytes) -> str:
    """Python's name of the encoding of a file that is no UTF-8: "cp949", "cp1252", or "" where it is not plain.

    A file with a line of UTF-8 beyond ASCII is a UTF-8 file with damage, so it is none of these.
    """
    foreign = [line for line in data.split(b"\n") if not line.isascii()]
    if b"\0" in data or any(_is_utf8(line) for line in foreign):
        return ""
    text = b"\n".join(foreign)
    for name, is_usual in (("cp949", _is_hangul), ("cp1252", _is_western)):
        try:
            characters = [char for char in text.decode(name) if not char.isascii()]
        except UnicodeDecodeError:
            continue
        if characters and sum(map(is_usual, characters)) >= _SHARE * len(characters):
            return name
    return ""


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return bool(_UTF_8_PAIR.search(line))


def _is_hangul(char: str) -> bool:
    """Whether a character is one of the 2,350 syllables of KS X 1001; Western text looks like the rest of CP949."""
    return "\uac00" <= char <= "\ud7a3" and _is_in_ks_x_1001(char)


def _is_in_ks_x_1001(char: str) -> bool:
    try:
        return len(char.encode("euc_kr")) == 2
    except UnicodeEncodeError:
        return False


def _is_western(char: str) -> bool:
    """Whether a character is a common letter of Latin-1, or a quote, dash or sign that Windows puts into such text."""
    if "\xc0" <= char <= "\xff":
        return char not in "\xd7\xf7\xff"
    return char in "\u2018\u2019\u201c\u201d\u2013\u2014\u2026\xb0\xab\xbb\xa0"
