"""Wildcards whose name is drawn: `__cars/{porsche|deere}__`, and `${c=!{porsche|deere}}a ${c}: __cars/${c}__`.

Both become choices whose options have plain names, so that counting, checking and dealing need not know of them. What
follows a variable that is drawn once stands within its options, since the lists there belong to what was drawn. The
words may be the lines of a list as well, `__cars/{__makers__}__`, where the lists are at hand.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from .syntax import Assign, Choice, Node, Nodes, Option, Text, Wildcard, is_text, walk

MAX_NAMES = 1000  # of one wildcard with braces in its name, or of one variable; a judgement

Names = list[tuple[str, Fraction | None]]  # each with its weight, None where none is written
ListOfNames = Callable[[str, int], Names | None]  # the lines of the list of that name, written at that offset


def no_lists(name: str, offset: int) -> Names | None:
    """The ListOfNames where no lists are at hand."""
    return None


def names_of(nodes: Nodes | list[Node], lines_of: ListOfNames) -> Names | None:
    """Every text that texts, choices of texts and lists of them can give, each with its weight; else None."""
    names: Names = [("", None)]
    for node in nodes:
        if isinstance(node, Text):
            options: Names = [(node.value, None)]
        elif isinstance(node, Choice) and (node.low, node.high) == (1, 1):
            options = []
            for option in node.options:
                inner = names_of(option.body, lines_of)
                if inner is None or (len(inner) > 1 and len(node.options) > 1):
                    return None  # a list beside other options has their weight as a whole
                options += [(text.strip(), _product(weight, option.weight)) for text, weight in inner]
        elif isinstance(node, Wildcard) and not node.arguments and "$" not in node.name:
            lines = lines_of(node.name, node.offset)
            if lines is None:
                return None
            options = lines
        else:
            return None
        if len(names) * len(options) > MAX_NAMES:
            return None
        names = [
            (before + text, _product(weight, option_weight))
            for (before, weight), (text, option_weight) in itertools.product(names, options)
        ]
    return names


def choice_of_wildcards(names: Names, wildcard: Wildcard, ids: Iterator[int]) -> Choice:
    """The choice between `wildcard` under each of the names."""
    options = (
        Option((replace(wildcard, name=name, id=next(ids)),), weight, wildcard.offset, name) for name, weight in names
    )
    return Choice(tuple(options), offset=wildcard.offset, id=next(ids))


def with_drawn_names(nodes: list[Node], ids: Iterator[int], lines_of: ListOfNames) -> list[Node]:
    """`nodes` with plain names for the wildcards whose name has a variable that is drawn.

    What follows a variable drawn once, and stands in a wildcard's name, stands within its options; a variable drawn at
    each use becomes a choice of wildcards at each.
    """
    for index, node in enumerate(nodes):
        if not isinstance(node, Assign) or node.keep or is_text(node.value):
            continue
        following = tuple(nodes[index + 1 :])
        use = re.compile(r"\$\{" + re.escape(node.name) + r"(?::[^{}]*)?\}")
        if not any(isinstance(inner, Wildcard) and use.search(inner.name) for inner in walk(following)):
            continue
        names = names_of(node.value, lines_of)
        if names is None:
            continue  # the Resolver says that the name is not plain
        if not node.immediate:
            rest = _drawn_at_each_use(following, node.name, use, names, ids)
            return [*nodes[: index + 1], *with_drawn_names(list(rest), ids, lines_of)]
        rest = tuple(with_drawn_names(list(following), ids, lines_of))
        options = []
        for name, weight in names:
            value = (Text(name, node.offset, next(ids)),) if name else ()
            assign = replace(node, value=value, immediate=False, id=next(ids))
            options.append(Option((assign, *rest), weight, node.offset, name))
        return [*nodes[:index], Choice(tuple(options), is_drawn_name=True, offset=node.offset, id=next(ids))]
    return nodes


def _drawn_at_each_use(nodes: Nodes, variable: str, use: re.Pattern[str], names: Names, ids: Iterator[int]) -> Nodes:
    """`nodes` with a choice for each wildcard that has the variable in its name, up to where that is set anew."""
    result: list[Node] = []
    for index, node in enumerate(nodes):
        if isinstance(node, Wildcard) and use.search(node.name):
            places = [(_named(use, node.name, text), weight) for text, weight in names]
            node = choice_of_wildcards(places, node, ids)
        elif isinstance(node, Choice):
            options = (
                replace(option, body=_drawn_at_each_use(option.body, variable, use, names, ids))
                for option in node.options
            )
            node = replace(node, options=tuple(options))
        elif isinstance(node, Assign):
            node = replace(node, value=_drawn_at_each_use(node.value, variable, use, names, ids))
        result.append(node)
        if isinstance(node, Assign) and node.name == variable and not node.keep:
            return (*result, *nodes[index + 1 :])
    return tuple(result)


def _named(use: re.Pattern[str], name: str, text: str) -> str:
    """The name of a wildcard with a text for its variable."""
    return use.sub(lambda _: text, name)


def _product(first: Fraction | None, second: Fraction | None) -> Fraction | None:
    if first is None or second is None:
        return second if first is None else first
    return first * second
