"""One class, a chain of classes, and classes from text, one a line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..item import ClassSpec
from ..language.errors import Place, TemplateError, nearest
from ..language.names import key_of
from ..wildcards.library import Library

_KEYS = ("omit", "images", "hypernym", "synset", "negative", "template")
_FIELD = re.compile(rf";\s*({'|'.join(_KEYS)})\s*:", re.I)
_ANY_FIELD = re.compile(r";\s*(\w+)\s*:")
_WILDCARD = re.compile(r"__([^_].*?)__\Z")


def make_class(
    name: str,
    hyponyms: tuple[str, ...],
    *,
    hypernym: str = "",
    synset: str = "",
    template: str = "",
    negative: str | None = None,
    omit: str = "",
    count: int | None = None,
) -> ClassSpec:
    """A class; `omit` names slots with commas between.

    Raises:
        ValueError: the name is empty.
    """
    if not name:
        raise ValueError("name of a class is empty; expected a label such as cat; type one, or link hyponyms")
    slots = tuple(part.strip() for part in omit.split(",") if part.strip())
    return ClassSpec(name, template, negative, hyponyms, hypernym, synset, slots, count)


def add_classes(previous: Iterable[ClassSpec] | None, more: Iterable[ClassSpec]) -> tuple[ClassSpec, ...]:
    """The classes before and `more`.

    Raises:
        ValueError: two names are equal but for case.
    """
    classes = list(previous or ())
    names = {key_of(spec.name) for spec in classes}
    for spec in more:
        if key_of(spec.name) in names:
            raise ValueError(f"name of two classes is {spec.name}; expected names that differ by more than case")
        names.add(key_of(spec.name))
        classes.append(spec)
    return tuple(classes)


def classes_from_text(text: str, library: Library) -> tuple[ClassSpec, ...]:
    """Classes from lines such as `cat: __thesis/cat__; omit: color; images: 500`.

    After the name and a colon come its hyponyms, commas between, words or __wildcards__ (whose lines are taken); then
    fields after semicolons. `template`, which may hold semicolons itself, comes last. `#` begins a comment line.

    Raises:
        TemplateError: a line has no name, an unknown field, a number that is none, or an unknown wildcard.
    """
    place = Place("the text of the classes", text)
    classes: list[ClassSpec] = []
    offset = 0
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            classes += add_classes((), [_class(line, library, place, offset)])
        offset += len(line) + 1
    if not classes:
        raise TemplateError("no class", "expected one a line, such as cat: Siamese, Persian", place)
    return add_classes((), classes)


def _class(line: str, library: Library, place: Place, offset: int) -> ClassSpec:
    head, fields = _split(line, place, offset)
    name, _, words = head.partition(":")
    if not name.strip():
        raise TemplateError("a class without a name", "expected a name before the colon", place, offset)
    images = fields.get("images", "")
    if images and not (images.isascii() and images.isdigit() and int(images[:9]) > 0 and len(images) < 9):
        what = f"a number of images that is {images[:20]}"
        raise TemplateError(what, "expected a whole number from 1", place, offset + line.find(images))
    return make_class(
        name.strip(),
        _hyponyms(words, library, place, offset + line.find(":") + 1),
        hypernym=fields.get("hypernym", ""),
        synset=fields.get("synset", ""),
        template=fields.get("template", ""),
        negative=fields.get("negative"),
        omit=fields.get("omit", ""),
        count=int(images) if images else None,
    )


def _split(line: str, place: Place, offset: int) -> tuple[str, dict[str, str]]:
    """The part before the first field, and the fields."""
    found = _FIELD.search(line)
    head = line[: found.start()] if found else line
    wrong = _ANY_FIELD.search(head) or (";" in head and re.search(r";\s*(\S*)", head))
    if wrong:
        how = f"expected one of: {', '.join(_KEYS)}" + nearest(wrong[1], _KEYS)
        raise TemplateError(f"a field {wrong[1]!r}", how, place, offset + wrong.start())
    fields: dict[str, str] = {}
    while found:
        key = found[1].lower()
        after = None if key == "template" else _FIELD.search(line, found.end())
        if key in fields:
            raise TemplateError(f"a second {key}", "expected each field once", place, offset + found.start())
        fields[key] = line[found.end() : after.start() if after else len(line)].strip()
        found = after
    return head, fields


def _hyponyms(words: str, library: Library, place: Place, offset: int) -> tuple[str, ...]:
    out: list[str] = []
    for word in filter(None, map(str.strip, words.split(","))):
        name = _WILDCARD.match(word)
        if not name:
            out.append(word)
            continue
        lists = library.find(name[1])
        if not lists:
            how = "expected the name of a wildcard file" + library.nearest(name[1])
            raise TemplateError(f"no wildcard named {name[1]}", how, place, offset + words.find(word))
        for found in lists:
            out += found.lines
    return tuple(out)
