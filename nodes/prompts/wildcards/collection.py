"""YAML collections: from nested keys to lists of options, each with its line.

A key path names a list: `colors: {warm: [red, orange]}` is `__colors/warm__`. Scalars are text as written (yes stays
yes); an item may also be `{text: red, weight: 2}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..language.errors import Place, TemplateError
from .lines import checked

_DEEPEST = 30
_MOST = 2_000_000  # options of one file, aliases followed
_COST_OF_A_LIST = 20


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
    import yaml  # comes with ComfyUI

    text = checked(data, source).decode()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        offset = mark.index if mark else 0
        raise TemplateError(
            f"YAML that cannot be read ({error.problem})", "mend it", Place(source, text), offset
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise TemplateError(
            f"YAML that cannot be read ({type(error).__name__})", "mend it", Place(source, text)
        ) from None
    return tuple(_Walk(Place(source, text)).entries(root, (), frozenset())) if root is not None else ()


class _Walk:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.left = _MOST  # aliases may repeat lists without end

    def fail(self, what: str, node: Any) -> TemplateError:
        mark = node.start_mark
        return TemplateError(what, "expected keys over lists of text", self.place, mark.index)

    def entries(self, node: Any, keys: tuple[str, ...], above: frozenset[int]) -> Iterator[Entry]:
        kind = type(node).__name__
        if len(keys) > _DEEPEST or id(node) in above:
            raise self.fail("keys that are too deep, or repeat themselves,", node)
        if kind == "MappingNode":
            for key, value in node.value:
                if type(key).__name__ != "ScalarNode":
                    raise self.fail("a key that is no text", key)
                if type(value).__name__ == "ScalarNode" and not value.value:
                    continue
                yield from self.entries(value, (*keys, key.value.strip()), above | {id(node)})
            return
        items = node.value if kind == "SequenceNode" else [node]
        self.left -= len(items) + _COST_OF_A_LIST
        if self.left < 0:
            raise self.fail(f"more than {_MOST} options", node)
        found = [(self.option(item), item.start_mark.line + 1) for item in items]
        found = [(text, line) for text, line in found if text]
        yield Entry("/".join(keys), tuple(text for text, _ in found), tuple(line for _, line in found))

    def option(self, node: Any) -> str:
        kind = type(node).__name__
        if kind == "ScalarNode":
            return " ".join(str(node.value).split())
        if kind == "MappingNode":
            pairs = {key.value: value.value for key, value in node.value}
            text = pairs.get("text") or pairs.get("content")
            if isinstance(text, str):
                weight = pairs.get("weight")
                return f"{weight}::{text.strip()}" if weight else text.strip()
        raise self.fail("an option that is no text", node)
