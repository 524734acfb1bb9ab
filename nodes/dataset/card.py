"""The data card: README.md of a set, with counts, models, licence and a sheet of samples.

Reads a set; writes its README.md and `card.jpg` in the sheets folder. A card that somebody edited is left alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from PIL import Image

from ...evaluation.files import replacing
from .contact_sheet import ORDERS, SheetSettings, contact_sheet
from .store import folders

if TYPE_CHECKING:  # the store writes its card
    from .store.store import DatasetStore

CARD = "README.md"
_MARK = re.compile(r"\n<!-- hyponet card ([0-9a-f]{16}) -->\n$")


def write_card(store: DatasetStore) -> bool:
    """Write the card unless its reader changed it; whether it was written."""
    path = store.root / CARD
    if path.exists() and not _is_ours(path.read_text(encoding="utf-8", errors="replace")):
        return False
    if len(store):
        folder = folders.make_sibling(store.root, "sheets")
        sheet = contact_sheet(store, SheetSettings(cell=96, order=ORDERS[1], caption="label"))
        with replacing(folder / "card.jpg") as part:
            Image.fromarray(sheet.image).save(part, "JPEG", quality=88)
    text = card_text(store)
    with replacing(path, work=store.work) as part:
        part.write_text(f"{text}\n<!-- hyponet card {_digest(text)} -->\n", encoding="utf-8")
    return True


def card_text(store: DatasetStore) -> str:
    """The card as Markdown with the front matter that the Hugging Face hub reads."""
    provenance = store.description["provenance"]
    total = len(store)
    parts = [
        f"---\nlicense: {_yaml(str(store.description.get('licence') or 'unknown'))}\n"
        "task_categories:\n- image-classification\ntags:\n- synthetic\n- generated\n"
        f"size_categories:\n- {_size_category(total)}\n---",
        f"# {store.name}",
        f"{total:,} generated pictures in {len(store.labels)} classes. Every picture was drawn by an image model; none "
        "is a photo, and each file says so (IPTC digital source type: trained algorithmic media).",
    ]
    if total:
        parts.append(f"![samples](../{folders.sibling(store.root, 'sheets').name}/card.jpg)".replace(" ", "%20"))
    parts += ["## Classes", _counts(store), "## Models", _models(provenance.get("models") or [])]
    parts += ["## Settings", _settings(store.description["identity"]), "## Licence", _licence(store)]
    parts += ["## Intended use", _USE, "## Files", _FILES]
    return "\n\n".join(parts).encode("utf-8", "backslashreplace").decode("utf-8")


_USE = (
    "Training and studying image classifiers. The pictures show what the image model takes a class to look like: "
    "expect its biases, and measure on real photos before relying on a classifier trained on them. Not a record of "
    "real places, animals or people."
)
_FILES = (
    "One folder a class. `metadata.jsonl` has a line for each picture: label, prompt, what was picked, seed, size and "
    "sha256. `dataset.json` has the whole plan, models and versions, from which the set can be made again."
)


def _counts(store: DatasetStore) -> str:
    rows = ["| class | folder | WordNet | pictures |", "|---|---|---|---|"]
    counts = store.counts()
    for entry in store.description["classes"]:
        label = entry["label"]
        rows.append(f"| {_cell(label)} | {_cell(entry['folder'])} | {entry['synset']} | {counts[label]} |")
    kept = len(store.manifest.index.kept)
    if kept:
        rows.append(f"\n{kept} of them failed every try of a check and are marked `kept`; exports leave them out.")
    return "\n".join(rows)


def _models(models: list[dict[str, Any]]) -> str:
    if not models:
        return "Not recorded."
    rows = ["| kind | file | sha256 |", "|---|---|---|"]
    rows += [f"| {_cell(m.get('kind', ''))} | {_cell(m.get('name', ''))} | {m.get('sha256', '')} |" for m in models]
    return "\n".join(rows)


def _settings(identity: dict[str, Any]) -> str:
    rows = ["| setting | value |", "|---|---|"]
    return "\n".join([*rows, *(f"| {_cell(key)} | {_cell(value)} |" for key, value in identity.items())])


def _licence(store: DatasetStore) -> str:
    if store.description.get("licence"):
        return str(store.description["licence"])
    return "Not stated: fill in `licence` in `dataset.json`. The licences of the models named above may bind it."


def _size_category(total: int) -> str:
    for limit, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")):
        if total < limit:
            return name
    return "1M<n<10M"


def _cell(value: object) -> str:
    text = str(value).replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= 120 else text[:117] + "..."


def _yaml(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z][\w.+-]*", text, re.ASCII) else json.dumps(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def _is_ours(text: str) -> bool:
    mark = _MARK.search(text)
    return mark is not None and _digest(text[: mark.start()]) == mark[1]
