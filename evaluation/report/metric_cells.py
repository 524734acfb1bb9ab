"""What stands beside a metric's figure, and which of several results of one set is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics.inception_weights import FID_NETWORK, NETWORKS, TORCHVISION_NETWORK
from . import thesis
from .comparability import published_weights
from .read_figures import PictureSet
from .tables import Source


def convention_of(result_settings: Mapping[str, Any]) -> str:
    """Network, convention and size in a few words, as they stand beside a figure."""
    key = str(result_settings.get("network"))
    names = {
        NETWORKS[FID_NETWORK].key: "FID Inception",
        NETWORKS[TORCHVISION_NETWORK].key: "torchvision Inception",
    }
    network = names.get(key, key)
    if key in names and not published_weights(result_settings):
        network += " with other weights"
    size = result_settings.get("size")
    return f"{network}, {result_settings.get('convention')}, {f'{size} px first' if size else 'own size'}"


def note_of(source: Source, others: str) -> str:
    """The conditions of a cell, and that there are other results like it."""
    return "; ".join(filter(None, [_conditions(source), others]))


def _conditions(source: Source) -> str:
    """All that a figure depends on, as it stands beside it: network, convention, rule, reference."""
    settings, reference = source.result.settings, source.figures.reference
    parts = [convention_of(settings)]
    parts += [str(settings[key]) for key in ("precision_recall_rule", "density_coverage_rule") if key in settings]
    if reference is not None:
        number = f"{reference.count:,}" if reference.count else "unknown number of"
        parts.append(f"against {reference.name} ({number} pictures)")
        if reference.shared:
            parts.append(f"{reference.shared:,} of its pictures are in {reference.name} too")
    return "; ".join(parts)


def newest(sources: Sequence[Source]) -> tuple[Source, str]:
    """The newest of one row's results, and a note on how many others there are."""
    others = len(sources) - 1
    return sources[-1], f"{others} other result{'s' * (others > 1)} of this set not shown" if others else ""


def rows_of(sources: Sequence[Source], kind: str) -> dict[tuple[str, str], list[Source]]:
    """(row, name of the reference or "") -> its results of one kind, oldest first."""
    rows: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        if source.result.kind == kind:
            rows.setdefault((source.row, _reference_name(source)), []).append(source)
    return rows


def _reference_name(source: Source) -> str:
    return source.figures.reference.name if source.figures.reference else ""


def against_cifar_train(source: Source) -> bool:
    """Whether its reference is the one of the thesis."""
    return thesis.is_cifar_train(_reference_name(source))


def count_of(picture_set: PictureSet | None) -> int | None:
    """How many pictures a set has; None where nobody knows."""
    return picture_set.count if picture_set else None
