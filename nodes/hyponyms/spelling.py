"""How spellings of a word compare."""

from __future__ import annotations


def fold(word: str) -> str:
    """What two spellings of one word share: no case, no spaces, no hyphens ("tom cat", "tomcat")."""
    return "".join(character for character in word.casefold() if character not in " -_")


def is_doubled(word: str) -> bool:
    """Whether a word stands in it twice, or the last one at its end: "jail cell jail", "flagship ship"."""
    *before, last = map(fold, word.split())
    return len({*before, last}) <= len(before) or "".join(before).endswith(last) if before else False
