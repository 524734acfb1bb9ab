"""YAML collections: from nested keys to lists of options, each with its line.

A key path names a list: `colors: {warm: [red, orange]}` is `__colors/warm__`. Scalars are text as written (yes stays
yes); an item may also be `{text: red, weight: 2}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml  # comes with ComfyUI

from ..language.errors import SourceLocation, TemplateError
from .lines import checked

_MAX_DEPTH = 30  # keys within keys; a judgement: the reading is recursive
_MAX_OPTIONS = 2_000_000  # of one file, aliases followed: a few lines of YAML can name billions
_COST_OF_A_LIST = 20  # counted as so many options, or empty lists without end would cost nothing


@dataclass(frozen=True, slots=True)
class Entry:
    """One list of a collection: its key path ("" for a file that is a list), its options and their lines."""

    keys: str
    options: tuple[str, ...]
    numbers: tuple[int, ...]


def read_collection(data: bytes, source: str) -> tuple[Entry, ...]:
    """The lists of a YAML file in the order of the file.

    Raises:
        TemplateError: the file is not UTF-8 or not YAML, or an item is neither text nor text with a weight.
    """
    location = SourceLocation(source, checked(data, source).decode())
    try:
        root = yaml.compose(location.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"YAML that cannot be read ({error.problem})"
        raise TemplateError(what, "mend it", location, mark.index if mark else 0) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise TemplateError(f"YAML that cannot be read ({type(error).__name__})", "mend it", location) from None
    return tuple(_Collection(location).entries(root, (), frozenset())) if root is not None else ()


class _Collection:
    """One file's nodes as YAML gives them: mappings, sequences, scalars."""

    def __init__(self, location: SourceLocation) -> None:
        self.location = location
        self.budget = _MAX_OPTIONS

    def error(self, what: str, node: yaml.Node) -> TemplateError:
        """The error at the place of `node` in the file."""
        return TemplateError(what, "expected keys over lists of text", self.location, node.start_mark.index)

    def entries(self, node: yaml.Node, keys: tuple[str, ...], above: frozenset[int]) -> Iterator[Entry]:
        """The lists below a node that lies under `keys`; `above` has the ids of the nodes that it lies in."""
        if len(keys) > _MAX_DEPTH or id(node) in above:
            raise self.error("keys that are too deep, or repeat themselves,", node)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise self.error("a key that is no text", key)
                if isinstance(value, yaml.ScalarNode) and not value.value:
                    continue
                yield from self.entries(value, (*keys, key.value.strip()), above | {id(node)})
            return
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        self.budget -= len(items) + _COST_OF_A_LIST
        if self.budget < 0:
            raise self.error(f"more than {_MAX_OPTIONS} options", node)
        options = [(self.option(item), item.start_mark.line + 1) for item in items]
        options = [(text, line) for text, line in options if text]
        yield Entry("/".join(keys), tuple(text for text, _ in options), tuple(line for _, line in options))

    def option(self, node: yaml.Node) -> str:
        """The text of an item, with its weight as a line of a .txt file has it."""
        if isinstance(node, yaml.ScalarNode):
            return " ".join(str(node.value).split())
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: value.value for key, value in node.value}
            text = pairs.get("text") or pairs.get("content")
            if isinstance(text, str):
                weight = pairs.get("weight")
                return f"{weight}::{text.strip()}" if weight else text.strip()
        raise self.error("an option that is no text", node)
