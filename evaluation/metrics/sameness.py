"""Sameness: how different the pictures of one prompt are beside those of one class, by features.

Where a model draws nearly the same picture for every seed (mode collapse), pictures of one prompt lie close together,
and only other prompts bring variety. Reads features and prompts; writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..progress import Progress
from ..results import Measurement
from .diversity import pairwise_distances
from .features import ImageFeatures

SEED_HARDLY_VARIES = "distilled models hardly vary by seed, and this set is by one ({}): let the plan vary the prompt"


def measure_sameness(
    features: ImageFeatures, prompts: Sequence[str], model: str = "", progress: Progress | None = None
) -> Measurement:
    """Mean Euclidean distance of pictures that share a prompt, of those that share a class, and their ratio.

    A ratio near 1: the seed varies pictures as much as the prompts do. Near 0: one prompt is one picture. Prompts and
    classes count alike, however many pictures they have; what has one picture has no distance.

    Args:
        features: of the set.
        prompts: of each picture, in the same order.
        model: the file of a model that is known to vary little by seed; "" for others.
        progress: called with (done, total); what it raises stops the work.

    Raises:
        ValueError: prompts and features differ in number, or no class has two pictures.
    """
    if len(prompts) != len(features):
        raise ValueError(f"{len(prompts)} prompts and {len(features)} pictures; expected one a picture")
    classes: dict[str, dict[str, Any]] = {}
    compared = 0
    for label, name in enumerate(features.class_names):
        members = np.flatnonzero(features.labels == label)
        if len(members) > 1:
            classes[name] = _of_class(features.features[members], [prompts[i] for i in members.tolist()])
        compared += len(members)
        if progress is not None:
            progress(compared, len(features))
    if not classes:
        raise ValueError(f"no class of {features.name} has two pictures; expected at least one pair; add pictures")
    within_class = float(np.mean([entry["within_class"] for entry in classes.values()]))
    shared = [entry["within_prompt"] for entry in classes.values() if entry["within_prompt"] is not None]
    within_prompt = float(np.mean(shared)) if shared else None
    ratio = within_prompt / within_class if within_prompt is not None and within_class else None
    warnings = [SEED_HARDLY_VARIES.format(model)] if model else []
    if within_prompt is None:
        warnings.append("no two pictures share a prompt: what the seed varies cannot be told")
    figures = {
        "within_prompt": within_prompt,
        "within_class": within_class,
        "ratio": ratio,
        "different_prompts": len(set(zip(features.labels.tolist(), prompts, strict=True))) / len(features),
        "per_class": classes,
    }
    return Measurement(
        name=features.name,
        kind="sameness",
        figures=figures,
        inputs={"features": features.describe()},
        settings={**features.settings(), "average": "plain mean over prompts and over classes"},
        warnings=(*warnings, *features.warnings()),
    )


def _of_class(features: np.ndarray, prompts: Sequence[str]) -> dict[str, Any]:
    """Distances within one class [n,d] and within its prompts, of which those with two pictures count."""
    members: dict[str, list[int]] = {}
    for i, prompt in enumerate(prompts):
        members.setdefault(prompt, []).append(i)
    distances = [pairwise_distances(features[rows])[0] for rows in members.values() if len(rows) > 1]
    return {
        "count": len(prompts),
        "prompts": len(members),
        "within_class": pairwise_distances(features)[0],
        "within_prompt": float(np.mean(distances)) if distances else None,
    }
