"""The options of one slot: from braces in a template, or from the lists that a wildcard names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ..language import syntax
from ..language.drawn_names import ListOfNames, no_lists
from ..language.errors import SourceLocation, TemplateError
from ..language.parser import parse
from .library import WildcardList
from .lines import PackedLines

# one option as written: its text, its weight (None: not written), and what equal ones have in common (None: nothing)
_Row = tuple[str, Fraction | None, object]


@dataclass(frozen=True, eq=False)
class OptionTable:
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
        names_at: the lists that may stand in the names of wildcards in a text there.
    """

    texts: Sequence[str]
    weights: tuple[Fraction, ...] | None
    special: frozenset[int]
    emphasis: bool | None
    sources: tuple[str, ...]
    origin: tuple[tuple[WildcardList, Sequence[int] | None], ...] = ()
    bodies: tuple[syntax.Nodes, ...] = ()
    duplicates: int = 0
    names_at: Callable[[SourceLocation], ListOfNames] = lambda location: no_lists
    _trees: dict[int, syntax.Nodes] = field(default_factory=dict, repr=False)

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

    def tree(self, index: int) -> syntax.Nodes:
        """Option `index`, parsed.

        Raises:
            TemplateError: the line is no template; the message names file and line.
        """
        if self.bodies:
            return self.bodies[index]
        if index not in self._trees:
            location = self.location(index)
            self._trees[index] = parse(location.text, location.source, location.line, self.names_at(location))
        return self._trees[index]

    def select(self, indices: Sequence[int]) -> OptionTable:
        """The table of those options alone."""
        origin, first = [], 0
        for wildcards, rows in self.origin:
            size = len(wildcards.lines) if rows is None else len(rows)
            rows_here = [index - first for index in indices if first <= index < first + size]
            origin.append((wildcards, rows_here if rows is None else [rows[index] for index in rows_here]))
            first += size
        weights = tuple(self.weights[index] for index in indices) if self.weights else None
        return OptionTable(
            tuple(self.texts[index] for index in indices),
            weights if weights and len(set(weights)) > 1 else None,
            frozenset(number for number, index in enumerate(indices) if index in self.special),
            self.emphasis,
            tuple(self.sources[index] for index in indices) if len(self.sources) > 1 else self.sources,
            tuple(origin),
            tuple(self.bodies[index] for index in indices) if self.bodies else (),
            self.duplicates,
        )

    def location(self, index: int) -> SourceLocation:
        """Where option `index` of a list stands."""
        remaining = index  # counted from the first option of each list
        for wildcards, rows in self.origin:
            size = len(wildcards.lines) if rows is None else len(rows)
            if remaining < size:
                row = remaining if rows is None else rows[remaining]
                line = wildcards.line_of(row)
                return SourceLocation(wildcards.source, self.texts[index], line, wildcards.folder)
            remaining -= size
        return SourceLocation(self.source(index), self.texts[index])


def table_of_choice(choice: syntax.Choice, distinct: bool, location: SourceLocation) -> OptionTable:
    """The options in braces; in an ordered selection only equal plain words are joined.

    Raises:
        TemplateError: every option has weight 0.
    """
    single = (choice.low, choice.high) == (1, 1)
    rows: list[_Row] = []
    for option in choice.options:
        # two equal templates in an ordered selection are two draws: {2$$__color__|__color__}
        key = option.body if single or syntax.is_text(option.body) else None
        rows.append((option.label or syntax.to_text(option.body).strip(), option.weight, key))
    indices, weights, duplicates = _joined(rows, distinct)
    if not indices:
        what = "a choice whose options all have weight 0"
        raise TemplateError(what, "give one of them a weight", location, choice.offset)
    texts = tuple(rows[index][0] for index in indices)
    bodies = tuple(choice.options[index].body for index in indices)
    special = frozenset(index for index, body in enumerate(bodies) if not syntax.is_text(body))
    return OptionTable(texts, weights, special, None, ("template",), bodies=bodies, duplicates=duplicates)


def table_of_lists(
    lists: Sequence[WildcardList],
    distinct: bool,
    emphasis: bool,
    names_at: Callable[[SourceLocation], ListOfNames] = lambda location: no_lists,
) -> OptionTable:
    """The options of one list, or of the lists of a glob after one another.

    Raises:
        TemplateError: there is no option, or every one has weight 0.
    """
    if len(lists) == 1 and isinstance(lists[0].lines, PackedLines) and lists[0].lines.plain:
        return _packed_table(lists[0], lists[0].lines, distinct, emphasis)
    rows: list[_Row] = []
    lines: list[tuple[WildcardList, int]] = []  # of each row: its list and its line there
    for wildcards in lists:
        for number, line in enumerate(wildcards.lines):
            text, weight = weighted(line)
            rows.append((text, weight, text))
            lines.append((wildcards, number))
    indices, weights, duplicates = _joined(rows, distinct)
    if not indices:
        location = SourceLocation(", ".join(wildcards.source for wildcards in lists), "")
        if not rows:
            raise TemplateError("no option", "give it at least one line", location)
        raise TemplateError("weight 0 of every option", "give one of them a weight", location)
    texts = tuple(rows[index][0] for index in indices)
    sources = tuple(lines[index][0].source for index in indices)
    origin = tuple(
        (wildcards, tuple(lines[index][1] for index in indices if lines[index][0] is wildcards)) for wildcards in lists
    )
    special = frozenset(index for index, text in enumerate(texts) if not syntax.is_plain(text))
    if len(set(sources)) == 1:
        sources = sources[:1]
    return OptionTable(texts, weights, special, emphasis, sources, origin, duplicates=duplicates, names_at=names_at)


def weighted(line: str) -> tuple[str, Fraction | None]:
    """A line of a file without its weight, and the weight: `2::red`."""
    weight = syntax.WEIGHT.match(line)
    if not weight:
        return line, None
    return line[weight.end() :].lstrip(), Fraction(weight[1].rstrip("."))


def _joined(rows: Iterable[_Row], distinct: bool) -> tuple[list[int], tuple[Fraction, ...] | None, int]:
    """The indices of the options, their weights (None where they are equal), and how many rows equal an earlier one.

    Rows of weight 0 are left out. Equal rows are joined where `distinct`: once, or with the sum of their weights.
    """
    first: dict[object, int] = {}  # from a key to its option
    indices: list[int] = []
    weights: list[Fraction] = []
    is_weighted = False
    duplicates = 0
    for index, (_, written, key) in enumerate(rows):
        is_weighted |= written is not None
        weight = Fraction(1) if written is None else written
        if weight == 0:
            continue
        if key is not None and key in first:
            duplicates += 1
            if distinct:
                weights[first[key]] += weight
                continue
        elif key is not None:
            first[key] = len(indices)
        indices.append(index)
        weights.append(weight)
    is_equal = len(set(weights)) <= 1
    return indices, tuple(weights) if is_weighted and not is_equal else None, duplicates


def _packed_table(wildcards: WildcardList, lines: PackedLines, distinct: bool, emphasis: bool) -> OptionTable:
    if not len(lines):
        raise TemplateError("no option", "give it at least one line", SourceLocation(wildcards.source, ""))
    rows = _distinct_rows(lines)
    duplicates = len(lines) - len(rows) if rows is not None else 0
    if rows is not None and distinct:
        lines = lines.select(np.array(rows, dtype=np.int64))
    else:
        rows = None
    return OptionTable(
        lines, None, frozenset(), emphasis, (wildcards.source,), ((wildcards, rows),), duplicates=duplicates
    )


def _distinct_rows(lines: PackedLines) -> tuple[int, ...] | None:
    """The first of each set of equal lines; None where no two are equal.

    Hashes first: a set of a million lines would take the memory that packing them has saved.
    """
    hashes = np.fromiter(map(hash, lines), dtype=np.int64, count=len(lines))
    values, counts = np.unique(hashes, return_counts=True)
    if len(values) == len(lines):
        return None
    repeated = set(values[counts > 1].tolist())
    earlier: set[str] = set()  # lines whose hash comes more than once
    rows = []
    for row, value in enumerate(hashes.tolist()):
        if value in repeated:
            line = lines[row]
            if line in earlier:
                continue
            earlier.add(line)
        rows.append(row)
    return tuple(rows) if len(rows) < len(lines) else None
