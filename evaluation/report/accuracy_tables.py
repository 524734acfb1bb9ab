"""Test results -> Tables 5-9 and 5-10, other test sets, and accuracy on held-out synthetic pictures, apart."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..training.figures import HeldOut, SetAccuracy
from . import thesis
from .read_figures import PictureSet
from .tables import Cell, Row, Source, Table, in_thesis_order, same_settings, short_label

WILSON = (
    "Brackets: 95 % Wilson interval of the test pictures. With several training seeds: mean \u00b1 standard deviation."
)


@dataclass(frozen=True)
class Observation:
    """One classifier on one test set; accuracy and interval in per cent. `note`: what its training pictures were."""

    row: str
    test_set: str
    accuracy: float
    low: float
    high: float
    count: int
    synthetic: bool
    seed: str
    settings: str
    source: int
    note: str = ""


def accuracy_tables(sources: Sequence[Source], names: Mapping[str, str] | None = None) -> list[Table]:
    """The accuracy tables; those without a counterpart in the thesis only when something ran.

    Args:
        names: our test set -> the thesis's, where its name does not say so.
    """
    names = names or {}
    items = [replace(item, test_set=names.get(item.test_set, item.test_set)) for item in observations(sources)]
    real = [item for item in items if not item.synthetic]
    tables = [_table_5_9(real), _table_5_10(real), _other_sets(real), _synthetic(items)]
    return [table for table in tables if table.ran or table.key in ("5-9", "5-10")]


def observations(sources: Iterable[Source]) -> Iterable[Observation]:
    """One for every test set of a test, and for every training with a held-out share."""
    for source in sources:
        for accuracy, tested_on in zip(source.figures.accuracies, source.figures.tested_on, strict=True):
            yield _observation(source, accuracy.name, accuracy, tested_on)
        training = source.figures.training
        if training is not None and training.held_out is not None:
            yield _observation(source, "held out of its own set", training.held_out, PictureSet())


def _observation(source: Source, test_set: str, accuracy: SetAccuracy | HeldOut, tested_on: PictureSet) -> Observation:
    low, high = accuracy.interval
    return Observation(
        row=source.row,
        test_set=test_set,
        accuracy=100 * accuracy.accuracy,
        low=100 * low,
        high=100 * high,
        count=accuracy.count,
        synthetic=accuracy.synthetic,
        seed=str(source.result.settings.get("seed")),
        settings=same_settings(source, tested_on.content_key),
        source=source.number,
        note=_training_note(source, tested_on),
    )


def _training_note(source: Source, tested_on: PictureSet) -> str:
    """Where the training pictures are not those that the row's name promises, or are the test's own."""
    trained_on = source.figures.trained_on
    if trained_on is None:
        return ""
    notes = []
    if trained_on.content_key and trained_on.content_key == tested_on.content_key:
        notes.append("tested on the very pictures that it was trained on")
    counts = trained_on.counts
    added = thesis.added_per_class(source.row)
    if counts and (added is not None or source.row in thesis.ACCURACY):
        low, high = min(counts.values()), max(counts.values())
        expected = thesis.PER_CLASS + (added or 0)
        if (low, high) != (expected, expected):
            per_class = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            notes.append(f"trained on {per_class} pictures a class; the thesis has {expected:,}")
        synthetic = trained_on.synthetic
        if added is not None and synthetic is not None and synthetic != added * len(counts):
            notes.append(
                f"{synthetic:,} of its training pictures are known to be synthetic; the row says {added:,} a class"
            )
    return "; ".join(notes)


def accuracy_cell(items: Sequence[Observation], published: float | None, expected: int | None) -> Cell:
    """The newest settings' accuracy: one seed with its interval, several as mean and standard deviation.

    Args:
        items: of one row and test set.
        published: the thesis's figure, per cent.
        expected: how many pictures the thesis tested on.
    """
    if not items:
        return Cell(thesis=published)
    newest = max(items, key=lambda item: item.source)
    by_seed = {
        item.seed: item for item in sorted(items, key=lambda item: item.source) if item.settings == newest.settings
    }
    runs = list(by_seed.values())
    notes = [newest.note]
    if expected and newest.count != expected:
        notes.append(f"tested on {newest.count:,} pictures; the thesis has {expected:,}")
    if len(items) > len(runs):
        older = len(items) - len(runs)
        notes.append(f"{older} older or differently set run{'s' * (older > 1)} not counted")
    has_spread = len(runs) > 1
    values = [run.accuracy for run in runs]
    return Cell(
        value=statistics.fmean(values),
        low=None if has_spread else newest.low,
        high=None if has_spread else newest.high,
        spread=statistics.stdev(values) if has_spread else None,
        runs=len(runs) if has_spread else 0,
        count=newest.count,
        thesis=published,
        note="; ".join(filter(None, notes)),
        sources=tuple(run.source for run in runs),
    )


def _table_5_9(items: Sequence[Observation]) -> Table:
    items = [item for item in items if thesis.test_set_of(item.test_set)]
    # real and synthetic together stand in Table 5-10, and here as well when they were tested on more than CIFAR-10
    beyond = {item.row for item in items if thesis.test_set_of(item.test_set) != "CIFAR-10"}
    items = [item for item in items if item.row in beyond or not thesis.added_per_class(item.row)]
    rows = []
    for group, label in in_thesis_order([item.row for item in items], list(thesis.ACCURACY)):
        published: Sequence[float | None] = thesis.ACCURACY.get(label, (None,) * 4)
        cells = [
            accuracy_cell(
                [item for item in items if item.row == label and thesis.test_set_of(item.test_set) == test_set],
                published[column],
                thesis.TEST_COUNTS[test_set],
            )
            for column, test_set in enumerate(thesis.TEST_SETS)
        ]
        rows.append(Row(short_label(label, group), (*cells, _average(cells, published[3])), group))
    return Table(
        key="5-9",
        title="Table 5-9: accuracy by training set, per cent",
        columns=(*thesis.TEST_SETS, "Average"),
        rows=tuple(rows),
        first_column="Training set",
        notes=(WILSON, "Average: the plain mean of the three test sets, which has no interval of its own."),
    )


def _average(cells: Sequence[Cell], published: float | None) -> Cell:
    values = [cell.value for cell in cells if cell.value is not None]
    if len(values) < len(cells):
        return Cell(thesis=published)
    seeds = [max(1, cell.runs) for cell in cells]
    return Cell(
        value=statistics.fmean(values),
        thesis=published,
        note="" if len(set(seeds)) == 1 else f"of cells with {', '.join(map(str, seeds))} training seeds",
        sources=tuple(dict.fromkeys(s for cell in cells for s in cell.sources)),
    )


def _table_5_10(items: Sequence[Observation]) -> Table:
    by_added: dict[int, list[Observation]] = {number: [] for number in thesis.AUGMENTATION}
    for item in items:
        added = thesis.added_per_class(item.row)
        if added is not None and thesis.test_set_of(item.test_set) == "CIFAR-10":
            by_added.setdefault(added, []).append(item)
    expected = thesis.TEST_COUNTS["CIFAR-10"]
    rows = [
        Row(f"{added:,}", (accuracy_cell(by_added[added], thesis.AUGMENTATION.get(added), expected),))
        for added in sorted(by_added)
    ]
    return Table(
        key="5-10",
        title="Table 5-10: CIFAR-10 train with synthetic pictures added, per cent on CIFAR-10 test",
        columns=("Accuracy",),
        rows=tuple(rows),
        first_column="Synthetic pictures a class (SD1.5 HypoNet)",
        notes=(WILSON, "The thesis has 5,000 real pictures a class."),
    )


def _other_sets(items: Sequence[Observation]) -> Table:
    items = [item for item in items if not thesis.test_set_of(item.test_set)]
    return _free_table("other-test-sets", "Accuracy on other test sets, per cent", items, lambda item: item.test_set)


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
                accuracy_cell([item for item in items if item.row == label and column(item) == name], None, None)
                for name in columns
            ),
        )
        for label in dict.fromkeys(item.row for item in items)
    ]
    return Table(key, title, tuple(columns), tuple(rows), notes=(WILSON,), compares=False, first_column="Training set")
