"""The statistics of the metrics beside the packages that define them: Frechet step, KID, precision and recall.

Prints one line a comparison: medians of interleaved runs, wall time and processor time, and their ratio.
Peers' packages are imported before the clock starts. On a busy machine the processor time at OMP_NUM_THREADS=1 and
OPENBLAS_NUM_THREADS=1 tells more.
python benchmarks/metric_statistics.py [--rounds 3] [--only frechet|kid|neighbours]
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
from hyponet.evaluation.metrics.feature_statistics import FeatureStatistics, statistics_of  # noqa: E402
from hyponet.evaluation.metrics.features import ImageFeatures  # noqa: E402
from hyponet.evaluation.metrics.frechet import frechet_distance  # noqa: E402
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


def compare(title: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Run both in turn and print medians, the ratio and both values.

    Returns:
        Processor seconds of ours and theirs.
    """
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
    return our_cpu, their_cpu


def frechet(first: ImageFeatures, second: ImageFeatures) -> Callable[[], float]:
    """Our distance, from features to the number."""
    return lambda: frechet_distance(statistics_of(first), statistics_of(second))


def torch_fidelitys(first: ImageFeatures, second: ImageFeatures) -> Callable[[], float]:
    """torch-fidelity's distance (eigenvalues of the product), the fastest peer, from features to the number."""
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    def run() -> float:
        sides = [fid_features_to_statistics(torch.from_numpy(side.features)) for side in (first, second)]
        return float(fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"])

    return run


def loaded(statistics: FeatureStatistics) -> FeatureStatistics:
    """As from a file: mean and covariance alone."""
    return FeatureStatistics(**{**statistics.__dict__, "covariance": statistics.full_covariance(), "factor": None})


def compare_frechet(rounds: int) -> None:
    """Ours beside torch-fidelity's."""
    for count in (1000, 3000, 10000):
        pair = features(count, 0), features(count, 1)
        compare(f"Frechet step, {count} + {count}", frechet(*pair), torch_fidelitys(*pair), rounds)
    sides = [loaded(statistics_of(features(3000, seed))) for seed in (0, 1)]
    wall = time.perf_counter()
    frechet_distance(*sides)
    print(f"Frechet step between loaded statistics: {time.perf_counter() - wall:.3f} s")


def compare_kid(rounds: int) -> None:
    """Beside torch-fidelity; at 1,000 its default subsets would be the whole sets, a corner, so they are halved."""
    from torch_fidelity.metric_kid import kid_features_to_metric

    for count, size in ((1000, 500), (3000, 1000), (5000, 1000), (10000, 1000), (50000, 1000)):
        pair = features(count, 0), features(count, 1)
        tensors = [torch.from_numpy(side.features) for side in pair]
        compare(
            f"KID, {count} + {count}, 100 subsets of {size}",
            lambda pair=pair, size=size: measure_kid(*pair, subset_size=size).figures["kid"],
            lambda tensors=tensors, size=size: kid_features_to_metric(*tensors, kid_subset_size=size, verbose=False)[
                "kernel_inception_distance_mean"
            ],
            rounds,
        )


def compare_neighbours(rounds: int) -> None:
    """Precision and recall by both rules, density and coverage, beside each peer, which computes a part of them."""
    from prdc import compute_prdc
    from torch_fidelity.metric_prc import prc_features_to_metric

    for count in (1000, 3000, 10000):
        pair = features(count, 0), features(count, 1)
        tensors = [torch.from_numpy(side.features) for side in pair]
        beside_prdc = compare(
            f"P/R by two rules, D, C beside prdc (P/R by one rule, D, C), {count} + {count}",
            lambda pair=pair: measure_precision_recall(*pair).figures["coverage"],
            lambda pair=pair: float(compute_prdc(pair[1].features, pair[0].features, 5)["coverage"]),
            rounds,
        )
        beside_fidelity = compare(
            f"P/R by two rules, D, C beside torch-fidelity (P/R by one rule, float32), {count} + {count}",
            lambda pair=pair: measure_precision_recall(*pair).figures["precision"],
            lambda tensors=tensors: prc_features_to_metric(*tensors, verbose=False)["precision"],
            rounds,
        )
        ours, both = (beside_prdc[0] + beside_fidelity[0]) / 2, beside_prdc[1] + beside_fidelity[1]
        print(f"The same figures from both of them, {count} + {count}: {both / ours:.1f} times the processor time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("frechet", "kid", "neighbours"), help="one of the three")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    parts = {"frechet": compare_frechet, "kid": compare_kid, "neighbours": compare_neighbours}
    for name, part in parts.items():
        if options.only in (None, name):
            part(options.rounds)


if __name__ == "__main__":
    main()
