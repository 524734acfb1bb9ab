"""Files written whole: the training's state, and logs that go on.

Writes to a temporary name beside the target, flushes it to the disk and renames it, so that a kill at any moment leaves
the old file or the new one.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file, then put it in the place of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.stem}.half{path.suffix}")
    write(half)
    with half.open("rb") as file:
        os.fsync(file.fileno())
    half.replace(path)


def stop_on_signals() -> Callable[[], bool]:
    """Let Ctrl-C and SIGTERM end a training after the step in hand; whether one came."""
    came = threading.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: came.set())
    return came.is_set


def save_state(state: dict[str, Any], path: Path) -> None:
    write_whole(path, lambda half: torch.save(state, half))


def load_state(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def deciding(settings: Any) -> dict[str, Any]:
    """The settings, a dataclass, that decide what the weights become: all but when the training saves and speaks."""
    return {name: value for name, value in asdict(settings).items() if name not in ("save_seconds", "log_every")}


def resumed_state(path: Path, settings: Any) -> dict[str, Any] | None:
    """The state in `path` of a training of these settings; None where there is none.

    Raises:
        ValueError: it is of other settings, under which a step would do something else.
    """
    if not path.exists():
        return None
    state, stated = load_state(path), deciding(settings)
    begun = state.get("settings") or {}
    other = [f"{name} {begun.get(name)}, not {stated[name]}" for name in stated if begun.get(name) != stated[name]]
    if other:
        raise ValueError(f"{path} was begun with {', '.join(other)}; go on with its settings, or take another --folder")
    return state


def append_row(path: Path, header: str, row: str) -> None:
    """Add a line to a csv file, with its header first."""
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{header}\n{row}\n" if is_new else f"{row}\n")
