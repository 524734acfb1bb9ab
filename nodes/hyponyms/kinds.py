"""Which kinds of a class a photograph can show, and which hypernyms are too broad to mean a class.

Reads a Taxonomy and data/unpictured.txt, broad_hypernyms.txt; judges synsets, never words.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from .shipped_data import broad_hypernyms, unpictured
from .synset import Synset
from .taxonomy import Taxonomy, taxonomy

# what a kind must not be besides, unless its class is that: a "guard" among fences, a "fumed oak" among trees
_OTHER_REALMS = {
    "n00007846": "a person",  # person.n.01
    "n05220461": "a part of a body",  # body_part.n.01
    "n00020827": "a substance",  # matter.n.03
    "n00002137": "nothing to be seen",  # abstraction.n.06
    "n09483738": "imaginary",  # imaginary_being.n.01
}
_FOODS = ("n00021265", "n07555863")  # food.n.01 and food.n.02 lie under matter, and are things on a plate


def is_broad(wnid: str) -> bool:
    """Whether a hypernym says too little of a class to stand for it, as device or covering does."""
    return wnid in _broad()


def why_unpictured(tree: Taxonomy, synset: Synset, roots: Sequence[str]) -> str:
    """Why no picture of the class shows this kind of it; "" when one may.

    Args:
        tree: WordNet.
        synset: the kind.
        roots: wnids of the class; what holds of the class itself is no reason against its kinds.
    """
    of_class = set(roots).union(*map(tree.ancestors, roots))
    above = [synset.id, *sorted(tree.ancestors(synset.id) - of_class)]
    named = unpictured()
    if not any(named.get(wnid) for wnid in of_class):
        reason = next((named[wnid] for wnid in above if wnid in named), "")
        if reason:
            return f"it is {reason}"
    if any(food in above for food in _FOODS):
        above = [wnid for wnid in above if wnid != "n00020827"]
    reason = next((_OTHER_REALMS[wnid] for wnid in above if wnid in _OTHER_REALMS), "")
    return f"it is {reason}" if reason else ""


@functools.lru_cache(maxsize=1)
def _broad() -> frozenset[str]:
    """The hypernyms judged too broad, and all that lies above them."""
    broad = broad_hypernyms()
    return frozenset(broad).union(*(taxonomy().ancestors(wnid) for wnid, is_above in broad.items() if is_above))
