"""How good the lists of hyponyms are, by a fixed rubric: what a program can count, and what readers have judged.

Run as `python benchmarks/hyponyms.py` for the counts over the 1,000 ImageNet classes and their labels typed as words;
`--sheet FILE` writes the lists of 300 classes and 200 words that are to be judged, one word a line.

The rubric. A reader marks a word as misread if most pictures that its bare name finds show another thing than a kind
of the class. Two readers judge without sight of each other's marks; a word that one of them marks counts as misread.
Their marks are kept as data in benchmarks/hyponyms_judged/READER.tsv: class or word, tab, a misread word. With two such
files the share of lists that hold a misread word is printed; without them it is said to be unmeasured.
"""

from __future__ import annotations

import csv
import random
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JUDGED = Path(__file__).resolve().parent / "hyponyms_judged"
sys.path.insert(0, str(ROOT))

from tools.dev.pack import load_pack  # noqa: E402

load_pack()

from hyponet.nodes.hyponyms.hyponyms import (  # noqa: E402
    Hyponyms,
    HyponymSettings,
    hyponyms_of_class,
    hyponyms_of_word,
)
from hyponet.nodes.hyponyms.shipped_data import imagenet_classes, kind_names  # noqa: E402
from hyponet.nodes.hyponyms.spelling import fold, is_doubled  # noqa: E402
from hyponet.nodes.hyponyms.taxonomy import taxonomy  # noqa: E402
from hyponet.nodes.hyponyms.unfit import is_unfit  # noqa: E402

OWN_NAMES_THAT_REPEAT = {"chow chow"}
CLASSES, WORDS, SEED = 300, 200, 0
WORD = HyponymSettings(at_least=1, include_class=False)


def lists_of_classes() -> dict[str, Hyponyms]:
    """wnid -> the list with the defaults of Hyponyms of Image."""
    return {wnid: hyponyms_of_class(wnid, label, HyponymSettings()) for wnid, label in imagenet_classes()}


def holds_itself(wnid: str, words: Iterable[str]) -> bool:
    """Whether a list has a name of the synset, maybe with the class word behind it."""
    names = {fold(lemma) for lemma in taxonomy().synset(wnid).lemmas} | {fold(kind_names().get(wnid, ""))}
    return any(fold(word) in names or fold(" ".join(word.split()[:-1])) in names - {""} for word in words)


def gives_sisters(word: str) -> bool:
    """Whether a word typed into Hyponyms of Word gives the kinds of something else, and not itself."""
    found = hyponyms_of_word(word, WORD)
    return found.synset not in {sense.id for sense in taxonomy().lookup(word)} and fold(word) not in map(
        fold, found.words
    )


def misread_share(readers: list[Path], lists: set[str]) -> float:
    """The share of the lists in which one of the readers marked a word."""
    marked = {row[0] for path in readers for row in csv.reader(path.open(encoding="utf-8"), delimiter="\t") if row}
    return len(marked & lists) / len(lists)


def sample() -> tuple[list[tuple[str, str]], list[str]]:
    """The 300 classes and the 200 words that are judged; the words are labels too, others than the classes."""
    classes = list(imagenet_classes())
    random.Random(SEED).shuffle(classes)
    return classes[:CLASSES], [label.replace("_", " ") for _, label in classes[CLASSES : CLASSES + WORDS]]


def write_sheet(path: Path) -> None:
    """The sheet for a reader: class or word, tab, one word of its list."""
    classes, words = sample()
    rows = [(wnid, word) for wnid, label in classes for word in hyponyms_of_class(wnid, label, HyponymSettings()).words]
    rows += [(word, kind) for word in words for kind in hyponyms_of_word(word, WORD).words]
    path.write_text("".join(f"{name}\t{word}\n" for name, word in rows), encoding="utf-8", newline="\n")
    print(f"{len(rows)} words of {len(classes) + len(words)} lists written to {path}")


def main() -> None:
    if sys.argv[1:2] == ["--sheet"]:
        write_sheet(Path(sys.argv[2]))
        return
    lists = lists_of_classes()
    words = {word for found in lists.values() for word in found.words}
    lengths = [len(found.words) for found in lists.values()]
    labels = [label.replace("_", " ") for _, label in imagenet_classes()]
    print(f"lists: {len(lists)}; median length {statistics.median(lengths):g} (bar: 8)")
    print(f"up to 3 words: {sum(length < 4 for length in lengths)}; one word: {lengths.count(1)}")
    print(f"doubled names: {len({word for word in words if is_doubled(word)} - OWN_NAMES_THAT_REPEAT)} (bar: 0)")
    print(f"class missing: {sum(not holds_itself(wnid, found.words) for wnid, found in lists.items())} (bar: 0)")
    print(f"unfit by the pack's list: {sum(map(is_unfit, words))} (bar: 0)")
    print(f"labels that give sisters without themselves: {sum(map(gives_sisters, labels))} (bar: 0)")
    readers = sorted(JUDGED.glob("*.tsv"))
    if len(readers) < 2:
        print(
            f"misread words: not measured; {len(readers)} of 2 readings stand in {JUDGED.name}/ (bar: 3 % of the lists)"
        )
        return
    classes, judged_words = sample()
    share = misread_share(readers, {wnid for wnid, _ in classes} | set(judged_words))
    print(f"lists with a misread word: {share:.1%} (bar: 3 %)")


if __name__ == "__main__":
    main()
