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
        counts: how often each lemma was tagged in texts in this sense (most were not: 0).
        topic: WordNet's file of it: "animal", "artifact", "person"; "Tops" for the topmost ones.
    """

    id: str
    name: str
    lemmas: tuple[str, ...]
    hypernyms: tuple[str, ...]
    instance_hypernyms: tuple[str, ...]
    hyponyms: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]
    counts: tuple[int, ...]
    topic: str

    @property
    def label(self) -> str:
        """Its first lemma with spaces: "domestic cat"."""
        return self.lemmas[0].replace("_", " ")

    @property
    def parents(self) -> tuple[str, ...]:
        """The wnids of its hypernyms, then of those that it is an instance of."""
        return (*self.hypernyms, *self.instance_hypernyms)

    def count_of(self, word: str) -> int:
        """How often this word was tagged in this sense; 0 for a word that is none of its lemmas."""
        key = word.lower().replace(" ", "_")
        return sum(count for lemma, count in zip(self.lemmas, self.counts, strict=True) if lemma.lower() == key)
