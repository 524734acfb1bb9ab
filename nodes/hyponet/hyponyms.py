"""Hyponyms of a class or a word, ready as a wildcard."""

from __future__ import annotations

from dataclasses import dataclass

MODES = ("exact", "thesis")
LEMMA_POLICIES = ("unambiguous", "first", "all")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to climb, what to list and how to word it; the fields are the widgets of the nodes."""

    mode: str = "exact"
    at_least: int = 5
    ancestor: str = ""
    depth: int = 1
    lemmas: str = "unambiguous"
    include_class: bool = True
    max_count: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Hyponyms:
    """The subcategories of one class.

    Args:
        word: the short class word ("cat"), for prompts.
        synset: WordNet 3.0 id of the hypernym ("n02121808"), "" when unknown.
        name: its name ("domestic_cat.n.01").
        hypernym: its first lemma ("domestic cat").
        path: first lemmas of the hypernym's own hypernyms, from itself up to "entity".
        words: the hyponyms, one option each.
        report: markdown: what was kept, what was dropped, and why.
    """

    word: str
    synset: str
    name: str
    hypernym: str
    path: tuple[str, ...]
    words: tuple[str, ...]
    report: str


def hyponyms_of_class(synset: str, label: str, settings: Settings, note: str = "") -> Hyponyms:
    raise NotImplementedError


def hyponyms_of_word(word: str, settings: Settings) -> Hyponyms:
    raise NotImplementedError
