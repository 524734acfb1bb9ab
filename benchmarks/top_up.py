"""Does topping up help: weak classes named in planted imbalances, and the worst class at equal totals.

Part 1: a training set with a tenth of the pictures of one class, for each class in turn: is that class named weak by a
steering test, alone, and where do the next pictures go? Part 2: an even set of PER_CLASS pictures of each class gets a
budget more, of which a share goes to the classes that a steering test names weak, in proportion to their deficit, and
the rest evenly to all: share 0 is the even set of the same total. Another row divides the budget as Top Up Plan does.
One half of the test pictures steers, the other is reported. What is drawn next of a class is its next picture, of a
draw that each seed has of its own. Rows go to a CSV as they come, the curve to an SVG beside it.

python benchmarks/top_up.py FOLDER [--made SET] [--per-class 200] [--epochs 30] [--seeds 3] [--budgets 0.5,1]

FOLDER: train/<class>/ and test/<class>/ of small pictures, or a zip of them. SET: a set of HypoNet from which to draw
training pictures, instead of train/.
"""

from __future__ import annotations

import csv
import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from pack import load_pack

load_pack()

from hyponet.evaluation.pictures.draws import shuffled_members  # noqa: E402
from hyponet.evaluation.pictures.labelled_images import LabelledImages  # noqa: E402
from hyponet.evaluation.pictures.sources import read_source  # noqa: E402
from hyponet.evaluation.pictures.split import split  # noqa: E402
from hyponet.evaluation.plots import line_chart, to_svg  # noqa: E402
from hyponet.evaluation.training.accuracy import measure_accuracy  # noqa: E402
from hyponet.evaluation.training.accuracy_figures import SetAccuracy  # noqa: E402
from hyponet.evaluation.training.settings import Settings  # noqa: E402
from hyponet.evaluation.training.top_up import allocate, class_needs  # noqa: E402
from hyponet.evaluation.training.train import train  # noqa: E402

SHARES = (0.0, 0.25, 0.5, 1.0)  # of a budget, for the weak classes
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
RECIPE = Settings(  # tools/workflows/builder/recipes.py: FAST_FOR_FEW
    stem="3x3 stride 2",
    batch_size=64,
    learning_rate=0.05,
    optimizer="SGD",
    weight_decay=0.0005,
    schedule="one-cycle",
    label_smoothing=0.1,
    augmentation="flip and crop",
    normalisation="training set",
)


@dataclass(frozen=True)
class Row:
    """One training: what the set had, and how the classes that it makes worst do.

    Args:
        budget: pictures over the even set.
        way: the share of the budget that weak classes got, or Top Up Plan's rule.
        weak: classes that the steering test named.
        pictures: of each class.
        accuracy, worst_accuracy: in per cent, on the reported pictures.
    """

    seed: int
    budget: int
    way: str
    weak: str
    pictures: str
    accuracy: float
    worst: str
    worst_accuracy: float


def first_of_each(data: LabelledImages, counts: dict[str, int], seed: int) -> LabelledImages:
    """So many pictures of each class: the first of a draw, so that larger counts extend smaller ones."""
    members = [shuffled_members(data, label, seed)[: counts[name]] for label, name in enumerate(data.class_names)]
    return data.select(np.concatenate(members))


def accuracy_on(learned: LabelledImages, tests: list[LabelledImages], settings: Settings) -> list[SetAccuracy]:
    """Train, and the figures on each test set."""
    with tempfile.TemporaryDirectory() as folder:
        trained = train(learned, settings, Path(folder), device=DEVICE).last
        return [measure_accuracy(trained, test, DEVICE).figures for test in tests]


def weak_and_added(figures: SetAccuracy, budget: int) -> tuple[dict[str, float], dict[str, int]]:
    """Weak class -> deficit, and what each class gets by Top Up Plan's rule."""
    needs = class_needs([figures])
    weak = {need.name: need.deficit for need in needs if need.deficit}
    return weak, allocate({need.name: need.weight for need in needs}, budget)


def divided(names: tuple[str, ...], weak: dict[str, float], budget: int, share: float) -> dict[str, int]:
    """What each class gets where `share` of the budget goes to the weak ones."""
    evenly = (1 - share) / len(names)
    total = sum(weak.values()) or 1.0  # none is weak: all evenly
    return allocate({name: evenly + share * weak.get(name, 0.0) / total for name in names}, budget)


def name_planted(pictures: LabelledImages, steering: LabelledImages, settings: Settings, each: int) -> None:
    """Part 1."""
    right, names = 0, pictures.class_names
    for name in names:
        counts = {**dict.fromkeys(names, each), name: each // 10}
        (figures,) = accuracy_on(first_of_each(pictures, counts, 0), [steering], settings)
        weak, added = weak_and_added(figures, each)
        right += max(weak, key=weak.__getitem__, default="") == name
        print(f"a tenth of {name}: weak {', '.join(weak) or 'none'}; of {each} more {added}", flush=True)
    print(f"the planted class is the weakest in {right} of {len(names)}")


def worst_at(
    pictures: LabelledImages, tests: tuple[LabelledImages, LabelledImages], settings: Settings, options: Namespace
) -> Iterator[Row]:
    """Part 2, of one seed."""
    steering, reported = tests
    names, each = pictures.class_names, options.per_class
    (steered,) = accuracy_on(first_of_each(pictures, dict.fromkeys(names, each), settings.seed), [steering], settings)
    for budget in (round(part * each * len(names)) for part in options.budgets):
        weak, by_rule = weak_and_added(steered, budget)
        ways = {f"{share:g}": divided(names, weak, budget, share) for share in (SHARES if weak else (0.0,))}
        if weak:
            ways["Top Up Plan"] = by_rule
        for way, added in ways.items():
            counts = {name: each + added[name] for name in names}
            (figures,) = accuracy_on(first_of_each(pictures, counts, settings.seed), [reported], settings)
            of_class = {name: right / count for name, (right, count) in figures.per_class().items()}
            lowest = min(of_class, key=of_class.__getitem__)
            yield Row(
                seed=settings.seed,
                budget=budget,
                way=way,
                weak=" ".join(weak),
                pictures=" ".join(f"{name}:{counts[name]}" for name in names),
                accuracy=round(100 * figures.accuracy, 2),
                worst=lowest,
                worst_accuracy=round(100 * of_class[lowest], 2),
            )


def gains(rows: Sequence[Row]) -> dict[int, dict[str, list[float]]]:
    """Budget -> way -> points of the worst class over the even set of each seed, 0 where none was weak."""
    points: dict[int, dict[str, list[float]]] = {}
    for row in rows:
        points.setdefault(row.budget, {}).setdefault(row.way, [])
    worst = {(row.budget, row.seed, row.way): row.worst_accuracy for row in rows}
    for budget, ways in points.items():
        for way in ways:
            for seed in sorted({row.seed for row in rows if row.budget == budget}):
                even = worst[budget, seed, "0"]
                ways[way].append(round(worst.get((budget, seed, way), even) - even, 2))
    return points


def write_curve(path: Path, rows: Sequence[Row]) -> None:
    """The gains against the share that weak classes get, a line a budget; the mean over seeds."""
    curves = {
        f"{budget} more": ([100 * share for share in SHARES], [fmean(ways[f"{share:g}"]) for share in SHARES])
        for budget, ways in gains(rows).items()
        if all(f"{share:g}" in ways for share in SHARES)
    }
    across, up = "% of the budget to weak classes, the rest to all", "points of the worst class over the even set"
    figure = line_chart(curves, "Worst class at equal totals", across, up, (800, 500))
    path.write_text(to_svg(figure, "top-up"), "utf-8")


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--made", type=Path, help="a set of HypoNet, to draw training pictures from")
    parser.add_argument("--per-class", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budgets", type=lambda text: [float(part) for part in text.split(",")], default=[0.5])
    parser.add_argument("--stem", default=RECIPE.stem)
    parser.add_argument("--no-planted", action="store_true", help="leave part 1 out")
    parser.add_argument("--csv", type=Path, default=Path("output/benchmarks/top_up.csv"))
    options = parser.parse_args()
    pictures, test = (read_source("image folder", options.folder, part) for part in ("train", "test"))
    if options.made:
        pictures = read_source("HypoNet set", options.made)
    steering, reported = split(test, 0.5, 0)
    settings = replace(RECIPE, epochs=options.epochs, stem=options.stem)
    steer, report = len(steering), len(reported)
    print(f"{pictures.counts()}; {options.per_class} a class, {steer} steer, {report} are reported", flush=True)
    if not options.no_planted:
        name_planted(pictures, steering, settings, options.per_class)
    rows: list[Row] = []
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    with options.csv.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for seed in range(options.seeds):
            for row in worst_at(pictures, (steering, reported), replace(settings, seed=seed), options):
                writer.writerow(asdict(row))
                file.flush()
                print(", ".join(f"{name} {value}" for name, value in asdict(row).items()), flush=True)
                rows.append(row)
    write_curve(options.csv.with_suffix(".svg"), rows)
    for budget, ways in gains(rows).items():
        for way, points in ways.items():
            print(f"{budget} more, {way}: worst class {fmean(points):+.2f} points over the even set, of {points}")


if __name__ == "__main__":
    main()
