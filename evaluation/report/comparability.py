"""Which of our figures stand beside the thesis's: those made as the thesis made its own. One rule for tables and plots.

Sources: the thesis's text (Table 5-2, chapter 5) and its published code, which trained one model for each test set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from ..metrics.inception_weights import FID_NETWORK, NETWORKS, TORCHVISION_NETWORK
from ..training.accuracy_figures import SetAccuracy
from ..training.settings import Settings
from . import thesis
from .figures import PictureSet
from .tables import Cell, Source

# besides Settings' defaults, which are Table 5-2: the text says bicubic, the code ran bilinear
_ALSO = {"filter": ("bilinear",)}
THESIS_NETWORKS = {"fid": NETWORKS[FID_NETWORK].key, "inception_score": NETWORKS[TORCHVISION_NETWORK].key}
_NOT_COMPARED = ("seed", "held_out_seed", "size")  # the size depends on the test set
_SAID = {"weights_key": "starts from other weights", "checkpoint": "best held-out epoch, not the last"}


def beside_thesis(ours: Cell, published: float | None, differences: Sequence[str]) -> Cell:
    """Our cell with the thesis's figure beside it, or with a note of all that differs and no figure of the thesis.

    Args:
        ours: a cell without the thesis's figure; a blank one takes it as printed.
        published: the thesis's figure; None where it has none.
        differences: in what ours was made otherwise.
    """
    if published is None or ours.value is None or not differences:
        return replace(ours, thesis=published)
    reason = f"not beside the thesis's {published:g}: {', '.join(differences)}"
    return replace(ours, thesis=None, note="; ".join(filter(None, [ours.note, reason])))


def accuracy_differences(source: Source, test_set: str, accuracy: SetAccuracy) -> tuple[str, ...]:
    """In what a test differs from the thesis's: training, size, pictures and classes of both sets.

    Args:
        source: a test's result.
        test_set: one of thesis.TEST_SETS.
        accuracy: on that set.
    """
    settings = source.result.settings
    differences = _training_differences(settings)
    differences += _size_difference(settings.get("size"), thesis.MODEL_SIZES[test_set], test_set)
    differences += _training_set_differences(source.row, source.figures.trained_on)
    if {name.casefold() for name in accuracy.classes} != set(thesis.CLASSES) or accuracy.absent:
        differences.append("other classes than the thesis's five")
    expected = thesis.TEST_COUNTS[test_set]
    if accuracy.count != expected:
        differences.append(f"tested on {accuracy.count:,} pictures, not {expected:,}")
    if accuracy.synthetic:
        differences.append("tested on generated pictures")
    if accuracy.shared:
        differences.append("test pictures are of its training set")
    return tuple(differences)


def _training_differences(settings: Mapping[str, Any]) -> list[str]:
    expected = {**asdict(Settings()), "checkpoint": "last"}
    differences = []
    for name, value in expected.items():
        if name in _NOT_COMPARED:
            continue
        if name not in settings:
            differences.append(f"{name.replace('_', ' ')} unknown")
        elif settings[name] != value and settings[name] not in _ALSO.get(name, ()):
            differences.append(_SAID.get(name, f"{name.replace('_', ' ')} {settings[name]}, not {value}"))
    epochs, trained = settings.get("epochs"), settings.get("epochs_trained")
    if trained is None:
        differences.append("epochs trained unknown")
    elif trained != epochs:
        differences.append(f"stopped after {trained} of {epochs} epochs")
    return differences


def _size_difference(size: object, expected: Sequence[int], test_set: str) -> list[str]:
    if size in expected:
        return []
    sizes = " or ".join(map(str, expected))
    return [
        f"a model at {size or 'an unknown number of'} px, where the thesis's code trained one at {sizes} for {test_set}"
    ]


def _training_set_differences(row: str, trained_on: PictureSet | None) -> list[str]:
    if trained_on is None or not trained_on.counts:
        return ["training pictures unknown"]
    counts, differences = trained_on.counts, []
    if {name.casefold() for name in counts} != set(thesis.CLASSES):
        differences.append("trained on other classes than the thesis's five")
    added = thesis.added_per_class(row) or 0
    low, high, expected = min(counts.values()), max(counts.values()), thesis.PER_CLASS + added
    if (low, high) != (expected, expected):
        per_class = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        differences.append(f"trained on {per_class} pictures a class, not {expected:,}")
    real = row == thesis.CIFAR_TRAIN or added
    if real and trained_on.synthetic is not None and trained_on.synthetic != added * len(counts):
        differences.append(
            f"{trained_on.synthetic:,} of its training pictures are known to be generated, not {added:,} a class"
        )
    if trained_on.generated_in_real:
        differences.append("generated pictures that are among the real ones")
    if trained_on.repeated:
        differences.append(f"{trained_on.repeated:,} of its training pictures are there more than once")
    return differences


def metric_differences(source: Source) -> tuple[str, ...]:
    """In what a FID or an Inception Score differs from the thesis's: way to the features, splits, pictures."""
    settings, figures = source.result.settings, source.figures
    differences = [*way_differences(source)]
    if settings.get("splits", 10) != 10:
        differences.append(f"splits {settings['splits']}, not 10")
    counts, count = thesis.set_counts(source.row), _count(figures.features)
    if count not in counts:
        expected = " or ".join(f"{number:,}" for number in counts) or "as many as the thesis has, which it does not say"
        differences.append(f"from {count or 'an unknown number of'} pictures, not {expected}")
    if figures.reference is not None:
        if not thesis.is_cifar_train(figures.reference.name):
            differences.append("another reference")
        if figures.reference.count not in (None, thesis.REFERENCE_COUNT):
            differences.append(f"against {figures.reference.count:,} pictures, not {thesis.REFERENCE_COUNT:,}")
        if figures.reference.shared and source.row != thesis.CIFAR_TRAIN:
            differences.append("pictures in both sets")
    return tuple(differences)


def way_differences(source: Source) -> tuple[str, ...]:
    """In what the way to the features of a FID or an Inception Score differs from the thesis's."""
    settings = source.result.settings
    network = THESIS_NETWORKS[source.result.kind]
    conventions = ("thesis", "clean-fid") if network == NETWORKS[FID_NETWORK].key else ("thesis",)
    differences = []
    if settings.get("network") != network:
        differences.append("another network")
    elif not published_weights(settings):
        differences.append("other weights")
    if settings.get("convention") not in conventions:
        differences.append(f"convention {settings.get('convention')}, not {conventions[-1]}")
    for name, value in {"size": 32, "filter": "bicubic", "crop": "squash"}.items():
        stated = settings.get(name, value if name == "crop" else None)
        if stated != value:
            differences.append(f"{name} {stated}, not {value}")
    return tuple(differences)


def published_weights(settings: Mapping[str, Any]) -> bool:
    """Whether the settings of a metric's result name the published file of their network."""
    digest = str(settings.get("weights_sha256"))
    return any(network.key == settings.get("network") and network.is_published(digest) for network in NETWORKS.values())


def _count(picture_set: PictureSet | None) -> int | None:
    return picture_set.count if picture_set else None
