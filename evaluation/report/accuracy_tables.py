"""Test results -> Tables 5-9 and 5-10, other test sets, and accuracy on held-out synthetic pictures, apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..paired import paired_test
from . import thesis
from .accuracy_cells import Observation, accuracy_cell, average_cell, observations, paired_cells, repetitions
from .tables import Cell, Row, Source, Table, in_thesis_order, short_label

WILSON = (
    "Brackets: 95 % Wilson interval of the test pictures. With several training seeds: mean \u00b1 standard deviation."
)
PROTOCOL = (
    "The thesis's code trained one model for each test set: at 32 px for CIFAR-10, at 224 and 96 px for the others. "
    "Where ours was made otherwise, a note says in what, and the thesis's figure does not stand beside it."
)


def accuracy_tables(sources: Sequence[Source], names: Mapping[str, str] | None = None) -> list[Table]:
    """The accuracy tables that hold a figure of ours; the thesis's only when one of its rows was measured.

    Args:
        names: our test set -> the thesis's, where its name does not say so.
    """
    items = observations(sources, names or {})
    real = [item for item in items if not item.synthetic]
    controls = [item for item in real if _is_control(item)]
    others = [item for item in real if not _is_control(item)]
    in_5_9 = _of_5_9(others)
    free = [item for item in others if not thesis.test_set_of(item.test_set)]
    if not any(item.row in thesis.ACCURACY for item in in_5_9):
        in_5_9, free = [], sorted([*in_5_9, *free], key=lambda item: item.source)
    tables = [_table_5_9(in_5_9), _control(others, controls), _free(free, has_5_9=bool(in_5_9)), _synthetic(items)]
    if any(thesis.added_per_class(item.row) is not None for item in others):
        tables.insert(1, _table_5_10(others))
    return [table for table in tables if table.ran]


def _is_control(item: Observation) -> bool:
    return thesis.repeated_per_class(item.row) is not None and thesis.test_set_of(item.test_set) == "CIFAR-10"


def _of_5_9(items: Sequence[Observation]) -> list[Observation]:
    """What was tested on the thesis's test sets; real and synthetic together stand in Table 5-10.

    They stand here as well when they were tested on more than CIFAR-10.
    """
    items = [item for item in items if thesis.test_set_of(item.test_set)]
    beyond = {item.row for item in items if thesis.test_set_of(item.test_set) != "CIFAR-10"}
    return [item for item in items if item.row in beyond or not thesis.added_per_class(item.row)]


def _table_5_9(items: Sequence[Observation]) -> Table:
    rows = []
    for group, label in in_thesis_order([item.row for item in items], list(thesis.ACCURACY)):
        published: Sequence[float | None] = thesis.ACCURACY.get(label, (None,) * 4)
        by_set = [
            [item for item in items if item.row == label and thesis.test_set_of(item.test_set) == test_set]
            for test_set in thesis.TEST_SETS
        ]
        pairs = list(zip(by_set, published, strict=False))  # the fourth is the average
        cells = [accuracy_cell(of_set, figure) for of_set, figure in pairs]
        average = average_cell([repetitions(of_set, figure) for of_set, figure in pairs], published[3])
        rows.append(Row(short_label(label, group), (*cells, average), group))
    return Table(
        key="5-9",
        title="Table 5-9: accuracy by training set, per cent",
        columns=(*thesis.TEST_SETS, "Average"),
        rows=tuple(rows),
        first_column="Training set",
        notes=(
            WILSON,
            PROTOCOL,
            "Average: the plain mean of the three test sets, of one classifier or one protocol; it has no interval.",
        ),
    )


def _table_5_10(items: Sequence[Observation]) -> Table:
    by_added: dict[int, list[Observation]] = {number: [] for number in thesis.AUGMENTATION}
    for item in items:
        added = thesis.added_per_class(item.row)
        if added is not None and thesis.test_set_of(item.test_set) == "CIFAR-10":
            by_added.setdefault(added, []).append(item)
    rows = [
        Row(f"{added:,}", (accuracy_cell(by_added[added], thesis.AUGMENTATION.get(added)),))
        for added in sorted(by_added)
    ]
    return Table(
        key="5-10",
        title="Table 5-10: CIFAR-10 train with synthetic pictures added, per cent on CIFAR-10 test",
        columns=("Accuracy",),
        rows=tuple(rows),
        first_column="Synthetic pictures a class (SD1.5 HypoNet)",
        notes=(
            WILSON,
            "The thesis has 5,000 real pictures a class, and 50 epochs in each row: with 5,000 more it trains twice as "
            "many steps. The control has as many steps without a new picture.",
        ),
    )


def _control(items: Sequence[Observation], controls: Sequence[Observation]) -> Table:
    """Synthetic pictures against as many real ones shown again: equally many steps, the same seeds."""
    rows = []
    for number in sorted({thesis.repeated_per_class(item.row) or 0 for item in controls}):
        repeated = [item for item in controls if thesis.repeated_per_class(item.row) == number]
        added = [
            item
            for item in items
            if thesis.added_per_class(item.row) == number and thesis.test_set_of(item.test_set) == "CIFAR-10"
        ]
        control = repetitions(repeated, None)
        pairs_with = [item for item in added if item.steps == control[-1].steps]
        ours = repetitions(pairs_with, None)
        cells = (accuracy_cell(pairs_with or added, None), accuracy_cell(repeated, None))
        paired = _paired_cells(ours, control) if added else (Cell(),) * 3
        rows.append(Row(f"{number:,}", (*cells, *paired)))
    return Table(
        key="5-10-control",
        title="Control of Table 5-10: as many steps without a new picture, on CIFAR-10 test",
        columns=("synthetic added, per cent", "real again, per cent", "difference, points", "p (t)", "p (Wilcoxon)"),
        rows=tuple(rows),
        notes=(
            "p: paired over the training seeds that both have, two-sided, not adjusted.",
            "Only what exceeds the control is due to new pictures.",
        ),
        compares=False,
        first_column="Pictures a class, added or again",
    )


def _paired_cells(ours: Sequence[Observation], control: Sequence[Observation]) -> tuple[Cell, Cell, Cell]:
    """Difference in points, and the p of both tests; blank where the two sides are no pair."""
    if not ours:
        note = (
            "not compared: settings, numbers of pictures or test sets differ, or not all that is again is a repetition"
        )
        return (Cell(note=note),) * 3
    by_seed = {run.seed: run for run in control}
    pairs = [(run, by_seed[run.seed]) for run in ours if run.seed in by_seed]
    if len(pairs) < 2:
        return (Cell(note="not compared: fewer than two training seeds of both"),) * 3
    test = paired_test([first.right - second.right for first, second in pairs])
    sources = tuple(dict.fromkeys(run.source for pair in pairs for run in pair))
    return paired_cells(test, ours[-1].count, sources)


def _free(items: Sequence[Observation], *, has_5_9: bool) -> Table:
    where = " on other test sets" if has_5_9 else ""
    return _free_table("accuracy", f"Accuracy{where}, per cent", items, lambda item: item.test_set)


def _synthetic(items: Sequence[Observation]) -> Table:
    table = _free_table(
        "held-out-synthetic",
        "Accuracy on held-out synthetic pictures, per cent",
        [item for item in items if item.synthetic],
        lambda item: item.test_set,
    )
    warning = "Synthetic pictures, not real ones: this accuracy says little about real pictures (arXiv 2301.04802)."
    return replace(table, notes=(warning, *table.notes))


def _free_table(key: str, title: str, items: Sequence[Observation], column: Callable[[Observation], str]) -> Table:
    columns = list(dict.fromkeys(column(item) for item in items))
    rows = [
        Row(
            label,
            tuple(
                accuracy_cell([item for item in items if item.row == label and column(item) == name], None)
                for name in columns
            ),
        )
        for label in dict.fromkeys(item.row for item in items)
    ]
    return Table(key, title, tuple(columns), tuple(rows), notes=(WILSON,), compares=False, first_column="Training set")
