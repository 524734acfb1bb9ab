"""Wildcard folders and collections: from a name in a template to its list of options.

Reads .txt and .yaml files below the given folders; writes nothing. Names are NFC, compared without case; a file
`plants/tree.txt` is `plants/tree`. The first folder that has a name wins, so a user's file replaces a shipped one.
"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..language.errors import SourceLocation, TemplateError, nearest
from ..language.names import key_of
from .collection import Entry, read_collection
from .lines import line_number, read_lines

EXTENSIONS = (".txt", ".yaml", ".yml")
_GLOB = re.compile(r"[*?\[]")
_MIN_CACHED = 1 << 20  # bytes; smaller files are hashed every time, in less than a millisecond


@dataclass(frozen=True)
class WildcardList:
    """One list of options.

    Args:
        name: how a template names it.
        source: its file, relative to the wildcard folder, as picks and errors show it.
        lines: the options as written, weights too, in the order of the file.
        path: the file, None for a list out of a plan.
        numbers: the line of each option; empty where it is counted when needed.
    """

    name: str
    source: str
    lines: Sequence[str]
    path: Path | None = None
    numbers: tuple[int, ...] = field(default=(), repr=False)

    def line_of(self, index: int) -> int:
        """The line of option `index` in its file, from 1."""
        if self.numbers:
            return self.numbers[index]
        return line_number(self.path.read_bytes(), index) if self.path else index + 1


@dataclass(frozen=True)
class _File:
    path: Path
    source: str
    entry: Entry | None = None


class Library:
    """The wildcards of some folders, in the order of search, or of lists given outright.

    Args:
        roots: folders; those that are missing are skipped.
        lists: from a name to its source and its lines, as a saved plan holds them.
    """

    def __init__(
        self, roots: Sequence[Path] = (), lists: Mapping[str, tuple[str, Sequence[str]]] | None = None
    ) -> None:
        self.roots = tuple(roots)
        self._loaded: dict[str, WildcardList] = {}
        self._index: dict[str, tuple[str, _File]] | None = None
        self._other_names: dict[str, tuple[str, _File]] = {}
        self.broken: list[TemplateError] = []
        for name, (source, lines) in (lists or {}).items():
            self._loaded[key_of(name)] = WildcardList(name, source, tuple(lines))

    def names(self) -> list[str]:
        """Every name that a template may use, sorted."""
        names = {key: name for key, (name, _) in self._files().items()}
        names.update((key, wildcards.name) for key, wildcards in self._loaded.items() if wildcards.path is None)
        return sorted(names.values())

    def get(self, name: str) -> WildcardList | None:
        """The list of that name, None if there is none.

        Raises:
            TemplateError: its file is not UTF-8 text.
        """
        key = key_of(name)
        if key not in self._loaded:
            file = self._files().get(key) or self._other_names.get(key)
            if file is None:
                return None
            self._loaded[key] = _load(*file)
        return self._loaded[key]

    def find(self, name: str) -> list[WildcardList]:
        """The list of that name, or every list that the glob `name` matches, sorted by name; [] if there is none."""
        exact = self.get(name)
        if exact is not None:
            return [exact]
        if not _GLOB.search(name):
            return []
        pattern = re.compile(fnmatch.translate(key_of(name)))
        matches = [match for match in self.names() if pattern.match(key_of(match))]
        if not matches and name.startswith("*/"):  # of Impact Pack: a file in any folder, or in none
            return self.find(name[2:])
        return [wildcards for wildcards in map(self.get, matches) if wildcards is not None]

    def require(
        self, name: str, location: SourceLocation, offset: int = 0, reserved: Iterable[str] = ()
    ) -> list[WildcardList]:
        """What `find` gives, at least one list.

        Args:
            name: a name or a glob.
            location, offset: where it is written, for the error.
            reserved: names that are no wildcards and yet could have been meant.

        Raises:
            TemplateError: there is none; the message has the nearest name, and says which collections cannot be read.
        """
        lists = self.find(name)
        if lists:
            return lists
        how = "expected the name of a wildcard file" + nearest(name, [*reserved, *self.names()])
        if self.broken:
            how += f"; {len(self.broken)} collections cannot be read, first {self.broken[0].source}"
        raise TemplateError(f"no wildcard named {name[:200]}", how, location, offset)

    def content_key(self, names: Iterable[str] | None = None) -> str:
        """A hash that changes when a file behind one of `names` changes, or any file where `names` is None."""
        digest = hashlib.blake2b(digest_size=16)
        files = self._files()
        if names is None:
            keys = set(files)
        else:
            keys = {key_of(wildcards.name) for name in names for wildcards in self.find(name)}
        for key in sorted(keys):
            _, file = files.get(key) or self._other_names.get(key) or ("", None)
            if file:
                digest.update(f"{key}\0{file.source}\0{_content_digest(file.path)}\0".encode())
        return digest.hexdigest()

    def _files(self) -> dict[str, tuple[str, _File]]:
        if self._index is None:
            self._index = {}
            for root in self.roots:
                for path, source in _walk(root):
                    self._add(path, source)
        return self._index

    def _add(self, path: Path, source: str) -> None:
        assert self._index is not None
        name = unicodedata.normalize("NFC", os.path.splitext(source)[0])
        if path.suffix.lower() == ".txt":
            self._index.setdefault(key_of(name), (name, _File(path, source)))
            return
        try:
            entries = _entries(path.read_bytes(), source)
        except TemplateError as error:
            self.broken.append(error)
            return
        folder = name.rpartition("/")[0]
        for entry in entries:
            keys = unicodedata.normalize("NFC", entry.keys)
            file = _File(path, source, entry)
            self._index.setdefault(key_of(keys or name), (keys or name, file))
            # folder/colors.yaml with warm in it: warm, which the lists show, and folder/warm and folder/colors/warm
            for alias in (f"{folder}/{keys}" if folder else keys, f"{name}/{keys}") if keys else ():
                self._other_names.setdefault(key_of(alias), (alias, file))


def _walk(root: Path) -> Iterator[tuple[Path, str]]:
    """Every wildcard file below `root` with its relative name, sorted; each folder once.

    `root` may be a link, and links inside it are followed, but not out of it: such a folder is listed as `wildcards`
    in extra_model_paths.yaml instead.
    """
    base = os.path.realpath(root)
    visited: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in visited or not _is_inside(base, real):
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix.lower() not in EXTENSIONS or name.startswith("."):
                continue
            if not path.is_symlink() or _is_inside(base, os.path.realpath(path)):
                yield path, path.relative_to(root).as_posix()


def _is_inside(base: str, path: str) -> bool:
    return path == base or path.startswith(base.rstrip(os.sep) + os.sep)


def _load(name: str, file: _File) -> WildcardList:
    if file.entry is not None:
        return WildcardList(name, file.source, file.entry.options, file.path, file.entry.numbers)
    return WildcardList(name, file.source, read_lines(file.path.read_bytes(), file.source), file.path)


@functools.lru_cache(maxsize=256)
def _entries(data: bytes, source: str) -> tuple[Entry, ...]:
    return read_collection(data, source)


def _content_digest(path: Path) -> str:
    """A hash of the file's bytes; of a large one kept for as long as its size and time stay."""
    stat = path.stat()
    if stat.st_size < _MIN_CACHED:
        return _digest(str(path))
    return _cached_digest(str(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _cached_digest(path: str, size: int, modified: int) -> str:
    return _digest(path)


def _digest(path: str) -> str:
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
