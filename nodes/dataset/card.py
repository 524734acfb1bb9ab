"""The data card: README.md of a set, with counts, models, licence and a sheet of samples.

Reads a set; writes its README.md and `card.jpg` in the sheets folder. A card that somebody edited is left alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from ...evaluation.files import is_there, read_file, replacing
from ...evaluation.markdown import one_line
from ..upstream import ModelFile
from .contact_sheet import ORDERS, SheetSettings, contact_sheet
from .store import folders
from .store.store import DatasetStore
from .store.writable_store import WritableStore

CARD = "README.md"
_MAX_CELL = 120  # characters of a table cell; a judgement, for tables that stay readable
_SIGNATURE = re.compile(r"\n<!-- hyponet card ([0-9a-f]{16}) -->\n$")


def write_card(store: WritableStore) -> bool:
    """Write the card unless it says the same already or somebody edited it; whether it was written."""
    path, text = store.root / CARD, card_text(store)
    signed = f"{text}\n<!-- hyponet card {_digest(text)} -->\n"
    if is_there(path):
        existing = read_file(path).decode("utf-8", "replace")
        if not _is_ours(existing) or (existing == signed and not store.changed):
            return False
    if len(store):
        folder = folders.make_sidecar(store.root, folders.SHEETS)
        sheet = contact_sheet(store, SheetSettings(cell=96, order=ORDERS[1], caption="label"))
        with replacing(folder / "card.jpg", make_folder=False) as part:
            Image.fromarray(sheet.image).save(part, "JPEG", quality=88)
    # the temporary file lies not beside the card: what is in a set's folder is part of the set
    with replacing(path, work=store.work, make_folder=False) as part:
        part.write_text(signed, encoding="utf-8", newline="\n")
    return True


def card_text(store: DatasetStore) -> str:
    """The card as Markdown with the front matter that the Hugging Face hub reads."""
    description, total = store.description, len(store)
    parts = [
        f"---\nlicense: {_yaml(description.licence or 'unknown')}\n"
        "task_categories:\n- image-classification\ntags:\n- synthetic\n- generated\n"
        f"size_categories:\n- {_size_category(total)}\n---",
        f"# {store.name}",
        f"{total:,} generated pictures in {len(store.labels)} classes. Every picture was drawn by an image model; none "
        "is a photo, and each file says so (IPTC digital source type: trained algorithmic media).",
    ]
    if total:
        parts.append(f"![samples](../{folders.sidecar(store.root, folders.SHEETS).name}/card.jpg)".replace(" ", "%20"))
    parts += ["## Classes", _counts(store), "## Models", _models(description.provenance.models)]
    parts += ["## Settings", _settings(description.identity), "## Licence", _licence(description.licence)]
    parts += ["## Intended use", _USE, "## Files", _FILES]
    return "\n\n".join(parts).encode("utf-8", "backslashreplace").decode("utf-8")


_USE = (
    "Training and studying image classifiers. The pictures show what the image model takes a class to look like: "
    "expect its biases, and measure on real photos before relying on a classifier trained on them. Not a record of "
    "real places, animals or people."
)
_FILES = (
    "One folder a class. `metadata.jsonl` has a line for each picture: label, prompt, what was picked, seed, size and "
    "sha256. `dataset.json` has the whole plan, models and versions, from which the set can be made again.\n\n"
    'Hugging Face: `load_dataset("imagefolder", data_dir=...)["train"].class_encode_column("label")`; the labels are '
    "texts until then, and classes at once in the Parquet that Export Dataset writes. torchvision: `ImageFolder(...)`, "
    "whose classes are called as the folders."
)


def _counts(store: DatasetStore) -> str:
    rows = ["| class | folder | WordNet | pictures |", "|---|---|---|---|"]
    counts = store.counts()
    for entry in store.description.classes:
        rows.append(f"| {_cell(entry.label)} | {_cell(entry.folder)} | {entry.synset} | {counts[entry.label]} |")
    fallbacks = store.fallback_count()
    if fallbacks:
        rows.append(
            f"\n{fallbacks} of them failed every try of a check and are marked `fallback`; exports leave them out."
        )
    return "\n".join(rows)


def _models(models: Sequence[ModelFile]) -> str:
    if not models:
        return "Not recorded."
    rows = ["| kind | file | sha256 |", "|---|---|---|"]
    rows += [f"| {_cell(file.kind)} | {_cell(file.name)} | {file.sha256} |" for file in models]
    return "\n".join(rows)


def _settings(identity: Mapping[str, Any]) -> str:
    rows = ["| setting | value |", "|---|---|"]
    return "\n".join([*rows, *(f"| {_cell(key)} | {_cell(value)} |" for key, value in identity.items())])


def _licence(licence: str) -> str:
    if licence:
        return licence
    return "Not stated: fill in `licence` in `dataset.json`. The licences of the models named above may bind it."


def _size_category(total: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")):
        if total < limit:
            return name
    return "1M<n<10M"


def _cell(value: object) -> str:
    text = one_line(str(value).encode("utf-8", "backslashreplace").decode())  # half a surrogate pair as its escape
    return text if len(text) <= _MAX_CELL else text[: _MAX_CELL - 3] + "..."


def _yaml(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z][\w.+-]*", text, re.ASCII) else json.dumps(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def _is_ours(text: str) -> bool:
    signature = _SIGNATURE.search(text)
    return signature is not None and _digest(text[: signature.start()]) == signature[1]
