"""The names of a kind, best first: what people say, that an image model takes for nothing else.

Reads a Taxonomy, data/unfit_words.txt and data/kind_names.txt. A clear name stands before an ambiguous one, an English
one before a Latin one, then WordNet's counts of how often each was tagged in texts, then its order in the synset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .shipped_data import kind_names
from .spelling import fold, is_doubled
from .synset import Synset
from .taxonomy import Taxonomy
from .unfit import is_unfit

_GENUS = "n07992450"  # taxonomic_group.n.01
# where a word that means something else first is understood by the class word behind it ("queen cat"): breeds,
# plants and dishes; among artifacts it misleads ("bottom ship", "heap car")
_QUALIFIABLE = ("animal", "plant", "food")
# topics of WordNet that can be photographed: a sense of another topic competes only where it is the first
_PICTURED = ("animal", "plant", "food", "artifact", "object", "person", "body")
# a fish is food as well, its name no other picture; a fruit is its tree; a weasel may be a person in a text only
_KIN = {"animal": ("food", "person", "substance"), "plant": ("food", "substance"), "food": ("plant", "substance")}


@dataclass(frozen=True, slots=True)
class Name:
    """What a kind is called: its lemma with spaces, and the word for a prompt, maybe with the class word behind it."""

    lemma: str
    word: str
    is_latin: bool = False


def names_of(
    tree: Taxonomy, synset: Synset, class_word: str, roots: Sequence[str], policy: str, *, is_own: bool = False
) -> tuple[list[Name], list[tuple[str, str]]]:
    """The names of a kind, best first, and (lemma, why) of those that it must not have.

    Args:
        tree: WordNet.
        synset: the kind.
        class_word: qualifies an ambiguous name.
        roots: wnids of the hypernyms whose subtree is the class.
        policy: "unambiguous"; "first" and "all" take the lemmas bare, in WordNet's order.
        is_own: it is the class itself, which gets a name in any case.
    """
    by_hand = kind_names().get(synset.id)
    if by_hand and (by_hand != "-" or not is_own) and policy == "unambiguous":
        if by_hand == "-":
            return [], [(synset.label, "every name that it has is mostly taken for something else")]
        others = [lemma.replace("_", " ") for lemma in synset.lemmas if fold(lemma) != fold(by_hand)]
        fit = [Name(other, other) for other in others if not reason_to_leave_out(tree, other, exact_case=True)]
        return [Name(by_hand, by_hand), *fit], []
    dropped: list[tuple[str, str]] = []
    ranked: list[tuple[tuple[float, ...], Name]] = []
    for order, lemma in enumerate(synset.lemmas):
        word = lemma.replace("_", " ")
        reason = reason_to_leave_out(tree, word, exact_case=policy == "unambiguous")
        if reason:
            dropped.append((word, reason))
        elif policy == "unambiguous":
            level, name, reason = _clear(tree, synset, word, class_word, roots, is_own=is_own)
            if reason:
                dropped.append((word, reason))
            else:
                count = 0 if is_own else synset.counts[order]  # a class goes by the name that its label has
                rank = (name.is_latin, level, -count, not is_own and _is_idiom(tree, synset, word), order)
                ranked.append((rank, name))
        else:
            ranked.append(((order,), Name(word, word)))
    if policy == "unambiguous" and not is_own:
        ranked = [entry for entry in ranked if not _has_clearer(tree, entry[1], ranked, roots)]
    names = [name for _, name in sorted(ranked, key=lambda entry: entry[0])]
    if policy == "first":
        names = names[:1]
    if is_own and not names:
        names, dropped = [_name_of_class(tree, synset, class_word)], []
    return names, dropped


def reason_to_leave_out(taxonomy: Taxonomy, word: str, *, exact_case: bool = False) -> str:
    """Why a word stays out of every list; "" when it may stand there.

    With `exact_case` WordNet's marks count for the same spelling only: "Tom" is an ethnic slur, "tom" a male animal.
    """
    mark = taxonomy.mark_of(word, exact_case=exact_case)
    if mark:
        return f"a noun sense of it is {mark}"
    return "it is on the pack's list of unfit words" if is_unfit(word) else ""


def other_meaning(taxonomy: Taxonomy, word: str, roots: Sequence[str]) -> Synset | None:
    """The most frequent noun sense of `word` outside the subtrees of `roots`, or None."""
    for sense in taxonomy.senses(word):
        if not any(taxonomy.is_under(sense.id, root) for root in roots):
            return sense
    return None


def short_name(taxonomy: Taxonomy, synset: Synset) -> str:
    """The class word: "cat" for domestic cat, whose last word names one of its hypernyms; else its first lemma."""
    words = synset.lemmas[0].split("_")
    if len(words) > 1 and _is_above(taxonomy, synset, words[-1]):
        return words[-1]
    return synset.label


def _clear(
    tree: Taxonomy, synset: Synset, word: str, class_word: str, roots: Sequence[str], *, is_own: bool
) -> tuple[int, Name, str]:
    """How clear a name is (0: bare, 1: ambiguous with the class word in it, 2: qualified), the name, or why not."""
    bare = Name(word, word, _is_latin(tree, word))
    meaning = _rival(tree, synset, word, roots)
    senses = tree.senses(word)
    is_first = bool(senses) and senses[0].id == synset.id
    if meaning is None or (is_own and is_first):
        return 0, bare, ""
    reason = f"it also means {_kind(tree, meaning)}"
    if (" " in word and _is_above(tree, synset, word.split()[-1])) or fold(class_word) in map(fold, word.split()):
        return 1, bare, ""
    qualified = f"{word} {class_word}"
    if fold(word).endswith(fold(class_word)) or fold(class_word).startswith(fold(word)) or is_doubled(qualified):
        return 1, bare, ""
    is_plural = meaning.id not in {sense.id for sense in senses}
    if is_plural or (not is_first and synset.topic not in _QUALIFIABLE and word[:1].islower()):
        return 0, bare, reason
    if other_meaning(tree, qualified, roots) or reason_to_leave_out(tree, qualified):
        return 0, bare, f"{reason}, and {qualified!r} means something else too"
    return 2, Name(word, qualified), ""


def _rival(tree: Taxonomy, synset: Synset, word: str, roots: Sequence[str]) -> Synset | None:
    """The meaning outside the class for which a bare name would be taken as well; None where it is clear."""
    senses = tree.senses(word)
    own = {sense.id for sense in senses}
    if " " not in word and word.endswith("s") and not synset.count_of(word):
        for base in tree.lookup(word):  # "bars" is a bar, and more than one
            if base.id not in own and not any(tree.is_under(base.id, root) for root in roots):
                return base
    spelled = word.replace(" ", "_")
    rivals = [
        sense
        for sense in senses
        if spelled in sense.lemmas  # Turkey is no turkey
        and sense.topic not in _KIN.get(synset.topic, ())
        and not any(tree.is_under(sense.id, root) for root in roots)
    ]
    if not rivals:
        return None
    is_first = senses.index(rivals[0]) > [sense.id for sense in senses].index(synset.id)
    pictured = [sense.count_of(word) for sense in rivals if sense.topic in _PICTURED]
    if is_first and synset.count_of(word) >= max(pictured, default=0) and (synset.count_of(word) or not pictured):
        return None
    return rivals[0]


def _has_clearer(
    tree: Taxonomy, name: Name, ranked: Sequence[tuple[tuple[float, ...], Name]], roots: Sequence[str]
) -> bool:
    """Whether a name that means something else too stands as the beginning of a clear one ("monarch butterfly")."""
    if other_meaning(tree, name.lemma, roots) is None:
        return False
    longer = [other.word for _, other in ranked if other.word.startswith(f"{name.lemma} ") and other != name]
    return any(other_meaning(tree, word, roots) is None for word in longer)


def _name_of_class(tree: Taxonomy, synset: Synset, class_word: str) -> Name:
    """A name for the class itself where every rule is against each of its lemmas."""
    for lemma in synset.lemmas:
        word = lemma.replace("_", " ")
        if not is_unfit(word) and not any(marked == lemma for marked, _ in synset.marks):
            return Name(word, word)
    return Name(class_word, class_word)


def _is_latin(tree: Taxonomy, word: str) -> bool:
    """Whether a name is a species with its genus: "Felis domesticus"."""
    genus, _, species = word.partition(" ")
    if not species or not genus[:1].isupper() or not species[:1].islower():
        return False
    return any(tree.is_under(sense.id, _GENUS) for sense in tree.senses(genus))


def _is_idiom(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether the last of several words names something that the kind is not: an "electric pig" is no pig."""
    head = word.split()[-1]
    return " " in word and not _is_above(tree, synset, head) and bool(tree.senses(head))


def _is_above(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether a word is one of the names of a synset or of what lies above it."""
    above = [synset, *map(tree.synset, tree.ancestors(synset.id))]
    return any(fold(lemma) == fold(word) for hypernym in above for lemma in hypernym.lemmas)


def _kind(taxonomy: Taxonomy, synset: Synset) -> str:
    """A synset in a reason: its name and what it is a kind of."""
    if not synset.parents:
        return synset.name
    return f"{synset.name}, a kind of {taxonomy.synset(synset.parents[0]).label}"
