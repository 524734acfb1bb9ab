"""The files in data/: WordNet's nouns, the classes of ImageNet, and words that stay out of every list."""

from __future__ import annotations

import functools
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
WORDNET = DATA / "wordnet30_nouns.zip"


@functools.lru_cache(maxsize=1)
def imagenet_classes() -> tuple[tuple[str, str], ...]:
    """(wnid, label) of the 1,000 ImageNet classes in the order of the models' outputs; labels have underscores."""
    lines = (DATA / "imagenet1k.txt").read_text(encoding="utf-8").splitlines()
    return tuple((wnid, label) for wnid, label in (line.split("\t") for line in lines))


@functools.lru_cache(maxsize=1)
def unfit_words() -> tuple[frozenset[str], tuple[str, ...]]:
    """Words that a prompt should not have: the whole ones, and the beginnings (those with a trailing *)."""
    lines = (DATA / "unfit_words.txt").read_text(encoding="utf-8").splitlines()
    words = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    beginnings = tuple(word.rstrip("*") for word in words if word.endswith("*"))
    return frozenset(word.rstrip("*") for word in words), beginnings
