"""Train on real pictures: CIFAR-10's five thesis classes, or any train/ and test/ image folders.

    python benchmarks/cifar5.py PICTURES [--recipe thesis|fast] [--epochs N] [--seeds N] [--keep FOLDER]

PICTURES is a folder or a zip with train/<class>/ and test/<class>/. Prints the curve, the last epoch's accuracy on the
test part with its 95 % interval for each seed, their mean and standard deviation, and the time. A run that was stopped
goes on when started again with the same --keep folder.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pack import load_pack

load_pack()

import torch  # noqa: E402

from hyponet.evaluation.intervals import wilson  # noqa: E402
from hyponet.evaluation.pictures.sources.folders import read_folder  # noqa: E402
from hyponet.evaluation.training.predict import predict  # noqa: E402
from hyponet.evaluation.training.progress import TrainProgress  # noqa: E402
from hyponet.evaluation.training.settings import Settings  # noqa: E402
from hyponet.evaluation.training.train import folder_name, train  # noqa: E402
from hyponet.tools.workflows.builder.recipes import FAST  # noqa: E402

RECIPES = {"thesis": Settings(), "fast": Settings(**FAST)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="fast")
    parser.add_argument("--epochs", type=int, default=0, help="instead of the recipe's")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="instead of the recipe's")
    parser.add_argument("--keep", type=Path, default=Path("output/benchmarks/cifar5"))
    options = parser.parse_args()

    recipe = RECIPES[options.recipe]
    settings = replace(recipe, epochs=options.epochs or recipe.epochs, precision=options.precision or recipe.precision)
    pictures = read_folder(options.pictures, split="train", cache=options.keep)
    tested = read_folder(options.pictures, split="test", cache=options.keep)
    print(f"train {pictures.counts()}\ntest {tested.counts()}\n{settings}", flush=True)
    reached = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        seeded = replace(settings, seed=seed)
        epoch = 0

        def callback(progress: TrainProgress) -> None:
            nonlocal epoch
            if progress.epoch != epoch:
                epoch = progress.epoch
                print(f"[{time.strftime('%H:%M:%S')}] {progress.text()}".replace("\n", "; "), flush=True)

        trained = train(pictures, seeded, options.keep / folder_name(pictures, seeded), callback=callback)
        for record in trained.history:
            print(f"  epoch {record.epoch}: loss {record.loss:.4f}, training accuracy {100 * record.accuracy:.2f} %")
        outputs = predict(trained.last, tested, torch.device("cpu"))
        right = int((outputs.argmax(1) == torch.from_numpy(tested.labels)).sum())
        low, high = wilson(right, len(tested))
        reached.append(100 * right / len(tested))
        print(
            f"seed {seed}: test accuracy {reached[-1]:.2f} % ({right}/{len(tested)}, 95 % Wilson {100 * low:.2f} to "
            f"{100 * high:.2f} %) after {settings.epochs} epochs, {trained.seconds:.0f} s in this call",
            flush=True,
        )
    spread = statistics.stdev(reached) if len(reached) > 1 else float("nan")
    print(f"{options.recipe}: mean {statistics.mean(reached):.2f} %, standard deviation {spread:.2f} of {len(reached)}")


if __name__ == "__main__":
    main()
