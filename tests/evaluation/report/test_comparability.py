"""Random results of any making: no table and no plot pairs what differs, and what is pooled differs in its seed alone.

The rule is stated here again, from the thesis (Table 5-2, chapter 5) and its published code, not taken from the report.
"""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path

import pytest
from scipy import stats

from hyponet.evaluation.intervals import mcnemar
from hyponet.evaluation.report import thesis
from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.report.charts import OURS, OURS_ALONE, THESIS, _bars
from hyponet.evaluation.report.tables import Report, Source
from hyponet.evaluation.results import Measurement, read_results, write_result
from hyponet.evaluation.training.comparison_figures import Comparison
from hyponet.evaluation.training.settings import Settings
from hyponet.tests.evaluation.report_tables import table_of

from ..accuracy_figures import CLASSES, accuracy_entry, training_figures, write_test

ROWS = ("CIFAR-10 Train", "SD1.5 HypoNet", "SDXL none", "CIFAR-10 Train + 1000", "CIFAR-10 Train + 5000", "my own")
CONTROLS = ("CIFAR-10 Train + 1000 repeated", "CIFAR-10 Train + 5000 repeated")
TESTS = {"CIFAR-10 test": 5000, "ImageNet validation": 900, "STL-10 test": 4000, "another set": 700}
SIZES = {"CIFAR-10 test": {32}, "ImageNet validation": {96, 224}, "STL-10 test": {96, 224}}
# mostly the thesis's own, so that figures that may be paired are drawn too
UNLIKE = [
    {},
    {},
    {},
    {"architecture": "resnet34"},
    {"epochs": 1},
    {"optimizer": "SGD"},
    {"augmentation": "flip"},
    {"weights_key": "ab", "normalisation": "ImageNet"},
    {"held_out": 0.1},
    {"held_out": 0.1, "held_out_seed": 0},
    {"filter": "bilinear"},
    {"batch_size": 64},
    {"checkpoint": "best"},
    {"epochs_trained": 3},
    {"epochs_trained": None, "checkpoint": "best", "held_out": 0.1, "held_out_seed": 0},
]


def random_test(draw: random.Random, folder: Path) -> None:
    row = draw.choice(ROWS + CONTROLS)
    chosen = draw.sample(list(TESTS), draw.randint(1, 4))
    counts = {name: draw.choice([TESTS[name]] * 3 + [100]) for name in chosen}
    entries = [
        accuracy_entry(name, draw.uniform(0.3, 0.99), counts[name], draw.random() < 0.1, draw.choice([0, 0, None, 7]))
        for name in chosen
    ]
    sets = [{"name": name, "content_key": draw.choice(["x", "x", "y", ""]) + name} for name in chosen]
    training = draw.choice(
        [
            {},
            {},
            {},
            {"counts": dict.fromkeys(CLASSES, 100)},
            {"counts": {"cat": 5000}},
            {"content_key": "others"},
            {"content_key": ""},
            {"repeated": 3},
            {"generated_in_real": 2, "synthetic": 9},
            {"synthetic": 1},
        ]
    )
    settings = {"size": draw.choice([32, 32, 96, 224]), **draw.choice(UNLIKE)}
    for seed in draw.sample(range(4), draw.randint(1, 3)):
        write_test(folder, row, entries, {**settings, "seed": seed}, training, sets)


def random_metric(draw: random.Random, folder: Path) -> None:
    kind = draw.choice(["fid", "inception_score"])
    network = "torchvision-inception-v3-imagenet1k-v1" if kind == "inception_score" else "fid-inception-v3-2015-12-05"
    weights = "0cc3c7bd" if kind == "inception_score" else "6726825d"
    settings = {
        "network": network,
        "weights_sha256": draw.choice([weights, weights, weights, "00ff"]),
        "convention": draw.choice(["thesis", "thesis", "torch-fidelity"]),
        "size": draw.choice([32, 32, 32, 0]),
        "filter": draw.choice(["bicubic", "bicubic", "bilinear"]),
        "crop": draw.choice(["squash", "squash", "centre crop"]),
        "splits": draw.choice([10, 10, 5]),
    }
    name = draw.choice(["SD1.5 HypoNet", "SDXL none", "my own"])
    inputs = {"features": {"name": name, "count": draw.choice([25_000, 25_000, 300])}}
    if kind == "fid":
        reference = draw.choice(["CIFAR-10 train", "CIFAR-10 train", "STL-10 test"])
        count = draw.choice([50_000, 50_000, 25_000])
        inputs["reference"] = {"name": reference, "count": count, "shared": draw.choice([0, 0, None, 4])}
    write_result(folder, Measurement(name, kind, {kind: draw.uniform(1, 50)}, inputs, settings))


def is_like_the_theses(source: Source, column: str) -> bool:
    """Whether a source may stand beside the thesis's figure in a column of its tables."""
    result = source.result
    settings, inputs = result.settings, result.inputs
    if result.kind in ("fid", "inception_score"):
        reference = inputs.get("reference")
        return (
            settings["weights_sha256"] != "00ff"
            and settings["convention"] == "thesis"
            and (settings["size"], settings["filter"], settings["crop"]) == (32, "bicubic", "squash")
            and settings["splits"] == 10
            and inputs["features"]["count"] == 25_000
            and (reference is None or (reference["name"], reference["count"]) == ("CIFAR-10 train", 50_000))
            and not (reference and reference["shared"])
        )
    expected = {**asdict(Settings()), "checkpoint": "last", "epochs_trained": 50}
    free = ("seed", "size", "held_out_seed", "filter")
    if any(settings[key] != value for key, value in expected.items() if key not in free):
        return False
    added = {"CIFAR-10 Train + 1000": 1000, "CIFAR-10 Train + 5000": 5000}.get(result.name, 0)
    trained_on = inputs["training"]
    if (
        trained_on["counts"] != dict.fromkeys(CLASSES, 5000 + added)
        or trained_on["repeated"]
        or trained_on.get("generated_in_real")
    ):
        return False
    if result.name.startswith("CIFAR-10") and trained_on["synthetic"] != 5 * added:
        return False
    of = "CIFAR-10 test" if column == "Accuracy" else next(n for n in TESTS if thesis.test_set_of(n) == column)
    (number,) = [i for i, tested in enumerate(inputs["test_sets"]) if tested["name"] == of]
    entry = result.figures["test_sets"][number]
    return (
        entry["count"] == TESTS[of] and not entry["synthetic"] and not entry["shared"] and settings["size"] in SIZES[of]
    )


def making(source: Source, *but: str) -> tuple[object, ...]:
    settings = source.result.settings
    stated = {key: value for key, value in settings.items() if key not in ("seed", "held_out_seed", *but)}
    draw = settings["held_out_seed"] if settings["held_out_seed"] is not None else settings["seed"]
    return str(stated), draw if settings["held_out"] else None, source.result.inputs["training"]["content_key"]


def was_stopped(source: Source) -> bool:
    return source.result.settings["epochs_trained"] != source.result.settings["epochs"]


def check_pools(report: Report) -> tuple[int, int]:
    """Every cell with several runs is of seeds of one making and one test set; how many pairs and pools there are."""
    pairs = pools = 0
    for table in report.tables:
        for row in table.rows:
            for column, cell in zip(table.columns, row.cells, strict=True):
                sources = [report.sources[number - 1] for number in cell.sources]
                if cell.thesis is not None and cell.value is not None:
                    pairs += 1
                    columns = thesis.TEST_SETS if column == "Average" else [column]
                    for test_set in columns:  # an average's figures are those of the cells beside it
                        beside = row.cells[table.columns.index(test_set)].sources
                        tested = [report.sources[number - 1] for number in cell.sources if number in beside]
                        assert tested
                        assert all(is_like_the_theses(source, test_set) for source in tested), (table.key, row.label)
                if cell.runs > 1 and cell.unit == "seeds" and column not in ("Average", "difference"):
                    pools += 1
                    assert len({making(source) for source in sources}) == 1
                    assert all(making(source)[2] for source in sources), "pictures that are not known are none alike"
                    assert not any(was_stopped(source) for source in sources), "where it was stopped is not known"
                    assert len({source.result.settings["seed"] for source in sources}) == len(sources) == cell.runs
                if column == "Average" and cell.value is not None:
                    assert len({making(source, "size") for source in sources}) == 1
                    sizes = {source.result.settings["size"] for source in sources}
                    assert len(sizes) == 1 or "one model per test set" in cell.note
                if table.key == "5-10-control" and column == "difference, points" and cell.value is not None:
                    pools += 1
                    check_control(sources)
    return pairs, pools


def check_control(sources: list[Source]) -> None:
    assert not any(was_stopped(source) for source in sources)
    assert len({making(source)[:2] for source in sources}) == 1
    assert len({str(source.result.inputs["training"]["counts"]) for source in sources}) == 1
    tested = {
        entry["content_key"]
        for source in sources
        for entry in source.result.inputs["test_sets"]
        if entry["name"] == "CIFAR-10 test"
    }
    assert len(tested) == 1
    for source in sources:
        if "repeated" in source.row:
            trained_on = source.result.inputs["training"]
            assert trained_on["repeated"] == 5 * int(source.row.split()[3])


def check_marks(report: Report) -> int:
    """Every figure of tests with test pictures in training says so, whatever its table."""
    marked = 0
    for table in report.tables:
        for row in table.rows:
            for cell in row.cells:
                sources = [report.sources[number - 1] for number in cell.sources]
                if not sources or cell.value is None or {source.result.kind for source in sources} != {"test"}:
                    continue
                if "control" in table.key and len(sources) > 1:  # its differences have two sides
                    continue
                tested = [entry for source in sources for entry in source.result.figures["test_sets"]]
                if all(entry["shared"] for entry in tested):
                    assert "test pictures are of its training set" in cell.note, (table.key, row.label)
                    marked += 1
                if not any(entry["shared"] for entry in tested):
                    assert "of its training set" not in cell.note
    return marked


@pytest.mark.parametrize("seed", range(20))
def test_no_table_pairs_what_differs(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(draw.randint(20, 60)):
        (random_test if draw.random() < 0.8 else random_metric)(draw, tmp_path)
    report = build_report(read_results(tmp_path), "r")
    check_pools(report)
    check_marks(report)
    for table in report.tables:
        for column in range(len(table.columns)):
            cells = [row.cells[column] for row in table.rows]
            bars = _bars(cells)
            for number, cell in enumerate(cells):
                if table.compares and cell.value is not None and cell.thesis is None:
                    assert bars[OURS_ALONE][number] == cell.value
                    assert OURS not in bars or bars[OURS][number] is None
                    assert THESIS not in bars or bars[THESIS][number] is None


def test_the_random_results_hold_pairs_pools_and_marks(tmp_path: Path) -> None:
    """So that the test above is not of nothing."""
    pairs = pools = marked = 0
    for seed in range(10):
        draw, folder = random.Random(seed), tmp_path / str(seed)
        for _ in range(60):
            (random_test if draw.random() < 0.8 else random_metric)(draw, folder)
        report = build_report(read_results(folder), "r")
        found = check_pools(report)
        pairs, pools, marked = pairs + found[0], pools + found[1], marked + check_marks(report)
    assert min(pairs, pools, marked) >= 10, (pairs, pools, marked)


def test_like_the_thesis_in_everything_its_figures_stand_beside_ours_average_included(tmp_path: Path) -> None:
    for name, size in (("CIFAR-10 test", 32), ("ImageNet validation", 224), ("STL-10 test", 96)):
        for seed in (0, 1):
            write_test(
                tmp_path, "SD1.5 HypoNet", [accuracy_entry(name, 0.7, TESTS[name])], {"size": size, "seed": seed}
            )
    table = table_of(build_report(read_results(tmp_path), "r"), "5-9")
    (row,) = [row for row in table.rows if (row.group, row.label) == ("Stable Diffusion 1.5", "HypoNet")]
    assert [cell.thesis for cell in row.cells] == [74.42, 73.11, 65.62, 71.05]  # as printed
    assert [cell.note for cell in row.cells] == ["", "", "", "one model per test set: 32, 224, 96 px"]
    assert [cell.runs for cell in row.cells] == [2] * 4


@pytest.mark.parametrize("p_values", [(0.04, 0.01, 0.03, 0.02), (0.2,), (0.01, 0.01)])
def test_holms_family_is_the_table_without_what_was_asked_twice(tmp_path: Path, p_values: tuple[float, ...]) -> None:
    """The table of five comparisons, two of them made twice and one the other way round: five and not eight."""
    for number, p in enumerate(p_values):
        for first, second in (("a", "b"), ("a", "b"), ("b", "a")):
            pair = Comparison(f"{first}{number}", f"{second}{number}", 0.8, 0.7, mcnemar(30, 12), 0.0)
            figures = {"pairs": [{**asdict(pair), "test": {**asdict(pair.test), "p": p}}]}
            images = {"name": "CIFAR-10 test", "pictures": 5000}
            write_result(tmp_path, Measurement(f"c{number}", "comparison", figures, {"images": images}, {}))
    table = table_of(build_report(read_results(tmp_path), "r"), "comparisons")
    assert len(table.rows) == len(p_values)
    largest = max(row.cells[3].value for row in table.rows)
    # Holm 1979 by hand: 4 * 0.01, 3 * 0.02, 2 * 0.03, 0.04 -> 0.06; 0.2; 2 * 0.01
    assert largest == pytest.approx({4: 0.06, 1: 0.2, 2: 0.02}[len(p_values)])


def test_held_out_draws_of_their_own_are_no_repetitions(tmp_path: Path) -> None:
    for seed in (0, 1):
        for name, draw in (("shared draw", 0), ("own draws", None)):
            settings = {**asdict(Settings()), "held_out": 0.2, "seed": seed, "held_out_seed": draw}
            inputs = {"training": {"name": name, "content_key": name}}
            figures = training_figures(0.5, held_out=0.75)
            write_result(tmp_path, Measurement(name, "training", figures, inputs, settings))
    table = table_of(build_report(read_results(tmp_path), "r"), "accuracy")
    assert {row.label: row.cells[0].runs for row in table.rows} == {"shared draw": 2, "own draws": 0}


def write_control(folder: Path, seeds: int, **control: object) -> None:
    """5,000 added a class against 5,000 again, each of `seeds` seeds; the added ones have 50, 55, 60 more right."""
    for seed in range(seeds):
        name = "CIFAR-10 Train + 5000"
        write_test(folder, name, [accuracy_entry("CIFAR-10 test", 0.88 + 0.001 * seed, 5000)], {"seed": seed})
        entry = accuracy_entry("CIFAR-10 test", 0.87, 5000)
        write_test(folder, f"{name} repeated", [entry], {"seed": seed, **control})


def test_table_5_10_has_a_control_of_equal_steps(tmp_path: Path) -> None:
    write_control(tmp_path, 3)
    (row,) = table_of(build_report(read_results(tmp_path), "r"), "5-10-control").rows
    added, again, difference, t, wilcoxon = row.cells
    assert (row.label, added.runs, again.runs, difference.runs) == ("5,000", 3, 3, 3)
    # by hand: 50, 55 and 60 of 5,000 are 1.0, 1.1 and 1.2 points; t = 55 / (5 / sqrt 3) = 19.05, two degrees of freedom
    assert (difference.value, difference.spread) == (pytest.approx(1.1), pytest.approx(0.1))
    assert t.value == pytest.approx(2 * stats.t.sf(55 / (5 / 3**0.5), 2))
    assert wilcoxon.value == 0.25


@pytest.mark.parametrize(
    "control", [{"epochs": 99}, {"size": 96}, {"held_out": 0.1}, {"seed": 7}, {"augmentation": "flip"}]
)
def test_a_control_of_other_steps_is_not_compared(tmp_path: Path, control: dict[str, object]) -> None:
    write_control(tmp_path, 3, **control)
    (row,) = table_of(build_report(read_results(tmp_path), "r"), "5-10-control").rows
    assert [cell.value for cell in row.cells[2:]] == [None] * 3
    assert row.cells[2].note.startswith("not compared: ")


def test_a_control_alone_has_blanks_beside_it(tmp_path: Path) -> None:
    entry = accuracy_entry("CIFAR-10 test", 0.87, 5000)
    write_test(tmp_path, "CIFAR-10 Train + 5000 repeated", [entry], {"seed": 0})
    (row,) = table_of(build_report(read_results(tmp_path), "r"), "5-10-control").rows
    assert row.cells[1].value == pytest.approx(87)
    assert [(cell.value, cell.note) for cell in (row.cells[0], *row.cells[2:])] == [(None, "")] * 4


def test_a_control_with_new_pictures_is_none(tmp_path: Path) -> None:
    write_control(tmp_path, 2)
    for seed in (0, 1):
        entry = accuracy_entry("CIFAR-10 test", 0.8, 5000)
        training = {"repeated": 24_000, "content_key": "new"}
        write_test(tmp_path, "CIFAR-10 Train + 5000 repeated", [entry], {"seed": seed}, training)
    (row,) = table_of(build_report(read_results(tmp_path), "r"), "5-10-control").rows
    assert row.cells[2].value is None
