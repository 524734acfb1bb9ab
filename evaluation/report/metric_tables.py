"""Metric results -> Tables 5-11 and 5-12, and KID, precision and recall, diversity, FID per class and distortion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics.inception import FID_NETWORK, NETWORKS, TORCHVISION_NETWORK
from . import thesis
from .tables import Cell, Row, Source, Table, in_thesis_order, short_label

FID_NOTES = (
    "No interval: resampling pictures with repeats is biased upward. FID compares only at equal numbers of pictures.",
)


def metric_tables(sources: Sequence[Source]) -> list[Table]:
    """The tables of the metrics; those without a counterpart in the thesis only when something ran."""
    tables = [
        _table_5_11(sources),
        _plain(
            [source for source in sources if not _against_cifar_train(source)],
            "fid",
            "FID against other references",
            {"fid": "FID"},
            2,
            FID_NOTES,
        ),
        _table_5_12(sources),
        _fid_per_class(sources),
        _plain(sources, "kid", "KID", {"kid": "KID"}, 6, ("\u00b1: spread over subsets, which is no standard error.",)),
        _plain(
            sources,
            "precision_recall",
            "Precision, recall, density and coverage",
            {
                "precision": "precision (closed)",
                "recall": "recall (closed)",
                "prdc_precision": "precision (prdc)",
                "prdc_recall": "recall (prdc)",
                "density": "density",
                "coverage": "coverage",
            },
            4,
            ("closed: a picture on the edge of a neighbourhood is inside (torch-fidelity); prdc: outside.",),
        ),
        _plain(
            sources,
            "diversity",
            "Diversity within classes (mean over classes)",
            {
                "vendi": "Vendi score",
                "mean_pairwise_distance": "mean pairwise distance",
                "median_nearest_distance": "median distance to the nearest",
            },
            3,
            ("Compare only between sets with equal numbers of pictures a class.",),
        ),
        _distortion(sources),
        _comparisons(sources),
    ]
    return [table for table in tables if table.ran or table.key in ("5-11", "5-12")]


def convention_of(result_settings: Mapping[str, Any]) -> str:
    """Network, convention and size in a few words, as they stand beside a figure."""
    key = str(result_settings.get("network"))
    names = {
        NETWORKS[FID_NETWORK].key: "FID Inception",
        NETWORKS[TORCHVISION_NETWORK].key: "torchvision Inception",
    }
    network = names.get(key, key)
    if key in names and not _published_weights(result_settings):
        network += " with other weights"
    size = result_settings.get("size")
    return f"{network}, {result_settings.get('convention')}, {f'{size} px first' if size else 'own size'}"


def _published_weights(settings: Mapping[str, Any]) -> bool:
    digest = str(settings.get("weights_sha256"))
    return any(network.key == settings.get("network") and network.is_published(digest) for network in NETWORKS.values())


def _made(source: Source) -> str:
    """All that a figure depends on, as it stands beside it: network, convention, rule, reference."""
    settings, inputs = source.result.settings, source.result.inputs
    parts = [convention_of(settings)]
    parts += [str(settings[key]) for key in ("precision_recall_rule", "density_coverage_rule") if key in settings]
    if "reference" in inputs:
        count = _count(source, "reference")
        number = f"{count:,}" if count else "unknown number of"
        parts.append(f"against {inputs['reference'].get('name')} ({number} pictures)")
    return "; ".join(parts)


def _newest(sources: Sequence[Source]) -> tuple[Source, str]:
    """The newest of one row's results, and a note on how many others there are."""
    others = len(sources) - 1
    return sources[-1], f"{others} other result{'s' * (others > 1)} of this set not shown" if others else ""


def _rows_of(sources: Sequence[Source], kind: str) -> dict[tuple[str, str], list[Source]]:
    """(row, name of the reference or "") -> its results of one kind, oldest first."""
    found: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        if source.result.kind == kind:
            reference = str((source.result.inputs.get("reference") or {}).get("name", ""))
            found.setdefault((source.row, reference), []).append(source)
    return found


def _against_cifar_train(source: Source) -> bool:
    return thesis.is_cifar_train(str((source.result.inputs.get("reference") or {}).get("name", "")))


def _like_thesis(source: Source, network: str) -> bool:
    """Whether a figure was made as the thesis made its own, from as many pictures."""
    settings = source.result.settings
    conventions = ("thesis", "clean-fid") if network == NETWORKS[FID_NETWORK].key else ("thesis",)
    return (
        settings.get("network") == network
        and _published_weights(settings)
        and settings.get("convention") in conventions
        and (settings.get("size"), settings.get("filter")) == (32, "bicubic")
        and settings.get("crop", "squash") == "squash"
        and settings.get("splits", 10) == 10
        and _count(source, "features") in thesis.set_counts(source.row)
        and _count(source, "reference") in (None, thesis.REFERENCE_COUNT)
    )


def _count(source: Source, part: str) -> int | None:
    value = (source.result.inputs.get(part) or {}).get("count")
    return int(value) if value else None


def _table_5_11(sources: Sequence[Source]) -> Table:
    network = NETWORKS[FID_NETWORK].key
    rows = _thesis_rows([s for s in sources if _against_cifar_train(s)], "fid", thesis.FID, network)
    return Table(
        key="5-11",
        title="Table 5-11: Frechet Inception Distance (lower is better)",
        columns=("FID",),
        rows=rows,
        notes=(
            "The thesis: against CIFAR-10 train (50,000 pictures, ten classes), clean-fid, 32 px first.",
            *FID_NOTES,
        ),
    )


def _table_5_12(sources: Sequence[Source]) -> Table:
    network = NETWORKS[TORCHVISION_NETWORK].key
    return Table(
        key="5-12",
        title="Table 5-12: Inception Score (higher is better)",
        columns=("IS",),
        rows=_thesis_rows(sources, "inception_score", thesis.INCEPTION_SCORE, network),
        notes=(
            "\u00b1: standard deviation over the splits.",
            "The thesis: torchvision's Inception v3 (hence 10.23 for CIFAR-10 train where the literature has 11.24).",
        ),
    )


def _thesis_rows(sources: Sequence[Source], kind: str, published: Mapping[str, float], network: str) -> tuple[Row, ...]:
    """The thesis's rows and then our own; of a row's results one made as the thesis made it goes before newer ones."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        if source.result.kind == kind:
            found.setdefault(source.row, []).append(source)
    rows = []
    for group, label in in_thesis_order(list(found), list(published)):
        made = sorted(found.get(label, []), key=lambda source: _like_thesis(source, network))
        cell = _metric_cell(made, kind, published.get(label), network) if made else Cell(thesis=published.get(label))
        rows.append(Row(short_label(label, group), (cell,), group))
    return tuple(rows)


def _metric_cell(made: Sequence[Source], key: str, published: float | None, network: str) -> Cell:
    """The last of one row's figures, with the thesis's beside it only where both were made alike."""
    source, others = _newest(made)
    inputs = source.result.inputs
    notes = [_made(source), others]
    itself = (inputs.get("reference") or {}).get("content_key")
    same = bool(itself) and itself == inputs["features"].get("content_key") and published == 0
    if published is not None and not (same or _like_thesis(source, network)):
        notes.append(f"the thesis's {published:g} was made otherwise or from other numbers of pictures")
        published = None
    classes = sum(bool(count) for count in (inputs["features"].get("classes") or {}).values())
    if _count(source, "reference") == thesis.REFERENCE_COUNT and 1 < classes < 10:
        notes.append(f"{classes} classes against CIFAR-10's ten, whose absence is in the figure")
    splits = source.result.settings.get("splits")
    return Cell(
        value=source.result.figures.get(key),
        spread=source.result.figures.get(f"{key}_sd") if splits and splits > 1 else None,
        runs=int(splits) if splits and splits > 1 else 0,
        unit="splits",
        count=_count(source, "features"),
        reference_count=_count(source, "reference"),
        thesis=published,
        note="; ".join(filter(None, notes)),
        sources=(source.number,),
    )


def _plain(
    sources: Sequence[Source],
    kind: str,
    title: str,
    columns: Mapping[str, str],
    decimals: int,
    notes: tuple[str, ...],
) -> Table:
    """The newest result of each row and reference; rows under their reference's name."""
    rows = []
    for (label, reference), made in _rows_of(sources, kind).items():
        source, others = _newest(made)
        subsets = source.result.settings.get("subsets")
        cells = [
            Cell(
                value=source.result.figures.get(key),
                spread=source.result.figures.get(f"{key}_sd_over_subsets"),
                runs=int(subsets) if subsets else 0,
                unit="subsets",
                count=_count(source, "features"),
                reference_count=_count(source, "reference"),
                note="; ".join(filter(None, [_made(source), others])),
                sources=(source.number,),
            )
            for key in columns
        ]
        rows.append(Row(label, tuple(cells), f"against {reference}" if reference else ""))
    rows.sort(key=lambda row: row.group)
    return Table(kind, title, tuple(columns.values()), tuple(rows), decimals, notes, compares=False)


def _fid_per_class(sources: Sequence[Source]) -> Table:
    made = [source for source in sources if source.result.figures.get("per_class")]
    found = {key: _newest(results) for key, results in _rows_of(made, "fid").items()}
    classes = list(dict.fromkeys(name for source, _ in found.values() for name in source.result.figures["per_class"]))
    rows = []
    for (label, reference), (source, others) in found.items():
        per_class = source.result.figures["per_class"]
        cells = [
            Cell(
                value=(per_class.get(name) or {}).get("fid"),
                count=(per_class.get(name) or {}).get("count"),
                reference_count=(per_class.get(name) or {}).get("reference_count"),
                note="; ".join(filter(None, [_made(source), others])),
                sources=(source.number,),
            )
            for name in classes
        ]
        rows.append(Row(label, tuple(cells), f"against {reference}"))
    rows.sort(key=lambda row: row.group)
    note = "Few pictures a class give high figures: compare only at equal numbers."
    return Table("fid-per-class", "FID of each class", tuple(classes), tuple(rows), 2, (note,), compares=False)


def _distortion(sources: Sequence[Source]) -> Table:
    rows: list[Row] = []
    found = {label: _newest(made) for (label, _), made in _rows_of(sources, "distortion").items()}
    strengths = sorted({strength for source, _ in found.values() for strength in source.result.figures["strengths"]})
    for label, (source, others) in found.items():
        figures = source.result.figures
        count = _count(source, "images")
        for kind, fids in figures["fid"].items():
            by_strength = dict(zip(figures["strengths"], fids, strict=True))
            cells = [
                Cell(
                    value=by_strength.get(strength),
                    count=count,
                    reference_count=count,
                    note=others,
                    sources=(source.number,),
                )
                for strength in strengths
            ]
            rows.append(Row(kind, tuple(cells), f"{label}: {convention_of(source.result.settings)}"))
    return Table(
        "figure-5-3",
        "Figure 5-3: FID of distorted copies against the set itself",
        tuple(f"strength {strength:g}" for strength in strengths),
        tuple(rows),
        2,
        ("It has to rise with the strength.",),
        compares=False,
        first_column="Distortion",
    )


def _comparisons(sources: Sequence[Source]) -> Table:
    """McNemar's test between classifiers on one test set, as Compare Classifiers found it."""
    rows = []
    for source in sources:
        if source.result.kind != "comparison":
            continue
        images = source.result.inputs.get("images") or {}
        test_set = f"{images.get('name', '')}{' (synthetic pictures)' if images.get('synthetic') else ''}"
        for pair in source.result.figures.get("pairs") or []:
            test = pair["test"]
            note = f"{test['method']}; right alone: {test['only_first']} and {test['only_second']} pictures"
            values = (100 * pair["first_accuracy"], 100 * pair["second_accuracy"], test["p"], pair["adjusted"])
            count = int(images.get("pictures") or 0) or None
            cells = [Cell(value=value, count=count, note=note, sources=(source.number,)) for value in values]
            rows.append(Row(f"{pair['first']} against {pair['second']}", tuple(cells), test_set))
    return Table(
        "comparisons",
        "Two classifiers on the same pictures (McNemar)",
        ("first, per cent", "second, per cent", "p", "p (Holm)"),
        tuple(rows),
        4,
        ("One training seed each: p speaks of the test pictures, not of training again.",),
        compares=False,
        first_column="Classifiers",
    )
