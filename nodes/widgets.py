"""What the faces of all rooms share: the schema filter, the seed, names, and combo boxes of names on disk."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, cast

from comfy_api.latest import io

MAX_SEED = 2**64 - 1  # the largest that torch's generators take


def schema(*, advanced: Sequence[str] = (), **fields: Any) -> io.Schema:
    """`io.Schema` with only the fields that this ComfyUI knows (search_aliases came after 0.3.75).

    Args:
        advanced: inputs that the page folds away until asked, where it can (since 0.10).
    """
    parameters = inspect.signature(io.Schema).parameters
    built = io.Schema(**{name: value for name, value in fields.items() if name in parameters})
    inputs = {entry.id: entry for entry in built.inputs}
    for name in advanced:
        if hasattr(inputs[name], "advanced"):
            inputs[name].advanced = True
    return built


def counting_up() -> Any:
    """The `control_after_generate` of a number that begins on `increment`, where this ComfyUI can say so (0.18)."""
    kinds = getattr(io, "ControlAfterGenerate", None)
    return kinds.increment if kinds else True


class FileCombo(io.Combo.Input):
    """A combo box of names on disk. They come and go while a graph waits, so whoever opens one looks it up."""

    lists_files = True


class WildcardCombo(FileCombo):
    """A combo box of the names of wildcards; the page learns from it how many options each list has.

    Args:
        counts: of each list in the order of `options`, its options that are plain text; None where that is not known.
        templates: of each list that has some, by name, its lines with anything of the template language.
    """

    def __init__(
        self, id: str, *, options: list[str], counts: list[int | None], templates: dict[str, int], tooltip: str
    ) -> None:
        super().__init__(id, options=options, tooltip=tooltip)
        self.counts = counts
        self.templates = templates

    def as_dict(self) -> dict[str, Any]:
        """What the server tells the page of it."""
        return {**super().as_dict(), "hyponet_counts": self.counts, "hyponet_templates": self.templates}


class TemplateInput(io.String.Input):
    """A text box of the template language; the frontend leaves it as it is typed, web/js/typing.js helps to type.

    Args:
        is_whole: the text is one template, which the page checks; else parts of it are.
    """

    def __init__(self, id: str, *, default: str, tooltip: str, is_whole: bool = True) -> None:
        super().__init__(id, multiline=True, default=default, dynamic_prompts=False, tooltip=tooltip)
        self.is_whole = is_whole

    def as_dict(self) -> dict[str, Any]:
        """What the server tells the page of it."""
        return {**super().as_dict(), "hyponet_template": self.is_whole}


class RulesInput(io.String.Input):
    """A text box of rules between slots, a rule a line; web/js/typing.js helps to type."""

    def __init__(self, id: str, *, tooltip: str) -> None:
        super().__init__(id, optional=True, multiline=True, default="", dynamic_prompts=False, tooltip=tooltip)

    def as_dict(self) -> dict[str, Any]:
        """What the server tells the page of it."""
        return {**super().as_dict(), "hyponet_rules": True}


def names_found_when_opened(*inputs: str) -> Any:
    """`validate_inputs` of a node for its `FileCombo` inputs, so that the server compares them with no list.

    From 0.8 on it would when a prompt is queued: what an earlier prompt is still to write could not be opened by name.
    """

    def validate_inputs(cls: type[io.ComfyNode], **names: object) -> bool:
        return True

    # the server leaves out the checks of those inputs that this function names
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("cls", *inputs)]
    cast(Any, validate_inputs).__signature__ = inspect.Signature(parameters)
    return classmethod(validate_inputs)


def name_input(default: str, tooltip: str, *, is_literal: bool = True) -> io.Input:
    """The name of what the node writes.

    Args:
        is_literal: the page leaves `{a|b}` in it as it stands; else it picks one of them.
    """
    return io.String.Input("name", default=default, dynamic_prompts=False if is_literal else None, tooltip=tooltip)


def seed_input(
    tooltip: str, *, default: int = 0, limit: int = MAX_SEED, changes: bool = False, optional: bool = False
) -> io.Input:
    """The seed; `changes` lets the frontend draw another one after each run, as people expect of a prompt node.

    It is `optional` where another widget is, since those come last.
    """
    return io.Int.Input(
        "seed",
        default=default,
        min=0,
        max=limit,
        control_after_generate=changes,
        tooltip=tooltip,
        optional=optional,
    )
