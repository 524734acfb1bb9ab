"""The tree of a template, and the way back from the tree to text.

A template is a sequence of nodes. `at` is a node's offset in its text; it is no part of what makes two trees equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Text:
    """What is kept as it is, without its template escapes."""

    value: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`__name__`, or `__name(x=..,y=..)__` with values for variables in the named file."""

    name: str
    arguments: tuple[tuple[str, Sequence], ...] = ()
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """`${name}`, or `${name:default}`."""

    name: str
    default: Sequence | None = None
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Assign:
    """`${name=value}`: drawn at each use; `${name=!value}`: drawn once, here; `${name?=value}`: unless it has one."""

    name: str
    value: Sequence
    immediate: bool = False
    keep: bool = False
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Option:
    """One alternative in braces. `weight` is None where none is written (it counts as 1)."""

    body: Sequence
    weight: Fraction | None = None
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """`{a|b}`; or `{low-high$$separator$$a|b}`, an ordered selection. `high` None: as many as there are."""

    options: tuple[Option, ...]
    low: int = 1
    high: int | None = 1
    separator: str = ","
    at: int = field(default=0, compare=False)


Node = Text | Wildcard | Variable | Assign | Choice
Sequence = tuple[Node, ...]

WEIGHT = re.compile(r"(\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})::")
ESCAPABLE = "{}|$_#\\~@!:"


def to_text(nodes: Sequence) -> str:
    """A template that parses to `nodes` again."""
    return "".join(_node(node, "") for node in nodes)


def _node(node: Node, inside: str) -> str:
    if isinstance(node, Text):
        return _text(node.value, inside)
    if isinstance(node, Wildcard):
        pairs = ",".join(f"{name}={_body(value, ',)')}" for name, value in node.arguments)
        return f"__{node.name}({pairs})__" if node.arguments else f"__{node.name}__"
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
        bounds += "" if node.separator == "," else f"{node.separator}$$"
    return "{" + bounds + "|".join(_option(option) for option in node.options) + "}"


def _option(option: Option) -> str:
    weight = "" if option.weight is None else f"{_decimal(option.weight)}::"
    return weight + _body(option.body, "|")


def _body(nodes: Sequence, inside: str) -> str:
    text = "".join(_node(node, inside) for node in nodes)
    if text[:1] in ("~", "@", "!", ":") or WEIGHT.match(text):
        return text.replace(":", "\\:", 1) if WEIGHT.match(text) else "\\" + text
    return text


def _decimal(weight: Fraction) -> str:
    whole, rest = divmod(weight, 1)
    digits = ""
    while rest:
        digit, rest = divmod(rest * 10, 1)
        digits += str(digit)
    return f"{whole}.{digits}" if digits else str(whole)


def _text(value: str, inside: str) -> str:
    out = []
    for index, char in enumerate(value):
        before, after = value[index - 1 : index], value[index + 1 : index + 2]
        special = (
            char in "{}"
            or (char == "|" and "|" in inside)
            or ((char == "$" and after in ("", "{", "$")) or char == "$" == before)
            or (char == "_" and ("_" in (before, after) or "" in (before, after)))
            or (char == "#" and not (before.strip() and after.strip()))
            or (char == "#" and before.isdigit() and after in ("", "_"))
            or (char == "\\" and (after == "" or after in ESCAPABLE + inside))
            or (char in ",)" and char in inside)
        )
        out.append("\\" + char if special else char)
    return "".join(out)
