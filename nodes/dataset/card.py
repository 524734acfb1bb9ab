"""The data card: README.md of a set, with its facts (facts.py) for people and a sheet of samples.

Reads a set; writes its README.md and `card.jpg` in the sheets folder. A card that somebody edited is left alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...evaluation.files import is_there, read_file, replacing
from ...evaluation.markdown import one_line
from ..upstream import ModelFile
from .contact_sheet import ORDERS, SheetSettings, contact_sheet, jpeg_of_sheet
from .facts import SetFacts
from .store import folders
from .store.writable_store import WritableStore

CARD = "README.md"
_MAX_CELL = 120  # characters of a table cell; a judgement, for tables that stay readable
_SIGNATURE = re.compile(r"\n<!-- hyponet card ([0-9a-f]{16}) -->\n$")


def write_card(store: WritableStore, facts: SetFacts) -> bool:
    """Write the card unless it says the same already or somebody edited it; whether it was written."""
    path, text = store.root / CARD, card_text(facts)
    signed = f"{text}\n<!-- hyponet card {_digest(text)} -->\n"
    if is_there(path):
        existing = read_file(path).decode("utf-8", "replace")
        if not _is_ours(existing) or (existing == signed and not store.changed):
            return False
    if len(store):
        folder = folders.make_sidecar(store.root, folders.SHEETS)
        sheet = contact_sheet(store, SheetSettings(cell=96, order=ORDERS[1], caption="label"))
        with replacing(folder / "card.jpg", make_folder=False) as part:
            part.write_bytes(jpeg_of_sheet(store, sheet))
    # the temporary file lies not beside the card: what is in a set's folder is part of the set
    with replacing(path, work=store.work, make_folder=False) as part:
        part.write_text(signed, encoding="utf-8", newline="\n")
    return True


def card_text(facts: SetFacts) -> str:
    """The card as Markdown with the front matter that the Hugging Face hub reads."""
    generated = "tags:\n- synthetic\n- generated\n" if facts.making.is_generated else ""
    parts = [
        f"---\nlicense: {_yaml(facts.licence or 'unknown')}\n"
        f"task_categories:\n- image-classification\n{generated}"
        f"size_categories:\n- {_size_category(facts.pictures)}\n---",
        f"# {facts.name}",
        facts.what(),
    ]
    if facts.pictures:
        parts.append(f"![samples](../{facts.name}.{folders.SHEETS}/card.jpg)".replace(" ", "%20"))
    parts += ["## Classes", _counts(facts), "## Making", _prose(facts.making.made_by()), _models(facts.files)]
    parts += ["## Labels", facts.labelling(), "## Settings", _settings(facts.settings)]
    parts += ["## Licence", _licence(facts.licence), "## Responsible use", _responsible(facts), "## Files", _FILES]
    return "\n\n".join(parts).encode("utf-8", "backslashreplace").decode("utf-8")


_FILES = (
    "One folder a class. `metadata.jsonl` has a line for each picture: label, prompt, what was picked, seed, size and "
    "sha256. `dataset.json` has the whole plan, models and versions, from which the set can be made again. "
    "`croissant.json` says what this card says for programs (Croissant 1.1).\n\n"
    'Hugging Face: `load_dataset("imagefolder", data_dir=...)["train"].class_encode_column("label")`; the labels are '
    "texts until then, and classes at once in the Parquet that Export Dataset writes. torchvision: `ImageFolder(...)`, "
    "whose classes are called as the folders."
)
_SAID_ABOVE = ("dataCollection", "dataAnnotationProtocol")


def _responsible(facts: SetFacts) -> str:
    """What Croissant's vocabulary of responsible AI asks for, a line each, but for what the card says elsewhere."""
    stated = {name: text for name, text in facts.responsible_ai().items() if name not in _SAID_ABOVE}
    return "\n".join(f"- `{name}`: {_prose(text)}" for name, text in stated.items())


def _counts(facts: SetFacts) -> str:
    rows = ["| class | folder | WordNet | pictures |", "|---|---|---|---|"]
    for entry in facts.classes:
        rows.append(f"| {_cell(entry.label)} | {_cell(entry.folder)} | {entry.synset} | {entry.pictures} |")
    return "\n".join(rows)


def _models(files: Sequence[ModelFile]) -> str:
    if not files:
        return "No model file is recorded."
    rows = ["| kind | file | sha256 |", "|---|---|---|"]
    rows += [f"| {_cell(file.kind)} | {_cell(file.name)} | {file.sha256} |" for file in files]
    return "\n".join(rows)


def _settings(identity: Mapping[str, Any]) -> str:
    rows = ["| setting | value |", "|---|---|"]
    return "\n".join([*rows, *(f"| {_cell(key)} | {_cell(value)} |" for key, value in identity.items())])


def _licence(licence: str) -> str:
    if licence:
        return licence
    return "Not stated: fill in `licence` in `dataset.json`. The licences of the models named above may bind it."


def _prose(text: str) -> str:
    """A sentence with names of users in it, as Markdown that they cannot break."""
    return one_line(text.encode("utf-8", "backslashreplace").decode())


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
