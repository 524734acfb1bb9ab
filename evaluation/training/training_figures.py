"""The figures of a training: the contract between who trains and the report.

Each class has one form in a result file, written by `to_json` and read by `from_json`. What follows from other figures
(the last epoch's loss from the history) is written too, for readers without this code, and is never read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..intervals import wilson


@dataclass(frozen=True)
class EpochFigures:
    """One epoch: mean loss and accuracy over its training batches as they were shown, and what was held out."""

    epoch: int
    loss: float
    accuracy: float
    held_out_accuracy: float | None
    learning_rate: float


@dataclass(frozen=True)
class HeldOut:
    """What the held-out part says.

    Args:
        accuracy: of the last epoch, which was not chosen by it.
        count: held-out pictures.
        synthetic: whether the set has a generated picture.
        best_epoch: the first epoch with the highest accuracy, from 1.
        best_epoch_accuracy: of that epoch; optimistic, since the epoch was chosen by it.
    """

    accuracy: float
    count: int
    synthetic: bool
    best_epoch: int
    best_epoch_accuracy: float

    @property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95 % Wilson interval."""
        return wilson(round(self.accuracy * self.count), self.count)

    def to_json(self) -> dict[str, Any]:
        """The object in a result file, with the interval."""
        return {**asdict(self), "interval": list(self.interval)}

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> HeldOut:
        """Raises KeyError, TypeError or ValueError where a figure is missing or cannot be."""
        held_out = cls(
            accuracy=float(figures["accuracy"]),
            count=int(figures["count"]),
            synthetic=bool(figures["synthetic"]),
            best_epoch=int(figures["best_epoch"]),
            best_epoch_accuracy=float(figures["best_epoch_accuracy"]),
        )
        wilson(round(held_out.accuracy * held_out.count), held_out.count)  # refuses a share over 1 and no picture
        return held_out


@dataclass(frozen=True)
class TrainingFigures:
    """A training run; `taken` says which checkpoint goes on: `last epoch` or `best held-out epoch`."""

    history: tuple[EpochFigures, ...]
    held_out: HeldOut | None
    seconds: float
    taken: str

    def to_json(self) -> dict[str, Any]:
        """The object in a result file, with the last epoch's figures beside the history."""
        last = self.history[-1]
        figures: dict[str, Any] = {
            "loss": last.loss,
            "training_accuracy": last.accuracy,
            "epochs": len(self.history),
            "seconds": self.seconds,
            "taken": self.taken,
            "history": [asdict(epoch) for epoch in self.history],
        }
        return figures if self.held_out is None else {**figures, "held_out": self.held_out.to_json()}

    @classmethod
    def from_json(cls, figures: Mapping[str, Any]) -> TrainingFigures:
        """Raises KeyError, TypeError or ValueError where a figure is missing or cannot be."""
        held_out = figures.get("held_out")
        return cls(
            history=tuple(_epoch(stated) for stated in figures["history"]),
            held_out=None if held_out is None else HeldOut.from_json(held_out),
            seconds=float(figures["seconds"]),
            taken=str(figures["taken"]),
        )


def _epoch(stated: Mapping[str, Any]) -> EpochFigures:
    held_out = stated["held_out_accuracy"]
    return EpochFigures(
        epoch=int(stated["epoch"]),
        loss=float(stated["loss"]),
        accuracy=float(stated["accuracy"]),
        held_out_accuracy=None if held_out is None else float(held_out),
        learning_rate=float(stated["learning_rate"]),
    )
