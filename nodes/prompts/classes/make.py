"""One class, a chain of classes, and classes from text, one a line; the hyponyms of a class out of a wildcard."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ....evaluation.unicode_names import composed
from ...hyponyms.hyponyms import Hyponyms
from ..drawing.resolve import RESERVED
from ..item import ClassSpec
from ..language.errors import SourceLocation, TemplateError, nearest
from ..language.names import bare_name, key_of
from ..wildcards.library import Library
from ..wildcards.usable import UsableLists

_KEYS = ("omit", "images", "hypernym", "synset", "negative", "not", "only", "template")
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
    rules: str = "",
) -> ClassSpec:
    """A class, its name composed; `omit` names slots with commas between; `rules` are one a line.

    Raises:
        ValueError: the name is empty.
    """
    if not name:
        raise ValueError("name of a class is empty; expected a label such as cat; type one, or link hyponyms")
    slots = tuple(part.strip() for part in omit.split(",") if part.strip())
    return ClassSpec(composed(name), template, negative, hyponyms, hypernym, synset, slots, count, rules)


def add_classes(previous: Iterable[ClassSpec] | None, added: Iterable[ClassSpec]) -> tuple[ClassSpec, ...]:
    """The classes before and those `added`.

    Raises:
        ValueError: two names are equal but for case.
    """
    classes = list(previous or ())
    names = {key_of(spec.name) for spec in classes}
    for spec in added:
        if key_of(spec.name) in names:
            raise ValueError(
                f"name of two classes is {spec.name}; expected names that differ by more than case; rename one"
            )
        names.add(key_of(spec.name))
        classes.append(spec)
    return tuple(classes)


def hyponyms_of_wildcard(name: str, library: Library) -> Hyponyms:
    """The options of a wildcard, as hyponyms of no known synset.

    Raises:
        TemplateError: there is no such wildcard, or its file cannot be read.
    """
    name = name.strip()
    lists = UsableLists(library, RESERVED).require(name, SourceLocation("the list of wildcards", name[:200]))
    words = tuple(line for wildcards in lists for line in wildcards.lines)
    return Hyponyms(lists[0].name.rsplit("/", 1)[-1], "", "", "", (), words, "")


def class_hyponyms(hyponyms: Hyponyms | None, wildcard: str, library: Library) -> Hyponyms | None:
    """The hyponyms of a class: those that are linked, else those of the wildcard of that name, else none."""
    return hyponyms if hyponyms or not wildcard else hyponyms_of_wildcard(bare_name(wildcard), library)


def classes_from_text(text: str, library: Library) -> tuple[ClassSpec, ...]:
    """Classes from lines such as `cat: __thesis/cat__; omit: color; images: 500`.

    After the name and a colon come its hyponyms, commas between, words or __wildcards__ (whose lines are taken); then
    fields after semicolons. `template`, which may hold semicolons itself, comes last. `#` begins a comment line.

    Raises:
        TemplateError: a line has no name, an unknown field, a number that is none, or an unknown wildcard.
    """
    location = SourceLocation("the text of the classes", text)
    classes: list[ClassSpec] = []
    offset = 0
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            classes += add_classes((), [_class(line, library, location, offset)])
        offset += len(line) + 1
    if not classes:
        raise TemplateError("no class", "expected one a line, such as cat: Siamese, Persian", location)
    return add_classes((), classes)


def _class(line: str, library: Library, location: SourceLocation, offset: int) -> ClassSpec:
    head, fields = _split(line, location, offset)
    name, _, words = head.partition(":")
    if not name.strip():
        raise TemplateError("a class without a name", "expected a name before the colon", location, offset)
    if "," in head and ":" not in head:
        how = "expected one class a line; for a name with a comma write a colon after it"
        raise TemplateError("several classes on one line", how, location, offset + head.index(","))
    images = fields.get("images", "")
    if images and not (images.isascii() and images.isdigit() and int(images[:9]) > 0 and len(images) < 9):
        what = f"a number of images that is {images[:20]}"
        raise TemplateError(what, "expected a whole number from 1", location, offset + line.find(images))
    return make_class(
        name.strip(),
        _hyponyms(words, library, location, offset + line.find(":") + 1),
        hypernym=fields.get("hypernym", ""),
        synset=fields.get("synset", ""),
        template=fields.get("template", ""),
        negative=fields.get("negative"),
        omit=fields.get("omit", ""),
        count=int(images) if images else None,
        rules="\n".join(f"{kind} {fields[kind]}" for kind in ("not", "only") if fields.get(kind)),
    )


def _split(line: str, location: SourceLocation, offset: int) -> tuple[str, dict[str, str]]:
    """The part before the first field, and the fields."""
    field = _FIELD.search(line)
    head = line[: field.start()] if field else line
    unknown = _ANY_FIELD.search(head) or (";" in head and re.search(r";\s*(\S*)", head))
    if unknown:
        how = f"expected one of: {', '.join(_KEYS)}" + nearest(unknown[1], _KEYS)
        raise TemplateError(f"a field {unknown[1]!r}", how, location, offset + unknown.start())
    fields: dict[str, str] = {}
    while field:
        key = field[1].lower()
        following = None if key == "template" else _FIELD.search(line, field.end())
        if key in fields:
            raise TemplateError(f"a second {key}", "expected each field once", location, offset + field.start())
        fields[key] = line[field.end() : following.start() if following else len(line)].strip()
        field = following
    return head, fields


def _hyponyms(words: str, library: Library, location: SourceLocation, offset: int) -> tuple[str, ...]:
    """The words between the commas, a wildcard's lines in its place."""
    hyponyms: list[str] = []
    for word in _between_commas(words):
        wildcard = _WILDCARD.match(word)
        if not wildcard:
            hyponyms.append(word)
            continue
        for wildcards in UsableLists(library, RESERVED).require(wildcard[1], location, offset + words.find(word)):
            hyponyms += wildcards.lines
    return tuple(hyponyms)


def _between_commas(words: str) -> list[str]:
    """What stands between the commas that are in no braces or brackets; between all where these are not closed."""
    parts, depth = [""], 0
    for char in words:
        depth += (char in "{(") - (char in "})")
        if char == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    if depth:
        parts = words.split(",")
    return [part.strip() for part in parts if part.strip()]
