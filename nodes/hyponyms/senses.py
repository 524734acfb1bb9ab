"""Which synset a user's word means: a wnid, crane.n.05, crane (bird), or the most frequent fitting sense of a word.

Reads a Taxonomy; returns a synset and a markdown warning that lists the senses not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .spelling import fold
from .synset import Synset
from .taxonomy import Taxonomy
from .unfit import is_unfit

_NAMED = re.compile(r"n\d{8}|\S+\.[a-z]\.\d+", re.IGNORECASE)
_TAXON = "n07992450"  # taxonomic_group.n.01
_PHYSICAL = "n00001930"  # physical_entity.n.01
# topics of WordNet that can be photographed, and what a sense of each weighs: a mug is rather a vessel than a face, a
# chicken rather a bird than meat, a banana rather a fruit than its herb (a judgement)
_THINGS = {"animal": 1.0, "artifact": 1.0, "object": 1.0, "food": 0.6, "plant": 0.2} | dict.fromkeys(
    ("person", "body", "substance"), 1 / 3
)
_HINTED = re.compile(r"([^()]*[^()\s])\s*\(([^()]+)\)")


@dataclass(frozen=True, slots=True)
class Sense:
    """The synset meant, the word it was asked for by ("crane"; "" for a wnid), and a warning or ""."""

    synset: Synset
    word: str
    warning: str = ""


def find_sense(taxonomy: Taxonomy, text: str) -> Sense:
    """The noun sense that `text` means.

    Args:
        taxonomy: WordNet.
        text: "n02012849", "crane.n.05", "crane (bird)" (a hint that names one of the sense's hypernyms) or "crane".
            A word alone means the sense likeliest to be drawn: no instance (a person, a place by name), a physical
            thing before all else, then what is spoken of most and has most kinds.

    Raises:
        ValueError: there is no such noun, or no sense of it fits the hint.
    """
    name = text.strip().replace("_", " ") if "." not in text else text.strip()
    if _NAMED.fullmatch(name.replace(" ", "_")):
        synset = taxonomy.synset(name.replace(" ", "_").lower())
        lemma = name.rsplit(".", 2)[0].replace("_", " ") if "." in name else ""
        return Sense(synset, lemma)
    match = _HINTED.fullmatch(name)
    word, hint = (match.group(1), match.group(2).strip()) if match else (name, "")
    senses = taxonomy.senses(word) or taxonomy.lookup(word)
    if not senses:
        raise ValueError(taxonomy.unknown_word(word))
    if hint:
        return Sense(_hinted(taxonomy, senses, word, hint), word)
    classes = [sense for sense in senses if not (sense.instance_hypernyms or taxonomy.is_under(sense.id, _TAXON))]
    likeliest = max(classes or senses, key=lambda sense: _likelihood(taxonomy, sense, word))
    return Sense(likeliest, word, _warning(taxonomy, word, likeliest, senses))


def _likelihood(taxonomy: Taxonomy, sense: Synset, word: str) -> tuple[bool, bool, float]:
    """How likely a word is meant in this sense where pictures are to be made of it: fit, things first, by weight."""
    is_fit = not is_unfit(sense.label) and fold(word) not in {fold(lemma) for lemma, _ in sense.marks}
    is_thing = sense.topic in _THINGS or (sense.topic == "Tops" and taxonomy.is_under(sense.id, _PHYSICAL))
    if not is_thing:
        return is_fit, False, sense.count_of(word) + bool(sense.hyponyms) * 100
    lemmas = [fold(lemma) for lemma in sense.lemmas]
    position = lemmas.index(fold(word)) if fold(word) in lemmas else 0
    weight = 1 + sense.count_of(word) + taxonomy.count_below(sense.id)
    return is_fit, True, weight * _THINGS.get(sense.topic, 1.0) / (1 + 2 * position)


def climb(taxonomy: Taxonomy, start: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """`start`, then the union of its hypernyms, and so on up to entity; wnids in WordNet's order."""
    level = tuple(start)
    while level:
        yield level
        level = tuple(dict.fromkeys(parent for wnid in level for parent in taxonomy.synset(wnid).parents))


def _hinted(taxonomy: Taxonomy, senses: Sequence[Synset], word: str, hint: str) -> Synset:
    """The sense that lies the fewest steps below a synset with the hint among its lemmas."""
    key = hint.lower().replace(" ", "_")
    distances = []
    for order, sense in enumerate(senses):
        for steps, level in enumerate(climb(taxonomy, (sense.id,))):
            if any(key == lemma.lower() for wnid in level for lemma in taxonomy.synset(wnid).lemmas):
                distances.append((steps, order))
                break
    # a hint equal to the word itself would fit each sense at no distance
    if not distances or key == word.lower().replace(" ", "_"):
        listed = "; ".join(taxonomy.describe(sense) for sense in senses)
        raise ValueError(f"sense of {word!a} is {hint!a}; expected the name of a hypernym; its senses are: {listed}")
    return senses[min(distances)[1]]


def _may_be_named(sense: Synset, word: str) -> bool:
    """Whether a sense may be offered: its name, unless the user typed it, is fit, and the word no obscenity in it."""
    name = sense.name.rsplit(".", 2)[0]
    is_marked = fold(word) in {fold(lemma) for lemma, _ in sense.marks}
    return not is_marked and (fold(name) == fold(word) or not is_unfit(name))


def _warning(taxonomy: Taxonomy, word: str, sense: Synset, senses: Sequence[Synset]) -> str:
    """Markdown that says which of its senses a word was taken in; "" where it has one only."""
    others = [synset for synset in senses if synset.id != sense.id and _may_be_named(synset, word)]
    if not others:
        return ""
    taken = taxonomy.describe(sense)
    lines = [f"**Warning**: {word!r} has {len(senses)} noun senses; taken: {taken}. To have another, type its name:"]
    lines += [f"- {taxonomy.describe(synset)}" for synset in others]
    return "\n".join(lines)
