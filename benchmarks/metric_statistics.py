"""The statistics of the metrics beside the packages that define them: Frechet step, KID, precision and recall.

Prints one line a comparison: medians of interleaved runs, wall time and processor time, and their ratio.
python benchmarks/metric_statistics.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from pack import load_pack

load_pack()

from hyponet.evaluation.metrics.conventions import Preparation  # noqa: E402
from hyponet.evaluation.metrics.feature_statistics import FeatureStatistics, frechet_distance, statistics_of  # noqa: E402
from hyponet.evaluation.metrics.features import ImageFeatures  # noqa: E402
from hyponet.evaluation.metrics.kid import measure_kid  # noqa: E402
from hyponet.evaluation.metrics.precision_recall import measure_precision_recall  # noqa: E402


def features(count: int, seed: int, width: int = 2048) -> ImageFeatures:
    """Made-up features of the size and skew of Inception's."""
    draw = np.random.default_rng(seed)
    basis = np.random.default_rng(7).normal(size=(256, width)) / 16
    values = np.abs(draw.normal(size=(count, 256)) @ basis + draw.normal(size=(count, width)) * 0.3) * 0.4
    values = values.astype(np.float32) * (1 + 0.05 * seed)
    labels = np.zeros(count, dtype=np.int64)
    return ImageFeatures(
        f"set {seed}", ("all",), labels, values, values, "made up", "none", Preparation(), f"{seed} {count}"
    )


def compare(title: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> None:
    """Run both in turn and print medians, the ratio and both values."""
    spent: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
    values = {}
    for _ in range(rounds):
        for name, run in (("ours", ours), ("theirs", theirs)):
            wall, cpu = time.perf_counter(), time.process_time()
            with contextlib.redirect_stdout(io.StringIO()):
                values[name] = run()
            spent[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    (our_wall, our_cpu), (their_wall, their_cpu) = (
        (statistics.median(wall for wall, _ in spent[name]), statistics.median(cpu for _, cpu in spent[name]))
        for name in ("ours", "theirs")
    )
    print(
        f"{title}: {our_wall:.3f} s, theirs {their_wall:.3f} s: {their_wall / our_wall:.1f} times faster "
        f"(processor time {their_cpu / our_cpu:.1f}); values {values['ours']:.8g} / {values['theirs']:.8g}",
        flush=True,
    )


def frechet(first: ImageFeatures, second: ImageFeatures) -> Callable[[], float]:
    """Our distance, from features to the number."""
    return lambda: frechet_distance(statistics_of(first), statistics_of(second))


def scipys(first: ImageFeatures, second: ImageFeatures) -> Callable[[], float]:
    """pytorch-fid's distance (scipy's matrix root), from features to the number."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    def run() -> float:
        sides = [side.features.astype(np.float64) for side in (first, second)]
        moments = [part for side in sides for part in (side.mean(0), np.cov(side, rowvar=False))]
        return float(calculate_frechet_distance(*moments))

    return run


def loaded(statistics: FeatureStatistics) -> FeatureStatistics:
    """As from a file: mean and covariance alone."""
    return FeatureStatistics(**{**statistics.__dict__, "covariance": statistics.full_covariance(), "factor": None})


def compare_frechet() -> None:
    """Ours beside scipy's matrix root; one round, since a root takes seconds to minutes."""
    for count in (150, 1000, 3000):
        pair = features(count, 0), features(count, 1)
        compare(f"Frechet step, {count} + {count}", frechet(*pair), scipys(*pair), 1)
    sides = [loaded(statistics_of(features(3000, seed))) for seed in (0, 1)]
    wall = time.perf_counter()
    frechet_distance(*sides)
    print(f"Frechet step between loaded statistics: {time.perf_counter() - wall:.3f} s")


def compare_neighbours(rounds: int) -> None:
    """KID beside torch-fidelity; precision, recall, density and coverage beside prdc."""
    from prdc import compute_prdc
    from torch_fidelity.metric_kid import kid_features_to_metric

    pair = features(1000, 0), features(1000, 1)
    tensors = [torch.from_numpy(side.features) for side in pair]
    compare(
        "KID, 1000 + 1000, 100 subsets of 1000",
        lambda: measure_kid(*pair).figures["kid"],
        lambda: kid_features_to_metric(*tensors, verbose=False)["kernel_inception_distance_mean"],
        rounds,
    )
    for count in (1000, 3000):
        pair = features(count, 0), features(count, 1)
        compare(
            f"precision, recall, density, coverage, {count} + {count}",
            lambda pair=pair: measure_precision_recall(*pair).figures["coverage"],
            lambda pair=pair: float(compute_prdc(pair[1].features, pair[0].features, 5)["coverage"]),
            rounds,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("frechet", "neighbours"), help="one half; the matrix roots take minutes")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.only != "neighbours":
        compare_frechet()
    if options.only != "frechet":
        compare_neighbours(options.rounds)


if __name__ == "__main__":
    main()
