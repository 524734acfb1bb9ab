"""Pictures that somebody deleted by hand: how people cull. They leave the set as rejected ones do.

Reads and writes an open set.
"""

from __future__ import annotations

from ....evaluation.pictures.manifest import MAX_ATTEMPT
from ..store.rejection_log import DELETED
from ..store.writable_store import WritableStore
from .marks import Mark, mark


def reject_deleted(store: WritableStore) -> int:
    """Take pictures whose files are gone out of the set, so that the next attempt can be made; how many they are.

    However many attempts there were, no earlier one comes back: it was rejected as well.
    """
    marks = {key: Mark(DELETED, lost=True) for key in store.deleted()}
    return mark(store, marks, attempts=MAX_ATTEMPT + 1).rejected if marks else 0
