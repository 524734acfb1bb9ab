"""Comparisons of classifiers -> tables of p-values, adjusted over the very rows that each table shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..intervals import holm
from ..training.accuracy_figures import steered_texts
from ..training.comparison_figures import Comparison, OverSeeds
from .accuracy_cells import by_key, overlap_note, paired_cells, steered
from .figures import PictureSet
from .tables import Cell, Row, Source, Table


def comparison_tables(sources: Sequence[Source]) -> list[Table]:
    """McNemar's test of each pair, and the paired tests over training seeds; those that have a row."""
    return [table for table in (_pairs(sources), _over_seeds(sources)) if table.rows]


def _pairs(sources: Sequence[Source]) -> Table:
    newest: dict[tuple[object, ...], tuple[Source, Comparison]] = {}
    for source in sources:
        for number, pair in enumerate(source.figures.pairs):
            newest[_key(source, number, pair)] = source, pair
    adjusted = holm([pair.test.p for _, pair in newest.values()])
    rows, steering = [], steered(sources)
    for (source, pair), p in zip(newest.values(), adjusted, strict=True):
        images, test = source.figures.images or PictureSet(), pair.test
        counts = f"{test.method}; right alone: {test.only_first} and {test.only_second} pictures"
        marks = _marks(images, steering)
        note = "; ".join([counts, *marks])
        shares = [100 * pair.first_accuracy, 100 * pair.second_accuracy]
        cells = [Cell(value=value, count=images.count, note=note, sources=(source.number,)) for value in shares]
        cells += [Cell(value=value, is_p=True, note=note, sources=(source.number,)) for value in (test.p, p)]
        cells = [replace(cell, steered=bool(by_key(steering, images, 0))) for cell in cells]
        rows.append(Row(f"{pair.first} against {pair.second}", tuple(cells), _test_set(images)))
    return Table(
        "comparisons",
        "Two classifiers on the same pictures (McNemar)",
        ("first, per cent", "second, per cent", "p", "p (Holm)"),
        tuple(rows),
        notes=(
            "One training seed each: p speaks of the test pictures, not of training again.",
            f"Holm's adjustment is over the {len(rows)} comparisons of this table.",
        ),
        compares=False,
        first_column="Classifiers",
    )


def _over_seeds(sources: Sequence[Source]) -> Table:
    newest: dict[tuple[object, ...], tuple[Source, OverSeeds]] = {}
    for source in sources:
        over_seeds = source.figures.over_seeds
        if over_seeds is not None and over_seeds.test is not None:
            key = tuple(_key(source, number, pair) for number, pair in enumerate(source.figures.pairs))
            newest[key] = source, over_seeds
    tests = [over_seeds.test for _, over_seeds in newest.values() if over_seeds.test is not None]
    with_t = [test.t_p for test in tests if test.t_p is not None]
    adjusted_t = iter(holm(with_t))
    adjusted_wilcoxon = holm([test.wilcoxon_p for test in tests])
    rows, steering = [], steered(sources)
    for (source, over_seeds), test, wilcoxon_p in zip(newest.values(), tests, adjusted_wilcoxon, strict=True):
        cited = (source.number,)
        difference, t, wilcoxon = paired_cells(test, over_seeds.pictures, cited)
        t_holm = Cell(value=None if test.t_p is None else next(adjusted_t), is_p=True, sources=cited)
        wilcoxon_holm = Cell(value=wilcoxon_p, is_p=True, sources=cited)
        images = source.figures.images or PictureSet()
        label = f"{over_seeds.first} against {over_seeds.second}"
        marks, is_steered = _marks(images, steering), bool(by_key(steering, images, 0))
        cells = [
            replace(cell, note="; ".join(filter(None, [cell.note, *marks])), steered=is_steered)
            for cell in (difference, t, t_holm, wilcoxon, wilcoxon_holm)
        ]
        rows.append(Row(label, tuple(cells), _test_set(images)))
    return Table(
        "comparisons-over-seeds",
        "Two classifiers over their training seeds (paired)",
        ("difference, points", "p (t)", "p (t, Holm)", "p (Wilcoxon)", "p (Wilcoxon, Holm)"),
        tuple(rows),
        notes=(
            "Paired seed by seed, two-sided; with n seeds Wilcoxon's p is 2 / 2^n at the least.",
            f"Holm's adjustment is over the {len(rows)} rows of this table, each test for itself.",
        ),
        compares=False,
        first_column="Classifiers",
    )


def _key(source: Source, number: int, pair: Comparison) -> tuple[object, ...]:
    """What a pair compares, whichever stands first: one that was made again is no further one of the family."""
    images = source.figures.images or PictureSet()
    sides = []
    for side, name in (("first", pair.first), ("second", pair.second)):
        # of one training, by its identity, there are two checkpoints: settings say which, and after how many epochs
        stated = [source.result.inputs.get(key) or () for key in (side, f"{side}_trained")]
        texts = [json.dumps(of[number], sort_keys=True) if number < len(of) else "" for of in stated]
        sides.append((name, *texts))
    return *sorted(sides), images.name, images.content_key


def _marks(images: PictureSet, steering: Mapping[str, Sequence[str]]) -> list[str]:
    """What a reader has to know of the test pictures: those that were learned, and those that steered a top-up."""
    count = images.count or 0
    return list(filter(None, [overlap_note(images), *steered_texts(by_key(steering, images, count), count)]))


def _test_set(images: PictureSet) -> str:
    return f"{images.name}{' (synthetic pictures)' if images.synthetic else ''}"
