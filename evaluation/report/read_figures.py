"""A result file's loose figures -> records that tables and plots can show; what is damaged shows here, not later.

The file itself is whole (results.read_result), but its figures may have been edited or come from another version.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..pictures.making import Making
from ..results import Result
from ..training.accuracy_figures import SetAccuracy, read_counts
from ..training.comparison_figures import Comparison, OverSeeds
from ..training.learning_curve import CurvePoint
from ..training.ratio import RatioToReal
from ..training.training_figures import TrainingFigures

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


@dataclass(frozen=True)
class PictureSet:
    """A set of pictures as a result's inputs name it.

    Args:
        name: "" where the file does not say.
        count: pictures; None where unknown.
        content_key: of the pictures' bytes; "" where unknown.
        counts: pictures by class.
        synthetic: how many are known to be generated; None where the file does not say.
        repeated: pictures that the set has before, pixel by pixel.
        generated_in_real: generated pictures that are among the set's real ones, pixel by pixel.
        shared: of a test set the pictures that are of a training set, of a metric's reference those of the judged set
            that are in it; None where the file does not say.
        steered: of a test set: name of a top-up -> pictures of the set by which it was decided.
        makings: how our own sets among the pictures came to be.
    """

    name: str = ""
    count: int | None = None
    content_key: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    synthetic: int | None = None
    repeated: int = 0
    generated_in_real: int = 0
    shared: int | None = None
    steered: Mapping[str, int] = field(default_factory=dict)
    makings: tuple[Making, ...] = ()

    @classmethod
    def from_json(cls, stated: object) -> PictureSet | None:
        """The set of LabelledImages.summary() or ImageFeatures.describe(); None where there is none."""
        if not isinstance(stated, Mapping):
            return None
        count = stated.get("count") or stated.get("pictures")
        counts = stated.get("counts") or stated.get("classes") or {}
        synthetic, shared = stated.get("synthetic"), stated.get("shared")
        return cls(
            name=str(stated.get("name", "")),
            count=int(count) if count else None,
            content_key=str(stated.get("content_key") or ""),
            counts={str(name): int(number) for name, number in counts.items()},
            synthetic=None if synthetic is None else int(synthetic),
            repeated=int(stated.get("repeated") or 0),
            generated_in_real=int(stated.get("generated_in_real") or 0),
            shared=None if shared is None else int(shared),
            steered=read_counts(stated.get("steered")),
            makings=tuple(map(Making.from_json, stated.get("makings") or [])),
        )


@dataclass(frozen=True)
class ClassFID:
    """The FID of one class, and the pictures of both sets in it."""

    fid: float | None
    count: int | None
    reference_count: int | None


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class by their key, and its pictures in each set."""

    values: Mapping[str, float | None]
    count: int | None


@dataclass(frozen=True)
class TopUp:
    """Pictures that a plan had and got more, the classes that were weak, and the worst class's accuracy in 0..1.

    `classifiers` are the names of those whose tests decided it; empty where the file does not say.
    """

    before: int
    added: int
    weak: tuple[str, ...]
    worst: float
    classifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class CopyCounts:
    """Pictures with a near copy in another set; by features None where they were not compared."""

    equal: int
    by_hash: int
    by_features: int | None
    near: int
    cosine: float


@dataclass(frozen=True)
class Figures:
    """Everything that a report may show of one result; a part that its kind does not have is empty.

    Args:
        training: of a training run.
        accuracies: of a test, one a test set.
        pairs, over_seeds: of a comparison.
        values: numbers of a metric, see METRIC_KEYS; None where one does not exist.
        repetitions: splits or subsets over which the values are means; 0 without.
        per_class: FID by class.
        of_classes: the figures of `values` by class, of precision and recall and of the CLIP score.
        strengths, distortions: of a distortion curve; kind -> one FID a strength.
        trained_on: the training set of a training or test. real: of a ratio to real, the other side's.
        tested_on: the sets of `accuracies`, in their order.
        features, reference, images: the sets that a metric or comparison looked at.
        kept_out: of the training of a LoRA: the test set that should hold none of its pictures; `shared` of it are.
        lora_losses: of the training of a LoRA: the mean of each epoch.
        steering, top_up: of a top-up: the pictures by which it was decided, and its numbers.
        ratios: training on synthetic against training on real pictures, one a test set.
        points: of a learning curve.
        copies: of a search for near copies.
    """

    training: TrainingFigures | None = None
    accuracies: tuple[SetAccuracy, ...] = ()
    pairs: tuple[Comparison, ...] = ()
    over_seeds: OverSeeds | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)
    repetitions: int = 0
    per_class: Mapping[str, ClassFID] = field(default_factory=dict)
    of_classes: Mapping[str, ClassFigures] = field(default_factory=dict)
    strengths: tuple[float, ...] = ()
    distortions: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    trained_on: PictureSet | None = None
    real: PictureSet | None = None
    tested_on: tuple[PictureSet, ...] = ()
    features: PictureSet | None = None
    reference: PictureSet | None = None
    images: PictureSet | None = None
    kept_out: PictureSet | None = None
    lora_losses: tuple[float, ...] = ()
    steering: PictureSet | None = None
    top_up: TopUp | None = None
    ratios: tuple[RatioToReal, ...] = ()
    points: tuple[CurvePoint, ...] = ()
    copies: CopyCounts | None = None

    def picture_sets(self) -> list[PictureSet]:
        """Every set that the result is of."""
        learned, measured = [self.trained_on, self.real], [self.features, self.images, self.reference, self.kept_out]
        return [each for each in (*learned, *self.tested_on, *measured) if each is not None]

    def holes(self) -> list[str]:
        """The figures that its kind always has and the file has not."""
        missing = [key for key, value in self.values.items() if value is None and "_sd" not in key]
        for name, entry in self.per_class.items():
            counts = (entry.count, entry.reference_count)
            if None in counts:
                missing.append(f"the pictures of {name}")
            elif entry.fid is None and 0 not in counts and 1 not in counts:  # of a single picture there is none
                missing.append(f"fid of {name}")
        for name, of_class in self.of_classes.items():
            missing += [f"the pictures of {name}"] if of_class.count is None else []
            missing += [f"{key} of {name}" for key, value in of_class.values.items() if value is None]
        for kind, fids in self.distortions.items():
            pairs = zip(self.strengths, fids, strict=True)
            missing += [f"{kind} at {strength:g}" for strength, fid in pairs if fid is None]
        return missing


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
