"""What stands beside a metric's figure, and which of several results of one set is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..metrics.inception_weights import FID_NETWORK, NETWORKS, TORCHVISION_NETWORK
from ..metrics.vision_weights import VISION_NETWORKS
from . import thesis
from .comparability import published_weights, way_differences
from .figures import PictureSet
from .tables import Source

_TRANSFORMERS = {network.key: name for name, network in VISION_NETWORKS.items()}


def transformer_of(source: Source) -> str:
    """Which DINOv2 or CLIP its features are of; "" for another network."""
    return _TRANSFORMERS.get(str(source.result.settings.get("network")), "")


def convention_of(result_settings: Mapping[str, Any]) -> str:
    """Network, convention and size in a few words, as they stand beside a figure."""
    key = str(result_settings.get("network"))
    names = {
        NETWORKS[FID_NETWORK].key: "FID Inception",
        NETWORKS[TORCHVISION_NETWORK].key: "torchvision Inception",
    }
    if key in names:
        network = names[key] + ("" if published_weights(result_settings) else " with other weights")
    else:  # of these nobody here knows the digests of the published files
        network = _TRANSFORMERS.get(key, key)
        weights = str(result_settings.get("weights_sha256") or "")[:8]
        network += f" (weights {weights})" if weights else ""
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
        parts.append(f"against {_named(reference)}")
        if reference.shared:
            parts.append(f"{reference.shared:,} of its pictures are in {reference.name} too")
    return "; ".join(parts)


def _named(reference: PictureSet) -> str:
    number = f"{reference.count:,}" if reference.count else "unknown number of"
    return f"{reference.name} ({number} pictures)"


def newest(sources: Sequence[Source]) -> tuple[Source, str]:
    """The newest of one row's results, and a note on how many others there are."""
    others = len(sources) - 1
    return sources[-1], f"{others} other result{'s' * (others > 1)} of this set not shown" if others else ""


def comparable(sources: Sequence[Source], kind: str) -> list[list[Source]]:
    """The results of one kind in groups that may stand in one column: one network, one preparation, one reference.

    A reference is another where its pictures are, whatever it is called.
    """
    groups: dict[tuple[object, ...], list[Source]] = {}
    for source in sources:
        if source.result.kind == kind:
            groups.setdefault((_reference_key(source), _way(source.result.settings)), []).append(source)
    return [groups[key] for key in sorted(groups, key=repr)]


def one_reference(sources: Sequence[Source], count: int) -> list[Source]:
    """The sources against one reference: the one with `count` pictures, else that of the newest source."""
    of_count = [source for source in sources if count_of(source.figures.reference) == count]
    chosen = (of_count or list(sources))[-1:]
    return [source for source in sources if chosen and _reference_key(source) == _reference_key(chosen[0])]


def one_way(sources: Sequence[Source], rows: Collection[str]) -> list[Source]:
    """The sources of one network and preparation: the thesis's if one of `rows` has it, else that of its newest.

    Args:
        rows: of a table of the thesis.
    """
    of_rows = [source for source in sources if source.row in rows]
    best = [source for source in of_rows if not way_differences(source)] or of_rows
    return [source for source in sources if best and _way(source.result.settings) == _way(best[-1].result.settings)]


def conditions_of(source: Source) -> str:
    """Network, convention, size, unusual resize and reference of a table whose figures are all alike in these."""
    reference = source.figures.reference
    against = f"; against {_named(reference)}" if reference else ""
    settings = source.result.settings
    usual = {"filter": ("bicubic", "None", ""), "crop": ("squash", "None", "")}
    resize = [f", {settings[name]}" for name, values in usual.items() if str(settings.get(name, "")) not in values]
    return convention_of(settings) + "".join(resize) + against


def _reference_key(source: Source) -> tuple[str, str, int | None]:
    """The pictures of a reference, or its name and count where the file does not say its pictures."""
    reference = source.figures.reference or PictureSet()
    return (reference.content_key, "", None) if reference.content_key else ("", reference.name, reference.count)


def _way(settings: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("network", "weights_sha256", "convention", "size", "filter", "crop")
    return tuple(str(settings.get(name, "")) for name in names)


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
