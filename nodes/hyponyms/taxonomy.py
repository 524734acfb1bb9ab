"""WordNet 3.0's nouns: synsets by name or wnid, senses of a word, and what lies under what.

Reads data/wordnet30_nouns.zip through NLTK's WordNetCorpusReader, lazily; writes nothing. A user's own NLTK data is
neither needed nor touched. A wnid, as ImageNet has it, is "n" and the eight digits of the synset's byte offset in
WordNet 3.0's data.noun.
Source: G. A. Miller, "WordNet: A Lexical Database for English", Communications of the ACM 38(11), 1995.
"""

from __future__ import annotations

import difflib
import functools
import gc
import io
import re
import threading
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent / "data"

# usage domains whose members stay out of every list: slang, obscenity, ethnic slur
UNFIT_USAGE = {
    "n07157273": "slang",
    "n07124340": "obscene",
    "n06718862": "an ethnic slur",
}

_WNID = re.compile(r"n\d{8}")
_NAME = re.compile(r"[^\s]+\.n\.\d+")


@dataclass(frozen=True, slots=True)
class Synset:
    """One noun synset.

    Args:
        id: its wnid ("n02121808").
        name: NLTK's name ("domestic_cat.n.01").
        lemmas: its words, the most frequent first, spaces as underscores.
        hypernyms, instance_hypernyms, hyponyms: wnids in the order of WordNet's file.
        unfit: (lemma, reason) of what WordNet marks as slang, obscene or an ethnic slur.
    """

    id: str
    name: str
    lemmas: tuple[str, ...]
    hypernyms: tuple[str, ...]
    instance_hypernyms: tuple[str, ...]
    hyponyms: tuple[str, ...]
    unfit: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        """Its first lemma with spaces: "domestic cat"."""
        return self.lemmas[0].replace("_", " ")


class Taxonomy:
    """The noun hierarchy. Answers are cached; safe to ask from several threads."""

    def __init__(self, archive: Path) -> None:
        self._reader = _open_reader(archive)
        self._lock = threading.Lock()
        self._synsets: dict[str, Synset] = {}
        self._ancestors: dict[str, frozenset[str]] = {}

    def synset(self, name_or_id: str) -> Synset:
        """The synset of a wnid ("n02121808") or a name ("domestic_cat.n.01").

        Raises:
            ValueError: WordNet 3.0 has no such noun synset.
        """
        text = name_or_id.strip()
        if _WNID.fullmatch(text):
            return self._by_offset(int(text[1:]))
        if not _NAME.fullmatch(text):
            raise ValueError(f"synset is {text[:80]!a}; expected a name such as crane.n.05 or an id such as n02012849")
        lemma, _, number = text.lower().rsplit(".", 2)
        offsets = self._offsets(lemma)
        if not offsets:
            raise ValueError(self.unknown_word(lemma))
        if not 1 <= int(number) <= len(offsets):
            raise ValueError(
                f"{lemma!a} has {len(offsets)} noun senses; expected {lemma}.n.01 to .n.{len(offsets):02d}"
            )
        return self._by_offset(offsets[int(number) - 1])

    def senses(self, word: str) -> tuple[Synset, ...]:
        """The noun senses of exactly this word (spaces or underscores, any case), the most frequent first."""
        return tuple(self._by_offset(offset) for offset in self._offsets(word))

    def lookup(self, word: str) -> tuple[Synset, ...]:
        """The noun senses of a word or of its base forms ("ships" -> ship), as NLTK's wn.synsets finds them."""
        with self._lock:
            found = self._reader.synsets(_key(word), pos="n")
        return tuple(self._by_offset(synset.offset()) for synset in found)

    def ancestors(self, synset_id: str) -> frozenset[str]:
        """The wnids of all direct and indirect hypernyms, instance hypernyms included, without itself."""
        if synset_id not in self._ancestors:
            synset = self.synset(synset_id)
            above = (*synset.hypernyms, *synset.instance_hypernyms)
            self._ancestors[synset_id] = frozenset(above).union(*(self.ancestors(one) for one in above))
        return self._ancestors[synset_id]

    def is_under(self, synset_id: str, ancestor_id: str) -> bool:
        """Whether the first synset is the second or a hyponym of it at any depth."""
        return synset_id == ancestor_id or ancestor_id in self.ancestors(synset_id)

    def path(self, synset_id: str) -> tuple[Synset, ...]:
        """From the synset by first hypernyms up to entity, itself first."""
        chain = [self.synset(synset_id)]
        while above := (*chain[-1].hypernyms, *chain[-1].instance_hypernyms):
            chain.append(self.synset(above[0]))
        return tuple(chain)

    def unfit(self, lemma: str, *, exact_case: bool = False) -> str:
        """Why WordNet marks the lemma, in any of its noun senses, as unfit for a prompt; "" when it does not."""
        key = _key(lemma)
        for sense in self.senses(lemma):
            for marked, reason in sense.unfit:
                same = marked == lemma.replace(" ", "_") if exact_case else _key(marked) == key
                if same:
                    return reason
        return ""

    def unknown_word(self, word: str) -> str:
        """An error message for a word that WordNet lacks, with the nearest words that it has."""
        key = _key(word)
        alike = [one for one in self._reader._lemma_pos_offset_map if abs(len(one) - len(key)) <= 2]
        alike = [one for one in alike if one[:1] == key[:1]] or alike
        near = [one.replace("_", " ") for one in difflib.get_close_matches(key, alike, 5, 0.6)]
        hint = f"the nearest are: {', '.join(near)}" if near else "try a more common word"
        return f"word is {word[:80]!a}; expected a noun of WordNet 3.0; {hint}"

    def describe(self, synset: Synset) -> str:
        """A sense told apart without a gloss: its words, what it is a kind of, and up to three sister terms."""
        above = [self.synset(one) for one in (*synset.hypernyms, *synset.instance_hypernyms)]
        words = ", ".join(lemma.replace("_", " ") for lemma in synset.lemmas)
        text = f"{synset.name} ({synset.id}): {words}"
        if above:
            relation = "a kind of" if synset.hypernyms else "an instance of"
            text += f"; {relation} {', '.join(one.label for one in above)}"
            sisters = list(dict.fromkeys(self.synset(one).label for one in above[0].hyponyms if one != synset.id))[:3]
            if sisters:
                text += f", like {', '.join(sisters)}"
        return text

    def _offsets(self, word: str) -> list[int]:
        found: list[int] = self._reader._lemma_pos_offset_map.get(_key(word), {}).get("n", [])
        return found

    def _by_offset(self, offset: int) -> Synset:
        wnid = f"n{offset:08d}"
        if wnid not in self._synsets:
            with self._lock, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # NLTK warns, then returns None, where there is no synset
                found = self._reader.synset_from_pos_and_offset("n", offset)
            if found is None:
                raise ValueError(f"synset is {wnid}; expected the id of a noun of WordNet 3.0, as ImageNet's are")
            self._synsets[wnid] = _synset(found, self._reader.pointers_in_order[offset])
            self._reader._synset_offset_cache["n"].pop(offset, None)  # ours is a tenth of the size of NLTK's
        return self._synsets[wnid]


@functools.lru_cache(maxsize=1)
def taxonomy() -> Taxonomy:
    """The shipped WordNet, opened at the first call (about two seconds, most of it the import of NLTK)."""
    return Taxonomy(DATA / "wordnet30_nouns.zip")


@functools.lru_cache(maxsize=1)
def imagenet_classes() -> tuple[tuple[str, str], ...]:
    """(wnid, label) of the 1,000 ImageNet classes in the order of the models' outputs; labels have underscores."""
    lines = (DATA / "imagenet1k.txt").read_text(encoding="utf-8").splitlines()
    return tuple((wnid, label) for wnid, label in (line.split("\t") for line in lines))


def _key(word: str) -> str:
    return "_".join(word.strip().lower().replace("_", " ").split())


def _synset(found: Any, pointers: list[tuple[str, str, str]]) -> Synset:
    """`found`, NLTK's synset, as ours; `pointers` are its (symbol, wnid, source word) in file order."""
    lemmas = tuple(found.lemma_names())

    def related(symbol: str) -> tuple[str, ...]:
        return tuple(target for kind, target, _ in pointers if kind == symbol)

    unfit = []
    for kind, target, source in pointers:
        if kind == ";u" and target in UNFIT_USAGE:
            marked = lemmas if source == "00" else (lemmas[int(source, 16) - 1],)
            unfit += [(lemma, UNFIT_USAGE[target]) for lemma in marked]
    return Synset(
        id=f"n{found.offset():08d}",
        name=found.name(),
        lemmas=lemmas,
        hypernyms=related("@"),
        instance_hypernyms=related("@i"),
        hyponyms=related("~"),
        unfit=tuple(unfit),
    )


def _open_reader(archive: Path) -> Any:
    try:
        from nltk.corpus.reader.wordnet import WordNetCorpusReader
        from nltk.data import ZipFilePathPointer
    except ImportError as error:
        raise ImportError("WordNet needs the package nltk; install it with: pip install nltk") from error

    class NounReader(WordNetCorpusReader):  # type: ignore[misc]
        """NLTK's reader, which also keeps the order of a synset's pointers (NLTK holds them in sets)."""

        pointers_in_order: dict[int, list[tuple[str, str, str]]] = {}

        def open(self, file: str) -> io.StringIO:
            """One file of the archive. NLTK's own way needs a global search path, and refuses group-writable files."""
            with zipfile.ZipFile(archive) as files:
                return io.StringIO(files.read(f"wordnet/{file}").decode("ascii"))

        def map_wn(self, version: str = "wordnet") -> None:
            """None: NLTK would look for a second WordNet among the user's data."""

        def _synset_from_pos_and_line(self, pos: str, data_file_line: str) -> Any:
            fields = data_file_line.partition("|")[0].split()
            at = 4 + 2 * int(fields[3], 16)
            self.pointers_in_order[int(fields[0])] = [
                (fields[i], f"n{fields[i + 1]}", fields[i + 3][:2])
                for i in range(at + 1, at + 1 + 4 * int(fields[at]), 4)
                if fields[i + 2] == "n"
            ]
            return super()._synset_from_pos_and_line(pos, data_file_line)

    collecting = gc.isenabled()
    gc.disable()  # 300,000 small objects make the collector walk all of torch's again and again: twice as long
    try:
        with warnings.catch_warnings(), zipfile.ZipFile(archive) as files:
            warnings.simplefilter("ignore")  # NLTK warns that there is no multilingual data
            return NounReader(ZipFilePathPointer(files, "wordnet/"), None)
    finally:
        if collecting:
            gc.enable()
