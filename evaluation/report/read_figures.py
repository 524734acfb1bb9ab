"""A result file's loose figures -> records that tables and plots can show; what is damaged shows here, not later.

The file itself is whole (results.read_result), but its figures may have been edited or come from another version.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..results import Result
from ..training.accuracy_figures import SetAccuracy
from ..training.comparison_figures import Comparison, OverSeeds
from ..training.learning_curve import CurvePoint
from ..training.ratio import RatioToReal
from ..training.training_figures import TrainingFigures
from .figures import ClassFID, ClassFigures, CopyCounts, Figures, PictureSet, TopUp

# the numbers that tables show, by kind of metric
METRIC_KEYS: dict[str, tuple[str, ...]] = {
    "fid": ("fid",),
    "inception_score": ("inception_score", "inception_score_sd"),
    "kid": ("kid", "kid_sd_over_subsets"),
    "precision_recall": ("precision", "recall", "prdc_precision", "prdc_recall", "density", "coverage"),
    "diversity": ("vendi", "mean_pairwise_distance", "median_nearest_distance"),
    "sameness": ("within_prompt", "within_class", "ratio", "different_prompts"),
    "cmmd": ("cmmd",),
    "clip_score": ("clip_score",),
}
_OF_CLASSES = ("precision_recall", "clip_score")  # kinds with the same figures of each class


def read_figures(result: Result) -> Figures:
    """The figures of a result; of a kind that no table shows, none.

    Raises:
        AttributeError, KeyError, OverflowError, TypeError, ValueError: they are not what their kind has.
    """
    figures, settings = result.figures, result.settings
    measured = Figures(
        features=PictureSet.from_json(result.inputs.get("features")),
        reference=PictureSet.from_json(result.inputs.get("reference")),
        images=PictureSet.from_json(result.inputs.get("images")),
    )
    trained_on = PictureSet.from_json(result.inputs.get("training"))
    if result.kind == "training":
        return Figures(training=TrainingFigures.from_json(figures), trained_on=trained_on)
    if result.kind == "test":
        accuracies = tuple(SetAccuracy.from_json(entry) for entry in figures["test_sets"])
        return Figures(accuracies=accuracies, trained_on=trained_on, tested_on=_tested_on(result, len(accuracies)))
    if result.kind == "comparison":
        over_seeds = figures.get("over_seeds")
        return replace(
            measured,
            pairs=tuple(Comparison.from_json(pair) for pair in figures["pairs"]),
            over_seeds=None if over_seeds is None else OverSeeds.from_json(over_seeds),
        )
    if result.kind == "lora_training":
        losses = tuple(float(loss) for loss in figures.get("epoch_losses") or ())
        return Figures(kept_out=PictureSet.from_json(result.inputs.get("test_images")), lora_losses=losses)
    if result.kind == "top_up":
        numbers = TopUp(
            before=int(figures["before"]),
            added=int(figures["added"]),
            weak=_names(figures["weak"]),
            worst=float(figures["worst_accuracy"]),
            classifiers=_names(result.inputs.get("classifiers") or []),
        )
        return Figures(steering=PictureSet.from_json(result.inputs.get("steering")), top_up=numbers)
    if result.kind == "ratio_to_real":
        ratios = tuple(RatioToReal.from_json(entry) for entry in figures["test_sets"])
        return Figures(ratios=ratios, trained_on=trained_on, real=PictureSet.from_json(result.inputs.get("real")))
    if result.kind == "learning_curve":
        return replace(
            measured, points=tuple(CurvePoint.from_json(point) for point in figures["points"]), trained_on=trained_on
        )
    if result.kind == "contamination":
        return replace(measured, copies=_copy_counts(figures, float(settings["cosine"])))
    if result.kind == "distortion":
        strengths, distortions = _distortion(figures)
        return replace(measured, strengths=strengths, distortions=distortions)
    if result.kind not in METRIC_KEYS:
        return Figures()
    per_class = figures.get("per_class") or {} if result.kind == "fid" else {}
    of_classes = figures.get("per_class") or {} if result.kind in _OF_CLASSES else {}
    return replace(
        measured,
        values={key: _number(figures.get(key)) for key in METRIC_KEYS[result.kind]},
        repetitions=int(settings.get("splits") or settings.get("subsets") or 0),
        per_class={str(name): _class_fid(entry) for name, entry in per_class.items()},
        of_classes={str(name): _class_figures(entry, METRIC_KEYS[result.kind]) for name, entry in of_classes.items()},
    )


def _copy_counts(figures: Mapping[str, Any], cosine: float) -> CopyCounts:
    by_features = figures["near_by_features"]
    return CopyCounts(
        equal=int(figures["equal"]),
        by_hash=int(figures["near_by_hash"]),
        by_features=None if by_features is None else int(by_features),
        near=int(figures["near"]),
        cosine=cosine,
    )


def _tested_on(result: Result, count: int) -> tuple[PictureSet, ...]:
    sets = [PictureSet.from_json(stated) for stated in result.inputs.get("test_sets") or []]
    if sets and len(sets) != count:
        raise ValueError(f"{len(sets)} test sets are named and {count} have figures; expected as many")
    return tuple(picture_set or PictureSet() for picture_set in sets or [None] * count)


def _names(stated: Any) -> tuple[str, ...]:
    if not isinstance(stated, list) or not all(isinstance(name, str) for name in stated):
        raise ValueError(f"names are {repr(stated)[:80]}; expected a list of texts")  # a text alone would be letters
    return tuple(stated)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"a figure is {repr(value)[:80]}; expected a finite number")
    return float(value)


def _class_fid(entry: Mapping[str, Any]) -> ClassFID:
    count, reference_count = entry.get("count"), entry.get("reference_count")
    return ClassFID(
        fid=_number(entry.get("fid")),
        count=None if count is None else int(count),
        reference_count=None if reference_count is None else int(reference_count),
    )


def _class_figures(entry: Mapping[str, Any], keys: Sequence[str]) -> ClassFigures:
    count = entry.get("count")
    return ClassFigures({key: _number(entry.get(key)) for key in keys}, None if count is None else int(count))


def _distortion(figures: Mapping[str, Any]) -> tuple[tuple[float, ...], dict[str, tuple[float | None, ...]]]:
    strengths = tuple(float(strength) for strength in figures["strengths"])
    distortions = {str(kind): tuple(_number(fid) for fid in fids) for kind, fids in figures["fid"].items()}
    for kind, fids in distortions.items():
        if len(fids) != len(strengths):
            raise ValueError(f"{kind} has {len(fids)} figures; expected one for each of {len(strengths)} strengths")
    return strengths, distortions
