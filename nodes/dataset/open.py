"""Opening a set for writing: on leaving without an error its small copies and its data card are brought up to date.

The store knows nothing of the card, which shows a contact sheet of the store's pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .card import write_card
from .store.description import SetSpec
from .store.store import DatasetStore


@contextmanager
def create_or_open(base: Path, name: str, spec: SetSpec) -> Iterator[DatasetStore]:
    """The set `name` below `base`, a new one or the one there to resume; see `DatasetStore.create_or_open`."""
    store = DatasetStore.create_or_open(base, name, spec)
    with _finished(store):
        yield store


@contextmanager
def open_for_writing(path: Path) -> Iterator[DatasetStore]:
    """The set in the folder `path`; see `DatasetStore.open_for_writing`."""
    store = DatasetStore.open_for_writing(path)
    with _finished(store):
        yield store


@contextmanager
def _finished(store: DatasetStore) -> Iterator[None]:
    try:
        yield
        store.finish()
        write_card(store)
    finally:
        store.close()
