"""Is the set worth it: tables of the ratio to real, of learning curves, top-ups and near copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..training.accuracy_figures import steered_texts
from .accuracy_cells import by_key, overlap_note, steered
from .figures import PictureSet
from .metric_cells import count_of, newest
from .tables import Cell, Row, Source, Table

MAX_CLASSES = 10  # weak classes that a note names


def loop_tables(sources: Sequence[Source]) -> list[Table]:
    """The tables that hold a figure."""
    tables = (_ratios(sources), _curves(sources), _top_ups(sources), _copies(sources))
    return [table for table in tables if table.ran]


def _newest(sources: Sequence[Source]) -> list[tuple[str, Source, str]]:
    """Row, newest result and a note on others of it, in the order of the first."""
    rows: dict[str, list[Source]] = {}
    for source in sources:
        rows.setdefault(source.result.name, []).append(source)
    return [(label, *newest(candidates)) for label, candidates in rows.items()]


def _note(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _ratios(sources: Sequence[Source]) -> Table:
    listed = _newest([source for source in sources if source.figures.ratios])
    columns = list(dict.fromkeys(ratio.test_set for _, source, _ in listed for ratio in source.figures.ratios))
    steering = steered(sources)
    rows = []
    for label, source, others in listed:
        cells = []
        for column in columns:
            ratio = next((ratio for ratio in source.figures.ratios if ratio.test_set == column), None)
            if ratio is None:
                cells.append(Cell())
                continue
            sides = f"{100 * ratio.synthetic:.2f} against {100 * ratio.real:.2f} per cent"
            seeds = "one seed, no interval" if ratio.low is None else f"{ratio.seeds} seeds"
            pairs = "" if ratio.is_paired or ratio.low is None else "not the same seeds"
            tested = PictureSet(content_key=ratio.content_key, steered=ratio.steered)
            ratio = replace(ratio, steered=by_key(steering, tested, ratio.count))
            note = _note(sides, seeds, pairs, *ratio.remarks(), others)
            cells.append(
                Cell(
                    value=ratio.ratio,
                    low=ratio.low,
                    high=ratio.high,
                    count=ratio.count,
                    note=note,
                    sources=(source.number,),
                    steered=bool(ratio.steered),
                )
            )
        rows.append(Row(label, tuple(cells)))
    return Table(
        "ratio-to-real",
        "Ratio to real: accuracy after training on synthetic / on real pictures",
        tuple(columns),
        tuple(rows),
        3,
        (
            "Same settings and test pictures. Brackets: 95 % interval over training seeds (delta method).",
            "Pictures retrieved from the generator's own training data match or beat what it generates (arXiv "
            "2406.05184): the ratio says nothing of that baseline.",
        ),
        compares=False,
        first_column="Comparison",
    )


def _curves(sources: Sequence[Source]) -> Table:
    listed = _newest([source for source in sources if source.figures.points])
    sizes = sorted({point.per_class for _, source, _ in listed for point in source.figures.points})
    steering = steered(sources)
    rows = []
    for label, source, others in listed:
        points = {point.per_class: point for point in source.figures.points}
        tested = source.figures.images or PictureSet()
        steers = by_key(steering, tested, tested.count or 0)
        marks = (overlap_note(tested), *steered_texts(steers, tested.count or 0))
        cells = []
        for size in sizes:
            point = points.get(size)
            if point is None:
                cells.append(Cell())
                continue
            low, high = point.interval
            what = f"{len(point.seeds)} seeds" if len(point.seeds) > 1 else "one seed: Wilson interval"
            cells.append(
                Cell(
                    value=100 * point.accuracy,
                    low=100 * low,
                    high=100 * high,
                    count=point.count,
                    note=_note(what, *marks, others),
                    sources=(source.number,),
                    steered=bool(steers),
                )
            )
        rows.append(Row(label, tuple(cells), f"tested on {tested.name}" if tested.name else ""))
    return Table(
        "learning-curve",
        "Learning curve: accuracy by pictures a class, per cent",
        tuple(f"{size:,}" for size in sizes),
        tuple(rows),
        notes=("Nested subsets of one set, one draw a seed; about equal updates at every size, by more epochs.",),
        compares=False,
        first_column="Curve",
    )


def _top_ups(sources: Sequence[Source]) -> Table:
    rows = []
    for label, source, others in _newest([source for source in sources if source.figures.top_up]):
        top_up = source.figures.top_up
        assert top_up is not None
        names = ", ".join(top_up.weak[:MAX_CLASSES]) + (" ..." if len(top_up.weak) > MAX_CLASSES else "")
        tested = f"by a test of {', '.join(top_up.classifiers)}" if top_up.classifiers else ""
        weak = _note(f"weak: {names}" if names else "no class was surely weak: an even top-up", tested, others)
        numbers = (top_up.before, top_up.added, len(top_up.weak), 100 * top_up.worst)
        cells = (Cell(value=float(number), note=weak, sources=(source.number,), steered=True) for number in numbers)
        rows.append(Row(label, tuple(cells)))
    return Table(
        "top-up",
        "Top-ups: pictures that weak classes got",
        ("pictures before", "added", "weak classes", "worst class, per cent"),
        tuple(rows),
        0,
        ("Decided by steering pictures, which are none of those that are reported.",),
        compares=False,
        first_column="Top-up",
    )


def _copies(sources: Sequence[Source]) -> Table:
    rows = []
    for label, source, others in _newest([source for source in sources if source.figures.copies]):
        copies, figures = source.figures.copies, source.figures
        assert copies is not None
        count, reference_count = count_of(figures.images), count_of(figures.reference)
        network = str(source.result.settings.get("network") or "")
        conditions = f"{network}, cosine from {copies.cosine:g} on, and above that of the reference among itself"
        by_hash = str(source.result.settings.get("hash") or "")
        note = _note(f"hash: {by_hash}" if by_hash else "", conditions if network else "features not compared", others)
        cells = [
            Cell(
                value=value,
                count=count,
                reference_count=reference_count,
                note=note,
                sources=(source.number,),
            )
            for value in (copies.equal, copies.by_hash, copies.by_features, copies.near)
        ]
        group = f"against {figures.reference.name}" if figures.reference is not None else ""
        rows.append(Row(label, tuple(cells), group))
    return Table(
        "contamination",
        "Pictures with a near copy in another set",
        ("equal", "near by hash", "near by features", "either"),
        tuple(rows),
        0,
        ("By features another photo of the same thing is near too: look at the pairs.",),
        compares=False,
    )
