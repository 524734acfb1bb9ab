"""Opening a set for writing: on leaving without an error small copies, card and Croissant file are brought up to date.

The store knows nothing of the card, which shows a contact sheet of the store's pictures, nor of the Croissant file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .card import write_card
from .croissant.write import write_croissant
from .facts import facts_of
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
        facts = facts_of(store)
        write_card(store, facts)
        write_croissant(store, facts)
    finally:
        store.close()
