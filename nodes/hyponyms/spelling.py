"""How spellings of a word compare."""

from __future__ import annotations


def fold(word: str) -> str:
    """What two spellings of one word share: no case, no spaces, no hyphens ("tom cat", "tomcat")."""
    return "".join(character for character in word.casefold() if character not in " -_")


def is_doubled(word: str) -> bool:
    """Whether the last word stands twice at its end: "strawberry berry", "flagship ship"."""
    *before, last = word.split()
    return fold("".join(before)).endswith(fold(last)) if before else False
