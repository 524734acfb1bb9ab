"""Which trained classifiers are repetitions of one training: those that differ in their seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from .checkpoint import CheckpointProvenance


def differences_beyond_seed(runs: Sequence[CheckpointProvenance]) -> tuple[str, ...]:
    """In what the runs differ besides their seeds, held-out draws and training pictures included; empty: repetitions.

    Runs of equal seeds are one run twice, and that is a difference too: no mean and deviation comes from them. A run
    that was stopped is like no other: its file does not say after which step, nor the best's after which epoch.
    """
    differences = []
    makings = [_making(run) for run in runs]
    for column in makings[0]:
        if any(other[column] != makings[0][column] for other in makings[1:]):
            differences.append(column.replace("_", " "))
    if not all(run.complete for run in runs):
        differences.append("epochs trained, since one was stopped")
    if not all(run.data.get("content_key") for run in runs):
        differences.append("training pictures that their files do not name")
    if len({run.settings.seed for run in runs}) < len(runs):
        differences.append("not even the seed")
    return tuple(differences)


def _making(run: CheckpointProvenance) -> dict[str, object]:
    settings = asdict(run.settings)
    del settings["seed"], settings["held_out_seed"]
    return {
        **settings,
        "held_out_draw": run.settings.held_out_draw if run.settings.held_out else None,
        "training_pictures": run.data.get("content_key"),
        "chosen_epoch": run.kind,
    }
