"""The prompts of a set's pictures, in the order in which metrics read them."""

from __future__ import annotations

from pathlib import Path

from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.unicode_names import composed
from ...dataset.store.store import DatasetStore


def prompts_of(path: Path, images: LabelledImages) -> list[str]:
    """The prompt of every picture of `images`, which is all that `read_ours` gives of the set in the folder `path`.

    Raises:
        ValueError: the set changed between the two.
    """
    store = DatasetStore.open(path)
    store.refuse_damage()
    prompts: dict[str, list[str]] = {label: [] for label in images.class_names}
    for record in store.records_of(sorted(store.keys(include_fallbacks=False))):  # a class in the order of its ranks
        prompts.setdefault(composed(record.label), []).append(record.prompt)
    if {label: len(texts) for label, texts in prompts.items()} != images.counts():
        raise ValueError(f"data set {store.name!r} changed while it was read; expected it to stay; run again")
    in_order = {label: iter(texts) for label, texts in prompts.items()}
    return [next(in_order[images.class_names[label]]) for label in images.labels]
