"""Writing dataset.json whole, and the error of a disk that cannot be written."""

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
    try:
        # half a surrogate pair, from any widget of the graph, is written as JSON's own escape
        with (
            replacing(folder / DESCRIPTION, work=work, durable=True, make_folder=False) as part,
            open(part, "w", encoding="utf-8", errors="backslashreplace") as file,
        ):
            json.dump(content, file, ensure_ascii=False, indent=1)
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(folder: Path, error: OSError) -> OSError:
    """`error` with a message that says which folder and what was expected."""
    return OSError(
        error.errno, f"{folder} cannot be written ({error.strerror}); expected a writable disk with free space"
    )
