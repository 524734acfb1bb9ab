"""One meaning of a noun, as WordNet has it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Synset:
    """One noun synset.

    Args:
        id: its wnid ("n02121808"): "n" and the eight digits of its byte offset in WordNet 3.0's data.noun.
        name: NLTK's name ("domestic_cat.n.01").
        lemmas: its words, the most frequent first, spaces as underscores.
        hypernyms, instance_hypernyms, hyponyms: wnids in the order of WordNet's file.
        marks: (lemma, reason) of what WordNet marks as slang, obscene or an ethnic slur.
    """

    id: str
    name: str
    lemmas: tuple[str, ...]
    hypernyms: tuple[str, ...]
    instance_hypernyms: tuple[str, ...]
    hyponyms: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        """Its first lemma with spaces: "domestic cat"."""
        return self.lemmas[0].replace("_", " ")

    @property
    def parents(self) -> tuple[str, ...]:
        """The wnids of its hypernyms, then of those that it is an instance of."""
        return (*self.hypernyms, *self.instance_hypernyms)
