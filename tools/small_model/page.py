"""Writes docs/table_5_9_small.md and .png from the results of headless/sweeps/table_5_9_small.csv.

    python -m tools.small_model.page OUTPUT

OUTPUT is the output folder of the ComfyUI that ran it.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ..dev.places import ROOT

PAGE = ROOT / "docs" / "table_5_9_small.md"
SETS = {
    "none": "none: the class name alone",
    "HypoNet": "HypoNet: kinds, views, colours, places, negative",
    "LoRA": "LoRA",
}
ADDED = {"CIFAR-10 Train": 0, "CIFAR-10 Train + 250": 250, "CIFAR-10 Train + 500": 500}
CHANCE = 20.0


@dataclass(frozen=True)
class Row:
    """A training set: accuracy of each seed in per cent, the widest interval of one seed, the test pictures."""

    accuracies: tuple[float, ...]
    interval: float
    count: int

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.accuracies)

    def cells(self) -> str:
        """Mean, deviation, each seed and half of the interval, as cells of a Markdown table."""
        deviation = statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else float("nan")
        each = ", ".join(f"{accuracy:.1f}" for accuracy in self.accuracies)
        return f"{self.mean:.1f} | {deviation:.1f} | {each} | {self.interval:.1f}"


def read_rows(output: Path) -> dict[str, Row]:
    """Training set -> its row; of tests with one seed the newest counts.

    Raises:
        ValueError: a training set has not been tested.
    """
    folder = output / "hyponet" / "results" / "small"
    rows = {}
    for name in (*SETS, *ADDED):
        results = [json.loads(path.read_text("utf-8")) for path in (folder / name).glob("*.json")]
        tests = sorted((result for result in results if result["kind"] == "test"), key=lambda result: result["created"])
        by_seed = {result["settings"]["seed"]: result["figures"]["test_sets"][0] for result in tests}
        if not by_seed:
            raise ValueError(f"{folder / name} holds no test; run the sweep to its end")
        figures = [by_seed[seed] for seed in sorted(by_seed)]
        halves = [50 * (figure["interval"][1] - figure["interval"][0]) for figure in figures]
        rows[name] = Row(tuple(100 * figure["accuracy"] for figure in figures), max(halves), figures[0]["count"])
    return rows


def page(rows: dict[str, Row]) -> str:
    """The page as Markdown."""
    count = rows["none"].count
    alone, some, many = (rows[name].mean for name in ADDED)
    sets = "\n".join(f"| {label} | {rows[name].cells()} |" for name, label in SETS.items())
    added = "\n".join(f"| {number} | {rows[name].cells()} |" for name, number in ADDED.items())
    return f"""# Tables 5-9 and 5-10 in small

![Accuracy by training set: bars are means, dots are seeds]({PAGE.stem}.png)

Three ways to prompt the small model of this repository ([what it is](../data/small_model/README.md)), 500 pictures of
each of five classes each way, and a ResNet-18 that learns from nothing else; then what such pictures add to 500 real
ones a class. Every figure is the accuracy on the {count:,} real test pictures of CIFAR-10's five classes, in per cent;
chance is {CHANCE:.0f}. Made by `headless/sweeps/table_5_9_small.csv`, written by `python3 -m tools.small_model.page`.

| trained on 5 x 500 generated pictures | mean | deviation | each seed | 95 % interval, half |
|---|---|---|---|---|
{sets}

| generated pictures a class beside 500 real ones | mean | deviation | each seed | 95 % interval, half |
|---|---|---|---|---|
{added}

The interval is Wilson's for one seed, half of the widest of the three: how far other test pictures might move a figure.
The deviation is that of three trainings on the same pictures.

## How
- Pictures: 64 px, 8 steps of DPM++ 2M (Karras), guidance 2, the thesis's prompts and lists (Tables 5-3, 5-7, 5-8).
  LoRA: HypoNet's prompts without the negative, with `data/small_model/lora.safetensors`.
- Training: 600 steps of 128 pictures at most by the fast recipe (`tools/workflows/builder/recipes.py`), at 32 px,
  whatever the number of pictures. Real pictures and test: a JPEG copy of CIFAR-10.
- Run on 2026-11-26 on one H200 GPU, in 6 minutes; two processor cores take some hours.
- FreeU has no row: it acts on levels of 1280 and 640 channels, and the small model has one level of 320.
- FID, Inception Score and KID are left blank: no machine that made this page had the Inception network's weights.

## What may be concluded, and what not
- The whole way works: pictures without a real one among them teach a classifier far more than chance.
- A difference between two rows that is smaller than about twice their deviations is none. Each row has one set of
  pictures; another one, drawn with another seed, would differ as well, and that is not in the deviations.
- Nothing about Stable Diffusion, and nothing about the thesis's order of techniques. The small model was trained on
  CIFAR-10, so its pictures look like the test's; it passes over places, views and quality words; all its kinds of a
  class look alike. What the thesis's lists add, it cannot draw.
- For the same reason its pictures bring back some of what 25,000 real ones taught it: no free lunch.
- Beside 500 real ones a class, 250 generated ones change the mean by {some - alone:+.1f} points, 500 by
  {many - alone:+.1f}. The three rows have as many updates: each real picture is seen half as often in the last.
"""


def chart(rows: dict[str, Row], path: Path) -> None:
    """A bar a row, its seeds as dots, and chance."""
    figure = Figure((8, 3.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    names = [*SETS, *(f"500 real\n+ {number}" for number in ADDED.values())]
    for place, row in enumerate(rows.values()):
        axes.bar(place, row.mean, 0.6, color="#2f6db5" if place < len(SETS) else "#8aa9cf")
        axes.plot([place] * len(row.accuracies), row.accuracies, "o", color="#1f2328", markersize=3)
        axes.text(place, row.mean / 2, f"{row.mean:.1f}", ha="center", color="white", fontsize=12)
    axes.axhline(CHANCE, color="#1f2328", linewidth=1)
    axes.text(len(rows) - 0.6, CHANCE + 1.5, "chance", fontsize=9)
    axes.set_xlim(-0.6, len(rows) + 0.1)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("% right of the real test pictures")
    axes.set_ylim(0, 100)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def main(output: Path) -> None:
    """Write both files."""
    rows = read_rows(output)
    PAGE.write_text(page(rows), "utf-8")
    chart(rows, PAGE.with_suffix(".png"))
    print(f"{PAGE.relative_to(ROOT).as_posix()} and its picture are written")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
