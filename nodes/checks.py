"""Checks of widget values and links against the schema of their node, where every limit stands once.

The server takes any text for the combo boxes of V3 nodes, NaN and infinity for a number and "false" for true, and an
adapter whose output fits every input carries anything anywhere.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

MAX_LINE = 10_000  # characters of a text in one line; a judgement: twice a long path and more
MAX_TEXT = 1_000_000  # characters of a text of several lines; a judgement: far above what is typed by hand


def checked(method: F) -> F:
    """`execute` or `check_lazy_status` of a node that gets only what the node's own `define_schema` allows.

    Optional widgets that are left out get their default of the schema; a whole number from a link becomes a float where
    the schema says FLOAT. Of a node that takes lists, each value of a list is checked. The schema is read once: the
    server hands a new copy of the class to every call. What a `FileCombo` lists is on disk and comes and goes: that
    such a name is text is checked here, the rest by who opens it. Of a link the type of its object is checked.

    Raises:
        ValueError: a value has another type, is out of range or no option; the message names the widget or the link.
    """
    schemas: list[Any] = []

    @functools.wraps(method)
    def call(cls: Any, **values: Any) -> Any:
        if not schemas:
            schemas.append(cls.define_schema())
        (schema,) = schemas
        for widget in _widgets(schema):
            if widget.id not in values:
                if widget.optional:
                    values[widget.id] = widget.default
                continue
            value = values[widget.id]
            values[widget.id] = (
                [_check(widget, item) for item in value] if schema.is_input_list else _check(widget, value)
            )
        for link in _links(schema):
            value = values.get(link.id)
            for item in value if schema.is_input_list and isinstance(value, list) else [value]:
                _check_link(link, item)
        return method(cls, **values)

    return cast(F, call)


def choice(value: object, options: Sequence[str], what: str) -> str:
    """`value` if it is one of `options`."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{what} is {_shown(value)}; expected one of: {', '.join(options)}; choose one from the list")
    return value


def number(value: object, low: float, high: float, what: str) -> float:
    """`value` as a finite float in [low, high]."""
    # not math.isfinite: it fails on a whole number of 400 digits, which is beyond every float
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -math.inf < value < math.inf:
        raise ValueError(f"{what} is {_shown(value)}; expected a number from {low:g} to {high:g}")
    if not low <= value <= high:
        text = f"{value:g}" if isinstance(value, float) else _shown(value)
        raise ValueError(f"{what} is {text}; expected {low:g} to {high:g}")
    return float(value)


def integer(value: object, low: int, high: int, what: str) -> int:
    """`value` as an int in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{what} is {_shown(value)}; expected a whole number from {low} to {high}")
    if not low <= value <= high:
        raise ValueError(f"{what} is {value}; expected {low} to {high}")
    return value


def text(value: object, what: str, longest: int = MAX_TEXT) -> str:
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


def _widgets(schema: Any) -> Iterator[Any]:
    """The inputs of a schema that are widgets; the rest are links, whose objects the nodes know themselves."""
    return (entry for entry in schema.inputs or () if entry.io_type in _CHECKS)


def _links(schema: Any) -> Iterator[Any]:
    """The inputs whose objects are of a type that is known here."""
    return (entry for entry in schema.inputs or () if set(entry.get_io_type().split(",")) <= set(_OBJECTS))


def _check_link(link: Any, value: object) -> None:
    expected = [_OBJECTS[kind] for kind in link.get_io_type().split(",")]
    names = {kind.__name__ for kind in type(value).__mro__}
    if (value is None and link.optional) or names & {name for name, _, _ in expected}:
        return
    given = "empty" if value is None else f"of type {type(value).__name__}"
    what = " or ".join(what for _, what, _ in expected)
    whence = " or ".join(whence for _, _, whence in expected)
    raise ValueError(f"{link.id} is {given}; expected {what}; connect {whence}")


def _check(widget: Any, value: object) -> object:
    return _CHECKS[widget.io_type](widget, value)


def _check_choice(widget: Any, value: object) -> str:
    if getattr(widget, "lists_files", False):
        return text(value, widget.id, MAX_LINE)
    return choice(value, widget.options, widget.id)


def _check_text(widget: Any, value: object) -> str:
    return text(value, widget.id, MAX_TEXT if widget.multiline else MAX_LINE)


_CHECKS: dict[str, Callable[[Any, object], object]] = {
    "COMBO": _check_choice,
    "STRING": _check_text,
    "INT": lambda widget, value: integer(value, widget.min, widget.max, widget.id),
    "FLOAT": lambda widget, value: number(value, widget.min, widget.max, widget.id),
    "BOOLEAN": lambda widget, value: flag(value, widget.id),
}


# what travels on a socket: the class of the object, what people call it, the nodes that make it
_OBJECTS: dict[str, tuple[str, str, str]] = {
    "HYPONET_CLASSIFIER": ("Classifier", "a classifier", "Load Classifier"),
    "HYPONET_HYPONYMS": ("Hyponyms", "hyponyms", "Hyponyms of Image or Hyponyms of Word"),
    "HYPONET_CLASSES": ("tuple", "classes", "Class, Classes from Text or Classes from Pictures"),
    "HYPONET_PLAN": ("Plan", "a plan", "Dataset Plan"),
    "HYPONET_ITEMS": ("tuple", "items of a plan", "Plan Batch"),
    "HYPONET_OPTIONS": ("SamplingOptions", "sampling options", "Sampling Options"),
    "HYPONET_DATASET": ("DatasetRef", "a data set", "Generate Dataset or Load Dataset"),
    "HYPONET_IMAGES": ("LabelledImages", "labelled pictures", "Load Labelled Images"),
    "HYPONET_CHECKPOINT": ("Checkpoint", "a trained classifier", "Train Classifier or Open Trained Classifier"),
    "HYPONET_FEATURES": ("ImageFeatures", "features", "Image Features"),
    "HYPONET_STATISTICS": ("FeatureStatistics", "statistics", "Load Statistics"),
    "HYPONET_RESULT": ("Result", "a result", "a node of training, test or metrics"),
    "IMAGE": ("Tensor", "pictures", "Load Image"),
    "CONDITIONING": ("list", "a conditioning", "CLIP Text Encode"),
    "SIGMAS": ("Tensor", "noise levels", "Basic Scheduler"),
}


def _shown(value: object) -> str:
    return repr(value)[:80]
