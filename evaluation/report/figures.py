"""What tables and plots can show of a result: the records that read_figures.py makes of its loose figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..pictures.making import Making
from ..training.accuracy_figures import SetAccuracy, read_counts
from ..training.comparison_figures import Comparison, OverSeeds
from ..training.learning_curve import CurvePoint
from ..training.ratio import RatioToReal
from ..training.training_figures import TrainingFigures


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
        values: numbers of a metric, see METRIC_KEYS in read_figures.py; None where one does not exist.
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
        return [picture_set for picture_set in (*learned, *self.tested_on, *measured) if picture_set is not None]

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
