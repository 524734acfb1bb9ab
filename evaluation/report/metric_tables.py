"""Metric results -> Tables 5-11 and 5-12, and KID, precision and recall, diversity, FID per class and distortion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..metrics.inception_weights import FID_NETWORK, NETWORKS, TORCHVISION_NETWORK
from . import thesis
from .comparability import beside_thesis, metric_differences, published_weights
from .read_figures import ClassFID, PictureSet
from .tables import Cell, Row, Source, Table, in_thesis_order, short_label

FID_NOTE = (
    "No interval: resampling pictures with repeats is biased upward. FID compares only at equal numbers of pictures."
)


@dataclass(frozen=True)
class PlainTable:
    """A table of one kind of metric without a counterpart in the thesis; `columns`: key of a figure -> its heading."""

    kind: str
    title: str
    columns: Mapping[str, str]
    decimals: int
    note: str


OTHER_FID = PlainTable("fid", "FID against other references", {"fid": "FID"}, 2, FID_NOTE)
KID = PlainTable("kid", "KID", {"kid": "KID"}, 6, "\u00b1: spread over subsets, which is no standard error.")
PRECISION_RECALL = PlainTable(
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
)
DIVERSITY = PlainTable(
    "diversity",
    "Diversity within classes (mean over classes)",
    {
        "vendi": "Vendi score",
        "mean_pairwise_distance": "mean pairwise distance",
        "median_nearest_distance": "median distance to the nearest",
    },
    3,
    "Compare only between sets with equal numbers of pictures a class.",
)


def metric_tables(sources: Sequence[Source]) -> list[Table]:
    """The tables of the metrics; those without a counterpart in the thesis only when something ran."""
    tables = [
        _table_5_11(sources),
        _plain(OTHER_FID, [source for source in sources if not _against_cifar_train(source)]),
        _table_5_12(sources),
        _fid_per_class(sources),
        _plain(KID, sources),
        _plain(PRECISION_RECALL, sources),
        _plain(DIVERSITY, sources),
        _distortion(sources),
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
    if key in names and not published_weights(result_settings):
        network += " with other weights"
    size = result_settings.get("size")
    return f"{network}, {result_settings.get('convention')}, {f'{size} px first' if size else 'own size'}"


def _note(source: Source, others: str) -> str:
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


def _newest(sources: Sequence[Source]) -> tuple[Source, str]:
    """The newest of one row's results, and a note on how many others there are."""
    others = len(sources) - 1
    return sources[-1], f"{others} other result{'s' * (others > 1)} of this set not shown" if others else ""


def _rows_of(sources: Sequence[Source], kind: str) -> dict[tuple[str, str], list[Source]]:
    """(row, name of the reference or "") -> its results of one kind, oldest first."""
    rows: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        if source.result.kind == kind:
            rows.setdefault((source.row, _reference_name(source)), []).append(source)
    return rows


def _reference_name(source: Source) -> str:
    return source.figures.reference.name if source.figures.reference else ""


def _against_cifar_train(source: Source) -> bool:
    return thesis.is_cifar_train(_reference_name(source))


def _count(picture_set: PictureSet | None) -> int | None:
    return picture_set.count if picture_set else None


def _table_5_11(sources: Sequence[Source]) -> Table:
    return Table(
        key="5-11",
        title="Table 5-11: Frechet Inception Distance (lower is better)",
        columns=("FID",),
        rows=_thesis_rows([s for s in sources if _against_cifar_train(s)], "fid", thesis.FID),
        notes=(
            "The thesis: against CIFAR-10 train (50,000 pictures, ten classes), clean-fid, 32 px first.",
            FID_NOTE,
        ),
    )


def _table_5_12(sources: Sequence[Source]) -> Table:
    return Table(
        key="5-12",
        title="Table 5-12: Inception Score (higher is better)",
        columns=("IS",),
        rows=_thesis_rows(sources, "inception_score", thesis.INCEPTION_SCORE),
        notes=(
            "\u00b1: standard deviation over the splits.",
            "The thesis: torchvision's Inception v3 (hence 10.23 for CIFAR-10 train where the literature has 11.24).",
        ),
    )


def _thesis_rows(sources: Sequence[Source], kind: str, published: Mapping[str, float]) -> tuple[Row, ...]:
    """The thesis's rows and then our own; of a row's results one made as the thesis made it goes before newer ones."""
    by_row: dict[str, list[Source]] = {}
    for source in sources:
        if source.result.kind == kind:
            by_row.setdefault(source.row, []).append(source)
    rows = []
    for group, label in in_thesis_order(list(by_row), list(published)):
        candidates = sorted(by_row.get(label, []), key=lambda source: not metric_differences(source))
        figure = published.get(label)
        cell = _metric_cell(candidates, kind, figure) if candidates else Cell(thesis=figure)
        rows.append(Row(short_label(label, group), (cell,), group))
    return tuple(rows)


def _metric_cell(sources: Sequence[Source], key: str, published: float | None) -> Cell:
    """The last of one row's figures, with the thesis's beside it only where both were made alike."""
    source, others = _newest(sources)
    figures = source.figures
    features, reference = figures.features or PictureSet(), figures.reference or PictureSet()
    notes = [_note(source, others)]
    classes = sum(count > 0 for count in features.counts.values())
    if reference.count == thesis.REFERENCE_COUNT and 1 < classes < 10:
        notes.append(f"{classes} classes against CIFAR-10's ten, whose absence is in the figure")
    has_spread = figures.repetitions > 1
    cell = Cell(
        value=figures.values[key],
        spread=figures.values.get(f"{key}_sd") if has_spread else None,
        runs=figures.repetitions if has_spread else 0,
        unit="splits",
        count=features.count,
        reference_count=reference.count,
        note="; ".join(filter(None, notes)),
        sources=(source.number,),
    )
    return beside_thesis(cell, published, metric_differences(source))


def _plain(table: PlainTable, sources: Sequence[Source]) -> Table:
    """The newest result of each row and reference; rows under their reference's name."""
    rows = []
    for (label, reference), candidates in _rows_of(sources, table.kind).items():
        source, others = _newest(candidates)
        figures = source.figures
        cells = [
            Cell(
                value=figures.values[key],
                spread=figures.values.get(f"{key}_sd_over_subsets"),
                runs=figures.repetitions,
                unit="subsets",
                count=_count(figures.features),
                reference_count=_count(figures.reference),
                note=_note(source, others),
                sources=(source.number,),
            )
            for key in table.columns
        ]
        rows.append(Row(label, tuple(cells), f"against {reference}" if reference else ""))
    rows.sort(key=lambda row: row.group)
    columns = tuple(table.columns.values())
    return Table(table.kind, table.title, columns, tuple(rows), table.decimals, (table.note,), compares=False)


def _fid_per_class(sources: Sequence[Source]) -> Table:
    per_class = [source for source in sources if source.figures.per_class]
    newest = {key: _newest(candidates) for key, candidates in _rows_of(per_class, "fid").items()}
    classes = list(dict.fromkeys(name for source, _ in newest.values() for name in source.figures.per_class))
    rows = []
    for (label, reference), (source, others) in newest.items():
        note = _note(source, others)
        cells = []
        for name in classes:
            fid = source.figures.per_class.get(name, ClassFID(None, None, None))
            cells.append(
                Cell(
                    value=fid.fid,
                    count=fid.count,
                    reference_count=fid.reference_count,
                    note=note,
                    sources=(source.number,),
                )
            )
        rows.append(Row(label, tuple(cells), f"against {reference}"))
    rows.sort(key=lambda row: row.group)
    note = "Few pictures a class give high figures: compare only at equal numbers."
    return Table("fid-per-class", "FID of each class", tuple(classes), tuple(rows), 2, (note,), compares=False)


def _distortion(sources: Sequence[Source]) -> Table:
    rows: list[Row] = []
    newest = {label: _newest(candidates) for (label, _), candidates in _rows_of(sources, "distortion").items()}
    strengths = sorted({strength for source, _ in newest.values() for strength in source.figures.strengths})
    for label, (source, others) in newest.items():
        count = _count(source.figures.images)
        for kind, fids in source.figures.distortions.items():
            by_strength = dict(zip(source.figures.strengths, fids, strict=True))
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
