"""Writing dataset.json whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ....evaluation.files import replacing
from ....evaluation.pictures.manifest import DESCRIPTION


def write_description_json(folder: Path, work: Path, content: dict[str, Any]) -> None:
    """Replace `folder`/dataset.json whole; `work` is a folder on the same disk for the temporary file.

    Raises:
        OSError: the disk is full or cannot be written; the message names the folder.
    """
    # half a surrogate pair, from any widget of the graph, is written as JSON's own escape
    with (
        replacing(folder / DESCRIPTION, work=work, durable=True, make_folder=False) as part,
        open(part, "w", encoding="utf-8", errors="backslashreplace") as file,
    ):
        json.dump(content, file, ensure_ascii=False, indent=1)
