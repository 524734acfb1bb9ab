"""A template without some of its slots, its spaces, commas and small words put right.

`__view__ of a __color__ (__hyponym__:1.4) in __location__, 8k` without color and location is
`__view__ of a (__hyponym__:1.4), 8k`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from .errors import Place, TemplateError, nearest
from .names import key_of
from .syntax import Assign, Choice, Node, Option, Sequence, Text, Variable, Wildcard

_BRACKET_BEFORE = re.compile(r"(?<!\\)\(\s*$")
_BRACKET_AFTER = re.compile(r"^\s*(?::\s*[-+]?[\d.]+\s*)?\)")
_SMALL = "in|on|at|with|of|by|from|near|under|over|against"
_PREPOSITION = re.compile(rf"(?:^|(?<=[\s,]))(?:{_SMALL})(?: an?| the)?\s*$", re.I)
_NEXT_SMALL = re.compile(rf"\s*(?:{_SMALL})\b", re.I)
_LEADING_OF = re.compile(r"^[\s,]*of\s+", re.I)
_NUMBER_AFTER = re.compile(r"\s*:\s*[-+]?[\d.]+\s*\)")


def without(nodes: Sequence, names: Collection[str], place: Place) -> Sequence:
    """`nodes` without the wildcards of those names; a name without its folder will do.

    Raises:
        TemplateError: a name is no slot of the template.
    """
    found: set[str] = set()
    keys = {key_of(name).strip("_"): name for name in names}
    result = _sequence(nodes, keys, found)
    missing = [name for key, name in keys.items() if key not in found]
    if missing:
        known = sorted({node.name for node in _wildcards(nodes)})
        how = f"expected one of the wildcards in the template ({', '.join(known) or 'it has none'})"
        raise TemplateError(f"no slot {missing[0]} to leave out", how + nearest(missing[0], known), place)
    return result


def _sequence(nodes: Sequence, keys: Collection[str], found: set[str]) -> Sequence:
    kept: list[Node] = []
    left_out = False
    for number, node in enumerate(nodes):
        if isinstance(node, Wildcard):
            own = {key_of(node.name), key_of(node.name).rpartition("/")[2]}.intersection(keys)
            if own:
                found |= own
                left_out = True
                if not kept or not isinstance(kept[-1], Text):
                    kept.append(Text("", node.at))
                continue
        node = _inside(node, keys, found)
        if left_out and isinstance(node, Text):
            before = kept.pop()
            assert isinstance(before, Text)
            node = Text(_tidy(before.value, node.value, not kept, number + 1 == len(nodes)), before.at)
        elif left_out and len(kept) == 1 and isinstance(kept[0], Text) and not kept[0].value.strip():
            kept.clear()
        left_out = False
        kept.append(node)
    if left_out:
        assert isinstance(kept[-1], Text)
        kept[-1] = Text(_tidy(kept[-1].value, "", len(kept) == 1, True), kept[-1].at)
    return tuple(node for node in kept if node != Text(""))


def _inside(node: Node, keys: Collection[str], found: set[str]) -> Node:
    if isinstance(node, Choice):
        options = [Option(_sequence(one.body, keys, found), one.weight, one.at) for one in node.options]
        return replace(node, options=tuple(options))
    if isinstance(node, Assign):
        return replace(node, value=_sequence(node.value, keys, found))
    if isinstance(node, Variable) and node.default is not None:
        return replace(node, default=_sequence(node.default, keys, found))
    return node


def _tidy(before: str, after: str, first: bool, last: bool) -> str:
    """The two texts around a slot that is left out, as one; whether they begin and end what the slot stood in."""
    opened, closed = _BRACKET_BEFORE.search(before), _BRACKET_AFTER.search(after)
    if opened and closed:
        before, after = before[: opened.start()], after[closed.end() :]
    if _NUMBER_AFTER.match(after):
        return before.rstrip(" ,") + after.lstrip()
    nothing = last and not after.strip()
    ends = nothing or after.lstrip()[:1] in (",", ".", ";", ")")
    small = _PREPOSITION.search(before)
    if small and (ends or _NEXT_SMALL.match(after)):
        before = before[: small.start()]
    if first and not before.strip():
        return "" if nothing else _LEADING_OF.sub("", after).lstrip(" ,")
    if nothing:
        return before.rstrip(" ,")
    if ends:
        before = before.rstrip(" ") if after.lstrip().startswith(",") else before.rstrip(" ,")
    if before.rstrip().endswith((",", "(")):
        return before + ("" if before[-1] in " (" else " ") + after.lstrip(" ,")
    return before + (after.lstrip(" ") if before[-1:].isspace() else after)


def _wildcards(nodes: Sequence) -> list[Wildcard]:
    out: list[Wildcard] = []
    for node in nodes:
        if isinstance(node, Wildcard):
            out.append(node)
        elif isinstance(node, Choice):
            for option in node.options:
                out += _wildcards(option.body)
        elif isinstance(node, Assign):
            out += _wildcards(node.value)
        elif isinstance(node, Variable):
            out += _wildcards(node.default or ())
    return out
