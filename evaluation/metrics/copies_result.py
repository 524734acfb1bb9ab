"""Near copies between two sets as a result file, a table and a sheet of pairs.

Reads: the pictures of the pairs. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import plots
from ..markdown import one_line
from ..pictures.labelled_images import LabelledImages
from ..pictures.sheets import sheet
from ..results import Measurement
from .contamination import CHANCE, Copies
from .features import ImageFeatures
from .nearest import BITS, TOLERANCE

MAX_PAIRS = 24  # on the sheet and in a result
NO_PAIR = "No near copy was found."


def pairs_of(copies: Copies, images: LabelledImages, reference: LabelledImages) -> list[dict[str, Any]]:
    """The nearest pairs, MAX_PAIRS at most, as a result and a sheet have them."""
    pairs = []
    for i in map(int, copies.near()[:MAX_PAIRS]):
        partner = copies.partner(i)
        bits = int(copies.by_hash.value[i])
        pairs.append(
            {
                "index": i,
                "reference_index": partner,
                "picture": images.describe(i),
                "reference_picture": reference.describe(partner),
                "bits": bits if bits <= BITS[-1] else None,
                "cosine": copies.cosine_of(i, partner),
            }
        )
    return pairs


def copies_measurement(
    name: str,
    copies: Copies,
    images: LabelledImages,
    reference: LabelledImages,
    features: ImageFeatures | None,
) -> Measurement:
    """The counts and the nearest pairs as a result."""
    figures = {
        "equal": copies.equal,
        "near": len(copies.near()),
        "by_hash": copies.hash_counts(),
        "near_by_hash": int((copies.by_hash.value <= BITS[-1]).sum()),
        "by_features": copies.cosine_counts(),
        "near_by_features": None if copies.by_features is None else int(copies.near_by_features().sum()),
        "floor": copies.floor,
        "pairs": pairs_of(copies, images, reference),
    }
    inputs = {"images": images.summary(), "reference": reference.summary()}
    settings = {
        "hash": f"up to {BITS[-1]} of 64 bits differ, plain or mirrored, grey copies by {TOLERANCE:g} of 255 at most",
        "cosine": copies.cosine,
        **({} if features is None else features.settings()),
    }
    warnings = (*copies.warnings(), *(() if features is None else features.warnings()))
    return Measurement(name, "contamination", figures, inputs, settings, warnings)


def copies_table(copies: Copies, images: LabelledImages, reference: LabelledImages) -> str:
    """Markdown: counts at each threshold, and the nearest pairs by name, or that there is none."""
    lines = [
        f"{one_line(images.name)} ({len(images):,}) against {one_line(reference.name)} ({len(reference):,})",
        "",
        "| near copies | pictures |",
        "|---|---|",
        f"| equal, pixel by pixel | {copies.equal:,} |",
    ]
    lines += [f"| hash: up to {bits} of 64 bits | {count:,} |" for bits, count in copies.hash_counts().items()]
    lines += [f"| features: cosine from {cosine} on | {count:,} |" for cosine, count in copies.cosine_counts().items()]
    if copies.by_features is not None:
        among = f"{100 * (1 - CHANCE):g} % of the reference among itself, its copies left out"
        floor = f"near by features: {copies.cosine:g}, and above {among}"
        lines.append(f"| {floor} ({copies.floor:.3f}) | {int(copies.near_by_features().sum()):,} |")
    pairs = pairs_of(copies, images, reference)
    lines += ["", "| picture | is like | bits | cosine |", "|---|---|---|---|"] if pairs else ["", NO_PAIR]
    for pair in pairs:
        bits = "" if pair["bits"] is None else pair["bits"]
        cosine = "" if pair["cosine"] is None else f"{pair['cosine']:.3f}"
        lines.append(f"| {one_line(pair['picture'])} | {one_line(pair['reference_picture'])} | {bits} | {cosine} |")
    return "\n".join(lines)


def pairs_sheet(pairs: Sequence[dict[str, Any]], images: LabelledImages, reference: LabelledImages) -> np.ndarray:
    """The pairs side by side, uint8 [H,W,3]; of none a note that says so."""
    if not pairs:
        return plots.to_pixels(plots.note(NO_PAIR))
    return sheet(*sheet_pictures(pairs, images, reference), columns=8)


def sheet_pictures(
    pairs: Sequence[dict[str, Any]], images: LabelledImages, reference: LabelledImages
) -> tuple[list[np.ndarray], list[str]]:
    """Pictures and captions of the pairs, each beside its partner, for pictures/sheets.py."""
    pictures: list[np.ndarray] = []
    captions = []
    for pair in pairs:
        pictures += [images.read(pair["index"]), reference.read(pair["reference_index"])]
        said = "" if pair["bits"] is None else f"{pair['bits']} bits"
        said = ", ".join(filter(None, [said, "" if pair["cosine"] is None else f"cos {pair['cosine']:.2f}"]))
        captions += [said, reference.class_names[reference.labels[pair["reference_index"]]]]
    return pictures, captions
