"""Class mappings: which classes of a set become which of ours, as a text file that people edit.

Reads: a mapping file, one line `class = source, source, ...`; a source may have several names, `wnid|number|label`, of
which the set knows at least one; `#` begins a comment. Three ship in mappings/: the thesis's five classes.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..unicode_names import caseless, composed
from .labelled_images import LabelledImages

SHIPPED = Path(__file__).resolve().parent / "mappings"


def shipped_mappings() -> tuple[str, ...]:
    """The names of the mappings that ship with the pack."""
    return tuple(sorted(f"thesis: {path.stem}" for path in SHIPPED.glob("*.txt")))


@dataclass(frozen=True)
class ClassMapping:
    """Classes and what becomes each.

    Args:
        name: how errors name the mapping.
        classes: (class, its sources) in order; a source is a tuple of names for one class of the set.
    """

    name: str
    classes: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]

    @classmethod
    def shipped(cls, name: str) -> ClassMapping:
        """One of shipped_mappings()."""
        if name not in shipped_mappings():
            raise ValueError(f"mapping is {name!r}; expected one of: {', '.join(shipped_mappings())}")
        return cls.read(SHIPPED / f"{name.removeprefix('thesis: ')}.txt")

    @classmethod
    def read(cls, path: Path) -> ClassMapping:
        """The mapping in a UTF-8 file."""
        try:
            return cls.parse(path.read_text(encoding="utf-8-sig"), path.name)
        except UnicodeDecodeError as error:
            raise ValueError(f"mapping {path.name} is not UTF-8 text ({error}); save it as UTF-8") from None

    @classmethod
    def parse(cls, text: str, name: str) -> ClassMapping:
        """The mapping that `text` states.

        Raises:
            ValueError: a line is no mapping, a class or a source stands twice, or there are no lines; names the line.
        """
        classes: dict[str, tuple[tuple[str, ...], ...]] = {}
        line_of: dict[str, int] = {}  # alias -> the line that names it
        for number, line in enumerate(text.splitlines(), 1):
            stated = composed(line.split("#")[0].strip())
            if not stated:
                continue
            target, equals, right = (part.strip() for part in stated.partition("="))
            sources = tuple(tuple(alias.strip() for alias in part.split("|")) for part in right.split(","))
            if not equals or not target or not all(alias for source in sources for alias in source):
                raise ValueError(f"{name}, line {number} is {stated!r}; expected `class = source, source`")
            if target in classes:
                raise ValueError(
                    f"{name}, line {number} states {target!r} again; expected each class once; join the lines"
                )
            for alias in {caseless(alias): None for source in sources for alias in source}:
                if alias in line_of:
                    raise ValueError(
                        f"{name}, line {number} names the source {alias!r}, which line {line_of[alias]} names too; "
                        "expected each source in one class"
                    )
                line_of[alias] = number
            classes[target] = sources
        if not classes:
            raise ValueError(f"{name} states no class; expected lines such as `cat = tabby, tiger cat`")
        return cls(name, tuple(classes.items()))

    def apply(self, data: LabelledImages) -> LabelledImages:
        """The pictures of the mapped classes, in the set's order, under the mapping's class names.

        Names are compared without case; classes that differ in case alone are joined.

        Raises:
            ValueError: the set lacks a source, or has several classes by the names of one; the message says which.
        """
        labels_of: dict[str, list[int]] = {}  # of names that differ in case alone there can be several
        for label, name in enumerate(data.class_names):
            labels_of.setdefault(caseless(name), []).append(label)
        target_of = np.full(len(data.class_names), -1, dtype=np.int64)
        for target, (name, sources) in enumerate(self.classes):
            for source in sources:
                spelled = {caseless(alias): alias for alias in source}
                labels_by_alias = {alias: labels_of[key] for key, alias in spelled.items() if key in labels_of}
                if not labels_by_alias:
                    raise ValueError(self._missing(name, source, data))
                if len(labels_by_alias) > 1:
                    raise ValueError(
                        f"{self.name} gives {name!r} the source {'|'.join(source)!r}, and {data.name} has a class "
                        f"of each of {', '.join(labels_by_alias)}; expected names of one class; put commas between "
                        "them to join the classes"
                    )
                target_of[next(iter(labels_by_alias.values()))] = target
        labels = target_of[data.labels]
        chosen = data.select(np.flatnonzero(labels >= 0))
        if not len(chosen):
            raise ValueError(f"{data.name} has no picture of a class of {self.name}; choose the mapping made for it")
        return replace(chosen, labels=labels[labels >= 0], class_names=tuple(name for name, _ in self.classes))

    def left_out(self, data: LabelledImages) -> dict[str, int]:
        """The set's classes that have pictures and that no source names, with their numbers of pictures."""
        named = {caseless(alias) for _, sources in self.classes for source in sources for alias in source}
        return {name: count for name, count in data.counts().items() if count and caseless(name) not in named}

    def _missing(self, target: str, source: tuple[str, ...], data: LabelledImages) -> str:
        near = difflib.get_close_matches(source[-1], data.class_names, n=3)
        choices = ", ".join(near or data.class_names[:20]) + (" ..." if not near and len(data.class_names) > 20 else "")
        return (
            f"{self.name} gives {target!r} the source {'|'.join(source)!r}, which {data.name} does not have; expected "
            f"one of its classes ({choices}); choose the mapping made for it, or edit that line"
        )
