"""Which typed words no list is made of: those that mean an unfit subject, or are unfit where no other name may stand.

Reads a Taxonomy; what is unfit stands in data/unfit_words.txt and data/unfit_subjects.txt.
"""

from __future__ import annotations

from .spelling import fold
from .synset import Synset
from .taxonomy import Taxonomy
from .unfit import is_unfit

_RENAMED = ("animal", "artifact", "food", "location", "object", "plant")  # topics of what another name may stand for
_SAID = ("cognition", "communication", "shape", "substance")  # and of what may be typed instead of a refused word
_DRUG = "n03247620"  # drug.n.01
_INHABITANT = "n09620078"  # inhabitant.n.01


def has_list(tree: Taxonomy, start: Synset, word: str) -> bool:
    """Whether a word has a list where it means `start`: no unfit subject, nor one that has unfit names only.

    Another name of the same thing may stand for a word (rooster), but not for what people are called, or what is none.
    """
    return bool(tree.fit_names(start)) and (start.topic in _RENAMED or is_fit_in(tree, start, word))


def check_fit(tree: Taxonomy, start: Synset, word: str, name: str = "word") -> None:
    """Raises ValueError where a word has no list."""
    if not has_list(tree, start, word):
        raise refusal(tree, start, word, name)


def refusal(tree: Taxonomy, start: Synset, word: str, name: str = "word") -> ValueError:
    """What is said of a word that no list is made of, with a fit one where there is one; `start` is what it means."""
    instead = _instead(tree, start, word)
    return ValueError(
        f"{name} is {word[:80]!r}; expected one that may stand in prompts; this one is on the list of words and "
        f"subjects that are left out; type another{f', such as {instead}' if instead else ''}"
    )


def _instead(tree: Taxonomy, start: Synset, word: str) -> str:
    """A fit word for what a refused one means, or for what that is a kind of: ghost for spook, bundle for fagot.

    Things go first, then the people that a slur is on; else it is "person" or "medicine", "" where it is neither.
    """
    senses = [sense for sense in tree.lookup(word) if not (tree.is_unfit_subject(sense) or sense.instance_hypernyms)]
    objects = [sense for sense in senses if sense.topic in _RENAMED]
    slurs = [sense for sense in senses if sense.marks and tree.is_under(sense.id, _INHABITANT)]
    start_alone = [start] if start in senses and start.topic in _SAID else []
    for sense in (*objects, *slurs, *start_alone):
        broader = () if sense in start_alone else (tree.fit_label(tree.nearest_fit(sense.parents[0])),)
        label = next((name for name in (*tree.fit_names(sense), *broader) if fold(name) != fold(word)), "")
        if label:
            return label
    if tree.is_under(start.id, _DRUG):
        return "medicine"
    return "person" if start.topic == "person" else ""


def is_fit_in(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether a word, or what it is a form of, is fit, and no slang, obscenity or slur where it means this synset."""
    forms = (word, *tree.base_forms(word))
    marked = {fold(lemma) for lemma, _ in synset.marks}
    return not any(is_unfit(form) or fold(form) in marked for form in forms)


def may_lead(tree: Taxonomy, sense: Synset, label: str) -> bool:
    """Whether mode `thesis` may list the sisters of a sense: the label fits it, or it is a thing of another name."""
    return is_fit_in(tree, sense, label) or (sense.topic in _RENAMED and bool(tree.fit_names(sense)))
