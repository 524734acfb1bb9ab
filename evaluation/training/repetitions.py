"""Which trained classifiers are repetitions of one training: those that differ in their seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ..pictures.labelled_images import LabelledImages
from .checkpoint import CheckpointProvenance


def differences_beyond_seed(runs: Sequence[CheckpointProvenance]) -> tuple[str, ...]:
    """In what the runs differ besides their seeds, held-out draws and training pictures included; empty: repetitions.

    Runs of equal seeds are one run twice, and that is a difference too: no mean and deviation comes from them. A run
    that was stopped is like no other: its file does not say after which step, nor the best's after which epoch.
    """
    differences = []
    makings = [_making(run) for run in runs]
    for column in makings[0]:
        if any(making[column] != makings[0][column] for making in makings[1:]):
            differences.append(column.replace("_", " "))
    if not all(run.complete for run in runs):
        differences.append("epochs trained, since one was stopped")
    if not all(run.data.get("content_key") for run in runs):
        differences.append("training pictures that their files do not name")
    if len({run.settings.seed for run in runs}) < len(runs):
        differences.append("not even the seed")
    return tuple(differences)


def check_whole(runs: Sequence[CheckpointProvenance], images: LabelledImages) -> None:
    """The classifiers are finished repetitions of one training on `images`: what the curve ends with.

    Raises:
        ValueError: they are not.
    """
    stopped = [run for run in runs if not run.complete]
    if stopped:
        raise ValueError(
            f"the training of seed {stopped[0].settings.seed} was stopped; expected one that was finished: every other "
            "point is trained in full; queue Train Classifier again, which goes on where it stopped"
        )
    differences = differences_beyond_seed(runs)
    if differences and len(runs) > 1:
        raise ValueError(
            f"the classifiers are no repetitions, they differ in {', '.join(differences)}; expected the runs of one "
            "Train Classifier"
        )
    if runs[0].data.get("content_key") != images.content_key:
        raise ValueError(
            f"the classifier learned other pictures than {images.name}; expected those that it learned: the curve's "
            "last point; connect the same images to both"
        )


def _making(run: CheckpointProvenance) -> dict[str, object]:
    settings = asdict(run.settings)
    del settings["seed"], settings["held_out_seed"]
    return {
        **settings,
        "held_out_draw": run.settings.held_out_draw if run.settings.held_out else None,
        "training_pictures": run.data.get("content_key"),
        "chosen_epoch": run.kind,
    }
