"""Frechet Inception Distance: two sets of features -> one number, with its convention and both N.

On features of DINOv2 it is FD-DINOv2 (Stein et al. 2023, arXiv 2306.04675), by the same formula.
Source: Heusel et al. 2017, arXiv 1706.08500; Table 5-11 and equation 5-1 of the thesis.
"""

from __future__ import annotations

from ..progress import Progress
from ..results import Measurement
from .feature_statistics import FeatureStatistics, statistics_of
from .features import ImageFeatures, check_comparable, describe_reference, overlap_warnings, some_of
from .frechet import frechet_distance

USUAL_COUNT = 10_000  # the least that the field reports FID for


def measure_fid(
    features: ImageFeatures,
    reference: ImageFeatures | FeatureStatistics,
    *,
    per_class: bool = False,
    progress: Progress | None = None,
) -> Measurement:
    """The FID of a set against a reference.

    Args:
        features: of the set to judge.
        reference: features or statistics of the set it is compared with.
        per_class: also one figure a class that both have; needs the reference's features.
        progress: called with (done, total) after each class; what it raises stops the work.

    Raises:
        ValueError: the two were prepared differently, have fewer than two pictures, or share no class.
    """
    check_comparable(features, reference)
    if per_class and isinstance(reference, FeatureStatistics):
        raise ValueError(
            f"per_class is on and {reference.name} holds statistics alone; expected features of a labelled "
            "reference; link Image Features or switch it off"
        )
    against = reference if isinstance(reference, FeatureStatistics) else statistics_of(reference)
    figures: dict[str, object] = {"fid": frechet_distance(statistics_of(features), against)}
    warnings = (
        *count_warnings(len(features), against.count, features.features.shape[1]),
        *overlap_warnings(features, against),
        *features.warnings(),
    )
    if per_class and isinstance(reference, ImageFeatures):
        figures["per_class"] = _per_class(features, reference, progress)
        warnings += ("FID per class comes from few pictures: compare it only with the same numbers of pictures",)
        alone = sorted(set(features.class_names) ^ set(reference.class_names))
        if alone:
            warnings += (f"no FID for classes that only one of the sets has: {some_of(alone)}",)
    return Measurement(
        name=features.name,
        kind="fid",
        figures=figures,
        inputs={"features": features.describe(), "reference": describe_reference(features, against)},
        settings={**features.settings(), "statistics": "float64, n - 1"},
        warnings=warnings,
    )


def count_warnings(count: int, reference: int, width: int) -> tuple[str, ...]:
    """What the numbers of pictures do to a FID of so many features."""
    warnings = []
    if count < USUAL_COUNT or 0 < reference < USUAL_COUNT:
        warnings.append(
            f"FID from {count} pictures against {reference or 'an unknown number'} is biased upward; compare it only "
            "with figures from the same numbers (the field's usual least number is 10,000)"
        )
    if min(count, reference or count) <= width:
        warnings.append(f"a covariance of {width} features from {width} pictures or fewer is not of full rank")
    if not reference:
        warnings.append("the reference's file does not say how many pictures it came from")
    return tuple(warnings)


def _per_class(
    features: ImageFeatures, reference: ImageFeatures, progress: Progress | None
) -> dict[str, dict[str, float | int | None]]:
    shared = [name for name in features.class_names if name in reference.class_names]
    if not shared:
        raise ValueError(
            f"{features.name} and {reference.name} share no class; expected equal class names; use Map Classes first"
        )
    by_class: dict[str, dict[str, float | int | None]] = {}
    for finished, name in enumerate(shared, start=1):
        ours = features.of_class(features.class_names.index(name))
        theirs = reference.of_class(reference.class_names.index(name))
        enough = len(ours) > 1 and len(theirs) > 1
        fid = frechet_distance(statistics_of(ours), statistics_of(theirs)) if enough else None
        by_class[name] = {"fid": fid, "count": len(ours), "reference_count": len(theirs)}
        if progress is not None:
            progress(finished, len(shared))
    return by_class
