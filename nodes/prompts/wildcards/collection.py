"""YAML and JSON collections: from nested keys to lists of options, each with its line.

A key path names a list: `colors: {warm: [red, orange]}` is `__colors/warm__`. Scalars are text as written (yes stays
yes), their comments left out line by line; an item may also be `{text: red, weight: 2}`. JSON is read as the YAML that
it nearly is. A fault costs its item, or the line that is no YAML with what belongs to it, never the file.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml  # comes with ComfyUI

from ..language.errors import SourceLocation, TemplateError
from .lines import readable
from .sizes import Size, size_of

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is some 8 times as fast
_MAX_DEPTH = 30  # keys within keys; a judgement: the reading is recursive
_MAX_NESTING = 200  # lists and keys within each other that are given to the loader
_MAX_OPTIONS = 2_000_000  # of one file, aliases followed: a few lines of YAML can name billions
_MAX_FAULTY = 20  # lines that are no YAML, before the whole file is given up: each costs another reading
_COST_OF_A_LIST = 20  # counted as so many options, or empty lists without end would cost nothing

_COMMENT = re.compile(r"(?:^[ \t]*|(?<=\s))#(?=\s|$).*|^[ \t]*#.*")  # as the parser of templates reads it
_PAIR = re.compile(r"(?<!\\)\\u(d[89ab]..)\\u(d[c-f]..)", re.I)  # one character as JSON writes it (UTF-16)


@dataclass(frozen=True)
class Entry:
    """One list of a collection.

    Args:
        keys: its key path, "" for a file that is a list.
        options: as written, without comments.
        numbers: the line of each option.
        left_out: items that cannot be used.
    """

    keys: str
    options: tuple[str, ...]
    numbers: tuple[int, ...]
    left_out: tuple[TemplateError, ...] = ()

    @functools.cached_property
    def size(self) -> Size:
        """How many options it has."""
        return size_of(self.options)


@dataclass(frozen=True, slots=True)
class Collection:
    """The lists of a file in its order, and what was left out of the file beside them."""

    entries: tuple[Entry, ...]
    left_out: tuple[TemplateError, ...] = ()


def read_collection(data: bytes, source: str) -> Collection:
    """The lists of a YAML or JSON file.

    Raises:
        TemplateError: nothing of the file can be read.
    """
    data, faults = readable(data, source)
    text = data.decode()
    if source.lower().endswith(".json"):
        text = re.sub(r"(?m)^[ \t]+", lambda blanks: blanks[0].replace("\t", " "), text)
        text = _PAIR.sub(_character, text)
    reader = _Reader(SourceLocation(source, text), faults)
    entries: dict[str, Entry] = {}
    for document in reader.documents():
        for entry in reader.entries(document, (), frozenset()):
            entries[entry.keys] = entry
    return Collection(tuple(entries.values()), tuple(reader.left_out))


class _Reader:
    """One file's nodes as YAML gives them: mappings, sequences, scalars; `left_out` belongs to no one list."""

    def __init__(self, location: SourceLocation, left_out: tuple[TemplateError, ...]) -> None:
        self.location = location
        self.left_out = list(left_out)
        self.budget = _MAX_OPTIONS

    def error(self, what: str, node: yaml.Node, how: str = "expected keys over lists of text") -> TemplateError:
        """The error at the place of `node` in the file."""
        return TemplateError(what, how, self.location, node.start_mark.index)

    def documents(self) -> list[yaml.Node]:
        """The roots of the file's documents, lines that are no YAML left out with what belongs to them."""
        lines = self.location.text.split("\n")
        while True:
            try:
                text = "\n".join(lines)
                _check_nesting(text)
                return [root for root in yaml.compose_all(text, Loader=_LOADER) if root is not None]
            except yaml.MarkedYAMLError as error:
                row, column = _place(error, lines)
                location = SourceLocation(self.location.source, lines[row], row + 1)
                what = f"a line that is no YAML ({error.problem})"
                self.left_out.append(TemplateError(what, "mend it, or put the text in quotes", location, column))
                last = len(self.left_out) > _MAX_FAULTY or not lines[row].strip()
            except (yaml.YAMLError, RecursionError) as error:
                what = f"YAML that cannot be read ({type(error).__name__})"
                raise TemplateError(what, "mend it", self.location) from None
            if last:
                raise self.left_out[0]
            _blank(lines, row)

    def entries(self, node: yaml.Node, keys: tuple[str, ...], above: frozenset[int]) -> Iterator[Entry]:
        """The lists below a node that lies under `keys`; `above` has the ids of the nodes that it lies in."""
        if len(keys) > _MAX_DEPTH or id(node) in above:
            self.left_out.append(self.error("keys that are too deep, or repeat themselves,", node))
            return
        if isinstance(node, yaml.MappingNode):
            for key, value in self.pairs(node):
                if not isinstance(value, yaml.ScalarNode) or value.value:
                    yield from self.entries(value, (*keys, key), above | {id(node)})
            return
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        self.budget -= len(items) + _COST_OF_A_LIST
        if self.budget < 0:
            raise self.error(f"more than {_MAX_OPTIONS} options", node)
        options, numbers, left_out = [], [], []
        for item in items:
            try:
                text = self.option(item)
            except TemplateError as error:
                left_out.append(error)
                continue
            if text:
                options.append(text)
                numbers.append(item.start_mark.line + 1)
        yield Entry("/".join(keys), tuple(options), tuple(numbers), tuple(left_out))

    def pairs(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
        """The keys of a mapping and their values; of equal keys the last, as every reader of YAML has it."""
        values: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.left_out.append(self.error("a key that is no text", key))
                continue
            name = key.value.strip()
            if name in values:
                first = values[name][0]
                how = f"only the last one is read, line {key.start_mark.line + 1}; give one of them another name"
                self.left_out.append(self.error(f"a key {name} that stands twice", first, how))
            values[name] = (key, value)
        return ((name, value) for name, (_, value) in values.items())

    def option(self, node: yaml.Node) -> str:
        """The text of an item, with its weight as a line of a .txt file has it; "" for an empty one.

        Raises:
            TemplateError: it is no text, or a comment only.
        """
        if isinstance(node, yaml.ScalarNode):
            if node.tag == "tag:yaml.org,2002:null":
                return ""
            return self.words(node)
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
            text, weight = pairs.get("text") or pairs.get("content"), pairs.get("weight")
            if isinstance(text, yaml.ScalarNode):
                before = f"{weight.value}::" if isinstance(weight, yaml.ScalarNode) else ""
                return before + self.words(text)
        kind = "keys" if isinstance(node, yaml.MappingNode) else "a list"
        raise self.error(f"an item that YAML reads as {kind}", node, "put the item in quotes to have it as text")

    def words(self, node: yaml.ScalarNode) -> str:
        """The lines of a scalar without their comments, joined by blanks."""
        text = str(node.value)
        if node.style == ">":  # YAML has folded its lines, but a comment ends with the line as written
            text = self.location.text[node.start_mark.index : node.end_mark.index].partition("\n")[2]
        words = " ".join(" ".join(_COMMENT.sub("", line) for line in text.split("\n")).split())
        if text.strip() and not words:
            raise self.error("an option that is a comment only", node, "write \\# for the character itself")
        return words


def _place(error: yaml.MarkedYAMLError, lines: list[str]) -> tuple[int, int]:
    """The line and the column, from 0, of what is no YAML: where an open bracket or quote begins, else the mistake."""
    marks = [error.problem_mark, error.context_mark]
    if error.context and any(word in error.context for word in ("flow", "quoted", "simple key")):
        marks.reverse()
    for mark in marks:
        if mark is not None and mark.line < len(lines) and lines[mark.line].strip():
            return mark.line, min(mark.column, len(lines[mark.line]))
    return 0, 0


def _blank(lines: list[str], row: int) -> None:
    """Empties a line and those that belong to it, so that they do not fall to the key before it."""
    indent = _indent(lines[row])
    is_item = lines[row].lstrip().startswith("- ")
    lines[row] = ""
    for following in range(row + 1, len(lines)):
        line = lines[following]
        is_item_of_key = not is_item and _indent(line) == indent and line.lstrip().startswith("-")
        if line.strip() and _indent(line) <= indent and not is_item_of_key:
            break
        lines[following] = ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _check_nesting(text: str) -> None:
    """Raises where brackets or indentation are so deep that the loader, which is recursive, would fill the stack."""
    indents = max((len(blanks) for blanks in re.findall(r"(?m)^ +", text)), default=0)
    compact = max((line.count("- ") + line.count("? ") for line in text.split("\n")), default=0)
    if max(indents, compact, text.count("[") + text.count("{")) <= _MAX_NESTING:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_NESTING:
            raise RecursionError


def _character(pair: re.Match[str]) -> str:
    """The character of two halves in UTF-16."""
    return chr(0x10000 + ((int(pair[1], 16) & 0x3FF) << 10 | int(pair[2], 16) & 0x3FF))
