"""The prompts room under ComfyUI: where wildcard folders lie, what the nodes read and write there, shared widgets."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io

from ...evaluation.files import replacing
from .. import paths
from ..engine import progress_bar
from ..hyponyms.classifier import Classifier
from ..hyponyms.hyponyms import Hyponyms, Settings
from ..hyponyms.taxonomy import taxonomy
from .classes import pictures
from .drawing.resolve import Resolver, Words
from .item import ClassSpec, Item
from .language.errors import SourceLocation, TemplateError
from .language.names import key_of
from .language.parser import parse
from .plan import Plan
from .preview import report as previews
from .wildcards.library import Library

_NEIGHBOURS = {
    "comfyui-impact-pack": ("wildcards", "custom_wildcards"),
    "comfyui-easy-use": ("wildcards",),
}


@dataclass(frozen=True, slots=True)
class Saved:
    """A wildcard file that was written: how a template names it, where it lies, how many options it has."""

    wildcard: str
    path: Path
    count: int


def template_input(name: str, default: str, tooltip: str) -> io.Input:
    """A text widget that the frontend leaves as it is typed."""
    return io.String.Input(name, multiline=True, default=default, dynamic_prompts=False, tooltip=tooltip)


def roots() -> list[Path]:
    """The wildcard folders in the order of search: the user's, extra_model_paths.yaml's, other packs', ours."""
    found = [paths.user_wildcards_dir(), *paths.model_folders("wildcards")]
    for folder in map(Path, folder_paths.get_folder_paths("custom_nodes")):
        for pack in sorted(folder.iterdir()) if folder.is_dir() else []:
            found += [pack / name for name in _NEIGHBOURS.get(pack.name.lower(), ())]
    found.append(paths.PACK / "wildcards")
    return [root for root in dict.fromkeys(found) if root.is_dir()]


def library() -> Library:
    """The wildcards as they are on disk now."""
    return Library(roots())


def wildcard_names() -> list[str]:
    """What the list of Load Wildcard offers."""
    return library().names() or ["(no wildcards yet)"]


def fingerprint(templates: Sequence[str | None], reserved: bool = True) -> str:
    """What changes when a file that the templates reach changes; any file where a template is linked or cannot be read.

    `reserved` says whether `__class__` and the like are no files.
    Never raises, since ComfyUI would run the node again for ever; the node itself says what is wrong.
    """
    try:
        found = library()
        return found.content_key(
            None if None in templates else _reached(found, [text or "" for text in templates], reserved)
        )
    except OSError as error:
        return f"unreadable: {error}"


def _reached(found: Library, templates: Sequence[str], reserved: bool) -> set[str] | None:
    """The names of every list that the templates reach, None where that cannot be told."""
    resolver = Resolver(found, Words("", "", ("",)) if reserved else None, True, {})
    try:
        for text in templates:
            resolver.check(parse(text), SourceLocation("template", text))
    except ValueError:
        return None
    return {wildcards.name for wildcards in resolver.used.values()}


def mention(name: str | None) -> str | None:
    """The template that names one wildcard; None for a linked name, "" for none."""
    if not name:
        return name
    return f"__{name.strip().strip('_')}__"


def single_plan(template: str, coverage: str, seed: int) -> Plan:
    """A plan of one template, for Dynamic Prompt; it has no class, so `__class__` is a wildcard like any other."""
    spec = ClassSpec("prompt")
    return Plan((spec,), template, library(), seed=seed, coverage=coverage, images_per_class=1, reserved=False)


def picks_json(item: Item) -> str:
    """What was picked for an item, as a JSON list."""
    return json.dumps([asdict(pick) for pick in item.picks], ensure_ascii=False)


def save_wildcard(hyponyms: Hyponyms | None, words: str, name: str, overwrite: bool) -> Saved:
    """Write hyponyms, then further lines, as a wildcard file into the user's folder.

    Raises:
        ValueError: there is no option or no name, the name leads out of the folder, a line is no template, or the file
            exists and `overwrite` is false.
    """
    name = name.strip().strip("_").removesuffix(".txt") or (hyponyms.word if hyponyms else "")
    if not name:
        raise ValueError("name is empty; expected the wildcard's name, such as tree; type one")
    lines = []  # hyponyms are options in the template language as well: Load Wildcard gives a file's lines as they are
    for what, given in (("hyponyms", hyponyms.words if hyponyms else ()), ("words", words.splitlines())):
        for number, line in enumerate(given, start=1):
            parse(line.strip(), what, number)
            lines.append(line.strip())
    lines = [line for line in dict.fromkeys(lines) if line]
    if not any(not line.startswith("#") for line in lines):
        raise ValueError("options are none; expected hyponyms or words; link hyponyms, or type one word a line")
    path = paths.confine(paths.user_wildcards_dir(), f"{name}.txt", what="name")
    path.parent.mkdir(parents=True, exist_ok=True)
    same = [one for one in path.parent.iterdir() if key_of(one.name) == key_of(path.name)]
    if same and not overwrite:
        raise ValueError(
            f"name is {name!a}, and {same[0]} exists; expected a new name; choose one, or switch overwrite on"
        )
    path = same[0] if same else path
    with replacing(path) as fresh:
        fresh.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return Saved(f"__{name}__", path, sum(not line.startswith("#") for line in lines))


def load_wildcard(name: str) -> Hyponyms:
    """The options of a wildcard, as hyponyms of no known synset.

    Raises:
        TemplateError: there is no such wildcard, or its file cannot be read.
    """
    found = library()
    name = name.strip()
    lists = found.find(name)
    if not lists:
        how = "expected the name of a wildcard file" + found.nearest(name)
        raise TemplateError(f"no wildcard named {name[:200]}", how, SourceLocation("the list of wildcards", name[:200]))
    words = tuple(line for wildcards in lists for line in wildcards.lines)
    return Hyponyms(lists[0].name.rsplit("/", 1)[-1], "", "", "", (), words, "")


def hyponyms_for_class(hyponyms: Hyponyms | None, wildcard: str) -> Hyponyms | None:
    """The linked hyponyms, else those of the wildcard of that name, else none."""
    return hyponyms if hyponyms or not wildcard else load_wildcard(wildcard.strip("_"))


def classes_from_pictures(
    classifier: Classifier, folder: str, settings: Settings, climb_to_name: bool
) -> tuple[tuple[ClassSpec, ...], str]:
    """The classes of the pictures in a folder below input/ (or one listed as datasets), and a report."""
    path = paths.confine_any(paths.read_bases(), folder, what="folder")
    if not path.is_dir():
        raise ValueError(f"folder is {folder!a}; expected a folder of pictures, not a file; name the folder it is in")
    found = pictures.find_pictures(path)
    return pictures.classes_from_pictures(classifier, found, settings, climb_to_name, progress_bar(len(found)))


def fingerprint_pictures(folder: str | None) -> str:
    """What changes when the pictures of the folder change; "" when that cannot be told."""
    if not folder:
        return ""
    try:
        found = pictures.find_pictures(paths.confine_any(paths.read_bases(), folder, what="folder"))
        digest = hashlib.blake2b(digest_size=16)
        for label, files in found.items():
            for path in files:
                stat = path.stat()
                digest.update(f"{label}\0{path.name}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
        return digest.hexdigest()
    except (OSError, ValueError):
        return ""


def preview(plan: Plan, samples: int, cfg: float, size: tuple[int, int]) -> previews.Preview:
    """What a plan will give, as Plan Preview shows it."""
    return previews.preview(
        plan,
        samples=samples,
        cfg=cfg,
        size=size,
        tokens=count_tokens,
        tree=taxonomy(),
        progress=progress_bar(len(plan.labels)),
    )


def count_tokens(prompt: str) -> int:
    """Tokens of a prompt in CLIP's own count, start and end included, weights taken off."""
    rows = _tokenizer().tokenize_with_weights(prompt)
    pad = _tokenizer().end_token
    return 2 + sum(token != pad for row in rows for token, *_ in row[1:])


@functools.lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from comfy.sd1_clip import SDTokenizer  # ships with its vocabulary

    return SDTokenizer()
