"""The options of one slot: from braces in a template, or from the lists that a wildcard names."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ..language import syntax
from ..language.errors import Place, TemplateError
from ..language.parser import parse
from .library import WildcardList
from .lines import PackedLines

_SPECIAL = ("{", "}", "$", "__", "\\", "#")


@dataclass(frozen=True, eq=False)
class Table:
    """Options in order, equal ones joined where asked.

    Args:
        texts: each option as written, without its weight.
        weights: None where none is written.
        special: the indices of the options that have anything of the template language, in order.
        emphasis: whether a bracket without number may be a weight; None where the template itself holds the options.
        sources: the file of each option, or one for all.
        origin: its list and its index there, for errors; empty for braces.
        bodies: the trees of options in braces.
        duplicates: options that equal an earlier one, joined or not.
    """

    texts: Sequence[str]
    weights: tuple[Fraction, ...] | None
    special: frozenset[int]
    emphasis: bool | None
    sources: tuple[str, ...]
    origin: tuple[tuple[WildcardList, Sequence[int] | None], ...] = ()
    bodies: tuple[syntax.Sequence, ...] = ()
    duplicates: int = 0
    _trees: dict[int, syntax.Sequence] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    @functools.cached_property
    def longest(self) -> int:
        """The characters of the longest option as written (bytes, in a file of many lines)."""
        if isinstance(self.texts, PackedLines):
            return int((self.texts.ends - self.texts.starts).max())
        return max(map(len, self.texts))

    def source(self, index: int) -> str:
        """The file of option `index`, or "template"."""
        return self.sources[index] if len(self.sources) > 1 else self.sources[0]

    def tree(self, index: int) -> syntax.Sequence:
        """Option `index`, parsed.

        Raises:
            TemplateError: the line is no template; the message names file and line.
        """
        if self.bodies:
            return self.bodies[index]
        if index not in self._trees:
            place = self.place(index)
            self._trees[index] = parse(place.text, place.source, place.line)
        return self._trees[index]

    def place(self, index: int) -> Place:
        """Where option `index` of a list stands."""
        at = index
        for wildcards, rows in self.origin:
            size = len(wildcards.lines) if rows is None else len(rows)
            if at < size:
                row = at if rows is None else rows[at]
                return Place(wildcards.source, self.texts[index], wildcards.line_of(row))
            at -= size
        return Place(self.source(index), self.texts[index])


def table_of_choice(choice: syntax.Choice, distinct: bool, place: Place) -> Table:
    """The options in braces; in an ordered selection only equal plain words are joined.

    Raises:
        TemplateError: every option has weight 0.
    """
    single = (choice.low, choice.high) == (1, 1)
    rows: list[tuple[str, Fraction | None, syntax.Sequence | None]] = []
    for option in choice.options:
        plain = all(isinstance(node, syntax.Text) for node in option.body)
        joined = option.body if single or plain else None
        rows.append((syntax.to_text(option.body).strip(), option.weight, joined))
    kept, weights, doubled = _joined(rows, distinct)
    if not kept:
        raise TemplateError("a choice whose options all have weight 0", "give one of them a weight", place, choice.at)
    bodies = tuple(choice.options[index].body for index in kept)
    special = frozenset(
        index for index, body in enumerate(bodies) if any(not isinstance(node, syntax.Text) for node in body)
    )
    texts = tuple(rows[index][0] for index in kept)
    return Table(texts, weights, special, None, ("template",), bodies=bodies, duplicates=doubled)


def table_of_lists(lists: Sequence[WildcardList], distinct: bool, emphasis: bool) -> Table:
    """The options of one list, or of the lists of a glob after one another.

    Raises:
        TemplateError: there is no option, or every one has weight 0.
    """
    if len(lists) == 1 and isinstance(lists[0].lines, PackedLines) and lists[0].lines.plain:
        return _packed_table(lists[0], lists[0].lines, distinct, emphasis)
    found: list[tuple[str, Fraction | None, str]] = []
    where: list[tuple[WildcardList, int]] = []
    for wildcards in lists:
        for row, line in enumerate(wildcards.lines):
            text, weight = weighted(line)
            found.append((text, weight, text))
            where.append((wildcards, row))
    kept, weights, doubled = _joined(found, distinct)
    names = ", ".join(wildcards.source for wildcards in lists)
    if not kept:
        how = "give it at least one line" if not found else "give one of them a weight"
        raise TemplateError("no option" if not found else "weight 0 of every option", how, Place(names, ""))
    texts = tuple(found[index][0] for index in kept)
    sources = tuple(where[index][0].source for index in kept)
    origin = tuple(
        (wildcards, tuple(where[index][1] for index in kept if where[index][0] is wildcards)) for wildcards in lists
    )
    special = frozenset(index for index, text in enumerate(texts) if is_special(text))
    shared = sources if len(set(sources)) > 1 else sources[:1]
    return Table(texts, weights, special, emphasis, shared, origin, duplicates=doubled)


def is_special(text: str) -> bool:
    """Whether `text` has anything of the template language."""
    return any(mark in text for mark in _SPECIAL)


def weighted(line: str) -> tuple[str, Fraction | None]:
    """A line of a file without its weight, and the weight: `2::red`."""
    found = syntax.WEIGHT.match(line)
    if not found:
        return line, None
    return line[found.end() :].lstrip(), Fraction(found[1].rstrip("."))


def _joined(
    rows: Iterable[tuple[str, Fraction | None, object]], distinct: bool
) -> tuple[list[int], tuple[Fraction, ...] | None, int]:
    """The rows kept, their weights (None where none is written), and how many rows equal an earlier one.

    Rows of weight 0 are left out. Equal rows are joined where `distinct`: once, or with the sum of their weights.
    """
    first: dict[object, int] = {}
    kept: list[int] = []
    weights: list[Fraction] = []
    written = False
    doubled = 0
    for index, (_, weight, key) in enumerate(rows):
        written |= weight is not None
        share = Fraction(1) if weight is None else weight
        if share == 0:
            continue
        if key is not None and key in first:
            doubled += 1
            if distinct:
                weights[first[key]] += share
                continue
        elif key is not None:
            first[key] = len(kept)
        kept.append(index)
        weights.append(share)
    equal = len(set(weights)) <= 1
    return kept, tuple(weights) if written and not equal else None, doubled


def _packed_table(wildcards: WildcardList, lines: PackedLines, distinct: bool, emphasis: bool) -> Table:
    if not len(lines):
        raise TemplateError("no option", "give it at least one line", Place(wildcards.source, ""))
    rows = _distinct_rows(lines)
    doubled = len(lines) - len(rows) if rows is not None else 0
    if rows is None or not distinct:
        return Table(lines, None, frozenset(), emphasis, (wildcards.source,), ((wildcards, None),), duplicates=doubled)
    kept = lines.select(np.array(rows, dtype=np.int64))
    return Table(kept, None, frozenset(), emphasis, (wildcards.source,), ((wildcards, rows),), duplicates=doubled)


def _distinct_rows(lines: PackedLines) -> tuple[int, ...] | None:
    """The first of each set of equal lines; None where no two are equal."""
    hashes = np.fromiter(map(hash, lines), dtype=np.int64, count=len(lines))
    values, counts = np.unique(hashes, return_counts=True)
    if len(values) == len(lines):
        return None
    repeated = set(values[counts > 1].tolist())
    seen: set[str] = set()
    kept = []
    for row, value in enumerate(hashes.tolist()):
        if value in repeated:
            line = lines[row]
            if line in seen:
                continue
            seen.add(line)
        kept.append(row)
    return tuple(kept) if len(kept) < len(lines) else None
