"""Wildcards whose name is drawn: `__cars/{porsche|deere}__`, and `${c=!{porsche|deere}}a ${c}: __cars/${c}__`.

Both become choices whose options have plain names, so that counting, checking and dealing need not know of them. What
follows a variable that is drawn once stands within its options, since the lists there belong to what was drawn.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from .syntax import Assign, Choice, Node, Nodes, Option, Text, Wildcard, is_text, walk

MAX_NAMES = 1000  # of one wildcard with braces in its name, or of one variable; a judgement

Names = list[tuple[str, Fraction | None]]  # each with its weight, None where none is written


def names_of(nodes: Nodes | list[Node]) -> Names | None:
    """Every text that texts and choices of texts can give, with its weight; None where it is not as simple as that."""
    names: Names = [("", None)]
    for node in nodes:
        if isinstance(node, Text):
            options: Names = [(node.value, None)]
        elif isinstance(node, Choice) and (node.low, node.high) == (1, 1):
            if not all(is_text(option.body) for option in node.options):
                return None
            options = [(_text(option.body).strip(), option.weight) for option in node.options]
        else:
            return None
        if len(names) * len(options) > MAX_NAMES:
            return None
        names = [
            (before + text, _product(weight, other))
            for (before, weight), (text, other) in itertools.product(names, options)
        ]
    return names


def choice_of_wildcards(names: Names, wildcard: Wildcard, ids: Iterator[int]) -> Choice:
    """The choice between `wildcard` under each of the names."""
    options = (
        Option((replace(wildcard, name=name, id=next(ids)),), weight, wildcard.offset, name) for name, weight in names
    )
    return Choice(tuple(options), offset=wildcard.offset, id=next(ids))


def with_drawn_names(nodes: list[Node], ids: Iterator[int]) -> list[Node]:
    """`nodes` with what follows a variable that is drawn once, and stands in a wildcard's name, within its options."""
    for index, node in enumerate(nodes):
        if not isinstance(node, Assign) or not node.immediate or node.keep or is_text(node.value):
            continue
        following = tuple(nodes[index + 1 :])
        use = re.compile(r"\$\{" + re.escape(node.name) + r"[:}]")
        if not any(isinstance(inner, Wildcard) and use.search(inner.name) for inner in walk(following)):
            continue
        names = names_of(node.value)
        if names is None:
            continue  # the Resolver says that the name is not plain
        rest = tuple(with_drawn_names(list(following), ids))
        options = []
        for name, weight in names:
            value = (Text(name, node.offset, next(ids)),) if name else ()
            assign = replace(node, value=value, immediate=False, id=next(ids))
            options.append(Option((assign, *rest), weight, node.offset, name))
        return [*nodes[:index], Choice(tuple(options), is_drawn_name=True, offset=node.offset, id=next(ids))]
    return nodes


def _text(nodes: Nodes) -> str:
    return "".join(node.value for node in nodes if isinstance(node, Text))


def _product(first: Fraction | None, second: Fraction | None) -> Fraction | None:
    if first is None or second is None:
        return second if first is None else first
    return first * second
