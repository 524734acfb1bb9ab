"""How spellings of a word compare."""

from __future__ import annotations


def fold(word: str) -> str:
    """What two spellings of one word share: no case, no spaces, no hyphens ("tom cat", "tomcat")."""
    return "".join(character for character in word.casefold() if character not in " -_")


_SMALL = {"a", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}


def is_doubled(word: str) -> bool:
    """Whether a word stands twice, small ones aside, or the last at the end: "jail cell jail", "flagship ship"."""
    parts = [fold(part) for part in word.split() if fold(part) not in _SMALL]
    return len(set(parts)) < len(parts) or (len(parts) > 1 and "".join(parts[:-1]).endswith(parts[-1]))
