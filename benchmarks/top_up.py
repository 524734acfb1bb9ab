"""Does topping up help: weak classes named in planted imbalances, and the worst class at equal totals.

Part 1: a training set with a tenth of the pictures of one class, for each class in turn: is that class named weak by a
steering test, alone, and where do the next pictures go? Part 2: PER_CLASS pictures of each class, a top-up of as many
as an even set of half as many more would add, steered by one half of the test pictures; both sets are tested on the
other half. Real pictures stand in for generated ones: what is drawn next of a class is its next picture.

python benchmarks/top_up.py FOLDER [--per-class 200] [--epochs 30] [--seeds 3]

FOLDER: train/<class>/ and test/<class>/ of small pictures, or a zip of them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from pack import load_pack

load_pack()

from hyponet.evaluation.pictures.labelled_images import LabelledImages, shuffled_members  # noqa: E402
from hyponet.evaluation.pictures.sources import read_source  # noqa: E402
from hyponet.evaluation.pictures.split import split  # noqa: E402
from hyponet.evaluation.training.accuracy import measure_accuracy  # noqa: E402
from hyponet.evaluation.training.figures import SetAccuracy  # noqa: E402
from hyponet.evaluation.training.settings import Settings  # noqa: E402
from hyponet.evaluation.training.top_up import allocate, class_needs  # noqa: E402
from hyponet.evaluation.training.train import train  # noqa: E402

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


def first_of_each(data: LabelledImages, counts: dict[str, int], seed: int) -> LabelledImages:
    """So many pictures of each class: the first of a draw, so that larger counts extend smaller ones."""
    members = [shuffled_members(data, label, seed)[: counts[name]] for label, name in enumerate(data.class_names)]
    return data.select(np.concatenate(members))


def accuracy_on(learned: LabelledImages, tests: list[LabelledImages], settings: Settings) -> list[SetAccuracy]:
    """Train, and the figures on each test set."""
    with tempfile.TemporaryDirectory() as folder:
        trained = train(learned, settings, Path(folder), device=DEVICE).last
        return [measure_accuracy(trained, test, DEVICE).figures for test in tests]


def shares(figures: SetAccuracy, budget: int) -> tuple[dict[str, float], dict[str, int]]:
    """Weak class -> deficit, and what each class gets."""
    needs = class_needs([figures])
    weak = {need.name: need.deficit for need in needs if need.deficit}
    return weak, allocate({need.name: need.weight for need in needs}, budget)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--per-class", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--no-planted", action="store_true", help="leave part 1 out")
    options = parser.parse_args()
    pictures, test = (read_source("image folder", options.folder, part) for part in ("train", "test"))
    steering, reported = split(test, 0.5, 0)
    settings, each = replace(RECIPE, epochs=options.epochs), options.per_class
    names = pictures.class_names
    print(f"{each} a class, {options.epochs} epochs, {len(steering)} steer, {len(reported)} are reported", flush=True)

    right = 0
    for name in [] if options.no_planted else names:
        counts = {**dict.fromkeys(names, each), name: each // 10}
        (figures,) = accuracy_on(first_of_each(pictures, counts, 0), [steering], settings)
        weak, added = shares(figures, each)
        right += max(weak, key=weak.__getitem__, default="") == name
        print(f"a tenth of {name}: weak {', '.join(weak) or 'none'}; of {each} more {added}", flush=True)
    if not options.no_planted:
        print(f"the planted class is the weakest in {right} of {len(names)}")

    gains = []
    for seed in range(options.seeds):
        seeded, total = replace(settings, seed=seed), len(names) * each
        even = dict.fromkeys(names, each)
        (steered,) = accuracy_on(first_of_each(pictures, even, seed), [steering], seeded)
        _, added = shares(steered, total // 2)
        rounds = {"even": dict.fromkeys(names, each + each // 2)}
        rounds["topped up"] = {name: each + added[name] for name in names}
        worst = {}
        for kind, counts in rounds.items():
            (figures,) = accuracy_on(first_of_each(pictures, counts, seed), [reported], seeded)
            of_class = {name: right / count for name, (right, count) in figures.per_class().items()}
            lowest = min(of_class, key=of_class.__getitem__)
            worst[kind] = of_class[lowest]
            shown = ", ".join(f"{name} {counts[name]}" for name in names)
            print(
                f"seed {seed}, {kind} ({shown}): {100 * figures.accuracy:.2f} %, worst {lowest} "
                f"{100 * of_class[lowest]:.2f} %",
                flush=True,
            )
        gains.append(100 * (worst["topped up"] - worst["even"]))
    print(f"worst class, topped up - even: mean {statistics.fmean(gains):+.2f} points of {gains}")


if __name__ == "__main__":
    main()
