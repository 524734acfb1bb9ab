"""Opening a set for writing: on leaving without an error its small copies and its data card are brought up to date.

The store knows nothing of the card, which shows a contact sheet of the store's pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .card import write_card
from .store.description import SetSpec
from .store.writable_store import WritableStore


@contextmanager
def create_or_open(base: Path, name: str, spec: SetSpec, *, has_sources: bool = False) -> Iterator[WritableStore]:
    """The set `name` below `base`, a new one or the one there to resume; see `WritableStore.create_or_open`."""
    store = WritableStore.create_or_open(base, name, spec, has_sources=has_sources)
    with _finished(store):
        yield store


@contextmanager
def open_for_writing(path: Path, *, mend: bool = False) -> Iterator[WritableStore]:
    """The set in the folder `path`; see `WritableStore.open`."""
    store = WritableStore.open(path, mend=mend)
    with _finished(store):
        yield store


@contextmanager
def _finished(store: WritableStore) -> Iterator[None]:
    try:
        yield
        store.finish()
        write_card(store)
    finally:
        store.close()
