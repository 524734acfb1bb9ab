"""Words for a class: its short name, what stands behind the name of a kind, and which names need nothing behind them.

Reads a Taxonomy; judges words by WordNet's counts, its order of senses and the classes of ImageNet.
"""

from __future__ import annotations

from collections.abc import Sequence

from .kinds import is_broad
from .shipped_data import imagenet_ids, word_senses
from .spelling import fold
from .synset import Synset
from .taxonomy import Taxonomy
from .unfit import is_unfit

# topics of WordNet that can be photographed: a sense of another topic competes only where it is the first
PICTURED = ("animal", "plant", "food", "artifact", "object", "person", "body")
# a fish is food as well, its name no other picture; a fruit is its tree; a weasel may be a person in a text only
KIN = {"animal": ("food", "person", "substance"), "plant": ("food", "substance"), "food": ("plant", "substance")}
_SHORTEST = 3  # letters of a class word at the end of another: "greyhound"; a judgement, as the next
_LONGEST = 2  # words of a class word behind a name
_NAMESAKES = 2  # compounds that end in a name which people know
_TAGGED = 3  # times that texts have a word which is common without a gloss that has it
_USED = 3  # glosses that have a word of several meanings which is a class of ImageNet
# times that texts have, and glosses that have, a single word that needs nothing behind it; of less common ones readers
# took one in five for something else, with the class word behind them one in twenty
_EVERYDAY = (3, 10)
# (what is called after another thing, the thing): pictures of oak show the tree, no wood, of cranberries no shrub
_NAMED_AFTER = (("n15098161", "n13103136"), ("n13103136", "n07705931"))  # wood, woody plant; woody plant, edible fruit
_PAIRS = {"trouser": "trousers", "jean": "jeans"}  # what comes in pairs is said so


def short_name(taxonomy: Taxonomy, synset: Synset) -> str:
    """The class word: "cat" for domestic cat, whose last word names one of its hypernyms; else its first fit name."""
    words = synset.lemmas[0].split("_")
    if len(words) > 1 and is_above(taxonomy, synset, words[-1]) and not is_unfit(words[-1]):
        return words[-1]
    return taxonomy.fit_label(synset) or synset.label


def class_word_of(tree: Taxonomy, root: Synset) -> str:
    """What stands behind a name that few know: the class's own word where that means first what it means here.

    Else a longer name of the class ("railcar" for a car on rails), else the nearest such word above it: a weka is a
    rail in WordNet, and a weka bird to people. "" where there is none of at most two words.
    """
    short = short_name(tree, root)
    said = [lemma for lemma in root.lemmas if "_" not in lemma and root.count_of(lemma) and not is_unfit(lemma)]
    words = [word for word in (short, *said) if _is_understood(tree, root, word)]
    if words:
        word = max(words, key=root.count_of)
        return _PAIRS.get(word, word)
    for lemma in (lemma.replace("_", " ") for lemma in root.lemmas[1:]):
        is_longer = fold(lemma).endswith(fold(root.label)) and lemma.count(" ") < _LONGEST
        if is_longer and other_meaning(tree, lemma, (root.id,)) is None:
            return lemma
    for synset in tree.path(root.id)[1:]:
        if is_broad(synset.id):
            break
        if _is_understood(tree, synset, short_name(tree, synset)):
            return short_name(tree, synset)
    return short if short.count(" ") < _LONGEST and not is_unfit(short) else ""


def _is_understood(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether a common word means, first of what can be photographed, a synset or what lies above it."""
    if is_unfit(word):
        return False
    if is_meant(synset, word):
        return True
    senses = tree.senses(word)
    first = next((sense for sense in senses if sense.topic in (*PICTURED, "Tops")), None)
    if first is None or " " in word or not tree.is_under(synset.id, first.id):
        return False
    return bool(first.count_of(word)) or len(senses) > 1


def is_meant(synset: Synset, word: str) -> bool:
    """Whether data/word_senses.txt says that people mean this synset by a word."""
    return word_senses().get(fold(word)) == synset.name


def shows_class(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether a word of a name, or the end of one, says what the kind is: "ship of the line", "greyhound"."""
    above = tree.ancestors(synset.id)
    lemmas = {fold(lemma) for wnid in above for lemma in tree.synset(wnid).lemmas if "_" not in lemma}
    parts = [fold(part) for part in word.replace("-", " ").split()]
    parts += [base for base in map(fold, tree.base_forms(parts[-1])) if base != parts[-1]]
    if parts[-1] in lemmas or any(fold(tree.synset(wnid).label) in parts for wnid in above if not is_broad(wnid)):
        return True
    return any(len(lemma) >= _SHORTEST and parts[-1].endswith(lemma) for lemma in lemmas)


def is_well_known(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether people know a name by itself, and know it for this.

    Tagged texts have it, it has kinds, others are called after it, it is a class of ImageNet, or both a living thing
    and a dish; and it is said elsewhere, in this sense. A proper name is known for something else.
    """
    senses = tree.senses(word)
    kin = (synset.topic, *KIN.get(synset.topic, ()))
    if not senses or word[:1].isupper() or any(sense.topic not in kin for sense in senses[:1]):
        return False
    for kind, namesake in _NAMED_AFTER:
        if tree.is_under(synset.id, kind) and any(tree.is_under(sense.id, namesake) for sense in senses):
            return False
    if " " not in word and not (is_said(tree, synset, word) and _is_everyday(tree, synset, word)):
        return False
    topics = {sense.topic for sense in senses}
    if topics <= set(kin) - {"person"} and len(topics) > 1:
        return True
    is_common = synset.count_of(word) or synset.hyponyms or tree.count_ending(word) >= _NAMESAKES
    return senses[0].id == synset.id and bool(is_common or synset.id in imagenet_ids())


def _is_everyday(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether a single word is a dish, a class of ImageNet, or said often, and of several meanings in this first."""
    if synset.topic == "food" or synset.id in imagenet_ids():
        return True
    is_first = tree.senses(word)[0].id == synset.id
    return is_first and synset.count_of(word) >= _EVERYDAY[0] and tree.uses(word)[0] >= _EVERYDAY[1]


def is_said(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether a word is common in this sense: glosses have it and it means nothing else, or texts have it mostly so.

    Of the names that no gloss has, readers took one in six for something else, of the others one in fifty.
    """
    uses, as_other = tree.uses(word)
    count = synset.count_of(word)
    kin = KIN.get(synset.topic, ())
    rivals = [sense for sense in tree.senses(word) if sense.topic not in kin and not tree.is_under(sense.id, synset.id)]
    most = max([as_other, *(sense.count_of(word) for sense in rivals)])
    if count > most and (uses or count >= _TAGGED):
        return True
    return bool(uses) and as_other < 0 and (not rivals or (synset.id in imagenet_ids() and uses >= _USED))


def is_above(tree: Taxonomy, synset: Synset, word: str) -> bool:
    """Whether a word is one of the names of a synset or of what lies above it."""
    above = [synset, *map(tree.synset, tree.ancestors(synset.id))]
    return any(fold(lemma) == fold(word) for hypernym in above for lemma in hypernym.lemmas)


def other_meaning(taxonomy: Taxonomy, word: str, roots: Sequence[str]) -> Synset | None:
    """The most frequent noun sense of `word` outside the subtrees of `roots`, or None."""
    for sense in taxonomy.senses(word):
        if not any(taxonomy.is_under(sense.id, root) for root in roots):
            return sense
    return None
