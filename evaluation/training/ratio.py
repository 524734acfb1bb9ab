"""Training on synthetic pictures against training on real ones, on the same test pictures, as one figure.

Reads test results and writes nothing.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..markdown import one_line
from ..paired import t_quantile
from ..pictures.pixels import overlap_text
from ..results import Measurement, Result
from .accuracy_figures import UNKNOWN_OVERLAP, SetAccuracy, read_counts, steered_texts

_SEEDS = ("seed", "held_out_seed")
RETRIEVAL = (
    "pictures retrieved from the generator's own training data match or beat what it generates (arXiv 2406.05184): "
    "the ratio says nothing of that baseline"
)


@dataclass(frozen=True)
class RatioToReal:
    """Accuracy after training on synthetic pictures / accuracy after training on real ones.

    Args:
        test_set, content_key, count: of the test pictures.
        synthetic, real: mean accuracies, in 0..1.
        seeds: runs of the side that has fewer.
        is_paired: whether both have the same seeds.
        low, high: 95 % interval over training seeds; None for one seed, which says nothing of others.
        shared: test pictures that are of a training set, the most of any run; None where a classifier's file does not
            name its pictures and no other shares any.
        steered: name of a top-up -> test pictures by which it was decided.
    """

    test_set: str
    content_key: str
    count: int
    synthetic: float
    real: float
    ratio: float
    seeds: int
    is_paired: bool
    low: float | None
    high: float | None
    shared: int | None = None
    steered: Mapping[str, int] = field(default_factory=dict)

    def remarks(self) -> tuple[str, ...]:
        """What stands beside the figure wherever it is shown: test pictures that were learned, or that steered."""
        overlap = overlap_text(self.shared, self.count, "test pictures", "are of a training set")
        return tuple(filter(None, (overlap, *steered_texts(self.steered, self.count))))

    def to_json(self) -> dict[str, Any]:
        """The object in a result file."""
        return asdict(self)

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> RatioToReal:
        """Raises KeyError, TypeError or ValueError where a figure is missing or cannot be."""
        low, high, shared = figures["low"], figures["high"], figures["shared"]
        return cls(
            test_set=str(figures["test_set"]),
            content_key=str(figures["content_key"]),
            count=int(figures["count"]),
            synthetic=float(figures["synthetic"]),
            real=float(figures["real"]),
            ratio=float(figures["ratio"]),
            seeds=int(figures["seeds"]),
            is_paired=bool(figures["is_paired"]),
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            shared=None if shared is None else int(shared),
            steered=read_counts(figures["steered"]),
        )


def ratio_interval(
    synthetic: Mapping[int, float], real: Mapping[int, float]
) -> tuple[float, float | None, float | None]:
    """Ratio of the mean accuracies with its 95 % interval over training seeds, None where a side has one seed.

    By the delta method with Student's t: where both have the same seeds, from the residuals s - R r of the pairs with
    n - 1 degrees of freedom, else from both variances with those of the smaller side.

    Args:
        synthetic, real: training seed -> accuracy in 0..1.

    Raises:
        ValueError: the real side was never right, so that there is no ratio.

    Source: W. G. Cochran, Sampling Techniques (1977), 6.4: the ratio estimate and its variance.
    """
    over, under = statistics.fmean(synthetic.values()), statistics.fmean(real.values())
    if not under:
        raise ValueError("training on real pictures was never right on this test set; expected an accuracy above 0")
    ratio = over / under
    fewer = min(len(synthetic), len(real))
    if fewer < 2:
        return ratio, None, None
    if synthetic.keys() == real.keys():
        variance = statistics.variance(synthetic[seed] - ratio * real[seed] for seed in synthetic) / fewer
    else:
        variance = statistics.variance(synthetic.values()) / len(synthetic)
        variance += ratio**2 * statistics.variance(real.values()) / len(real)
    half = t_quantile(fewer - 1) * math.sqrt(variance) / under
    return ratio, max(0.0, ratio - half), ratio + half


def ratios_to_real(synthetic: Sequence[Result], real: Sequence[Result]) -> tuple[RatioToReal, ...]:
    """The ratio on each test set that both sides were tested on.

    Raises:
        ValueError: the sides are not made alike but for pictures and seeds, one of them is not of one training set, or
            no test set is of both.
    """
    ours, theirs = _protocol(synthetic, "synthetic"), _protocol(real, "real")
    unlike = [key for key in ours if ours[key] != theirs.get(key)]
    if unlike:
        differences = "; ".join(f"{key.replace('_', ' ')} {ours[key]} / {theirs.get(key)}" for key in unlike[:5])
        raise ValueError(
            f"synthetic and real were trained otherwise ({differences}); expected the same settings but for pictures "
            "and seeds; train both alike"
        )
    generated = real[0].inputs["training"].get("synthetic")
    if generated:
        raise ValueError(f"{generated:,} training pictures of real are generated; expected none; connect it otherwise")
    sides = [_tested(side) for side in (synthetic, real)]
    shared = [key for key in sides[0] if key in sides[1]]
    if not shared:
        names = [", ".join(entry.name for entry in next(iter(side.values())).values()) for side in sides]
        raise ValueError(
            f"synthetic and real were tested on other pictures ({names[0]} / {names[1]}); expected the same test set; "
            "connect one set to both Test Classifier nodes"
        )
    ratios = []
    for key in shared:
        over, under = ({seed: entry.accuracy for seed, entry in side[key].items()} for side in sides)
        ratio, low, high = ratio_interval(over, under)
        entries = [entry for side in sides for entry in side[key].values()]
        entry = entries[0]
        ratios.append(
            RatioToReal(
                test_set=entry.name,
                content_key=key,
                count=entry.count,
                synthetic=statistics.fmean(over.values()),
                real=statistics.fmean(under.values()),
                ratio=ratio,
                seeds=min(len(over), len(under)),
                is_paired=over.keys() == under.keys(),
                low=low,
                high=high,
                shared=most_shared([entry.shared for entry in entries]),
                steered={name: number for entry in entries for name, number in entry.steered.items()},
            )
        )
    return tuple(ratios)


def most_shared(counts: Sequence[int | None]) -> int | None:
    """The most test pictures that any classifier learned; None where nobody knows of one and no other has any."""
    largest = max((count for count in counts if count is not None), default=0)
    return largest if largest or None not in counts else None


def _protocol(side: Sequence[Result], what: str) -> dict[str, Any]:
    """The settings of one side but for its seeds, which its results share, as they share the training pictures."""
    makings = []
    for result in side:
        training = result.inputs.get("training")
        if result.kind != "test" or not isinstance(training, Mapping) or not training.get("content_key"):
            raise ValueError(
                f"result {result.name} of {what} is a {result.kind.replace('_', ' ')} or names no training pictures; "
                "expected Test Classifier's; connect its result"
            )
        settings = {key: value for key, value in result.settings.items() if key not in _SEEDS}
        makings.append((settings, training["content_key"]))
    if any(making != makings[0] for making in makings[1:]):
        raise ValueError(
            f"the results of {what} differ in more than their seeds; expected the runs of one training; connect the "
            "result of one Test Classifier"
        )
    return makings[0][0]


def _tested(side: Sequence[Result]) -> dict[str, dict[int, SetAccuracy]]:
    """content_key of a test set -> training seed -> figures, of sets that every result of the side has."""
    tested: dict[str, dict[int, SetAccuracy]] = {}
    for result in side:
        sets = zip(result.inputs.get("test_sets") or (), result.figures["test_sets"], strict=True)
        for stated, figures in sets:
            by_seed = tested.setdefault(str(stated.get("content_key")), {})
            by_seed[int(result.settings["seed"])] = SetAccuracy.from_json(figures)
    seeds = {int(result.settings["seed"]) for result in side}
    return {key: by_seed for key, by_seed in tested.items() if by_seed.keys() == seeds}


def ratio_measurement(
    name: str, ratios: Sequence[RatioToReal], synthetic: Sequence[Result], real: Sequence[Result]
) -> Measurement:
    """The ratios as a result."""
    training, reference = synthetic[0].inputs["training"], real[0].inputs["training"]
    warnings = [RETRIEVAL]
    for ratio in ratios:
        warnings += [f"{ratio.test_set}: {remark}" for remark in ratio.remarks()]
        warnings += [f"{ratio.test_set}: {UNKNOWN_OVERLAP}"] if ratio.shared is None else []
    if any(ratio.low is None for ratio in ratios):
        warnings.append("one training seed: no interval; train several runs of both")
    if training.get("counts") != reference.get("counts"):
        numbers = f"{training.get('pictures')} and {reference.get('pictures')}"
        warnings.append(f"the sides were trained on {numbers} pictures: the ratio is of sets, not of equal numbers")
    if training.get("synthetic") != training.get("pictures"):
        warnings.append("not all training pictures of synthetic are known to be generated")
    figures = {"test_sets": [ratio.to_json() for ratio in ratios]}
    inputs = {
        "training": training,
        "real": reference,
        "tests": [result.run for result in (*synthetic, *real)],
    }
    settings = {key: value for key, value in synthetic[0].settings.items() if key not in _SEEDS}
    return Measurement(
        name, "ratio_to_real", figures, inputs, {**settings, "interval": "delta method, Student's t"}, tuple(warnings)
    )


def ratio_table(ratios: Sequence[RatioToReal]) -> str:
    """Markdown: a row a test set."""
    lines = ["| test set | trained on synthetic | on real | ratio | 95 % interval | seeds |", "|---" * 6 + "|"]
    for ratio in ratios:
        interval = "none" if ratio.low is None else f"{ratio.low:.3f} to {ratio.high:.3f}"
        pairs = f"{ratio.seeds}{', paired' if ratio.is_paired and ratio.seeds > 1 else ''}"
        lines.append(
            f"| {one_line(ratio.test_set)} ({ratio.count:,}) | {100 * ratio.synthetic:.2f} % "
            f"| {100 * ratio.real:.2f} % | {ratio.ratio:.3f} | {interval} | {pairs} |"
        )
    return "\n".join(lines)
