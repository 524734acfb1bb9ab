"""What words mean in WordNet, and which class of a plan they name.

Reads WordNet (through the room of hyponyms). Words are compared in lower case, without hyphens and possessives, and in
the singular by WordNet's own morphology.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...hyponyms.kinds import is_broad
from ...hyponyms.senses import find_sense
from ...hyponyms.shipped_data import kinds_named_by_hand
from ...hyponyms.synset import Synset
from ...hyponyms.taxonomy import Taxonomy
from ..item import ClassSpec
from ..wildcards.tables import weighted

WORD = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*")
_LONGEST = 4  # words of a compound that are looked up together, as in "horse and buggy"; a judgement
_PLURALS = {"people": "person"}  # which WordNet has as a word of its own only
_TAXON = "n07992450"  # taxonomic_group.n.01
# topics of WordNet that can be photographed
_SEEN = frozenset({"animal", "plant", "food", "artifact", "object", "person", "body", "substance"})
# a compound of these topics is a living thing or a dish called after another: a horse chestnut shows no horse
_NAMED_AFTER = frozenset({"animal", "plant", "food", "person", "substance", "attribute", "cognition"})
# what is built for a thing shows it, also where it is written in one word: doghouse, carport, horsebox
_BUILT_FOR = ("structure.n.01", "shelter.n.02", "conveyance.n.03")
_SHORTEST_PART = 3  # letters of either part of such a word; a judgement
# which WordNet puts under young animals, and not under their kind
_YOUNG = {"kitten": "cat", "lamb": "sheep", "kid": "goat", "calf": "cow", "foal": "horse", "piglet": "pig"}
_YOUNG |= {"fawn": "deer", "chick": "chicken", "duckling": "duck", "gosling": "goose", "cygnet": "swan"}
_YOUNG |= {"joey": "kangaroo", "tadpole": "frog"}


class Meanings:
    """The words of the classes of a plan; without WordNet their names alone.

    Args:
        classes: of the plan.
        tree: WordNet, None where it is not there.
    """

    def __init__(self, classes: Sequence[ClassSpec], tree: Taxonomy | None) -> None:
        self.tree = tree
        self._ids: dict[str, frozenset[str]] = {}
        self._classes_of: dict[tuple[str, ...], frozenset[str]] = {}
        self.names = {" ".join(tokens(spec.name)): spec.name for spec in classes}
        self._longest = max([_LONGEST, *(len(name.split()) for name in self.names)])
        self.roots = {spec.name: self._roots(spec) for spec in classes}
        self.synsets = {spec.name: self._synset(spec) for spec in classes}

    # What words mean

    def ids(self, words: str) -> frozenset[str]:
        """The synsets that a word or its base form can mean."""
        if words not in self._ids:
            senses = self._senses(words)
            by_hand = kinds_named_by_hand().get(words.casefold(), frozenset())
            self._ids[words] = frozenset(synset.id for synset in senses) | by_hand
        return self._ids[words]

    def above(self, words: str) -> frozenset[str]:
        """Every synset that a sense of the words is or lies under."""
        assert self.tree is not None
        ids = self.ids(words)
        return ids.union(*(self.tree.ancestors(synset) for synset in ids))

    def is_under(self, words: str, roots: frozenset[str]) -> bool:
        """Whether a sense of the words is one of `roots`, or lies under one."""
        return self.tree is not None and not roots.isdisjoint(self.above(words))

    def qualifies(self, words: str, roots: frozenset[str]) -> bool:
        """Whether the words are a word of the class with a class word behind it: "tom cat" is a tom, a cat."""
        assert self.tree is not None
        classes = roots.union(*(self.tree.ancestors(root) for root in roots))
        parts = words.split()
        return any(
            not classes.isdisjoint(self.ids(" ".join(parts[split:])))
            and not roots.isdisjoint(self.above(" ".join(parts[:split])))
            for split in range(1, len(parts))
        )

    def is_proper(self, words: str) -> bool:
        """Whether WordNet has a word as a proper name only, as Friesian: a breed or a brand may have the same."""
        if " " in words:
            return False
        lemma = words.replace(" ", "_").casefold()
        spelled = [name for sense in self._senses(words) for name in sense.lemmas if name.casefold() == lemma]
        return bool(spelled) and all(name[:1].isupper() for name in spelled)

    def likeliest(self, words: str) -> Synset | None:
        """The sense in which a prompt is read; None where WordNet lacks the words."""
        if self.tree is None or not self._senses(words):
            return None
        return find_sense(self.tree, words).synset if self.tree.senses(words) else self._senses(words)[0]

    # Which classes they name

    def named(self, text: str) -> dict[str, str]:
        """The classes that are named in a text, also by a synonym, a kind, or in the plural; each with the words.

        A compound means what it is: a "hot dog" names no dog, a "car park" shows cars.
        """
        words = tokens(text, possessives=True)
        classes: dict[str, str] = {}
        start = 0
        while start < len(words):
            size = next(self._compounds(words, start), 1)
            phrase = words[start : start + size]
            for name in self._classes_named(tuple(phrase)):
                classes.setdefault(name, " ".join(phrase))
            start += size
        return classes

    def is_name(self, words: str) -> bool:
        """Whether the words are the name of a class, or its plural."""
        return not self.names.keys().isdisjoint(self._bases(words))

    def kinds_of(self, text: str) -> set[str]:
        """The classes that WordNet puts some sense of the whole text under."""
        if self.tree is None:
            return set()
        above = self.above(words_of(text))
        return {name for name, synset in self.synsets.items() if synset is not None and synset.id in above}

    def is_word_of(self, spec: ClassSpec, text: str) -> bool:
        """Whether a text has a word of the class: its name, its last word, a synonym or a kind in any sense."""
        words = tokens(text)
        names = {" ".join(tokens(name)) for name in (spec.name, spec.hypernym) if name}
        names |= {name.split()[-1] for name in names if name}
        hyponyms = {" ".join(tokens(word)) for word in spec.hyponyms}
        for start in range(len(words)):
            for size in range(1, self._longest + 1):
                phrase = " ".join(words[start : start + size])
                if not names.isdisjoint(self._bases(phrase)) or phrase in hyponyms:
                    return True
                if self.is_under(phrase, self.roots[spec.name]):
                    return True
        return False

    def is_kind_of(self, name: str, other: str) -> bool:
        """Whether one class of the plan lies under another."""
        synset, above = self.synsets[name], self.synsets[other]
        if self.tree is None or synset is None or above is None or synset.id == above.id:
            return False
        return self.tree.is_under(synset.id, above.id)

    def relatives(self, name: str) -> frozenset[str]:
        """What stands so near to a class of things that people call it the class: a yacht is no ship in WordNet.

        A class without kinds, and one of living things, has none: golden retrievers are no other retrievers.
        """
        synset = self.synsets[name]
        if synset is None or synset.topic != "artifact" or not synset.hyponyms:
            return frozenset()
        return frozenset(parent for parent in synset.parents if not is_broad(parent))

    def _senses(self, words: str) -> tuple[Synset, ...]:
        return self.tree.lookup(words) if self.tree and words and words.isascii() else ()

    def _roots(self, spec: ClassSpec) -> frozenset[str]:
        """All synsets that a class can be: those of its name that agree with its list's, or else its list's."""
        named = self.ids(" ".join(tokens(spec.name)))
        if not spec.synset or self.tree is None:
            return named
        agreeing = {sense for sense in named if self.tree.is_under(sense, spec.synset)}
        if agreeing:
            return frozenset(agreeing)
        if not named or any(self.tree.is_under(spec.synset, sense) for sense in named):
            return frozenset({spec.synset})
        return named

    def _synset(self, spec: ClassSpec) -> Synset | None:
        """The synset that a class most likely is."""
        roots = self.roots[spec.name]
        if self.tree is None or not roots:
            return None
        likeliest = self.likeliest(" ".join(tokens(spec.name)))
        if likeliest is not None and likeliest.id in roots:
            return likeliest
        return self.tree.synset(min(roots))

    def _compounds(self, words: Sequence[str], start: int) -> Iterator[int]:
        """How many words from `start` on are one name: a class's, or a compound of WordNet; the longest first."""
        for size in range(min(self._longest, len(words) - start), 1, -1):
            phrase = " ".join(words[start : start + size])
            plain = phrase.replace("'s", "")
            if not self.names.keys().isdisjoint(self._bases(plain)) or self._senses(phrase) or self._senses(plain):
                yield size

    def _classes_named(self, words: tuple[str, ...]) -> frozenset[str]:
        if words not in self._classes_of:
            self._classes_of[words] = frozenset(self._named_by(words))
        return self._classes_of[words]

    def _named_by(self, words: tuple[str, ...]) -> Iterator[str]:
        phrase = " ".join(words)
        if not self._senses(phrase):  # WordNet has the "bird's eye view", but no "dog's"
            phrase = phrase.replace("'s", "")
        names = {self.names[base] for base in self._bases(phrase) if base in self.names}
        yield from names
        if names:
            return
        senses = self._usual_senses(phrase)
        for name, synset in self.synsets.items():
            if synset is not None and self.tree and any(self.tree.is_under(sense.id, synset.id) for sense in senses):
                yield name
        if len(words) == 1:
            for word in self._inside(phrase, senses):
                yield from self._classes_named((word,))
        elif not any(sense.topic in _NAMED_AFTER for sense in senses):
            for word in words[:-1]:  # "car park", but not "hot dog"
                yield from self._classes_named((word,))

    def _inside(self, word: str, senses: Sequence[Synset]) -> Iterator[str]:
        """The nouns of which a word says that they are there: the dog of a doghouse, the cat that a kitten is."""
        yield from (_YOUNG[base] for base in self._bases(word) if base in _YOUNG)
        built = [self.tree.synset(name).id for name in _BUILT_FOR] if self.tree else []
        if self.tree and any(self.tree.is_under(sense.id, wnid) for sense in senses for wnid in built):
            ends = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
            yield from (word[:end] for end in ends if self._senses(word[end:]))

    def _usual_senses(self, words: str) -> list[Synset]:
        """The senses in which the words are mostly read, no names and no taxa: what can be seen before all else."""
        if self.tree is None:
            return []
        senses = [sense for sense in self._senses(words) if not sense.instance_hypernyms]
        senses = [sense for sense in senses if not self.tree.is_under(sense.id, _TAXON)]
        visible = [sense for sense in senses if sense.topic in _SEEN] or senses
        counts = [max(sense.count_of(base) for base in self._bases(words)) for sense in visible]
        return [sense for sense, count in zip(visible, counts, strict=True) if 2 * count >= max(counts)]

    def _bases(self, phrase: str) -> set[str]:
        """A phrase and its singulars."""
        bases = {phrase, phrase.removesuffix("s"), _PLURALS.get(phrase, phrase)}
        for base in self.tree.base_forms(phrase) if self.tree and phrase.isascii() else ():
            bases.add(base)
        *before, last = phrase.split() or [""]
        if before and self.tree and last.isascii():  # "fire foxes", which WordNet has neither way
            bases |= {" ".join([*before, base]) for base in self.tree.base_forms(last)}
        return bases


def words_of(text: str) -> str:
    """The words of an option, without weights, brackets and case."""
    text = re.sub(r":\s*[-+]?[\d.]+\s*\)", ")", weighted(text)[0].replace("\\", ""))
    return " ".join(WORD.findall(text)).casefold()


def tokens(text: str, *, possessives: bool = False) -> list[str]:
    """The words of a text, those with hyphens apart: "a cat's dog-house" is a, cat (or cat's), dog, house."""
    words = words_of(text).replace("\u2019", "'").replace("-", " ").split()
    return words if possessives else [word.removesuffix("'s") for word in words]
