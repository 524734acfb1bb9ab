"""Classes of a data set: one at a time, from text, or from sample pictures."""

from __future__ import annotations

from .plan import ClassSpec
from .wildcards import Library


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
    slots = tuple(part.strip() for part in omit.split(",") if part.strip())
    return ClassSpec(name, template, negative, hyponyms, hypernym, synset, slots, count)


def add_class(previous: tuple[ClassSpec, ...], spec: ClassSpec) -> tuple[ClassSpec, ...]:
    return (*previous, spec)


def classes_from_text(text: str, library: Library) -> tuple[ClassSpec, ...]:
    classes = []
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            head, *rest = line.split(";")
            name, _, words = head.partition(":")
            words = words.strip()
            if words.startswith("__"):
                hyponyms = library.lines(words.strip("_"))
            else:
                hyponyms = tuple(part.strip() for part in words.split(",") if part.strip())
            fields = dict(part.split(":", 1) for part in rest)
            fields = {key.strip(): value.strip() for key, value in fields.items()}
            count = int(fields["images"]) if "images" in fields else None
            classes.append(make_class(name.strip(), hyponyms, omit=fields.get("omit", ""), count=count))
    return tuple(classes)
