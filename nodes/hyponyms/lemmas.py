"""Synsets to words for a prompt: one name for each kind, bare where that is clear, else with the class word behind it.

Reads a Taxonomy and data/; returns a Listing of what was kept and what was dropped, and why. Which of the names of a
kind is taken stands in names.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .kinds import why_unpictured
from .names import Name, names_of, reason_to_leave_out
from .shipped_data import kind_names
from .spelling import fold
from .synset import Synset
from .taxonomy import Taxonomy
from .unfit import UNFIT_SUBJECT

LEMMA_POLICIES = ("unambiguous", "first", "all")


@dataclass(frozen=True, slots=True)
class Group:
    """Synsets that came from one hypernym, and the class word that qualifies their ambiguous lemmas."""

    synsets: tuple[Synset, ...]
    class_word: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Options ready for a prompt.

    Args:
        words: one option for each kind that was kept, in WordNet's order, no two equal but for case, spaces and
            hyphens; with the policy "all" a kind of several names is "{kitty|pussycat}", so that its share stays one.
        qualified: (lemma, kept form) of those that got the class word.
        dropped: (lemma, why).
        synonyms: (word, the other names of its kind) of those that have some.
        kinds: the wnid of each of the words.
    """

    words: tuple[str, ...]
    qualified: tuple[tuple[str, str], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    synonyms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass
class _Draft:
    """A Listing being made; `words` and `kinds` go by the folded word, `risky` are words that have a risky name."""

    words: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    qualified: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    synonyms: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    risky: list[str] = field(default_factory=list)

    def done(self) -> Listing:
        """What stands in the draft."""
        kinds = tuple(self.kinds[key] for key in self.words)
        return Listing(
            tuple(self.words.values()), tuple(self.qualified), tuple(self.dropped), tuple(self.synonyms), kinds
        )


def list_kinds(
    taxonomy: Taxonomy,
    groups: Sequence[Group],
    roots: Sequence[str],
    policy: str,
    *,
    own: str = "",
    own_word: str = "",
    without: str = "",
    all_kinds: bool = False,
    enough: int = 0,
) -> Listing:
    """One option for each synset of `groups`.

    Args:
        taxonomy: WordNet.
        groups: the synsets to name.
        roots: wnids of the hypernyms whose subtree is the class; a lemma with a sense outside it is ambiguous.
        policy: one of LEMMA_POLICIES.
        own: wnid of the class itself, which is named whatever the rules say; "" where there is none.
        own_word: what the class itself was asked for by, its name in the list; "" chooses one.
        without: wnid of the class itself where it must not be listed.
        all_kinds: list also what no picture of the class shows.
        enough: kinds with a risky name are listed up to so many in all; 0 lists them all.
    """
    draft = _Draft()
    excluded = {fold(lemma) for lemma in taxonomy.synset(without).lemmas} if without else set()
    for group in groups:
        for synset in group.synsets:
            is_own = synset.id == own
            reason = "" if all_kinds or is_own else why_unpictured(taxonomy, synset, roots)
            if taxonomy.is_unfit_subject(synset):
                reason = UNFIT_SUBJECT
            if reason:
                draft.dropped.append((synset.label, reason))
                continue
            names, dropped = names_of(taxonomy, synset, group.class_word, roots, policy, is_own=is_own)
            if is_own and own_word and not (policy == "unambiguous" and synset.id in kind_names()):
                is_asked = [fold(name.lemma) == fold(own_word) for name in names]
                asked = [name for name, match in zip(names, is_asked, strict=True) if match] or [
                    Name(own_word, own_word)
                ]
                names = [*asked, *(name for name, match in zip(names, is_asked, strict=True) if not match)]
            draft.dropped += dropped
            if names and names[0].is_latin and policy == "unambiguous" and not is_own:
                draft.dropped.append((names[0].word, "it has a Latin name only"))
                continue
            remaining = [name for name in names if fold(name.word) not in excluded]
            if policy == "unambiguous" and synset.id in kind_names() and remaining[:1] != names[:1]:
                draft.dropped.append((names[0].word, "it is the class's own name"))
                continue
            _add(draft, synset, remaining, policy)
    if enough and policy == "unambiguous":
        _leave_out_risky(draft, enough)
    return draft.done()


def list_lemmas(taxonomy: Taxonomy, synsets: Sequence[Synset]) -> Listing:
    """Every lemma of the synsets as an option of its own, as the thesis lists them; unfit words stay out."""
    draft = _Draft()
    for synset in synsets:
        for lemma in synset.lemmas:
            word = lemma.replace("_", " ")
            reason = UNFIT_SUBJECT if taxonomy.is_unfit_subject(synset) else reason_to_leave_out(taxonomy, word)
            if reason:
                draft.dropped.append((word, reason))
            else:
                draft.words.setdefault(fold(word), word)
                draft.kinds.setdefault(fold(word), synset.id)
    return draft.done()


def _add(draft: _Draft, synset: Synset, names: Sequence[Name], policy: str) -> None:
    """Adds one kind under the best of its names that is not yet listed; under all of them with the policy "all"."""
    new = [name for name in names if fold(name.word) not in draft.taken]
    if not new:
        draft.dropped += [(names[0].lemma, f"{names[0].word!r} is listed")] if names else []
        return
    is_only_name = synset.id in kind_names() or (new[0].is_latin and not names[0].is_latin)
    if policy == "unambiguous" and names[0] != new[0] and is_only_name:
        draft.dropped.append((names[0].lemma, f"{names[0].word!r} is listed"))
        return
    chosen = new if policy == "all" else new[:1]
    words = list(dict.fromkeys(name.word for name in chosen))
    option = words[0] if len(words) == 1 else f"{{{'|'.join(words)}}}"
    draft.words[fold(option)] = option
    draft.kinds[fold(option)] = synset.id
    draft.taken.update(fold(word) for word in words)
    if chosen[0].is_risky:
        draft.risky.append(option)
    draft.qualified += [(name.lemma, name.word) for name in chosen if name.word != name.lemma]
    others = tuple(dict.fromkeys(name.lemma for name in names if name not in chosen))
    if others:
        draft.synonyms.append((option, others))


def _leave_out_risky(draft: _Draft, enough: int) -> None:
    """Takes out the last of the kinds with a risky name, as long as the list has more than enough."""
    surplus = max(0, len(draft.words) - enough)
    left_out = set(draft.risky[max(0, len(draft.risky) - surplus) :])
    draft.words = {key: word for key, word in draft.words.items() if word not in left_out}
    draft.qualified = [pair for pair in draft.qualified if pair[1] not in left_out]
    draft.synonyms = [pair for pair in draft.synonyms if pair[0] not in left_out]
    draft.dropped += [
        (word, "it may be taken for something else, and there are others enough") for word in sorted(left_out)
    ]
