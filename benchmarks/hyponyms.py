"""How good the lists of hyponyms are, by a fixed rubric: what a program can count, and what readers have judged.

Run as `python benchmarks/hyponyms.py` for the counts over the 1,000 ImageNet classes and their labels typed as words,
and over the words of benchmarks/hyponyms_judged/words.txt; `--sheet FILE` writes what is to be judged of the lists of
300 classes and 200 words, one word a line; `--chunks FOLDER DEB` what nobody has read of the lists of all classes and
words, with WordNet's glosses from Debian's package wordnet-base 1:3.0-37; `--fresh FOLDER DEB` the lists of 200 nouns
that stand in none of these lists, drawn by a seed.

The rubric. A reader marks a word as misread if most pictures that its bare name finds show another thing than a kind
of the class. Two readers judge without sight of each other's marks; a word that one of them marks counts as misread.
Readers a and b read the lists as they were, c and d the words that came in when the names followed a's and b's marks.
Readers e and f read the lists of 150 other classes after that, g and h those of 100 more and of 50 words when the rules
had changed.
What they read is kept in benchmarks/hyponyms_judged/sheet.tsv (class or word, tab, a word of its list), their marks in
reader_NAME.tsv there (the same, tab, what most pictures of that word show). A mark counts while its word is listed;
words that no reader has seen are counted beside it, and `--sheet FILE` writes these alone.
What readers of chunks have read stands in kinds_read.tsv (wnid of the kind, tab, its name in the list), what one of the
two marked in kinds_marked.tsv (the same, tab, what most pictures of that name show). The lists of 200 nouns that were
drawn then, by the rules alone, stand in fresh_read.tsv (noun, tab, a name of its list, tab, its wnid, tab, what one of
two other readers said that most pictures of the name show, or nothing): how good lists are that nobody has read.
Two more samples have the same columns. second_sample_classes_read.tsv: 150 classes of ImageNet that are not in the
sheet; second_sample_nouns_read.tsv: 200 nouns drawn by a seed from those of 2,304 common ones of which nobody had read
a list, without those that no one would want pictures of (12 of them are labels of ImageNet too; which list is whose was
told afterwards by whether the class stands in it beside its kinds; none of the 12 is marked). One reader read both
twice, the second time as shuffled names. Then one reader read the lists of 5,800 nouns more, without a second one:
their names stand in the files above. third_sample_read.tsv: 230 nouns of what was left after that, once.
"""

from __future__ import annotations

import csv
import random
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JUDGED = Path(__file__).resolve().parent / "hyponyms_judged"
SHEET = JUDGED / "sheet.tsv"
READ, MARKED = JUDGED / "kinds_read.tsv", JUDGED / "kinds_marked.tsv"
SAMPLES = [
    JUDGED / f"{name}_read.tsv" for name in ("fresh", "second_sample_classes", "second_sample_nouns", "third_sample")
]
sys.path.insert(0, str(ROOT))

from tools.dev.pack import load_pack  # noqa: E402
from tools.make_wordnet import DICTIONARY, unpack  # noqa: E402

load_pack()

from hyponet.nodes.hyponyms.hyponyms import (  # noqa: E402
    Hyponyms,
    HyponymSettings,
    hyponyms_of_class,
    hyponyms_of_word,
)
from hyponet.nodes.hyponyms.kinds import is_broad, why_unpictured  # noqa: E402
from hyponet.nodes.hyponyms.refused_words import has_list  # noqa: E402
from hyponet.nodes.hyponyms.senses import find_sense  # noqa: E402
from hyponet.nodes.hyponyms.shipped_data import imagenet_classes, kind_names  # noqa: E402
from hyponet.nodes.hyponyms.spelling import fold, is_doubled  # noqa: E402
from hyponet.nodes.hyponyms.taxonomy import taxonomy  # noqa: E402
from hyponet.nodes.hyponyms.unfit import is_unfit  # noqa: E402

OWN_NAMES_THAT_REPEAT = {"chow chow", "bunya bunya tree"}
CLASSES, WORDS, SEED = 300, 200, 0
FRESH = 200
DEPICTABLE = ("animal", "artifact", "food", "object", "plant")  # WordNet's topics of the nouns that are drawn
USES = 3  # glosses that have such a noun, where no text was tagged with it
CHUNK = 600  # lines of a chunk, at least
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


def vocabulary() -> dict[str, Hyponyms]:
    """wnid of a class of ImageNet, or a word -> its list: all that is read but the words that are refused as unfit."""
    words = (JUDGED / "words.txt").read_text(encoding="utf-8").splitlines()
    return lists_of_classes() | {word: found for word in words if (found := list_of(word))}


def list_of(word: str) -> Hyponyms | None:
    """The kinds of a word; None where the word means what is no subject of pictures."""
    sense = find_sense(taxonomy(), word)
    return hyponyms_of_word(word, WORD) if has_list(taxonomy(), sense.synset, sense.word or word) else None


def read_kinds(lists: Mapping[str, Hyponyms]) -> set[tuple[str, str]]:
    """(wnid of a kind, its name) of what two readers have read, in chunks or in the sheet."""
    sheet = rows_of(SHEET)
    pairs = (
        (name, word, kind) for name, found in lists.items() for word, kind in zip(found.words, found.kinds, strict=True)
    )
    return rows_of(READ) | {(kind, word) for name, word, kind in pairs if (name, word) in sheet}


def write_chunks(folder: Path, package: Path, lists: Mapping[str, Hyponyms], stem: str) -> None:
    """What nobody has read of the lists, in files of about CHUNK lines, the lines of one list together.

    Columns: number, class word, name in the list, wnid of the kind, its names in WordNet, its gloss.
    """
    noun = unpack(package)[DICTIONARY + "data.noun"]
    labels = dict(imagenet_classes())
    skip = read_kinds(lists)
    chunks: list[list[str]] = [[]]
    names = sorted(lists)
    random.Random(SEED).shuffle(names)
    for name in names:
        if len(chunks[-1]) >= CHUNK:
            chunks.append([])
        for word, kind in zip(lists[name].words, lists[name].kinds, strict=True):
            if (kind, word) in skip:
                continue
            skip.add((kind, word))
            line = noun[int(kind[1:]) : noun.index(b"\n", int(kind[1:]))].decode("latin-1")
            lemmas = ", ".join(taxonomy().synset(kind).lemmas).replace("_", " ")
            label = labels.get(name, name).replace("_", " ")
            row = (str(len(chunks[-1]) + 1), label, word, kind, lemmas, line.partition("| ")[2].strip())
            chunks[-1].append("\t".join(row) + "\n")
    for number, rows in enumerate(chunks, 1):
        path = folder / (f"{stem}.tsv" if len(chunks) == 1 else f"{stem}{number:02d}.tsv")
        path.write_text("".join(rows), encoding="utf-8", newline="\n")
    print(f"{sum(map(len, chunks))} lines in {len(chunks)} files written to {folder}")


def fresh_nouns(lists: Mapping[str, Hyponyms]) -> list[str]:
    """FRESH nouns that people use, of what can be depicted, that stand in none of the lists: drawn by SEED."""
    tree = taxonomy()
    kinds = {kind for found in lists.values() for kind in (*found.kinds, found.synset)}
    names = {fold(word) for name, found in lists.items() for word in (name, *found.words)}
    nouns = []
    for lemma in tree.reader.words():
        word, senses = lemma.replace("_", " "), tree.senses(lemma)
        is_used = any(sense.count_of(word) for sense in senses) or tree.uses(word)[0] >= USES
        if not is_used or not lemma.replace("_", "").isalpha() or is_unfit(word) or fold(word) in names:
            continue
        synset = find_sense(tree, word).synset
        is_class = {senses[0].topic, synset.topic} <= set(DEPICTABLE)
        is_class &= not (synset.instance_hypernyms or is_broad(synset.id))
        if is_class and synset.id not in kinds and not why_unpictured(tree, synset, ()):
            nouns.append(word)
    return random.Random(SEED).sample(sorted(nouns), FRESH)


def report_classes(lists: Mapping[str, Hyponyms]) -> None:
    """Prints what a program can count of the lists of the 1,000 classes, and what readers judged of the 500 lists."""
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


def report_vocabulary(lists: Mapping[str, Hyponyms]) -> None:
    """Prints how many of the lists of all classes and words have a name that a reader of chunks marked."""
    named = {name: set(zip(found.kinds, found.words, strict=True)) for name, found in lists.items()}
    marked, read = rows_of(MARKED), read_kinds(lists)
    all_named = set[tuple[str, str]]().union(*named.values())
    words = {word for _, word in all_named}
    misread = sum(not names.isdisjoint(marked) for names in named.values())
    lengths = statistics.median(len(found.words) for found in lists.values())
    print(f"classes and words: {len(lists)} lists of {len(all_named)} names, median length {lengths:g}")
    print(f"with a name that one of two readers marked: {misread / len(lists):.1%} (bar: 3 %)")
    print(f"names that no reader has seen: {len(all_named - read)}")
    print(f"doubled: {len(set(filter(is_doubled, words)) - OWN_NAMES_THAT_REPEAT)}; unfit: {sum(map(is_unfit, words))}")


def report_sample(path: Path, listed: set[tuple[str, str]]) -> None:
    """Prints how many of the lists of a sample had a name that a reader marked, and how many of them still have it."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    marked = {row[0] for row in rows if row[3]}
    left = {row[0] for row in rows if row[3] and (row[2], row[1]) in listed}
    lists, names = Counter(row[0] for row in rows), sum(bool(row[3]) for row in rows)
    several = [name for name, count in lists.items() if count > 1]
    print(f"{path.stem}: {len(lists)} lists of {len(rows)} names, {names} of them marked")
    print(
        f"with a marked name: {len(marked) / len(lists):.1%} when drawn, {len(left) / len(lists):.1%} as they are; of "
        f"{len(several)} lists of several names {sum(name in marked for name in several) / len(several):.1%}"
    )


def main() -> None:
    if sys.argv[1:2] == ["--fresh"]:
        nouns = fresh_nouns(vocabulary())
        lists = {word: hyponyms_of_word(word, WORD) for word in nouns}
        write_chunks(Path(sys.argv[2]), Path(sys.argv[3]), lists, "fresh")
        return
    if sys.argv[1:2] == ["--chunks"]:
        write_chunks(Path(sys.argv[2]), Path(sys.argv[3]), vocabulary(), "chunk")
        return
    if sys.argv[1:2] == ["--sheet"]:
        write_sheet(Path(sys.argv[2]))
        return
    report_classes(lists_of_classes())
    lists = vocabulary()
    report_vocabulary(lists)
    listed = {pair for found in lists.values() for pair in zip(found.kinds, found.words, strict=True)}
    for path in SAMPLES:
        report_sample(path, listed)


if __name__ == "__main__":
    main()
