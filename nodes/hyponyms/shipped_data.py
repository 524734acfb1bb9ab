"""The files in data/: WordNet's nouns, the classes of ImageNet, and what we judged of its words by hand."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from .spelling import fold

DATA = Path(__file__).resolve().parent / "data"
WORDNET = DATA / "wordnet30_nouns.zip"


@functools.lru_cache(maxsize=1)
def imagenet_classes() -> tuple[tuple[str, str], ...]:
    """(wnid, label) of the 1,000 ImageNet classes in the order of the models' outputs; labels have underscores."""
    lines = (DATA / "imagenet1k.txt").read_text(encoding="utf-8").splitlines()
    return tuple((wnid, label) for wnid, label in (line.split("\t") for line in lines))


@functools.lru_cache(maxsize=1)
def imagenet_ids() -> frozenset[str]:
    """The wnids of the ImageNet classes."""
    return frozenset(wnid for wnid, _ in imagenet_classes())


def _lines(name: str) -> list[str]:
    """The lines of a file in data/ that are no comments and not empty."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


@functools.lru_cache(maxsize=1)
def unfit_words() -> re.Pattern[str]:
    """What matches a word in lower case that a prompt should not have; hyphens and underscores are spaces in it."""
    inside, whole = [], []
    for line in _lines("unfit_words.txt"):
        word = re.escape(line.strip("=*").lower().replace("-", " ").replace("_", " "))
        if line.startswith("="):
            whole.append(word)
        else:
            inside.append(word + (r"\w*" if line.endswith("*") else "s?"))
    return re.compile(rf"(?:.* )?(?:{'|'.join(inside)})(?: .*)?|(?:{'|'.join(whole)})s?")


@functools.lru_cache(maxsize=1)
def unfit_subjects() -> dict[str, bool]:
    """From the wnid of what is no subject of pictures, whatever its name is, to whether all below it is none either."""
    wnids = (line.split()[0] for line in _lines("unfit_subjects.txt"))
    return {wnid.removeprefix("="): not wnid.startswith("=") for wnid in wnids}


@functools.lru_cache(maxsize=1)
def unpictured() -> dict[str, str]:
    """From a wnid to why no photograph shows it: extinct, fictional."""
    return {wnid: reason for wnid, reason, _ in (line.split("\t") for line in _lines("unpictured.txt"))}


@functools.lru_cache(maxsize=1)
def broad_hypernyms() -> dict[str, bool]:
    """From the wnid of a hypernym that says too little of a class to stand for it (device) to whether all above do."""
    wnids = (line.split()[0] for line in _lines("broad_hypernyms.txt"))
    return {wnid.removeprefix("="): not wnid.startswith("=") for wnid in wnids}


@functools.lru_cache(maxsize=1)
def namesakes() -> dict[str, bool]:
    """From a name, folded, that pictures take for something else, to whether a class word behind it helps."""
    return {fold(line.removeprefix("-")): not line.startswith("-") for line in _lines("namesakes.txt")}


@functools.lru_cache(maxsize=1)
def kind_names() -> dict[str, str]:
    """From a wnid to the name that it has in lists, "-" for a kind that no name finds: read by hand, over all rules."""
    names = {}
    for line in _lines("kind_names.txt"):
        wnid, name = line.split(maxsplit=1)
        names[wnid] = name
    return names


@functools.lru_cache(maxsize=1)
def word_senses() -> dict[str, str]:
    """From a word, folded, to the name of the synset that it means to people who want pictures of it: by hand."""
    lines = (line.rsplit(maxsplit=1) for line in _lines("word_senses.txt"))
    return {fold(word): synset for word, synset in lines}


@functools.lru_cache(maxsize=1)
def kinds_named_by_hand() -> dict[str, frozenset[str]]:
    """From a name of `kind_names`, in lower case, to the wnids that have it."""
    named: dict[str, set[str]] = {}
    for wnid, name in kind_names().items():
        named.setdefault(name.lower(), set()).add(wnid)
    return {name: frozenset(wnids) for name, wnids in named.items()}
