"""How good the lists of hyponyms are, by a fixed rubric: what a program can count, and what readers have judged.

Run as `python benchmarks/hyponyms.py` for the counts over the 1,000 ImageNet classes and their labels typed as words;
`--sheet FILE` writes what is to be judged of the lists of 300 classes and 200 words, one word a line.

The rubric. A reader marks a word as misread if most pictures that its bare name finds show another thing than a kind
of the class. Two readers judge without sight of each other's marks; a word that one of them marks counts as misread.
Readers a and b read the lists as they were, c and d the words that came in when the names followed a's and b's marks.
Readers e and f read the lists of 150 other classes after that, g and h those of 100 more and of 50 words when the rules
had changed; their marks count for no share that is printed here.
What they read is kept in benchmarks/hyponyms_judged/sheet.tsv (class or word, tab, a word of its list), their marks in
reader_NAME.tsv there (the same, tab, what most pictures of that word show). A mark counts while its word is listed;
words that no reader has seen are counted beside it, and `--sheet FILE` writes these alone.
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
SHEET = JUDGED / "sheet.tsv"
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
    beginnings = {fold(" ".join(word.split()[:size])) for word in words for size in range(1, len(word.split()) + 1)}
    return not beginnings.isdisjoint(names - {""})


def gives_sisters(word: str) -> bool:
    """Whether a word typed into Hyponyms of Word gives the kinds of something else, and not itself."""
    found = hyponyms_of_word(word, WORD)
    return found.synset not in {sense.id for sense in taxonomy().lookup(word)} and fold(word) not in map(
        fold, found.words
    )


def rows_of(path: Path) -> set[tuple[str, str]]:
    """(class or word, a word of its list) of every line of a file."""
    with path.open(encoding="utf-8", newline="") as file:
        return {(row[0], row[1]) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row}


def misread_share(readers: list[Path], listed: set[tuple[str, str]], count: int) -> float:
    """The share of `count` lists in which one of the readers marked a word that is still listed."""
    marked = set[tuple[str, str]]().union(*map(rows_of, readers))
    return len({name for name, _ in marked & listed}) / count


def sample() -> tuple[list[tuple[str, str]], list[str]]:
    """The 300 classes and the 200 words that are judged; the words are labels too, others than the classes."""
    classes = list(imagenet_classes())
    random.Random(SEED).shuffle(classes)
    return classes[:CLASSES], [label.replace("_", " ") for _, label in classes[CLASSES : CLASSES + WORDS]]


def listed_words() -> set[tuple[str, str]]:
    """(class or word, a word of its list) of the lists that are judged."""
    classes, words = sample()
    lists = {wnid: hyponyms_of_class(wnid, label, HyponymSettings()) for wnid, label in classes}
    lists |= {word: hyponyms_of_word(word, WORD) for word in words}
    return {(name, word) for name, found in lists.items() for word in found.words}


def unread(listed: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What of it no reader has seen."""
    return listed - (rows_of(SHEET) if SHEET.is_file() else set())


def write_sheet(path: Path) -> None:
    """The sheet for a reader: class or word, tab, one word of its list."""
    rows = sorted(unread(listed_words()))
    path.write_text("".join(f"{name}\t{word}\n" for name, word in rows), encoding="utf-8", newline="\n")
    print(f"{len(rows)} words of {len({name for name, _ in rows})} lists written to {path}")


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
    readers = sorted(JUDGED.glob("reader_*.tsv"))
    listed = listed_words()
    share = misread_share(readers, listed, CLASSES + WORDS)
    print(f"lists with a word that one of {len(readers)} readers marked: {share:.1%} (bar: 3 %, of two readers)")
    print(f"words that no reader has seen: {len(unread(listed))} of {len(listed)}")


if __name__ == "__main__":
    main()
