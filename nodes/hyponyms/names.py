"""The names of a kind, best first: what people say, that an image model takes for nothing else.

Reads a Taxonomy, data/unfit_words.txt and data/kind_names.txt. An English name stands before a Latin one, one that has
the class in it ("wood stork") before others, a clear one before an ambiguous one, then WordNet's counts of how often
each was tagged in texts, then its order in the synset. A name that few know gets the class word behind it: brands,
persons and places are called Ridley, Magnum and Leonberg, but hardly anything else is a Ridley turtle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .class_words import (
    KIN,
    PICTURED,
    class_word_of,
    is_above,
    is_meant,
    is_well_known,
    other_meaning,
    shows_class,
)
from .kinds import is_broad
from .shipped_data import kind_names, namesakes
from .spelling import fold, is_doubled
from .synset import Synset
from .taxonomy import Taxonomy
from .unfit import MARKED, UNFIT_WORD, is_unfit

_GENUS = "n07992450"  # taxonomic_group.n.01
# where a word that means something else first is understood by the class word behind it ("queen cat"): breeds,
# plants and dishes; among artifacts it misleads ("bottom ship", "heap car")
_QUALIFIABLE = ("animal", "plant", "food")
_MANY = {"animal": 3, "plant": 3, "food": 20}  # senses of a name that the class word behind it can tell apart; others 2
# topic of a kind -> those of first words that pictures show instead: an umbrella tree, a monkey ladder
_OVERSHADOWED = {"plant": ("animal", "artifact", "food"), "artifact": ("animal", "body"), "body": ("animal",)}
_LATIN = re.compile(r"[A-Za-z]+(?:us|is|um|a|ae|i|e|es|ns|ps|ax|ox|or|er|ix)")  # how the name of a species ends
_CLEAR, _AMBIGUOUS, _QUALIFIED = range(3)  # how clear a name is
_COMMON = 10  # times that texts have the first sense of a head which takes over the others: car, plane


@dataclass(frozen=True, slots=True)
class Name:
    """What a kind is called: its lemma with spaces, and the word for a prompt, maybe with the class word behind it.

    A risky name is one of those that readers took for something else one time in fifteen.
    """

    lemma: str
    word: str
    is_latin: bool = False
    is_risky: bool = False


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
        fit = [Name(lemma, lemma) for lemma in others if not reason_to_leave_out(tree, lemma, exact_case=True)]
        return [Name(by_hand, by_hand), *fit], []
    behind = _behind(tree, synset, roots) or class_word
    dropped: list[tuple[str, str]] = []
    ranked: list[tuple[tuple[float, ...], Name]] = []
    for order, lemma in enumerate(synset.lemmas):
        word = lemma.replace("_", " ")
        reason = reason_to_leave_out(tree, word, exact_case=policy == "unambiguous")
        if policy == "unambiguous" and not namesakes().get(fold(word), True):
            reason = "pictures of it mostly show something else"
        if reason:
            dropped.append((word, reason))
        elif policy == "unambiguous":
            level, name, reason = _clear(tree, synset, word, behind, roots, is_own=is_own)
            if reason:
                dropped.append((word, reason))
            else:
                count = 0 if is_own else synset.counts[order]  # a class goes by the name that its label has
                if level == _AMBIGUOUS and not is_own and shows_class(tree, synset, word):
                    level = _CLEAR
                is_idiom = not is_own and _is_idiom(tree, synset, word)
                rank = (name.is_latin, level, -count, is_idiom, order)
                ranked.append((rank, name))
        else:
            ranked.append(((order,), Name(word, word)))
    if policy == "unambiguous" and not is_own:
        ranked = [entry for entry in ranked if not _has_clearer(tree, entry[1], ranked, roots)]
    if policy == "unambiguous":
        ranked = [(rank, _told_apart(tree, synset, name, behind, roots, is_own=is_own)) for rank, name in ranked]
        ranked = [((fold(name.word) in namesakes(), *rank), name) for rank, name in ranked]
        ranked = [entry for entry in ranked if namesakes().get(fold(entry[1].word), True)]  # toy and dog make one
    names = [name for _, name in sorted(ranked, key=lambda entry: entry[0])]
    if policy == "unambiguous" and not is_own:
        names = [replace(name, is_risky=_is_risky(tree, synset, name, roots)) for name in names]
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
        return f"{MARKED}{mark}"
    return UNFIT_WORD if is_unfit(word) else ""


def _clear(
    tree: Taxonomy, synset: Synset, word: str, class_word: str, roots: Sequence[str], *, is_own: bool
) -> tuple[int, Name, str]:
    """How clear a name is (_CLEAR, _AMBIGUOUS with the class word in it, _QUALIFIED), the name, or why not."""
    bare = Name(word, word, _is_latin(tree, word))
    meaning = _rival(tree, synset, word, roots)
    senses = tree.senses(word)
    is_first = bool(senses) and senses[0].id == synset.id
    if meaning is None or (is_own and is_first) or is_meant(synset, word):
        return _CLEAR, bare, ""
    reason = f"it also means {_kind(tree, meaning)}"
    if (" " in word and is_above(tree, synset, word.split()[-1])) or fold(class_word) in map(fold, word.split()):
        return _AMBIGUOUS, bare, ""
    qualified = f"{word} {class_word}"
    if fold(word).endswith(fold(class_word)) or fold(class_word).startswith(fold(word)) or is_doubled(qualified):
        return _AMBIGUOUS, bare, ""
    is_plural = meaning.id not in {sense.id for sense in senses}
    is_rare = not is_first and len(senses) > _MANY.get(synset.topic, 2)
    if is_plural or (is_rare and word[:1].islower()):
        return _CLEAR, bare, reason
    if other_meaning(tree, qualified, roots) or reason_to_leave_out(tree, qualified):
        return _CLEAR, bare, f"{reason}, and {qualified!r} means something else too"
    return _QUALIFIED, Name(word, qualified), ""


def _behind(tree: Taxonomy, synset: Synset, roots: Sequence[str]) -> str:
    """The class word for a kind: of the hypernym in `roots` that it is below, of its own where it is the class."""
    root = next((root for root in roots if root != synset.id and tree.is_under(synset.id, root)), "")
    if not root:
        root = next((parent for parent in synset.parents if not is_broad(parent)), "")
    return class_word_of(tree, tree.synset(root)) if root else ""


def _told_apart(tree: Taxonomy, synset: Synset, name: Name, behind: str, roots: Sequence[str], *, is_own: bool) -> Name:
    """The name with the class word `behind` it where few know it alone, and a clear word for an ambiguous head."""
    word = name.word if is_own else _with_clear_head(tree, synset, name.word)
    if word != name.word or name.word != name.lemma or name.is_latin:
        return replace(name, word=word)
    is_known = is_meant(synset, word) or shows_class(tree, synset, word) or is_well_known(tree, synset, word)
    is_known |= is_own and not word[:1].isupper() and (" " in word or bool(tree.uses(word)[0]))
    if is_known and fold(word) not in namesakes():
        return name
    qualified = f"{word} {behind}"
    is_said = fold(word) in fold(behind) or fold(behind.split()[-1]) in map(fold, word.split()) if behind else True
    if (
        is_said
        or is_doubled(qualified)
        or other_meaning(tree, qualified, roots)
        or reason_to_leave_out(tree, qualified)
    ):
        return name
    return replace(name, word=qualified)


def _is_risky(tree: Taxonomy, synset: Synset, name: Name, roots: Sequence[str]) -> bool:
    """Whether a name may well be taken for something else.

    An artifact whose name means another thing or a person too is not always told apart by the class word behind it
    ("marmite pot"), nor a kind of several meanings by the class word in it ("tiger cat"), nor one whose first word is
    easily drawn ("monkey ladder").
    """
    topics = set(PICTURED).difference(KIN.get(synset.topic, ()))
    rivals = [sense for sense in tree.senses(name.lemma) if not any(tree.is_under(sense.id, root) for root in roots)]
    has_rival = any(sense.topic in topics for sense in rivals)
    if name.word != name.lemma:
        return has_rival and synset.topic not in _QUALIFIABLE
    if shows_class(tree, synset, name.word):
        first = next(iter(tree.senses(name.word.split()[0])), None)
        overshadowing = _OVERSHADOWED.get(synset.topic, ())
        is_overshadowed = " " in name.word and first is not None and first.topic in overshadowing
        is_one_word = " " not in name.word and synset.topic != "animal"
        return has_rival or is_overshadowed or (is_one_word and not is_well_known(tree, synset, name.word))
    return not is_well_known(tree, synset, name.word)


def _with_clear_head(tree: Taxonomy, synset: Synset, word: str) -> str:
    """The name with a longer word of the class for one that means another thing first: a club railcar, no club car."""
    *before, head = word.split()
    first = next(iter(tree.senses(head)), None)
    if not before or first is None or first.topic != synset.topic or first.count_of(head) < _COMMON:
        return word
    for hypernym in map(tree.synset, tree.ancestors(synset.id)):
        if head not in hypernym.lemmas or tree.is_under(hypernym.id, first.id) or tree.is_under(first.id, hypernym.id):
            continue
        for lemma in (lemma.replace("_", " ") for lemma in hypernym.lemmas):
            longer = " ".join([*before, lemma])
            is_longer = lemma != head and fold(lemma).endswith(fold(head)) and not is_doubled(longer)
            if is_longer and other_meaning(tree, lemma, (hypernym.id,)) is None:
                return longer
    return word


def _rival(tree: Taxonomy, synset: Synset, word: str, roots: Sequence[str]) -> Synset | None:
    """The meaning outside the class for which a bare name would be taken as well; None where it is clear."""
    senses = tree.senses(word)
    sense_ids = {sense.id for sense in senses}
    if " " not in word and word.endswith("s") and not synset.count_of(word):
        for base in tree.lookup(word):  # "bars" is a bar, and more than one
            if base.id not in sense_ids and not any(tree.is_under(base.id, root) for root in roots):
                return base
    spelled = word.replace(" ", "_")
    rivals = [
        sense
        for sense in senses
        if spelled in sense.lemmas  # Turkey is no turkey
        and sense.topic not in KIN.get(synset.topic, ())
        and not any(tree.is_under(sense.id, root) for root in roots)
    ]
    if not rivals:
        return None
    is_first = senses.index(rivals[0]) > [sense.id for sense in senses].index(synset.id)
    pictured = [sense.count_of(word) for sense in rivals if sense.topic in PICTURED]
    if is_first and synset.count_of(word) >= max(pictured, default=0) and (synset.count_of(word) or not pictured):
        return None
    return rivals[0]


def _has_clearer(
    tree: Taxonomy, name: Name, ranked: Sequence[tuple[tuple[float, ...], Name]], roots: Sequence[str]
) -> bool:
    """Whether a name that means something else too stands as the beginning of a clear one ("monarch butterfly")."""
    if other_meaning(tree, name.lemma, roots) is None:
        return False
    longer = [
        candidate.word for _, candidate in ranked if candidate.word.startswith(f"{name.lemma} ") and candidate != name
    ]
    return any(other_meaning(tree, word, roots) is None for word in longer)


def _name_of_class(tree: Taxonomy, synset: Synset, class_word: str) -> Name:
    """A name for the class itself where every rule is against each of its lemmas."""
    for lemma in synset.lemmas:
        word = lemma.replace("_", " ")
        if word in tree.fit_names(synset):
            return Name(word, word)
    labels = (class_word, *(hypernym.label for hypernym in tree.path(synset.id)[1:]))
    word = next(label for label in labels if not reason_to_leave_out(tree, label))
    return Name(word, word)


def _is_latin(tree: Taxonomy, word: str) -> bool:
    """Whether a name is a species with its genus: "Felis domesticus"."""
    genus, _, species = word.partition(" ")
    if not genus[:1].isupper() or not all(map(_LATIN.fullmatch, species.split() or [""])):
        return False
    if not any(map(tree.senses, species.split())) or fold(genus) == fold(species):
        return True
    return species[:1].islower() and any(tree.is_under(sense.id, _GENUS) for sense in tree.senses(genus))


def _is_idiom(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether the last of several words names something that the kind is not: an "electric pig" is no pig."""
    head = word.split()[-1]
    return " " in word and not is_above(tree, synset, head) and bool(tree.senses(head))


def _kind(taxonomy: Taxonomy, synset: Synset) -> str:
    """A synset in a reason: its name and what it is a kind of."""
    if not taxonomy.may_be_offered(synset.name.rsplit(".", 2)[0]) or not taxonomy.fit_names(synset):
        return "what is unfit for prompts"
    if not synset.parents:
        return synset.name
    return f"{synset.name}, a kind of {taxonomy.fit_label(taxonomy.nearest_fit(synset.parents[0]))}"
