"""The folders that this process has trained on, and how often others have changed them since.

Reads the folders; writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from .captions import folder_fingerprint

_trained_on: dict[Path, tuple[str, int]] = {}  # folder -> its fingerprint when it was trained on, and changes since


def note(folder: Path) -> None:
    """A training reads `folder` as it is now."""
    _trained_on[folder] = (folder_fingerprint(folder), _trained_on.get(folder, ("", 0))[1])


def changes_by_others() -> int:
    """How often the folders changed by others' hands that this process trained on."""
    for folder, (noted, changes) in list(_trained_on.items()):
        now = folder_fingerprint(folder) if folder.is_dir() else ""
        if now != noted:
            _trained_on[folder] = (now, changes + 1)
    return sum(changes for _, changes in _trained_on.values())
