"""Synsets to words for a prompt: which lemmas are listed bare, which with the class word, which not at all.

Reads a Taxonomy and data/unfit_words.txt; returns a Listing of what was kept and what was dropped, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .shipped_data import unfit_words
from .synset import Synset
from .taxonomy import Taxonomy

LEMMA_POLICIES = ("unambiguous", "first", "all")


@dataclass(frozen=True, slots=True)
class Group:
    """Synsets that came from one hypernym, and the class word that qualifies their ambiguous lemmas."""

    synsets: tuple[Synset, ...]
    class_word: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Words ready for a prompt.

    Args:
        words: what was kept, in WordNet's order, no two equal but for case, spaces and hyphens.
        qualified: (lemma, kept form) of those that got the class word.
        dropped: (lemma, why).
    """

    words: tuple[str, ...]
    qualified: tuple[tuple[str, str], ...]
    dropped: tuple[tuple[str, str], ...]


@dataclass
class _Draft:
    """A Listing being made; `words` go by their folded form."""

    words: dict[str, str] = field(default_factory=dict)
    qualified: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, word: str) -> bool:
        """Lists a word unless an equal one is listed; whether it is the one listed."""
        return self.words.setdefault(fold(word), word) == word


def list_words(
    taxonomy: Taxonomy, groups: Sequence[Group], roots: Sequence[str], policy: str, without: Sequence[str] = ()
) -> Listing:
    """The words of `groups` under a lemma policy.

    Args:
        taxonomy: WordNet.
        groups: the synsets to name.
        roots: wnids of the hypernyms whose subtree is the class; a lemma with a sense outside it is ambiguous.
        policy: one of LEMMA_POLICIES.
        without: words that must not be listed, such as the class's own.
    """
    draft = _Draft()
    excluded = {fold(word) for word in without}
    for group in groups:
        for synset in group.synsets:
            lemmas = synset.lemmas[:1] if policy == "first" else synset.lemmas
            words = []
            for lemma in lemmas:
                word = lemma.replace("_", " ")
                if fold(word) in excluded:
                    draft.dropped.append((word, "it names the class itself"))
                else:
                    words.append(word)
            if policy == "unambiguous":
                _add_unambiguous(taxonomy, draft, words, group.class_word, roots)
            else:
                _add_bare(taxonomy, draft, words)
    return Listing(tuple(draft.words.values()), tuple(draft.qualified), tuple(draft.dropped))


def reason_to_leave_out(taxonomy: Taxonomy, word: str, *, exact_case: bool = False) -> str:
    """Why a word stays out of every list; "" when it may stand there.

    With `exact_case` WordNet's marks count for the same spelling only: "Tom" is an ethnic slur, "tom" a male animal.
    """
    mark = taxonomy.mark_of(word, exact_case=exact_case)
    if mark:
        return f"a noun sense of it is {mark}"
    exact, beginnings = unfit_words()
    lowered = word.lower()
    if lowered in exact or any(part.startswith(beginnings) for part in lowered.replace("-", " ").split()):
        return "it is on the pack's list of unfit words"
    return ""


def other_meaning(taxonomy: Taxonomy, word: str, roots: Sequence[str]) -> Synset | None:
    """The most frequent noun sense of `word` outside the subtrees of `roots`, or None."""
    for sense in taxonomy.senses(word):
        if not any(taxonomy.is_under(sense.id, root) for root in roots):
            return sense
    return None


def short_name(taxonomy: Taxonomy, synset: Synset) -> str:
    """The class word: "cat" for domestic cat, whose last word names one of its hypernyms; else its first lemma."""
    words = synset.lemmas[0].split("_")
    if len(words) > 1:
        above = [synset, *map(taxonomy.synset, taxonomy.ancestors(synset.id))]
        if any(fold(lemma) == fold(words[-1]) for hypernym in above for lemma in hypernym.lemmas):
            return words[-1]
    return synset.label


def fold(word: str) -> str:
    """What two spellings of one word share: no case, no spaces, no hyphens ("tom cat", "tomcat")."""
    return "".join(character for character in word.casefold() if character not in " -_")


def _add_bare(taxonomy: Taxonomy, draft: _Draft, words: Sequence[str]) -> None:
    for word in words:
        reason = reason_to_leave_out(taxonomy, word)
        if reason:
            draft.dropped.append((word, reason))
        else:
            draft.keep(word)


def _add_unambiguous(
    taxonomy: Taxonomy, draft: _Draft, words: Sequence[str], class_word: str, roots: Sequence[str]
) -> None:
    """Adds one synset's words: bare if they mean nothing else, else with the class word, else not at all."""
    doubled = []  # "flagship ship" is better than nothing, but worse than another word of the synset
    count = 0  # of the synset's words that are listed
    for word in words:
        reason = reason_to_leave_out(taxonomy, word, exact_case=True)
        meaning = other_meaning(taxonomy, word, roots)
        if reason:
            draft.dropped.append((word, reason))
        elif meaning is None:
            count += draft.keep(word)
        elif fold(word).endswith(fold(class_word)):
            doubled.append((word, meaning))
        else:
            count += _qualify(taxonomy, draft, word, class_word, meaning, roots)
    for word, meaning in doubled:
        if count or fold(word.split()[-1]) == fold(class_word):
            draft.dropped.append((word, f"it also means {_kind(taxonomy, meaning)}"))
        else:
            count += _qualify(taxonomy, draft, word, class_word, meaning, roots)


def _qualify(
    taxonomy: Taxonomy, draft: _Draft, word: str, class_word: str, meaning: Synset, roots: Sequence[str]
) -> bool:
    """Adds a word that has another meaning with the class word behind it, unless that has one as well."""
    qualified = f"{word} {class_word}"
    reason = f"it also means {_kind(taxonomy, meaning)}"
    if other_meaning(taxonomy, qualified, roots) or reason_to_leave_out(taxonomy, qualified):
        draft.dropped.append((word, f"{reason}, and {qualified!r} means something else too"))
    elif draft.keep(qualified):
        draft.qualified.append((word, qualified))
        return True
    else:
        draft.dropped.append((word, f"{reason}; {qualified!r} is listed"))
    return False


def _kind(taxonomy: Taxonomy, synset: Synset) -> str:
    """A synset in a reason: its name and what it is a kind of."""
    if not synset.parents:
        return synset.name
    return f"{synset.name}, a kind of {taxonomy.synset(synset.parents[0]).label}"
