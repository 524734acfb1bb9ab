"""Metric results -> Tables 5-11 and 5-12, and KID, precision and recall, diversity, FID per class and distortion.

Figures by other networks, of other preparations or against other references stand in tables of their own; in one of
the thesis's tables stand those of one way, the thesis's where a row of it was measured so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import thesis
from .comparability import beside_thesis, metric_differences
from .figures import ClassFID, ClassFigures, PictureSet
from .metric_cells import (
    against_cifar_train,
    comparable,
    conditions_of,
    convention_of,
    count_of,
    newest,
    note_of,
    one_reference,
    one_way,
    rows_of,
    transformer_of,
)
from .metric_kinds import DISTANCE, FID_NOTE, PLAIN, PRECISION_RECALL, SCORE, SPLITS, PlainTable
from .tables import Cell, Row, Source, Table, in_thesis_order, short_label


def metric_tables(sources: Sequence[Source]) -> list[Table]:
    """The tables that hold a figure of ours; the thesis's only when one of its rows was measured."""
    against_train = [source for source in sources if source.result.kind == "fid" and against_cifar_train(source)]
    against_train = [source for source in against_train if not transformer_of(source)]
    fids = one_way(against_train, thesis.FID)
    in_5_11 = _beside(thesis.FID, one_reference(fids, thesis.REFERENCE_COUNT))
    scores_of_all = [source for source in sources if source.result.kind == "inception_score"]
    in_5_12 = _beside(thesis.INCEPTION_SCORE, one_way(scores_of_all, thesis.INCEPTION_SCORE))
    distances, scores, *others = PLAIN
    assert (distances, scores) == (DISTANCE, SCORE)
    tables = [
        _table_5_11(in_5_11),
        *_plain(distances, _but(sources, in_5_11)),
        _table_5_12(in_5_12),
        *_plain(scores, _but(sources, in_5_12)),
        *_fid_per_class(sources),
    ]
    for plain in others:
        tables += _plain(plain, sources)
        if plain is PRECISION_RECALL:
            tables += _shares_per_class(sources)
    tables += [*_clip_score_per_class(sources), *_distortion(sources)]
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


def _plain(plain: PlainTable, sources: Sequence[Source]) -> list[Table]:
    """A table for each network, preparation and reference, with the newest result of each row."""
    groups = comparable(sources, plain.kind)
    tables = []
    for number, group in enumerate(groups, start=1):
        title, columns = plain.title, plain.columns
        network = transformer_of(group[0])
        if plain.by_transformer is not None and network:
            title, columns = plain.by_transformer
            columns = {key: f"{heading} by {network}" for key, heading in columns.items()}
        rows = [
            Row(label, _plain_cells(plain, candidates), f"against {reference}" if reference else "")
            for (label, reference), candidates in rows_of(group, plain.kind).items()
        ]
        key, title = _named(plain.kind, title, groups, number)
        tables.append(Table(key, title, tuple(columns.values()), tuple(rows), plain.decimals, plain.notes, False))
    return tables


def _plain_cells(plain: PlainTable, candidates: Sequence[Source]) -> tuple[Cell, ...]:
    source, others = newest(candidates)
    figures = source.figures
    has_spread = bool(plain.spread) and figures.repetitions > 1
    return tuple(
        Cell(
            value=_times(plain.scale, figures.values[key]),
            spread=_times(plain.scale, figures.values.get(f"{key}{plain.spread}")) if has_spread else None,
            runs=figures.repetitions if has_spread else 0,
            unit=plain.unit,
            count=count_of(figures.features),
            reference_count=count_of(figures.reference),
            note=note_of(source, others),
            sources=(source.number,),
        )
        for key in plain.columns
    )


def _named(key: str, title: str, groups: Sequence[Sequence[Source]], number: int) -> tuple[str, str]:
    """Key and title of the table of a group, which tell it from those of the others."""
    if len(groups) == 1:
        return key, title
    conditions = [conditions_of(group[0]) for group in groups]
    alike = f" ({number})" if conditions.count(conditions[number - 1]) > 1 else ""  # other pictures of one name
    return key if number == 1 else f"{key}-{number}", f"{title}: {conditions[number - 1]}{alike}"


def _times(scale: float, value: float | None) -> float | None:
    return None if value is None else scale * value


def _fid_per_class(sources: Sequence[Source]) -> list[Table]:
    groups = comparable([source for source in sources if source.figures.per_class], "fid")
    tables = []
    for number, group in enumerate(groups, start=1):
        newest_of = {key: newest(candidates) for key, candidates in rows_of(group, "fid").items()}
        classes = list(dict.fromkeys(name for source, _ in newest_of.values() for name in source.figures.per_class))
        rows = []
        for (label, reference), (source, others) in newest_of.items():
            fids = [source.figures.per_class.get(name, ClassFID(None, None, None)) for name in classes]
            cells = [_class_cell(fid.fid, fid.count, fid.reference_count, source, others) for fid in fids]
            rows.append(Row(label, tuple(cells), f"against {reference}"))
        what = "Frechet distance" if transformer_of(group[0]) else "FID"
        key, title = _named("fid-per-class", f"{what} of each class", groups, number)
        note = "Few pictures a class give high figures: compare only at equal numbers."
        tables.append(Table(key, title, tuple(classes), tuple(rows), 2, (note,), False))
    return tables


def _shares_per_class(sources: Sequence[Source]) -> list[Table]:
    """Precision to coverage of each class, a row a class."""
    kind = PRECISION_RECALL.kind
    groups = comparable([source for source in sources if source.figures.of_classes], kind)
    tables = []
    for number, group in enumerate(groups, start=1):
        rows = []
        for (label, reference), candidates in rows_of(group, kind).items():
            source, others = newest(candidates)
            for name, of_class in source.figures.of_classes.items():
                values = [of_class.values.get(key) for key in PRECISION_RECALL.columns]
                cells = [_class_cell(value, of_class.count, of_class.count, source, others) for value in values]
                rows.append(Row(name, tuple(cells), f"{label} against {reference}"))
        key, title = _named(
            f"{kind}-per-class", "Precision, recall, density and coverage of each class", groups, number
        )
        note = "As many pictures of every class in both sets; compare only at equal numbers."
        columns = tuple(PRECISION_RECALL.columns.values())
        tables.append(Table(key, title, columns, tuple(rows), 4, (note,), False, "Class"))
    return tables


def _clip_score_per_class(sources: Sequence[Source]) -> list[Table]:
    groups = comparable([source for source in sources if source.figures.of_classes], "clip_score")
    tables = []
    for number, group in enumerate(groups, start=1):
        newest_of = {label: newest(candidates) for (label, _), candidates in rows_of(group, "clip_score").items()}
        classes = list(dict.fromkeys(name for source, _ in newest_of.values() for name in source.figures.of_classes))
        rows = []
        for label, (source, others) in newest_of.items():
            scores = [source.figures.of_classes.get(name, ClassFigures({}, None)) for name in classes]
            cells = [_class_cell(of.values.get("clip_score"), of.count, None, source, others) for of in scores]
            rows.append(Row(label, tuple(cells)))
        key, title = _named("clip_score-per-class", "CLIP score of each class", groups, number)
        tables.append(Table(key, title, tuple(classes), tuple(rows), 2, (), False))
    return tables


def _class_cell(value: float | None, count: int | None, reference: int | None, source: Source, others: str) -> Cell:
    return Cell(
        value=value,
        count=count,
        reference_count=reference,
        note=note_of(source, others),
        sources=(source.number,),
    )


def _distortion(sources: Sequence[Source]) -> list[Table]:
    groups = comparable(sources, "distortion")
    tables = []
    for number, group in enumerate(groups, start=1):
        newest_of = {label: newest(candidates) for (label, _), candidates in rows_of(group, "distortion").items()}
        strengths = sorted({strength for source, _ in newest_of.values() for strength in source.figures.strengths})
        rows: list[Row] = []
        for label, (source, others) in newest_of.items():
            for kind, distances in source.figures.distortions.items():
                by_strength = dict(zip(source.figures.strengths, distances, strict=True))
                cells = [_distortion_cell(by_strength.get(strength), source, others) for strength in strengths]
                rows.append(Row(kind, tuple(cells), f"{label}: {convention_of(source.result.settings)}"))
        network = transformer_of(group[0])
        what = f"Frechet distance by {network}" if network else "FID"
        key, title = _named(
            "figure-5-3", f"Figure 5-3: {what} of distorted copies against the set itself", groups, number
        )
        columns = tuple(f"strength {strength:g}" for strength in strengths)
        note = "It has to rise with the strength."
        tables.append(Table(key, title, columns, tuple(rows), 2, (note,), False, "Distortion"))
    return tables


def _distortion_cell(value: float | None, source: Source, others: str) -> Cell:
    count = count_of(source.figures.images)
    return Cell(value=value, count=count, reference_count=count, note=others, sources=(source.number,))
