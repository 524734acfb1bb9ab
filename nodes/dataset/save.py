"""Pictures that a native graph made, put where a plan's items want them.

Reads pictures and items; writes an open set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...evaluation.progress import Progress
from ..prompts.item import Item
from .store.writable_store import WritableStore
from .store.writer import BackgroundWriter


def save_items(
    store: WritableStore, items: Sequence[Item], images: np.ndarray, progress: Progress | None = None
) -> int:
    """Add the pictures whose items the set has not; how many were added.

    Args:
        images: [B, H, W, 3] uint8, one for each item, in their order.

    Raises:
        ValueError: there are more or fewer pictures than items.
    """
    if len(images) != len(items):
        raise ValueError(
            f"images has {len(images)} pictures; expected {len(items)}, one for each item; connect the same batch"
        )
    added = 0
    with BackgroundWriter(store) as writer:
        for finished, (item, image) in enumerate(zip(items, images, strict=True), 1):
            if not store.has(item.label, item.rank):
                writer.put(item, image)
                added += 1
            if progress is not None:
                progress(finished, len(items))
    return added
