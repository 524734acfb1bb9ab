"""The loop's nodes in the running ComfyUI: trainings on subsets, and result files.

Writes: output/hyponet/classifiers/<name>/<run>/, output/hyponet/results/<name>/, output/hyponet/cache/samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.pictures.samples import keep_samples
from ....evaluation.pictures.tensors import to_image
from ....evaluation.plots import to_pixels
from ....evaluation.results import Result, write_result
from ....evaluation.training import learning_curve as curve
from ....evaluation.training import top_up as topping
from ....evaluation.training.accuracy import measure_accuracy
from ....evaluation.training.checkpoint import Checkpoint
from ....evaluation.training.ratio import most_shared
from ....evaluation.training.repetitions import check_whole
from ....evaluation.training.train import folder_name, train
from ...engine import NodeBar, progress_bar, progress_text
from ...paths import results_dir, samples_dir
from ...prompts.plan import Plan
from ..engine import memory_to_ourselves
from ..paths import classifiers_dir, weights_of

PLOT_SIZE = (900, 600)


def top_up(
    plan: Plan,
    results: Sequence[Result],
    steering: LabelledImages,
    reported: LabelledImages,
    budget: int,
    steer_by: str,
    name: str,
) -> tuple[Plan, Result, str]:
    """The plan with `budget` more images, the result, and a table of the classes."""
    for images in (steering, reported):
        images.pixel_digests(progress_bar(len(images)))
    topping.check_apart(steering, reported)
    needs = topping.class_needs(topping.steering_figures(results, steering), steer_by)
    before = {label: plan.count(label) for label in plan.labels}
    weights = {need.name: need.weight for need in needs}
    if not set(weights) & set(before):
        raise ValueError(
            f"the plan's classes are {', '.join(plan.labels[:10])} and the test's {', '.join(list(weights)[:10])}; "
            "expected the same names; take the plan of the set that the classifier learned"
        )
    added = topping.allocate({label: weights.get(label, needs[0].mean_lack) for label in before}, budget)
    topped = plan.with_counts({label: before[label] + added[label] for label in before})
    measurement = topping.top_up_measurement(name, needs, before, added, results, steering, reported, steer_by)
    result = topping.write_top_up(results_dir(), measurement, steering)
    table = topping.top_up_table(needs, before, added, steer_by)
    return topped, result, "\n".join([table, *(f"warning: {warning}" for warning in result.warnings)])


def learning_curve(
    checkpoints: Sequence[Checkpoint],
    images: LabelledImages,
    test: LabelledImages,
    sizes: str,
    name: str,
    node_id: str | None,
) -> tuple[Result, str, torch.Tensor]:
    """The curve of the set that the checkpoints learned: the result, a table, and its plot [1,H,W,3]."""
    provenances = [checkpoint.provenance for checkpoint in checkpoints]
    images.hash_pictures(progress_bar(len(images)))
    check_whole(provenances, images)
    asked = curve.parse_sizes(sizes, images)
    weights = weights_of(provenances[0].settings.weights_key)
    rights: dict[int, list[int]] = {size: [] for size in (*asked, max(images.counts().values()))}
    shared: dict[int, list[int | None]] = {size: [] for size in rights}
    pictures = dict.fromkeys(rights, len(images))
    bar, finished, total = NodeBar(1), 0, len(checkpoints) * len(rights)
    with memory_to_ourselves() as device:
        for checkpoint, size in [(checkpoint, size) for checkpoint in checkpoints for size in rights]:
            settings = checkpoint.provenance.settings
            tested = checkpoint
            if size in asked:
                progress_text(f"{size} a class, seed {settings.seed}: {finished + 1} of {total}", node_id)
                part = curve.subset(images, size, settings.seed)
                pictures[size] = len(part)
                seeded = curve.settings_of(settings, len(images), len(part))
                trained = train(
                    part,
                    seeded,
                    classifiers_dir() / name / folder_name(part, seeded),
                    device=device,
                    weights=weights,
                    callback=lambda progress, finished=finished: bar(
                        int(1000 * (finished + progress.step / progress.steps)), 1000 * total
                    ),
                )
                is_best = checkpoint.provenance.kind == "best" and trained.best is not None
                tested = trained.best if is_best and trained.best is not None else trained.last
            figures = measure_accuracy(tested, test, device).figures
            rights[size].append(figures.right)
            shared[size].append(figures.shared)
            finished += 1
            bar(finished, total)
    seeds = tuple(provenance.settings.seed for provenance in provenances)
    points = [
        curve.CurvePoint(size, pictures[size], seeds, tuple(right), len(test), most_shared(shared[size]))
        for size, right in rights.items()
    ]
    steered = topping.steered_by(results_dir(), test)
    measurement = curve.curve_measurement(name, points, images, test, provenances[0].settings, steered)
    result = write_result(results_dir(), measurement)
    keep_samples(images, samples_dir())
    plot = to_image(to_pixels(curve.curve_plot(images.name, points, PLOT_SIZE)))
    return result, "\n".join([curve.curve_table(points), *(f"warning: {w}" for w in result.warnings)]), plot
