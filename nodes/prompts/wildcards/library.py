"""Wildcard folders and collections: from a name in a template to its list of options.

Reads .txt, .yaml and .json files below the given folders; writes nothing. Names are NFC, compared without case; a file
`plants/tree.txt` is `plants/tree`. The first folder that has a name wins, so a user's file replaces a shipped one.
A name that no list has is looked for beside the list where it is written, then below every folder, where it must be
unique; then the same with everything but letters and digits taken as a dash, as Impact Pack does it.
"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import os
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..language.errors import SourceLocation, TemplateError, nearest
from ..language.names import key_of
from ..language.parser import parse
from ..language.syntax import Wildcard
from .collection import Collection, Entry, read_collection
from .lines import line_numbers, read_lines, readable
from .sizes import MAX_COUNTED, Size, size_of_file

EXTENSIONS = (".txt", ".yaml", ".yml", ".json")
_GLOB = re.compile(r"[*?\[]")
_NO_LETTER = re.compile(r"[^\w/*?\[\]]+|_+")  # what a loose key has a dash for; a glob keeps its signs
_FRESH = 2_000_000_000  # nanoseconds: the coarsest clock of a file system, FAT's
_MAX_LISTED = 5  # lists, or files, that one error names; a judgement


@dataclass(frozen=True)
class WildcardList:
    """One list of options.

    Args:
        name: how a template names it.
        source: its file, relative to the wildcard folder, as picks and errors show it.
        lines: the options as written, weights too, in the order of the file.
        path: the file, None for a list out of a plan.
        numbers: the line of each option; empty where it is counted when needed.
        left_out: why other lines of it cannot be used.
    """

    name: str
    source: str
    lines: Sequence[str]
    path: Path | None = None
    numbers: tuple[int, ...] = field(default=(), repr=False)
    left_out: tuple[TemplateError, ...] = ()

    def line_of(self, index: int) -> int:
        """The line of option `index` in its file, from 1."""
        numbers = self.numbers or self._numbers
        return numbers[index] if numbers else index + 1

    @functools.cached_property
    def _numbers(self) -> tuple[int, ...]:
        return line_numbers(readable(self.path.read_bytes(), self.source)[0]) if self.path else ()

    @property
    def folder(self) -> str:
        """Where names in its lines are looked for first."""
        return self.name.rpartition("/")[0]


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
        aliases: which of those names are no list's own: no glob matches them, see `is_alias`.

    Attributes:
        broken: why a file cannot be read, or a part of it that belongs to no one list, by the file's source.
        left_out: why lines of the lists that were asked for cannot be used, by the message (UsableLists fills it).
    """

    def __init__(
        self,
        roots: Sequence[Path] = (),
        lists: Mapping[str, tuple[str, Sequence[str]]] | None = None,
        aliases: Iterable[str] = (),
    ) -> None:
        self.roots = tuple(roots)
        self._loaded: dict[str, WildcardList] = {}
        self._index: dict[str, tuple[str, _File]] | None = None
        self._other_names: dict[str, tuple[str, _File]] = {}
        self.broken: dict[str, tuple[TemplateError, ...]] = {}
        self.left_out: dict[str, TemplateError] = {}
        for name, (source, lines) in (lists or {}).items():
            self._loaded[key_of(name)] = WildcardList(name, source, tuple(lines))
        self._given = {key: wildcards.name for key, wildcards in self._loaded.items()}
        self._given_aliases = frozenset(map(key_of, aliases))

    def names(self) -> list[str]:
        """The own name of every list, sorted."""
        names = {key: name for key, (name, _) in self._files().items()}
        names |= {key: name for key, name in self._given.items() if key not in self._given_aliases}
        return sorted(names.values())

    def sizes(self) -> dict[str, Size]:
        """How many options each list has, by its own name; without the lists of files that are large or unreadable."""
        sizes = {name: _size(file) for name, file in self._files().values()}
        return {name: size for name, size in sizes.items() if size is not None}

    def is_alias(self, name: str) -> bool:
        """Whether a list goes by that name as well, beside its own: folder/warm, of warm in folder/colors.yaml."""
        key = key_of(name)
        return key in self._given_aliases or (key not in self._files() and key in self._other_names)

    def get(self, name: str) -> WildcardList | None:
        """The list of that very name, None if there is none.

        Raises:
            TemplateError: its file is UTF-16.
        """
        key = key_of(name)
        if key not in self._loaded:
            file = self._files().get(key) or self._other_names.get(key)
            if file is None:
                return None
            self._loaded[key] = _load(*file)
        return self._loaded[key]

    def find(self, name: str, folder: str = "") -> list[WildcardList]:
        """The list of that name, or every list that the glob `name` matches, sorted by name; [] if there is none.

        Args:
            name: a name or a glob, also of one list below any folder; where several are, [].
            folder: where it is looked for after the whole name, that of the list in which it is written.
        """
        names = self._matches(name, folder)
        if len(names) > 1 and not _GLOB.search(name):
            return []
        return [wildcards for wildcards in map(self.get, names) if wildcards is not None]

    def require(self, name: str, location: SourceLocation, offset: int = 0) -> list[WildcardList]:
        """What `find` gives, at least one list.

        Args:
            name: a name or a glob.
            location, offset: where it is written, for the error; its folder is looked in as well.

        Raises:
            TemplateError: there is none, or several have that last part; the message names those, or the nearest, and
                what cannot be read.
        """
        lists = self.find(name, location.folder)
        if lists:
            return lists
        several = self._matches(name, location.folder)
        if several:
            listed = " and ".join(several[:_MAX_LISTED])
            listed += f" and {len(several) - _MAX_LISTED} more" if len(several) > _MAX_LISTED else ""
            what = f"wildcard {name[:200]}, which is the name of several lists: {listed},"
            raise TemplateError(what, f"write the folder too, as in __{several[0]}__", location, offset)
        how = "expected the name of a wildcard file" + self._nearest(name) + self._unread(name)
        raise TemplateError(f"no wildcard named {name[:200]}", how, location, offset)

    def _matches(self, name: str, folder: str) -> list[str]:
        """The names of the lists that `name` stands for; several where it is a glob, or not unique."""
        for whole in (name, f"{folder}/{name}" if folder else name):
            if key_of(whole) in self._loaded or key_of(whole) in self._files() or key_of(whole) in self._other_names:
                return [whole]
        if _GLOB.search(name):
            return self._glob_matches(name, folder)
        for names, key in zip(self._other_keys, (key_of(name), _loose_key(name), _loose_key(name)), strict=True):
            if key in names:
                return names[key]
        return []

    def _glob_matches(self, name: str, folder: str) -> list[str]:
        for glob in (name, f"{folder}/{name}" if folder else name, f"*/{name}"):
            pattern = re.compile(fnmatch.translate(key_of(glob)))
            matches = [match for match in self.names() if pattern.match(key_of(match))]
            if matches:
                return matches
        return self._matches(name[2:], folder) if name.startswith("*/") else []  # of Impact Pack: in any folder or none

    @functools.cached_property
    def _other_keys(self) -> tuple[dict[str, list[str]], ...]:
        """To names from their ends, as g/y and y of f/g/y; from their loose keys; and from the ends of those."""
        files = [*self._files().values(), *self._other_names.values()]
        lists = [(name, id(file.entry or file)) for name, file in files]  # each list under all its names, the own first
        lists += [(name, hash(key)) for key, name in self._given.items()]
        ends: dict[str, dict[int, str]] = {}  # to one name of each list
        loose: dict[str, dict[int, str]] = {}
        loose_ends: dict[str, dict[int, str]] = {}
        for name, number in lists:
            loose.setdefault(_loose_key(name), {}).setdefault(number, name)
            for keys, key in ((ends, key_of(name)), (loose_ends, _loose_key(name))):
                while "/" in key:
                    key = key.partition("/")[2]
                    keys.setdefault(key, {}).setdefault(number, name)
        return tuple({key: sorted(names.values()) for key, names in keys.items()} for keys in (ends, loose, loose_ends))

    def _nearest(self, name: str) -> str:
        """How an error names the list that is most like `name`, or whose last part is like its last part."""
        names = self.names()
        whole = nearest(name, names)
        if whole:
            return whole
        ends = {match.rpartition("/")[2]: match for match in names}
        end = nearest(name.rpartition("/")[2], ends)
        return f"; the nearest is {ends[end.rpartition(' is ')[2]]}" if end else ""

    def _unread(self, name: str) -> str:
        """What of the files cannot be read, first of one that may hold `name`: where a mistake hides a list."""
        if not self.broken:
            return ""
        parts = key_of(name).split("/")
        sources = sorted(self.broken, key=lambda source: key_of(Path(source).stem) not in parts)
        messages = [str(self.broken[source][0]).partition("\n")[0] for source in sources[:_MAX_LISTED]]
        tail = f" and {len(sources) - _MAX_LISTED} more files" if len(sources) > _MAX_LISTED else ""
        return f"; not read: {' / '.join(messages)}{tail}"

    def mention(self, name: str) -> str:
        """How a template names the list `name`; "" where it cannot, since another list has the name that is left."""
        texts = (text for text in writable_names(name) if self.find(text) == self.find(name))
        return next((f"__{text}__" for text in texts), "")

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
            collection = _collection(path, source)
        except TemplateError as error:
            self.broken[source] = (error,)
            return
        if collection.left_out:
            self.broken[source] = collection.left_out
        folder = name.rpartition("/")[0]
        for entry in collection.entries:
            keys = unicodedata.normalize("NFC", entry.keys)
            file = _File(path, source, entry)
            self._index.setdefault(key_of(keys or name), (keys or name, file))
            # folder/colors.yaml with warm in it: warm, which the lists show, and folder/warm and folder/colors/warm
            for alias in (f"{folder}/{keys}" if folder else keys, f"{name}/{keys}") if keys else ():
                self._other_names.setdefault(key_of(alias), (alias, file))


def writable_names(name: str) -> list[str]:
    """How a template may write the name of a list: as it is, with dashes, both or neither."""
    names = []
    for text in (name, _loose_key(name)):
        try:
            nodes = parse(f"__{text}__")
        except TemplateError:
            continue
        if len(nodes) == 1 and isinstance(nodes[0], Wildcard) and nodes[0].name == text:
            names.append(text)
    return names


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
        entry = file.entry
        return WildcardList(name, file.source, entry.options, file.path, entry.numbers, entry.left_out)
    data, left_out = readable(file.path.read_bytes(), file.source)
    return WildcardList(name, file.source, read_lines(data), file.path, left_out=left_out)


def _size(file: _File) -> Size | None:
    """How many options the list in a file has; counted again when the file's size or time has changed."""
    if file.entry is not None:
        return file.entry.size
    try:
        stat = file.path.stat()
    except OSError:
        return None
    if stat.st_size > MAX_COUNTED:
        return None
    if _is_fresh(stat):
        return size_of_file(file.path)
    return _cached_size(file.path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=20_000)
def _cached_size(path: Path, size: int, modified: int) -> Size | None:
    return size_of_file(path)


def _loose_key(name: str) -> str:
    """A name with a dash for everything in it that is no letter or digit."""
    parts = (_NO_LETTER.sub("-", part).strip("-") for part in key_of(name).split("/"))
    return "/".join(parts)


def _collection(path: Path, source: str) -> Collection:
    """What a file holds; read again when its size or its time has changed."""
    stat = path.stat()
    if _is_fresh(stat):
        return read_collection(path.read_bytes(), source)
    return _cached_collection(path, source, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _cached_collection(path: Path, source: str, size: int, modified: int) -> Collection:
    return read_collection(path.read_bytes(), source)


def _content_digest(path: Path) -> str:
    """A hash of the file's bytes, kept for as long as its size and time stay."""
    stat = path.stat()
    if _is_fresh(stat):
        return _digest(str(path))
    return _cached_digest(str(path), stat.st_size, stat.st_mtime_ns)


def _is_fresh(stat: os.stat_result) -> bool:
    """Whether a file was written so lately that another writing could give it the same time."""
    return abs(time.time_ns() - stat.st_mtime_ns) < _FRESH


@functools.lru_cache(maxsize=20_000)
def _cached_digest(path: str, size: int, modified: int) -> str:
    return _digest(path)


def _digest(path: str) -> str:
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
