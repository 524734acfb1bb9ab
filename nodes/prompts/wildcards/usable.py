"""The lists of a library without the lines that cannot be used: a fault in a file costs its line, never the list.

A line is left out that is no template, that names a wildcard which is not there or has no option, or that gives
nothing; where it is reached, also one that needs a variable without a value there. That lists run in no circle is for
the Resolver to check.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..language import syntax
from ..language.drawn_names import MAX_NAMES, ListOfNames, Names
from ..language.errors import SourceLocation, TemplateError
from ..language.names import key_of
from ..language.parser import parse
from .library import Library, WildcardList
from .lines import PackedLines
from .tables import OptionTable, table_of_lists, weighted

_MAX_DEPTH = 60  # lists that lead to one another; the Resolver refuses as many
_MAX_TOLD = 30  # lines left out that a node names; a judgement


class UsableLists:
    """Names to lists and their options, each worked out once.

    Args:
        library: where wildcards are looked up.
        reserved: names that are no wildcards: the words of a class.

    Attributes:
        drawn: the lists whose lines stand in the names of wildcards, by their key.
    """

    def __init__(self, library: Library, reserved: Collection[str] = ()) -> None:
        self.library = library
        self.reserved = frozenset(reserved)
        self._lists: dict[str, WildcardList] = {}
        self._named: dict[tuple[str, str], tuple[WildcardList, ...]] = {}
        self._tables: dict[tuple[tuple[tuple[str, int], ...], bool], OptionTable] = {}
        self._line_needs: dict[str, dict[int, frozenset[str]]] = {}
        self._scoped: dict[tuple[tuple[str, ...], frozenset[str]], tuple[WildcardList, ...]] = {}
        self._begun: list[str] = []
        self.drawn: dict[str, WildcardList] = {}

    def require(self, name: str, location: SourceLocation, offset: int = 0) -> tuple[WildcardList, ...]:
        """As Library.require, with the lines that can be used.

        Raises:
            TemplateError: there is no such list, or none of its lines can be used.
        """
        key = (location.folder, name)
        if key not in self._named:
            lists = tuple(map(self.usable, self.library.require(name, location, offset)))
            if not any(lists_.lines for lists_ in lists):
                raise _no_option(lists)
            self._named[key] = lists
            for wildcards in lists:
                errors = (*wildcards.left_out, *self.library.broken.get(wildcards.source, ()))
                self.library.left_out.update((str(error), error) for error in errors)
        return self._named[key]

    def names_at(self, location: SourceLocation) -> ListOfNames:
        """The lists that may stand in the name of a wildcard at `location`: those of plain lines, kept in `drawn`."""

        def lines_of(name: str, offset: int) -> Names | None:
            if key_of(name) in self.reserved:
                return None
            lists = self.require(name, location, offset)
            lines = [weighted(line) for wildcards in lists for line in wildcards.lines[: MAX_NAMES + 1]]
            if len(lines) > MAX_NAMES or not all(text and syntax.is_plain(text) for text, _ in lines):
                return None
            self.drawn.update((key_of(wildcards.name), wildcards) for wildcards in lists)
            return lines

        return lines_of

    def _parsed(self, wildcards: WildcardList, index: int) -> syntax.Nodes:
        text, _ = weighted(wildcards.lines[index])
        location = SourceLocation(wildcards.source, text, wildcards.line_of(index), wildcards.folder)
        return parse(text, location.source, location.line, self.names_at(location))

    def in_scope(self, lists: tuple[WildcardList, ...], names: Collection[str]) -> tuple[WildcardList, ...]:
        """The lists without the lines that need a variable which has no value; `left_out` says which.

        Args:
            lists: as `require` gave them.
            names: the variables that have a value where the lists are used.

        Raises:
            TemplateError: no line is left.
        """
        needed = {name for wildcards in lists for needs in self._needs(wildcards).values() for name in needs}
        missing = frozenset(needed.difference(names))
        if not missing:
            return lists
        key = (tuple(wildcards.name for wildcards in lists), missing)
        if key not in self._scoped:
            scoped = tuple(self._without_needs(wildcards, missing) for wildcards in lists)
            if not any(wildcards.lines for wildcards in scoped):
                raise _no_option(scoped)
            self._scoped[key] = scoped
        return self._scoped[key]

    def _needs(self, wildcards: WildcardList) -> dict[int, frozenset[str]]:
        """From the index of a line to the variables that it needs, of those lines that need some."""
        key = key_of(wildcards.name)
        if key not in self._line_needs:
            self._line_needs[key] = {}
            if not (isinstance(wildcards.lines, PackedLines) and wildcards.lines.plain):
                for index, line in enumerate(wildcards.lines):
                    needs = syntax.free_variables(self._parsed(wildcards, index)) if "${" in line else frozenset()
                    if needs:
                        self._line_needs[key][index] = needs
        return self._line_needs[key]

    def _without_needs(self, wildcards: WildcardList, missing: frozenset[str]) -> WildcardList:
        """The list without the lines that need one of the variables `missing`."""
        faults: dict[int, TemplateError] = {}
        for index, needs in self._needs(wildcards).items():
            name = next(iter(sorted(needs & missing)), "")
            if name:
                text, _ = weighted(wildcards.lines[index])
                location = SourceLocation(wildcards.source, text, wildcards.line_of(index), wildcards.folder)
                how = "give it one before the wildcard, as in ${" + name + "=red}"
                offset = max(0, text.find("${" + name))
                faults[index] = TemplateError("variable ${" + name + "} without a value", how, location, offset)
        return _without_rows(wildcards, faults)

    def table(self, lists: tuple[WildcardList, ...], distinct: bool) -> OptionTable:
        """The options of lists that `require` gave.

        Raises:
            TemplateError: every one has weight 0.
        """
        key = (tuple((wildcards.name, id(wildcards)) for wildcards in lists), distinct)  # whole, or in a scope
        if key not in self._tables:
            self._tables[key] = table_of_lists(lists, distinct, emphasis=True, names_at=self.names_at)
        return self._tables[key]

    def usable(self, wildcards: WildcardList) -> WildcardList:
        """The list without the lines that cannot be used, and why not."""
        key = key_of(wildcards.name)
        if key in self._begun or len(self._begun) > _MAX_DEPTH:
            return wildcards
        if key not in self._lists:
            self._begun.append(key)
            self._lists[key] = self._sifted(wildcards)
            self._begun.pop()
        return self._lists[key]

    def _sifted(self, wildcards: WildcardList) -> WildcardList:
        lines = wildcards.lines
        if isinstance(lines, PackedLines) and lines.plain:
            return wildcards
        faults = {}
        for index, line in enumerate(lines):
            text, _ = weighted(line)
            if not text or not syntax.is_plain(text):
                fault = self._fault(wildcards, index, text)
                if fault:
                    faults[index] = fault
        if not faults:
            return wildcards
        return _without_rows(wildcards, faults)

    def _fault(self, wildcards: WildcardList, index: int, text: str) -> TemplateError | None:
        """Why a line cannot be used, None where it can."""
        location = SourceLocation(wildcards.source, text, wildcards.line_of(index), wildcards.folder)
        try:
            nodes = parse(text, location.source, location.line, self.names_at(location))
            if not syntax.gives_text(nodes):
                return TemplateError("an option that gives nothing", "expected a text", location)
            for node in syntax.walk(nodes):
                if not isinstance(node, syntax.Wildcard) or key_of(node.name) in self.reserved or "$" in node.name:
                    continue
                self.require(node.name, location, node.offset)
        except TemplateError as error:
            return error
        return None


def _without_rows(wildcards: WildcardList, faults: Mapping[int, TemplateError]) -> WildcardList:
    """A list without the lines that have a fault."""
    lines = wildcards.lines
    rows = [index for index in range(len(lines)) if index not in faults]
    usable: Sequence[str] = tuple(lines[index] for index in rows)
    if isinstance(lines, PackedLines):
        usable = lines.select(np.array(rows, dtype=np.int64))
    numbers = tuple(map(wildcards.line_of, rows))
    return replace(wildcards, lines=usable, numbers=numbers, left_out=(*wildcards.left_out, *faults.values()))


def told(left_out: Sequence[TemplateError]) -> str:
    """What a node says of the lines that are left out, one a line; "" where there are none."""
    if not left_out:
        return ""
    lines = [f"- {str(error).partition(chr(10))[0]}" for error in left_out[:_MAX_TOLD]]
    tail = [f"- and {len(left_out) - _MAX_TOLD} more"] if len(left_out) > _MAX_TOLD else []
    return "\n".join(["Left out of the wildcards, or not UTF-8:", *lines, *tail])


def _no_option(lists: Sequence[WildcardList]) -> TemplateError:
    """The error for lists of which no line is left."""
    left_out = [error for wildcards in lists for error in wildcards.left_out]
    sources = ", ".join(wildcards.source for wildcards in lists)
    if not left_out:
        return TemplateError("no option", "give it at least one line", SourceLocation(sources, ""))
    how = f"each of its {len(left_out)} lines is left out, the first for: {str(left_out[0]).partition(chr(10))[0]}"
    return TemplateError("no option that can be used", how, SourceLocation(sources, ""))
