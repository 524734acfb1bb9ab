"""How names of wildcards, variables and classes are written and compared."""

from __future__ import annotations

from ....evaluation.unicode_names import caseless


def key_of(name: str) -> str:
    """`name` as it is compared: composed, without case."""
    return caseless(name.strip())


def bare_name(text: str) -> str:
    """The name of a wildcard that may have been typed with its underscores: " __tree__ " is tree."""
    return text.strip().strip("_")


def mention(name: object) -> str | None:
    """The template that names one wildcard; "" stays, None is for what is no text: a link, or a wrong value."""
    if not isinstance(name, str):
        return None
    return f"__{bare_name(name)}__" if name else name
