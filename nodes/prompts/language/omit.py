"""A template without some of its slots, its spaces, commas and small words put right.

`__view__ of a __color__ (__hyponym__:1.4) in __location__, 8k` without color and location is
`__view__ of a (__hyponym__:1.4), 8k`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from .errors import SourceLocation, TemplateError, nearest
from .names import key_of
from .syntax import Assign, Choice, Node, Nodes, Text, Variable, Wildcard

_BRACKET_BEFORE = re.compile(r"(?<!\\)\(\s*$")
_BRACKET_AFTER = re.compile(r"^\s*(?::\s*[-+]?[\d.]+\s*)?\)")
_PREPOSITIONS = "in|on|at|with|of|by|from|near|under|over|against"
_PREPOSITION_BEFORE = re.compile(rf"(?:^|(?<=[\s,]))(?:{_PREPOSITIONS})(?: an?| the)?\s*$", re.I)
_PREPOSITION_AFTER = re.compile(rf"\s*(?:{_PREPOSITIONS})\b", re.I)
_LEADING_OF = re.compile(r"^[\s,]*of\s+", re.I)
_NUMBER_AFTER = re.compile(r"\s*:\s*[-+]?[\d.]+\s*\)")


def without(nodes: Nodes, names: Collection[str], location: SourceLocation) -> Nodes:
    """`nodes` without the wildcards of those names; a name without its folder will do.

    Raises:
        TemplateError: a name is no slot of the template.
    """
    omitted = {key_of(name).strip("_"): name for name in names}
    slots: set[str] = set()
    result = _without(nodes, omitted, slots)
    reached = set().union(*map(_keys, slots))
    missing = [name for key, name in omitted.items() if key not in reached]
    if missing:
        names_there = sorted(slots)
        how = f"expected one of the wildcards in the template ({', '.join(names_there) or 'it has none'})"
        raise TemplateError(f"no slot {missing[0]} to leave out", how + nearest(missing[0], names_there), location)
    return result


def _keys(name: str) -> set[str]:
    """How a wildcard may be named: whole, or without its folder."""
    return {key_of(name), key_of(name).rpartition("/")[2]}


def _without(nodes: Nodes, omitted: Collection[str], slots: set[str]) -> Nodes:
    """`nodes` without the wildcards of the keys in `omitted`; adds the names of all wildcards to `slots`.

    A wildcard that is left out always has a text before it in `remaining`, an empty one if need be: there the texts on
    its two sides become one.
    """
    remaining: list[Node] = []
    is_gap = False  # whether a wildcard was left out right before this node
    for number, node in enumerate(nodes):
        if isinstance(node, Wildcard):
            slots.add(node.name)
            if not _keys(node.name).isdisjoint(omitted):
                is_gap = True
                if not remaining or not isinstance(remaining[-1], Text):
                    remaining.append(Text("", node.offset, node.id))
                continue
        else:
            node = _inside(node, omitted, slots)
        if is_gap and isinstance(node, Text):
            before = remaining.pop()
            assert isinstance(before, Text)
            text = _tidy(before.value, node.value, first=not remaining, last=number + 1 == len(nodes))
            node = replace(before, value=text)
        elif is_gap and len(remaining) == 1 and isinstance(remaining[0], Text) and not remaining[0].value.strip():
            remaining.clear()
        is_gap = False
        remaining.append(node)
    if is_gap:
        before = remaining[-1]
        assert isinstance(before, Text)
        remaining[-1] = replace(before, value=_tidy(before.value, "", first=len(remaining) == 1, last=True))
    return tuple(node for node in remaining if node != Text(""))


def _inside(node: Node, omitted: Collection[str], slots: set[str]) -> Node:
    """A node without the wildcards to be left out of its options, its value or its default."""
    if isinstance(node, Choice):
        options = (replace(option, body=_without(option.body, omitted, slots)) for option in node.options)
        return replace(node, options=tuple(options))
    if isinstance(node, Assign):
        return replace(node, value=_without(node.value, omitted, slots))
    if isinstance(node, Variable) and node.default is not None:
        return replace(node, default=_without(node.default, omitted, slots))
    return node


def _tidy(before: str, after: str, *, first: bool, last: bool) -> str:
    """The two texts around a slot that is left out, as one.

    Args:
        before, after: the texts.
        first, last: whether they begin and end what the slot stood in.
    """
    opened, closed = _BRACKET_BEFORE.search(before), _BRACKET_AFTER.search(after)
    if opened and closed:  # (__color__:1.2) goes whole
        before, after = before[: opened.start()], after[closed.end() :]
    if _NUMBER_AFTER.match(after):  # (a __color__:1.2): the weight stays with what is before it
        return before.rstrip(" ,") + after.lstrip()
    is_end = last and not after.strip()
    ends_phrase = is_end or after.lstrip()[:1] in (",", ".", ";", ")")
    preposition = _PREPOSITION_BEFORE.search(before)
    if preposition and (ends_phrase or _PREPOSITION_AFTER.match(after)):  # "in __location__, 8k": no "in" alone
        before = before[: preposition.start()]
    if first and not before.strip():  # "__view__ of a cat": no "of" at the beginning
        return "" if is_end else _LEADING_OF.sub("", after).lstrip(" ,")
    if is_end:
        return before.rstrip(" ,")
    if ends_phrase:
        before = before.rstrip(" ") if after.lstrip().startswith(",") else before.rstrip(" ,")
    if before.rstrip().endswith((",", "(")):  # one comma, not two
        return before + ("" if before[-1] in " (" else " ") + after.lstrip(" ,")
    return before + (after.lstrip(" ") if before[-1:].isspace() else after)
