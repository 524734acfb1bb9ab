"""Metric results -> Tables 5-11 and 5-12, and KID, precision and recall, diversity, FID per class and distortion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import thesis
from .comparability import beside_thesis, metric_differences
from .metric_cells import against_cifar_train, convention_of, count_of, newest, note_of, rows_of
from .read_figures import ClassFID, PictureSet
from .tables import Cell, Row, Source, Table, in_thesis_order, short_label

FID_NOTE = (
    "No interval: resampling pictures with repeats is biased upward. FID compares only at equal numbers of pictures."
)


@dataclass(frozen=True)
class PlainTable:
    """A table of one kind of metric without a counterpart in the thesis.

    Args:
        kind: of the results.
        columns: key of a figure -> its heading.
        spread: what follows a figure's key in the key of its spread; "" without.
        unit: what the spread is over.
        scale: the table shows so many times the figure.
    """

    kind: str
    title: str
    columns: Mapping[str, str]
    decimals: int
    note: str
    spread: str = ""
    unit: str = ""
    scale: float = 1


DISTANCE = PlainTable("fid", "Frechet Inception Distance (lower is better)", {"fid": "FID"}, 2, FID_NOTE)
SPLITS = "\u00b1: standard deviation over the splits."
SCORE = PlainTable(
    "inception_score",
    "Inception Score (higher is better)",
    {"inception_score": "IS"},
    2,
    SPLITS,
    spread="_sd",
    unit="splits",
)
KID = PlainTable(
    "kid",
    "Kernel Inception Distance (lower is better)",
    {"kid": "KID x 1000"},
    2,
    "\u00b1: spread over subsets, which is no standard error.",
    spread="_sd_over_subsets",
    unit="subsets",
    scale=1000,
)
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
    """The tables that hold a figure of ours; the thesis's only when one of its rows was measured."""
    against_train = [source for source in sources if source.result.kind == "fid" and against_cifar_train(source)]
    in_5_11 = _beside(thesis.FID, against_train)
    in_5_12 = _beside(thesis.INCEPTION_SCORE, [s for s in sources if s.result.kind == "inception_score"])
    tables = [
        _table_5_11(in_5_11),
        _plain(DISTANCE, _but(sources, in_5_11)),
        _table_5_12(in_5_12),
        _plain(SCORE, _but(sources, in_5_12)),
        _fid_per_class(sources),
        _plain(KID, sources),
        _plain(PRECISION_RECALL, sources),
        _plain(DIVERSITY, sources),
        _distortion(sources),
    ]
    return [table for table in tables if table.ran]


def _beside(published: Mapping[str, float], sources: Sequence[Source]) -> Sequence[Source]:
    """The sources that stand in the thesis's table: all where one is of a row of it, else none."""
    return sources if any(source.row in published for source in sources) else ()


def _but(sources: Sequence[Source], left_out: Sequence[Source]) -> list[Source]:
    numbers = {source.number for source in left_out}
    return [source for source in sources if source.number not in numbers]


def _table_5_11(sources: Sequence[Source]) -> Table:
    return Table(
        key="5-11",
        title="Table 5-11: Frechet Inception Distance (lower is better)",
        columns=("FID",),
        rows=_thesis_rows(sources, "fid", thesis.FID),
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
            SPLITS,
            "The thesis: torchvision's Inception v3 (hence 10.23 for CIFAR-10 train where the literature has 11.24).",
        ),
    )


def _thesis_rows(sources: Sequence[Source], kind: str, published: Mapping[str, float]) -> tuple[Row, ...]:
    """The thesis's rows and then our own; of a row's results one made as the thesis made it goes before newer ones."""
    by_row: dict[str, list[Source]] = {}
    for source in sources:
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
    source, others = newest(sources)
    figures = source.figures
    features, reference = figures.features or PictureSet(), figures.reference or PictureSet()
    notes = [note_of(source, others)]
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
    for (label, reference), candidates in rows_of(sources, table.kind).items():
        source, others = newest(candidates)
        figures = source.figures
        has_spread = bool(table.spread) and figures.repetitions > 1
        cells = [
            Cell(
                value=_times(table.scale, figures.values[key]),
                spread=_times(table.scale, figures.values.get(f"{key}{table.spread}")) if has_spread else None,
                runs=figures.repetitions if has_spread else 0,
                unit=table.unit,
                count=count_of(figures.features),
                reference_count=count_of(figures.reference),
                note=note_of(source, others),
                sources=(source.number,),
            )
            for key in table.columns
        ]
        rows.append(Row(label, tuple(cells), f"against {reference}" if reference else ""))
    rows.sort(key=lambda row: row.group)
    columns = tuple(table.columns.values())
    return Table(table.kind, table.title, columns, tuple(rows), table.decimals, (table.note,), compares=False)


def _times(scale: float, value: float | None) -> float | None:
    return None if value is None else scale * value


def _fid_per_class(sources: Sequence[Source]) -> Table:
    per_class = [source for source in sources if source.figures.per_class]
    newest_of = {key: newest(candidates) for key, candidates in rows_of(per_class, "fid").items()}
    classes = list(dict.fromkeys(name for source, _ in newest_of.values() for name in source.figures.per_class))
    rows = []
    for (label, reference), (source, others) in newest_of.items():
        note = note_of(source, others)
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
    newest_of = {label: newest(candidates) for (label, _), candidates in rows_of(sources, "distortion").items()}
    strengths = sorted({strength for source, _ in newest_of.values() for strength in source.figures.strengths})
    for label, (source, others) in newest_of.items():
        count = count_of(source.figures.images)
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
