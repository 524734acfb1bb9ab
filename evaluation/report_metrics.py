"""Metric results -> Tables 5-11 and 5-12, and KID, precision and recall, diversity, FID per class and distortion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import thesis
from .inception import FID_NETWORK, NETWORKS, TORCHVISION_NETWORK
from .report_tables import Cell, Row, Source, Table, in_thesis_order, short_label

FID_NOTES = (
    "No interval: resampling pictures with repeats is biased upward. FID compares only at equal numbers of pictures.",
)


def metric_tables(sources: Sequence[Source]) -> list[Table]:
    """The tables of the metrics; those without a counterpart in the thesis only when something ran."""
    tables = [
        _table_5_11(sources),
        _table_5_12(sources),
        _fid_per_class(sources),
        _plain(sources, "kid", "KID", {"kid": "KID"}, 6, "The spread over subsets is no standard error."),
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
            "closed: a picture on the edge of a neighbourhood is inside (torch-fidelity); prdc: outside.",
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
            "Compare only between sets with equal numbers of pictures a class.",
        ),
        _distortion(sources),
        _comparisons(sources),
    ]
    return [table for table in tables if table.ran or table.key in ("5-11", "5-12")]


def convention_of(result_settings: Mapping[str, Any]) -> str:
    """Network, convention and size in a few words, as they stand beside a figure."""
    names = {
        NETWORKS[FID_NETWORK].key: "FID Inception",
        NETWORKS[TORCHVISION_NETWORK].key: "torchvision Inception",
    }
    network = names.get(str(result_settings.get("network")), str(result_settings.get("network")))
    size = result_settings.get("size")
    return f"{network}, {result_settings.get('convention')}, {f'{size} px first' if size else 'own size'}"


def _newest(sources: Sequence[Source], kind: str, prefer: str = "") -> dict[str, Source]:
    """The newest result a row; one made as the thesis made it goes before newer ones."""
    found: dict[str, Source] = {}
    for source in sources:
        if source.result.kind != kind:
            continue
        before = found.get(source.row)
        if before is None or _like_thesis(source, prefer) >= _like_thesis(before, prefer):
            found[source.row] = source
    return found


def _like_thesis(source: Source, network: str) -> bool:
    settings = source.result.settings
    conventions = ("thesis", "clean-fid") if network == NETWORKS[FID_NETWORK].key else ("thesis",)
    return (
        settings.get("network") == network
        and settings.get("convention") in conventions
        and (settings.get("size"), settings.get("filter")) == (32, "bicubic")
        and settings.get("crop", "squash") == "squash"
        and settings.get("splits", 10) == 10
    )


def _count(source: Source, part: str) -> int | None:
    value = (source.result.inputs.get(part) or {}).get("count")
    return int(value) if value else None


def _table_5_11(sources: Sequence[Source]) -> Table:
    found = _newest(sources, "fid", NETWORKS[FID_NETWORK].key)
    rows = []
    for group, label in in_thesis_order(list(found), list(thesis.FID)):
        cell = _metric_cell(found.get(label), "fid", thesis.FID.get(label), NETWORKS[FID_NETWORK].key)
        rows.append(Row(short_label(label, group), (cell,), group))
    return Table(
        key="5-11",
        title="Table 5-11: Frechet Inception Distance (lower is better)",
        columns=("FID",),
        rows=tuple(rows),
        notes=(
            "The thesis: against CIFAR-10 train (50,000 pictures, ten classes), clean-fid, 32 px first.",
            *FID_NOTES,
        ),
    )


def _table_5_12(sources: Sequence[Source]) -> Table:
    found = _newest(sources, "inception_score", NETWORKS[TORCHVISION_NETWORK].key)
    rows = []
    for group, label in in_thesis_order(list(found), list(thesis.INCEPTION_SCORE)):
        published = thesis.INCEPTION_SCORE.get(label)
        cell = _metric_cell(found.get(label), "inception_score", published, NETWORKS[TORCHVISION_NETWORK].key)
        rows.append(Row(short_label(label, group), (cell,), group))
    return Table(
        key="5-12",
        title="Table 5-12: Inception Score (higher is better)",
        columns=("IS",),
        rows=tuple(rows),
        notes=(
            "\u00b1: standard deviation over the splits.",
            "The thesis: torchvision's Inception v3 (hence 10.23 for CIFAR-10 train where the literature has 11.24).",
        ),
    )


def _metric_cell(source: Source | None, key: str, published: float | None, network: str) -> Cell:
    """Our figure, with the thesis's beside it only where both were made alike and from as many pictures."""
    if source is None:
        return Cell(thesis=published)
    count = _count(source, "features")
    reference = _count(source, "reference")
    notes = [convention_of(source.result.settings)]
    if "reference" in source.result.inputs:
        notes.append(
            f"against {source.result.inputs['reference'].get('name')} "
            f"({f'{reference:,}' if reference else 'unknown number of'} pictures)"
        )
    counts = (thesis.CIFAR_TEST_COUNT,) if source.row == thesis.CIFAR_TEST else thesis.SET_COUNTS
    comparable = count in counts and _like_thesis(source, network)
    if "reference" in source.result.inputs:
        comparable = comparable and thesis.is_cifar_train(str(source.result.inputs["reference"].get("name")))
        comparable = comparable and reference in (None, thesis.REFERENCE_COUNT)
        itself = source.result.inputs["reference"].get("content_key")
        comparable |= bool(itself) and itself == source.result.inputs["features"].get("content_key") and published == 0
    if published is not None and not comparable:
        notes.append(f"the thesis's {published:g} was made otherwise or from other numbers of pictures")
        published = None
    splits = source.result.settings.get("splits")
    return Cell(
        value=source.result.figures.get(key),
        spread=source.result.figures.get(f"{key}_sd"),
        runs=int(splits) if splits else 0,
        unit="splits",
        count=count,
        thesis=published,
        note="; ".join(notes),
        sources=(source.number,),
    )


def _plain(
    sources: Sequence[Source], kind: str, title: str, columns: Mapping[str, str], decimals: int, note: str
) -> Table:
    rows = []
    for label, source in _newest(sources, kind).items():
        described = [convention_of(source.result.settings)]
        if "reference" in source.result.inputs:
            described.append(f"against {source.result.inputs['reference'].get('name')}")
        cells = [
            Cell(
                value=source.result.figures.get(key),
                count=_count(source, "features"),
                note="; ".join(described),
                sources=(source.number,),
            )
            for key in columns
        ]
        rows.append(Row(label, tuple(cells)))
    return Table(kind, title, tuple(columns.values()), tuple(rows), decimals, (note,), compares=False)


def _fid_per_class(sources: Sequence[Source]) -> Table:
    found = _newest([source for source in sources if source.result.figures.get("per_class")], "fid")
    classes = list(dict.fromkeys(name for source in found.values() for name in source.result.figures["per_class"]))
    rows = []
    for label, source in found.items():
        per_class = source.result.figures["per_class"]
        cells = [
            Cell(
                value=(per_class.get(name) or {}).get("fid"),
                count=(per_class.get(name) or {}).get("count"),
                sources=(source.number,),
            )
            for name in classes
        ]
        rows.append(Row(label, tuple(cells)))
    note = "Few pictures a class give high figures: compare only at equal numbers."
    return Table("fid-per-class", "FID of each class", tuple(classes), tuple(rows), 2, (note,), compares=False)


def _distortion(sources: Sequence[Source]) -> Table:
    rows: list[Row] = []
    found = _newest(sources, "distortion")
    strengths = sorted({strength for source in found.values() for strength in source.result.figures["strengths"]})
    for label, source in found.items():
        figures = source.result.figures
        for kind, fids in figures["fid"].items():
            by_strength = dict(zip(figures["strengths"], fids, strict=True))
            cells = [Cell(value=by_strength.get(strength), sources=(source.number,)) for strength in strengths]
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
        test_set = (source.result.inputs.get("images") or {}).get("name", "")
        for pair in source.result.figures.get("pairs") or []:
            test = pair["test"]
            note = f"{test['method']}; right alone: {test['only_first']} and {test['only_second']} pictures"
            values = (100 * pair["first_accuracy"], 100 * pair["second_accuracy"], test["p"], pair["adjusted"])
            cells = [Cell(value=value, note=note, sources=(source.number,)) for value in values]
            rows.append(Row(f"{pair['first']} against {pair['second']}", tuple(cells), str(test_set)))
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
