"""The file `croissant.json` beside a set and `croissant.jsonld` in an export, written whole; one of a person's stays.

Reads a set; writes that one file. A file of ours carries a hash of itself, so that one that was edited is known.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from ....evaluation.files import is_there, read_file, replacing
from ....evaluation.json_text import parse_json
from ..facts import SetFacts
from ..store.writable_store import WritableStore
from .document import document
from .layouts import Layout, set_layout

logger = logging.getLogger("hyponet")

CROISSANT = "croissant.json"
# In an export the suffix is JSON-LD's own: `datasets` takes any .json file beside a single zip for the data.
EXPORTED_CROISSANT = "croissant.jsonld"
_SIGNATURE = "identifier"  # schema.org's word; in ours "hyponet:" and the hash of all else in the file
_PREFIX = "hyponet:"


def write_croissant(store: WritableStore, facts: SetFacts) -> bool:
    """Write the set's file unless it says the same already or is not ours; whether it was written."""
    path, content = store.root / CROISSANT, croissant_bytes(facts, set_layout(facts))
    if is_there(path):
        existing = read_file(path)
        if existing == content:
            return False
        if not is_ours(existing):
            logger.warning(
                "%s was edited or is not of HypoNet, and stays as it is: it may not say what the set is now; delete it "
                "to have it written again",
                path,
            )
            return False
    # the temporary file lies not beside it: what is in a set's folder is part of the set
    with replacing(path, work=store.work, make_folder=False) as part:
        part.write_bytes(content)
    return True


def export_croissant(path: Path, facts: SetFacts, layout: Layout) -> None:
    """Write the file of an export."""
    with replacing(path, make_folder=False) as part:
        part.write_bytes(croissant_bytes(facts, layout))


def croissant_bytes(facts: SetFacts, layout: Layout) -> bytes:
    """The file's bytes: indented JSON that ends with a line break; half a surrogate pair as JSON's own escape."""
    content = document(facts, layout)
    signed = {**content, _SIGNATURE: _signature(content)}
    return (json.dumps(signed, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")


def is_ours(content: bytes) -> bool:
    """Whether the bytes of a Croissant file are as HypoNet wrote them."""
    try:
        parsed = parse_json(content)
    except ValueError:
        return False
    if not isinstance(parsed, dict):
        return False
    signature = parsed.pop(_SIGNATURE, None)
    return bool(signature == _signature(parsed))


def _signature(content: dict[str, Any]) -> str:
    return _PREFIX + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
