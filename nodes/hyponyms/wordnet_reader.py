"""WordNet 3.0's nouns out of a zip archive, read by NLTK: the senses of a word, and each synset with its relations.

A user's own NLTK data is neither needed nor touched. NLTK has no public way to read an archive from elsewhere, nor the
order of a synset's relations, nor all words: what is used of its internals stands in this file alone, and another NLTK
that lacks some of it is refused with a sentence that says which versions have it.
"""

from __future__ import annotations

import gc
import io
import threading
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .synset import Synset

TESTED_NLTK = "3.9.1 to 3.10.4"

# usage domains whose members stay out of every list: slang, obscenity, ethnic slur
UNFIT_USAGE = {
    "n07157273": "slang",
    "n07124340": "obscene",
    "n06718862": "an ethnic slur",
}

# what NLTK's reader must have: the first three methods are overridden, the others called, the attributes read
_METHODS = ("open", "map_wn", "_synset_from_pos_and_line", "synset_from_pos_and_offset", "synsets", "_morphy")
_ATTRIBUTES = ("_lemma_pos_offset_map", "_synset_offset_cache")

_Pointer = tuple[str, str, str]  # its symbol, the wnid that it leads to, the number of the word that has it ("00": all)


class NounReader:
    """The nouns of an archive. Synsets are known by their byte offset here; safe to ask from several threads.

    Attributes:
        nltk: NLTK's reader of the archive.

    Raises:
        ImportError: NLTK is not installed, or is none that this works with.
    """

    def __init__(self, archive: Path) -> None:
        self.nltk = _open_nltk(archive)
        self._lock = threading.Lock()
        self._counts = _tag_counts(archive)
        self._uses = _word_uses(archive)

    def words(self) -> Iterable[str]:
        """Every lemma, in lower case, spaces as underscores."""
        lemmas: Iterable[str] = self.nltk._lemma_pos_offset_map
        return lemmas

    def senses(self, key: str) -> list[int]:
        """The synsets of exactly this word, the most frequent first."""
        offsets: list[int] = self.nltk._lemma_pos_offset_map.get(key, {}).get("n", [])
        return offsets

    def uses(self, key: str) -> tuple[int, int]:
        """How many of WordNet's glosses have a noun, and how often texts have it as no noun (-1: it is one only)."""
        return self._uses.get(key, (0, -1))

    def lookup(self, key: str) -> list[int]:
        """The synsets of a word or of its base forms ("ships" -> ship), as NLTK's wn.synsets finds them."""
        with self._lock:
            return [synset.offset() for synset in self.nltk.synsets(key, pos="n")]

    def base_forms(self, key: str) -> list[str]:
        """The words that `key` may be a form of ("ships": ship), itself where it is one."""
        forms: list[str] = self.nltk._morphy(key, "n")
        return forms

    def synset(self, offset: int) -> Synset | None:
        """The synset at a byte offset; None where none begins there."""
        with self._lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NLTK warns, then returns None, where there is no synset
            synset = self.nltk.synset_from_pos_and_offset("n", offset)
            if synset is None:
                return None
            self.nltk._synset_offset_cache["n"].pop(offset, None)  # ours is a tenth of the size of NLTK's
            pointers = self.nltk.pointers_in_order.get(offset)
        if pointers is None:
            raise _unsupported("an override of _synset_from_pos_and_line that it calls")
        return _synset(synset, pointers, self._counts)


def _tag_counts(archive: Path) -> dict[str, int]:
    """From a sense key ("cat%1:05:00::") to how often that sense was tagged in texts (cntlist(5WN))."""
    with zipfile.ZipFile(archive) as files:
        lines = files.read("wordnet/cntlist.rev").decode("ascii").splitlines()
    return {key: int(count) for key, _, count in map(str.split, lines)}


def _word_uses(archive: Path) -> dict[str, tuple[int, int]]:
    """From a noun that can be pictured to what `NounReader.uses` says of it."""
    with zipfile.ZipFile(archive) as files:
        lines = files.read("wordnet/uses.txt").decode("ascii").splitlines()
    return {word: (int(used), int(other)) for word, used, other in map(str.split, lines)}


def _synset(synset: Any, pointers: list[_Pointer], counts: dict[str, int]) -> Synset:
    """NLTK's synset as ours; `pointers` are its own in the order of the file."""
    lemmas = tuple(synset.lemma_names())

    def related(symbol: str) -> tuple[str, ...]:
        return tuple(target for kind, target, _ in pointers if kind == symbol)

    marks = []
    for kind, target, word in pointers:
        if kind == ";u" and target in UNFIT_USAGE:
            marked = lemmas if word == "00" else (lemmas[int(word, 16) - 1],)
            marks += [(lemma, UNFIT_USAGE[target]) for lemma in marked]
    return Synset(
        id=f"n{synset.offset():08d}",
        name=synset.name(),
        lemmas=lemmas,
        hypernyms=related("@"),
        instance_hypernyms=related("@i"),
        hyponyms=related("~"),
        marks=tuple(marks),
        counts=tuple(counts.get(lemma.key(), 0) for lemma in synset.lemmas()),
        topic=synset.lexname().removeprefix("noun."),
    )


def _open_nltk(archive: Path) -> Any:
    try:
        from nltk.corpus.reader.wordnet import WordNetCorpusReader
        from nltk.data import ZipFilePathPointer
    except (ImportError, LookupError) as error:  # nltk 3.9 itself asks for a user's data when it is imported
        how = f"expected one of the versions {TESTED_NLTK}; install it with: pip install nltk"
        raise ImportError(f"WordNet needs the package nltk, which cannot be imported; {how}") from error
    _require(WordNetCorpusReader, _METHODS)

    class Reader(WordNetCorpusReader):  # type: ignore[misc]
        """NLTK's reader, which also keeps the order of a synset's pointers (NLTK holds them in sets)."""

        pointers_in_order: dict[int, list[_Pointer]] = {}

        def open(self, file: str) -> io.StringIO:
            """One file of the archive. NLTK's own way needs a global search path, and refuses group-writable files."""
            with zipfile.ZipFile(archive) as files:
                return io.StringIO(files.read(f"wordnet/{file}").decode("ascii"))

        def map_wn(self, version: str = "wordnet") -> None:
            """None: NLTK would look for a second WordNet among the user's data."""

        def _synset_from_pos_and_line(self, pos: str, data_file_line: str) -> Any:
            # offset, file, type, number of words (hex), word and id each, number of pointers, four fields each:
            # symbol, offset, part of speech, source and target word (wndb(5WN))
            fields = data_file_line.partition("|")[0].split()
            count = 4 + 2 * int(fields[3], 16)
            self.pointers_in_order[int(fields[0])] = [
                (fields[i], f"n{fields[i + 1]}", fields[i + 3][:2])
                for i in range(count + 1, count + 1 + 4 * int(fields[count]), 4)
                if fields[i + 2] == "n"
            ]
            return super()._synset_from_pos_and_line(pos, data_file_line)

    collecting = gc.isenabled()
    gc.disable()  # 300,000 small objects make the collector walk all of torch's again and again: twice as long
    try:
        with warnings.catch_warnings(), zipfile.ZipFile(archive) as files:
            warnings.simplefilter("ignore")  # NLTK warns that there is no multilingual data
            reader = Reader(ZipFilePathPointer(files, "wordnet/"), None)
    finally:
        if collecting:
            gc.enable()
    _require(reader, _ATTRIBUTES)
    return reader


def _require(reader: object, names: Iterable[str]) -> None:
    missing = [name for name in names if not hasattr(reader, name)]
    if missing:
        raise _unsupported(", ".join(missing))


def _unsupported(missing: str) -> ImportError:
    import nltk

    return ImportError(
        f"nltk is {nltk.__version__}, whose WordNet reader lacks {missing}; expected one of the versions that this was "
        f"tested with, {TESTED_NLTK}; install one: pip install nltk=={TESTED_NLTK.split()[-1]}"
    )
