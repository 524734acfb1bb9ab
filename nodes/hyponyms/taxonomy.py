"""WordNet 3.0's nouns: synsets by name or wnid, senses of a word, and what lies under what.

Reads data/wordnet30_nouns.zip, lazily; writes nothing. How it is read stands in wordnet_reader.py.
Source: G. A. Miller, "WordNet: A Lexical Database for English", Communications of the ACM 38(11), 1995.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import re
from collections import Counter
from pathlib import Path

from .shipped_data import WORDNET, kind_names, unfit_subjects
from .synset import Synset
from .unfit import is_unfit
from .wordnet_reader import NounReader

_WNID = re.compile(r"n\d{8}")
_SHORTEST_END = 3  # letters of a known end within one word, at the least one more; a judgement
_NAME = re.compile(r"[^\s]+\.n\.\d+")


class Taxonomy:
    """The noun hierarchy. Answers are cached; safe to ask from several threads.

    Args:
        archive: WordNet's files in a folder wordnet/ of a zip archive.

    Raises:
        ImportError: NLTK is not installed, or is none that this works with.
    """

    def __init__(self, archive: Path) -> None:
        self.reader = NounReader(archive)
        self._synsets: dict[str, Synset] = {}
        self._ancestors: dict[str, frozenset[str]] = {}

    def synset(self, name_or_id: str) -> Synset:
        """The synset of a wnid ("n02121808") or a name ("domestic_cat.n.01").

        Raises:
            ValueError: WordNet 3.0 has no such noun synset.
        """
        text = name_or_id.strip()
        if _WNID.fullmatch(text):
            return self._by_offset(int(text[1:]))
        if not _NAME.fullmatch(text):
            raise ValueError(f"synset is {text[:80]!r}; expected a name such as crane.n.05 or an id such as n02012849")
        lemma, _, number = text.lower().rsplit(".", 2)
        offsets = self.reader.senses(_key(lemma))
        if not offsets:
            raise ValueError(self.unknown_word(lemma))
        if not 1 <= int(number) <= len(offsets):
            raise ValueError(
                f"{lemma!r} has {len(offsets)} noun senses; expected {lemma}.n.01 to .n.{len(offsets):02d}"
            )
        return self._by_offset(offsets[int(number) - 1])

    def senses(self, word: str) -> tuple[Synset, ...]:
        """The noun senses of exactly this word (spaces or underscores, any case), the most frequent first."""
        return tuple(self._by_offset(offset) for offset in self.reader.senses(_key(word)))

    def lookup(self, word: str) -> tuple[Synset, ...]:
        """The noun senses of a word or of its base forms ("ships" -> ship), as NLTK's wn.synsets finds them."""
        return tuple(self._by_offset(offset) for offset in self.reader.lookup(_key(word)))

    def uses(self, word: str) -> tuple[int, int]:
        """How many of WordNet's glosses have a noun that can be pictured, and how often texts have it as another part
        of speech (-1: it is a noun only)."""
        return self.reader.uses(_key(word))

    def base_forms(self, word: str) -> tuple[str, ...]:
        """The nouns that a word may be the plural of, by WordNet's own morphology; itself where it is one."""
        return tuple(base.replace("_", " ") for base in self.reader.base_forms(_key(word)))

    def ancestors(self, synset_id: str) -> frozenset[str]:
        """The wnids of all direct and indirect hypernyms, instance hypernyms included, without itself."""
        if synset_id not in self._ancestors:
            parents = self.synset(synset_id).parents
            self._ancestors[synset_id] = frozenset(parents).union(*map(self.ancestors, parents))
        return self._ancestors[synset_id]

    def is_under(self, synset_id: str, ancestor_id: str) -> bool:
        """Whether the first synset is the second or a hyponym of it at any depth."""
        return synset_id == ancestor_id or ancestor_id in self.ancestors(synset_id)

    def is_unfit_subject(self, synset: Synset) -> bool:
        """Whether a synset is no subject of pictures; a battle is one, though WordNet calls it a massacre."""
        if synset.instance_hypernyms:
            return False
        subjects = unfit_subjects()
        return synset.id in subjects or any(subjects.get(wnid, False) for wnid in self.ancestors(synset.id))

    def fit_names(self, synset: Synset) -> list[str]:
        """The names of a synset that are no slang, obscenity or slur in it, and not on the pack's list.

        An unfit subject has none.
        """
        if self.is_unfit_subject(synset):
            return []
        marked = {lemma for lemma, _ in synset.marks}
        names = [lemma.replace("_", " ") for lemma in synset.lemmas if lemma not in marked]
        by_hand = kind_names().get(synset.id, "-")
        return [name for name in names if not is_unfit(name)] or [by_hand] * (by_hand != "-")

    def fit_label(self, synset: Synset) -> str:
        """The first of the fit names of a synset; "" where it has none."""
        return next(iter(self.fit_names(synset)), "")

    def nearest_fit(self, synset_id: str) -> Synset:
        """The synset itself, else the first of its hypernyms, that has a fit name."""
        return next(synset for synset in self.path(synset_id) if self.fit_label(synset))

    def may_be_offered(self, word: str) -> bool:
        """Whether a noun may be shown to people who did not type it: it is fit, in one of its senses at least."""
        return not is_unfit(word) and any(map(self.fit_names, self.senses(word)))

    def count_below(self, synset_id: str, most: int = 50) -> int:
        """How many hyponyms a synset has at all depths, counted up to about `most`."""
        below: set[str] = set()
        level = [synset_id]
        while level and len(below) < most:
            level = [child for wnid in level for child in self.synset(wnid).hyponyms if child not in below]
            below.update(level)
        return len(below)

    def count_ending(self, word: str) -> int:
        """How many lemmas of several words end in this one, as "sea bass" ends in bass."""
        return self._endings[_key(word)]

    @functools.cached_property
    def _endings(self) -> Counter[str]:
        return Counter(lemma.rpartition("_")[2] for lemma in self.reader.words() if "_" in lemma)

    def path(self, synset_id: str) -> tuple[Synset, ...]:
        """From the synset by first hypernyms up to entity, itself first."""
        chain = [self.synset(synset_id)]
        while chain[-1].parents:
            chain.append(self.synset(chain[-1].parents[0]))
        return tuple(chain)

    def mark_of(self, lemma: str, *, exact_case: bool = False) -> str:
        """How WordNet marks the lemma in any of its noun senses (slang, obscene, an ethnic slur); "" for most."""
        key = _key(lemma)
        for sense in self.senses(lemma):
            for marked, reason in sense.marks:
                is_same = marked == lemma.replace(" ", "_") if exact_case else _key(marked) == key
                if is_same:
                    return reason
        return ""

    def unknown_word(self, word: str) -> str:
        """An error message for a word that WordNet lacks, with the nearest words that it has."""
        key = _key(word)
        words = [lemma for lemma in self.reader.words() if abs(len(lemma) - len(key)) <= 2]
        words = [lemma for lemma in words if lemma[:1] == key[:1]] or words  # 120,000 would take seconds to compare
        near = [lemma.replace("_", " ") for lemma in difflib.get_close_matches(key, words, 12, 0.6)]
        near = [lemma for lemma in near if self.may_be_offered(lemma) and not self.mark_of(lemma)][:5]
        hint = f"the nearest are: {', '.join(near)}" if near else "try a more common word"
        broader = self._known_end(key)
        if broader:
            hint += f"; or try the broader word {broader}"
        if not word.isascii():
            hint = "WordNet is English: type the English word"
        return f"word is {word[:80]!r}; expected an English noun of WordNet 3.0; {hint}"

    def _known_end(self, key: str) -> str:
        """The longest end of a word that is a word: phone of smartphone, plant of potted plant; "" where none is."""
        ends = [key[start:] for start in range(1, len(key) - 2) if key[start] != "_"]
        ends = [end for end in ends if len(end) > _SHORTEST_END or key.endswith(f"_{end}")]
        offered = (end for end in ends if self.may_be_offered(end))
        return next(offered, "").replace("_", " ")

    def describe(self, synset: Synset) -> str:
        """A sense told apart without a gloss: its words, what it is a kind of, and up to three sister terms."""
        parents = [self.synset(parent) for parent in synset.parents]
        words = ", ".join(self.fit_names(synset) or [synset.label])
        text = f"{synset.name} ({synset.id}): {words}"
        if parents:
            relation = "a kind of" if synset.hypernyms else "an instance of"
            text += f"; {relation} {', '.join(self.fit_label(self.nearest_fit(parent.id)) for parent in parents)}"
            sisters = (self.synset(sister) for sister in parents[0].hyponyms if sister != synset.id)
            fit = (sister.label for sister in sisters if sister.label in self.fit_names(sister))
            named = list(dict.fromkeys(itertools.islice(fit, 3)))
            if named:
                text += f", like {', '.join(named)}"
        return text

    def _by_offset(self, offset: int) -> Synset:
        wnid = f"n{offset:08d}"
        if wnid not in self._synsets:
            synset = self.reader.synset(offset)
            if synset is None:
                raise ValueError(f"synset is {wnid}; expected the id of a noun of WordNet 3.0, as ImageNet's are")
            self._synsets[wnid] = synset
        return self._synsets[wnid]


@functools.lru_cache(maxsize=1)
def taxonomy() -> Taxonomy:
    """The shipped WordNet, opened at the first call (about two seconds, most of it the import of NLTK)."""
    return Taxonomy(WORDNET)


def _key(word: str) -> str:
    """A word as WordNet's index has it: lower case, underscores between its parts."""
    return "_".join(word.strip().lower().replace("_", " ").split())
