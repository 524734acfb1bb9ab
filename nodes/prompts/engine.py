"""The wildcards under ComfyUI: in which folders they lie, what changes with them, and files that are saved there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io

from .. import paths
from ..engine import answer
from ..hyponyms.hyponyms import Hyponyms
from ..widgets import RulesInput, TemplateInput, WildcardCombo
from .classes.make import hyponyms_of_wildcard
from .drawing.resolve import lists_reached
from .language.names import bare_name
from .wildcards.library import Library, writable_names
from .wildcards.save import option_lines, write_options
from .wildcards.usable import told

_LANGUAGE = "The language, an example for each form: docs/templates.md in this pack's folder."
# other packs by their folder below custom_nodes, and where in it their wildcards lie
_OTHER_PACKS = {
    "comfyui-impact-pack": ("wildcards", "custom_wildcards"),
    "comfyui-easy-use": ("wildcards",),
    "comfyui-dynamicprompts": ("wildcards",),
}


@dataclass(frozen=True, slots=True)
class SavedWildcard:
    """A wildcard file that was written: how a template names it, where it lies, how many options it has."""

    wildcard: str
    path: Path
    count: int


@dataclass(frozen=True, slots=True)
class LoadedWildcard:
    """The options of a wildcard, how a template names it, and what was left out of it."""

    hyponyms: Hyponyms
    wildcard: str
    left_out: str


def template_input(name: str, default: str, tooltip: str) -> io.Input:
    """A text widget for one template; its help names the page of the language."""
    return TemplateInput(name, default=default, tooltip=f"{tooltip} {_LANGUAGE}")


def rules_input(tooltip: str) -> io.Input:
    """The widget of rules between slots, which a workflow may leave out."""
    return RulesInput("rules", tooltip=f"{tooltip} {_LANGUAGE}")


def roots() -> list[Path]:
    """The wildcard folders in the order of search: the user's, extra_model_paths.yaml's, other packs', ours."""
    folders = [paths.user_wildcards_dir(), *paths.model_folders("wildcards")]
    for custom_nodes in map(Path, folder_paths.get_folder_paths("custom_nodes")):
        for pack in sorted(custom_nodes.iterdir()) if custom_nodes.is_dir() else []:
            folders += [pack / name for name in _OTHER_PACKS.get(pack.name.lower(), ())]
    folders.append(paths.PACK / "wildcards")
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def library() -> Library:
    """The wildcards as they are on disk now."""
    return Library(roots())


def wildcard_input(tooltip: str) -> io.Input:
    """The list of all wildcards, for Load Wildcard."""
    wildcards = library()
    names, sizes = wildcards.names(), wildcards.sizes()
    return WildcardCombo(
        "name",
        options=names or ["(no wildcards yet)"],
        counts=[sizes[name].plain if name in sizes else None for name in names],
        templates={name: sizes[name].templates for name in names if name in sizes and sizes[name].templates},
        tooltip=tooltip,
    )


def load_wildcard(name: str) -> LoadedWildcard:
    """What the wildcard of that name holds.

    Raises:
        TemplateError: there is no such wildcard, or none of its lines can be used.
    """
    wildcards = library()
    hyponyms = hyponyms_of_wildcard(name, wildcards)
    mention = wildcards.mention(name.strip())
    text = told([*wildcards.left_out.values()])
    if not mention:
        text = f"No template can name {name}: rename its file.\n{text}".strip()
    return LoadedWildcard(hyponyms, mention, text)


def told_of(wildcards: Library, report: str = "") -> dict[str, dict[str, Any]]:
    """What a node shows that used wildcards: its report, and which of their lines are left out."""
    text = "\n\n".join(filter(None, (report, told([*wildcards.left_out.values()]))))
    return {"ui": answer(text)} if text else {}


def fingerprint(templates: Sequence[str | None], reserved: bool = True) -> str:
    """What changes when a file that the templates reach changes; any file where a template is linked or cannot be read.

    Never raises, since ComfyUI would run the node again for ever; the node itself says what is wrong.

    Args:
        templates: the widgets' texts; None for one that is linked, and so not known yet.
        reserved: whether `__class__` and the like are words of a class and no files.
    """
    try:
        wildcards = library()
        is_linked = None in templates
        reached = None if is_linked else lists_reached(wildcards, [text or "" for text in templates], reserved)
        return wildcards.content_key(reached)
    except OSError as error:
        return f"unreadable: {error}"


def save_wildcard(hyponyms: Hyponyms | None, words: str, name: str, overwrite: bool) -> SavedWildcard:
    """Write hyponyms, then further lines, as a wildcard file into the user's folder.

    Raises:
        ValueError: there is no option or no name, no template can write the name, it leads out of the folder, a line
            is no template, or the file exists and `overwrite` is false.
    """
    name = bare_name(name).removesuffix(".txt") or (hyponyms.word if hyponyms else "")
    if not name:
        raise ValueError("name is empty; expected the wildcard's name, such as tree; type one")
    if not writable_names(name):
        raise ValueError(
            f"name is {name[:80]!r}, which no template can write; expected letters and digits, such as tree"
        )
    lines = option_lines(hyponyms.words if hyponyms else (), words)
    path = write_options(paths.confine(paths.user_wildcards_dir(), f"{name}.txt", what="name"), lines, overwrite)
    mention = library().mention(name)
    if not mention:
        raise ValueError(
            f"name is {name[:80]!r}, which a template would write as another wildcard is called; expected a name of "
            f"its own; rename {path}"
        )
    return SavedWildcard(mention, path, sum(not line.startswith("#") for line in lines))
