"""Checks of widget values that the server itself does not make, and progress that notices an interrupt."""

from __future__ import annotations

import math
from collections.abc import Sequence


def choice(value: object, options: Sequence[str], what: str) -> str:
    """`value` if it is one of `options`; the server does not check the combo boxes of V3 nodes."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{what} is {_shown(value)}; expected one of: {', '.join(options)}; choose one from the list")
    return value


def number(value: object, low: float, high: float, what: str) -> float:
    """`value` as a finite float in [low, high]; NaN and infinity pass the server's own limits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{what} is {_shown(value)}; expected a number from {low:g} to {high:g}")
    if not low <= value <= high:
        raise ValueError(f"{what} is {value:g}; expected {low:g} to {high:g}")
    return float(value)


def integer(value: object, low: int, high: int, what: str) -> int:
    """`value` as an int in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{what} is {_shown(value)}; expected a whole number from {low} to {high}")
    if not low <= value <= high:
        raise ValueError(f"{what} is {value}; expected {low} to {high}")
    return value


def text(value: object, what: str, longest: int = 1_000_000) -> str:
    """`value` if it is text of at most `longest` characters without half surrogate pairs."""
    if not isinstance(value, str):
        raise ValueError(f"{what} is {type(value).__name__}; expected text")
    if len(value) > longest:
        raise ValueError(f"{what} has {len(value)} characters; expected at most {longest}; put long lists in a file")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} has half of a surrogate pair at character {error.start}; type it again") from None
    return value


def flag(value: object, what: str) -> bool:
    """`value` if it is true or false; the server takes the text "false" for true."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} is {_shown(value)}; expected true or false")
    return value


def _shown(value: object) -> str:
    return ascii(value)[:80]
