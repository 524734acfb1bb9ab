"""The tree of a template, and the way back from the tree to text.

A template is a sequence of nodes. Two nodes are equal when they say the same, wherever they stand: their `offset` (in
characters, in their own text) and their `id` (a number that the parser gives to each node of a process once, so that
what is worked out for a node can be looked up again) are no part of it. Neither reaches a prompt or a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Text:
    """What is kept as it is, without its template escapes."""

    value: str
    offset: int = field(default=0, compare=False)
    id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`__name__`, or `__name(x=..,y=..)__` with values for variables in the named file."""

    name: str
    arguments: tuple[Assign, ...] = ()
    offset: int = field(default=0, compare=False)
    id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """`${name}`, or `${name:default}`.

    Args:
        part: "" for its whole text; of what wraps another text the part "before" or "after" its dots.
    """

    name: str
    default: Nodes | None = None
    part: str = ""
    offset: int = field(default=0, compare=False)
    id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Assign:
    """`${name=value}`: drawn at each use; `${name=!value}`: drawn once, here; `${name?=value}`: unless it has one.

    `%{value$$inner}` is an immediate one whose name begins with WRAP, its part before the dots, inner, and the other.
    """

    name: str
    value: Nodes
    immediate: bool = False
    keep: bool = False
    offset: int = field(default=0, compare=False)
    id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Option:
    """One alternative in braces.

    Args:
        weight: None where none is written (it counts as 1).
        label: what picks call it where it stands for a drawn name; "": its text.
    """

    body: Nodes
    weight: Fraction | None = None
    offset: int = field(default=0, compare=False)
    label: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """`{a|b}`; or `{low-high$$separator$$a|b}`, an ordered selection.

    Args:
        high: None: as many as there are.
        is_drawn_name: whether it stands for a variable drawn once; then its options share what follows that variable.
    """

    options: tuple[Option, ...]
    low: int = 1
    high: int | None = 1
    separator: str = ","
    is_drawn_name: bool = field(default=False, compare=False)
    offset: int = field(default=0, compare=False)
    id: int = field(default=0, compare=False)


Node = Text | Wildcard | Variable | Assign | Choice
Nodes = tuple[Node, ...]

WRAP = "%"  # begins the name of a variable that wraps a text; none that is typed begins so
MARKS = ("{", "}", "$", "__", "\\", "#", "::")  # a text without any of them is one Text, as it stands
ESCAPABLE = "{}|$_#\\~@!:"
WEIGHT = re.compile(r"(\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})::")
_IN_NAME = re.compile(r"\$\{([\w-]+)\}")  # a variable without a default in the name of a wildcard
SAMPLER_SIGNS = ("~", "@", "!")  # of dynamicprompts, right after the opening of a choice or a wildcard


def is_plain(text: str) -> bool:
    """Whether `text` has nothing of the template language."""
    return not any(mark in text for mark in MARKS)


def is_text(nodes: Nodes) -> bool:
    """Whether the nodes are text alone, with nothing to choose or to look up."""
    return all(isinstance(node, Text) for node in nodes)


def gives_text(nodes: Nodes) -> bool:
    """Whether the nodes can give more than blanks, as far as can be told without any wildcard or value."""
    for node in nodes:
        if isinstance(node, Text):
            if node.value.strip():
                return True
        elif isinstance(node, Choice):
            if any(option.weight != 0 and gives_text(option.body) for option in node.options):
                return True
        elif not isinstance(node, Assign):
            return True
    return False


def children(node: Node) -> tuple[Nodes, ...]:
    """The templates within a node, in the order in which they are written."""
    if isinstance(node, Choice):
        return tuple(option.body for option in node.options)
    if isinstance(node, Wildcard):
        return tuple(argument.value for argument in node.arguments)
    if isinstance(node, Variable):
        return () if node.default is None else (node.default,)
    if isinstance(node, Assign):
        return (node.value,)
    return ()


def walk(nodes: Nodes) -> Iterator[Node]:
    """Every node of a template, those within others too, in the order in which they are written.

    Once where several parts share it, as what follows a drawn name does: five of 12 words lead there in 12 ** 5 ways.
    """
    return _walk(nodes, set())


def _walk(nodes: Nodes, visited: set[int]) -> Iterator[Node]:
    for node in nodes:
        if id(node) in visited:
            continue
        visited.add(id(node))
        yield node
        for inner in children(node):
            yield from _walk(inner, visited)


def free_variables(nodes: Nodes) -> frozenset[str]:
    """The variables that a template uses without a default and gives no value itself before."""
    return frozenset(_free(nodes, frozenset()))


def _free(nodes: Nodes, given: frozenset[str]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Variable):
            if node.name not in given:
                yield from [node.name] if node.default is None else _free(node.default, given)
        elif isinstance(node, Assign):
            yield from _free(node.value, given)
            given |= {node.name}
        else:
            if isinstance(node, Wildcard):
                yield from (name for name in _IN_NAME.findall(node.name) if name not in given)
            for part in children(node):
                yield from _free(part, given)


def to_text(nodes: Nodes) -> str:
    """A template that parses to `nodes` again."""
    return _text_of(nodes, "")


def _text_of(nodes: Nodes, stop: str) -> str:
    return "".join(_node(node, stop) for node in nodes)


def _node(node: Node, stop: str) -> str:
    """One node as text; `stop` has the characters that would end the part of a template that it stands in."""
    if isinstance(node, Text):
        return _escaped(node.value, stop)
    if isinstance(node, Wildcard):
        pairs = ",".join(f"{argument.name}={_body(argument.value, ',)')}" for argument in node.arguments)
        return f"__{node.name}({pairs})__" if node.arguments else f"__{node.name}__"
    if isinstance(node, Variable) and node.part:
        return "" if node.part == "before" else "}"
    if isinstance(node, Assign) and node.name.startswith(WRAP):
        return f"%{{{_text_of(node.value, '')}$$"
    if isinstance(node, Variable):
        return f"${{{node.name}}}" if node.default is None else f"${{{node.name}:{_body(node.default, '')}}}"
    if isinstance(node, Assign):
        sign = ("?" if node.keep else "") + "=" + ("!" if node.immediate else "")
        return f"${{{node.name}{sign}{_body(node.value, '')}}}"
    return _choice(node)


def _choice(node: Choice) -> str:
    bounds = ""
    if (node.low, node.high) != (1, 1):
        high = "" if node.high is None else str(node.high)
        bounds = f"{node.low}$$" if str(node.low) == high else f"{node.low}-{high}$$"
        bounds += "" if node.separator == "," else f"{_escaped(node.separator, '')}$$"
    return "{" + bounds + "|".join(_option(option) for option in node.options) + "}"


def _option(option: Option) -> str:
    weight = "" if option.weight is None else f"{_decimal(option.weight)}::"
    return weight + _body(option.body, "|")


def _body(nodes: Nodes, stop: str) -> str:
    """A part of a template; what would be read as a sampler at its beginning is escaped."""
    text = _text_of(nodes, stop)
    return "\\" + text if text.startswith((*SAMPLER_SIGNS, ":")) else text


def _decimal(weight: Fraction) -> str:
    """All digits of a weight; it ends, since it was read from some."""
    whole, remainder = divmod(weight, 1)
    digits = ""
    while remainder:
        digit, remainder = divmod(remainder * 10, 1)
        digits += str(digit)
    return f"{whole}.{digits}" if digits else str(whole)


def _escaped(text: str, stop: str) -> str:
    """`text` with a backslash before each character that would be read as something else."""
    return "".join("\\" + char if _needs_escape(text, index, stop) else char for index, char in enumerate(text))


def _needs_escape(text: str, index: int, stop: str) -> bool:
    """Whether character `index` could be read as something else, whatever stands before and after `text`."""
    char, before, after = text[index], text[index - 1 : index], text[index + 1 : index + 2]
    if char in "{}":
        return True
    if char == "$":  # of ${ or $$
        return after in ("", "{", "$") or before == "$"
    if char == ":":  # one of two
        return ":" in (before, after)
    if char == "_":  # one of two
        return "_" in (before, after) or "" in (before, after)
    if char == "#":
        is_comment = not (before.strip() and after.strip())
        return is_comment or after in ("", "_")  # 3#__name__
    if char == "\\":
        return after == "" or after in ESCAPABLE + stop
    return char in "|,)" and char in stop
