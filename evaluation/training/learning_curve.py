"""How many pictures are enough: accuracy against pictures a class, from nested subsets of one set.

Subsets of one seed are nested: that of 20 a class is in that of 50. Every point has about as many updates as the whole
set's training, by more epochs: with equal epochs a tenth of the pictures would have a tenth of the updates, and the
curve would show too little training as too few pictures.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..intervals import wilson
from ..paired import t_quantile
from ..pictures.draws import limited
from ..pictures.labelled_images import LabelledImages
from ..pictures.pixels import overlap_text
from ..plots import COLOURS, line_chart
from ..results import Measurement
from .accuracy_figures import UNKNOWN_OVERLAP, steered_texts
from .ratio import most_shared
from .settings import RANGES, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_POINTS = 20  # sizes in one node; a judgement: each is a training a seed


@dataclass(frozen=True)
class CurvePoint:
    """One size of the training set.

    Args:
        per_class: pictures of each class, at most; of the whole set the largest class's.
        pictures: of the subset.
        seeds: training seeds, which draw the subsets too.
        rights: test pictures that were right, one a seed.
        count: test pictures.
        shared: of them in the training set, the most over the seeds; None where a file does not say.
    """

    per_class: int
    pictures: int
    seeds: tuple[int, ...]
    rights: tuple[int, ...]
    count: int
    shared: int | None = None

    @property
    def accuracy(self) -> float:
        """The mean over the seeds, in 0..1."""
        return statistics.fmean(self.rights) / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """95 %: over the seeds by Student's t, of a single one the Wilson interval of its test pictures."""
        if len(self.rights) < 2:
            return wilson(self.rights[0], self.count)
        deviation = statistics.stdev(self.rights) / self.count
        half = t_quantile(len(self.rights) - 1) * deviation / math.sqrt(len(self.rights))
        return max(0.0, self.accuracy - half), min(1.0, self.accuracy + half)

    def to_json(self) -> dict[str, Any]:
        """The object in a result file, with what follows from the counts."""
        return {**asdict(self), "accuracy": self.accuracy, "interval": list(self.interval)}

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> CurvePoint:
        """Raises KeyError, TypeError or ValueError where a figure is missing or cannot be."""
        shared = figures["shared"]
        point = cls(
            per_class=int(figures["per_class"]),
            pictures=int(figures["pictures"]),
            seeds=tuple(int(seed) for seed in figures["seeds"]),
            rights=tuple(int(right) for right in figures["rights"]),
            count=int(figures["count"]),
            shared=None if shared is None else int(shared),
        )
        if not point.rights or len(point.rights) != len(point.seeds) or not 0 <= max(point.rights) <= point.count:
            raise ValueError(f"a point has {len(point.rights)} figures of {point.count} pictures; expected one a seed")
        return point


def parse_sizes(text: str, images: LabelledImages) -> list[int]:
    """The sizes of a text such as `10, 20, 50`, rising; those that are no subset (the whole set is a point) left out.

    Raises:
        ValueError: one is no whole number from 1, there are more than MAX_POINTS, or none is smaller than the set.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 and int(part) for part in parts):
        raise ValueError(f"sizes is {repr(text)[:80]}; expected pictures a class such as 10, 20, 50, whole and above 0")
    largest = max(images.counts().values())
    sizes = sorted({int(part) for part in parts if int(part) < largest})
    if not sizes or len(sizes) > MAX_POINTS:
        raise ValueError(
            f"sizes has {len(sizes)} below the {largest:,} pictures of the largest class; expected 1 to {MAX_POINTS}, "
            "such as 10, 20, 50"
        )
    return sizes


def subset(images: LabelledImages, per_class: int, seed: int) -> LabelledImages:
    """At most so many pictures of each class; the draws of one seed are nested."""
    return limited(images, per_class, seed).named(f"{images.name}, {per_class} a class")


def settings_of(settings: Settings, whole: int, part: int) -> Settings:
    """Settings by which `part` pictures get about as many updates as `whole` get by `settings`."""
    steps = settings.epochs * math.ceil(whole / settings.batch_size)
    epochs = round(steps / math.ceil(part / settings.batch_size))
    return replace(settings, epochs=min(int(RANGES["epochs"][1]), max(1, epochs)))


def curve_measurement(
    name: str,
    points: Sequence[CurvePoint],
    images: LabelledImages,
    test: LabelledImages,
    settings: Settings,
    steered: Mapping[str, int] | None = None,
) -> Measurement:
    """The curve as a result; `settings` are those of the whole set's training, `steered` is top_up.steered_by's."""
    seeds = len(points[0].seeds)
    shared = most_shared([point.shared for point in points])
    remarks = (
        overlap_text(shared, len(test), "test pictures", "are of the training set"),
        *steered_texts(steered or {}, len(test)),
        UNKNOWN_OVERLAP if shared is None else "",
    )
    warnings = [f"{test.name}: {remark}" for remark in remarks if remark]
    warnings += [] if seeds > 1 else ["one training seed: the intervals are of the test pictures alone"]
    stated = {
        **asdict(settings),
        "updates": "equal at every size, by more epochs",
        "subsets": "nested, one draw a seed",
    }
    for key in ("seed", "held_out_seed"):
        del stated[key]
    figures = {"points": [point.to_json() for point in points]}
    return Measurement(
        name,
        "learning_curve",
        figures,
        {
            "training": images.summary(),
            "images": {**test.summary(), "shared": shared, "steered": dict(steered or {})},
        },
        stated,
        tuple(warnings),
    )


def curve_table(points: Sequence[CurvePoint]) -> str:
    """Markdown: a row a size, and what the last doubling brought."""
    lines = ["| pictures a class | accuracy | 95 % interval | seeds |", "|---" * 4 + "|"]
    for point in points:
        low, high = point.interval
        lines.append(
            f"| {point.per_class:,} | {100 * point.accuracy:.2f} % | {100 * low:.2f} to {100 * high:.2f} "
            f"| {len(point.seeds)} |"
        )
    last, half = points[-1], [point for point in points if 2 * point.per_class <= points[-1].per_class]
    if half:
        gain = 100 * (last.accuracy - half[-1].accuracy)
        lines += ["", f"From {half[-1].per_class:,} to {last.per_class:,} pictures a class: {gain:+.2f} points."]
    return "\n".join(lines)


def curve_plot(name: str, points: Sequence[CurvePoint], size: tuple[int, int]) -> Figure:
    """Accuracy against pictures a class on a logarithmic axis, the interval as a band."""
    x = [point.per_class for point in points]
    figure = line_chart(
        {name: (x, [100 * point.accuracy for point in points])}, "How many are enough", "pictures a class", "%", size
    )
    (axes,) = figure.axes
    low, high = zip(*(point.interval for point in points), strict=True)
    axes.fill_between(x, [100 * end for end in low], [100 * end for end in high], color=COLOURS[0], alpha=0.2)
    axes.set_xscale("log")
    axes.set_xticks(x, [f"{number:,}" for number in x])
    axes.minorticks_off()
    return figure
