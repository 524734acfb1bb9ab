"""One training of a LoRA: what is asked for, and what the disk holds of it.

Reads models/loras, results and what a stopped training left; writes nothing.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...evaluation.results import Result, read_results
from . import lora_file
from .identity import LoraIdentity
from .settings import LoraSettings
from .state import state_path
from .train import History

KIND = "lora_training"
logger = logging.getLogger("hyponet")


@dataclass(frozen=True)
class LoraJob:
    """One training: from a folder of captioned pictures to a file of the given name, and a result.

    Args:
        folder: of the pictures.
        file: the LoRA; there when it is finished.
        settings: see LoraSettings.
        results: the folder of all results.
        unfinished: the folder of what a stopped training goes on from.
        sample_count: captions that are drawn after each epoch.
    """

    name: str
    folder: Path
    file: Path
    settings: LoraSettings
    results: Path
    unfinished: Path
    sample_count: int = 0


def standing(job: LoraJob, identity: LoraIdentity) -> str:
    """What the disk holds of the training of `identity`, one line.

    Raises:
        ValueError, UnreadableFile: see `lora_file.is_finished`.
    """
    if lora_file.is_finished(job.file, identity.to_json()):
        return f"{job.file.name} is trained"
    is_kept = state_path(job.unfinished, identity.to_json()).exists()
    return "stopped; what was learnt is kept: queue again to resume" if is_kept else "nothing is kept"


def was_trained(results: Path, name: str) -> bool:
    """Whether a finished training has left its result under this name."""
    return any((results / name).glob(f"*-{KIND}-*.json"))


def finished_result(job: LoraJob, identity: LoraIdentity) -> Result | None:
    """The last result of the same training, where the file holds it; None where somebody deleted one or the other.

    Raises:
        ValueError, UnreadableFile: see `lora_file.is_finished`.
    """
    if not lora_file.is_finished(job.file, identity.to_json()):
        return None
    results = [
        result
        for result in read_results(job.results / job.name)
        if result.kind == KIND and result.settings.get("identity") == identity.to_json()
    ]
    if results:
        logger.info("%s is trained with these settings already", job.file.name)
    return results[-1] if results else None


def history_of(result: Result) -> History:
    """The history in a result file; a hole in it is a gap of the curve."""

    def number(value: Any) -> float:
        return math.nan if value is None else float(value)

    values = result.figures
    return History(
        tuple(number(loss) for loss in values["losses"]),
        values["steps_per_epoch"],
        number(values["loss_before"]),
        number(values["loss_after"]),
        number(values["seconds_per_step"]),
    )
