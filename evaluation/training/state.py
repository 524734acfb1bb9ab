"""A training run between two steps: what it has learnt and reached, kept so that it can resume exactly.

Reads and writes: <folder>/state.pt, whole or not at all.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..disk_errors import UnreadableFile
from ..files import replacing
from ..memory_errors import is_out_of_memory
from ..torch_files import load_torch
from .settings import Settings
from .training_figures import EpochFigures


class Diverged(ValueError):
    """The loss or a weight is not a finite number any more."""


def kept_steps(path: Path) -> int:
    """How many steps of training the state in the file `path` holds; 0 where there is none, or a damaged one.

    Raises:
        UnreadableFile, MemoryError: it may be whole, and cannot be read now.
    """
    try:
        return int(load_torch(path, mmap=True)["step"])
    except (UnreadableFile, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - as in `restore`, which says what is wrong with it
        return 0


@dataclass
class TrainState:
    """A run between two steps.

    Args:
        identity: of the run, see Settings.identity.
        settings: of the run.
        pictures: training pictures, all of which an epoch shows (but a last batch of one).
        network, optimizer: on `device`.
        step: steps done since the run's start, also across resumes.
        history: figures of each epoch done.
        best_epoch: the first with the highest held-out accuracy, from 1; 0 without a held-out part.
        seen: pictures shown in the epoch under way.
        seconds: spent in earlier calls; this one's count from `started`.
        loss_sum, correct: of the epoch under way; they stay on the device, so that no step waits for them.
    """

    identity: str
    settings: Settings
    pictures: int
    network: nn.Module
    optimizer: torch.optim.Optimizer
    device: torch.device
    step: int = 0
    history: list[EpochFigures] = field(default_factory=list)
    best_epoch: int = 0
    seen: int = 0
    seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    loss_sum: torch.Tensor = field(init=False)
    correct: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        wide = torch.float32 if self.device.type == "mps" else torch.float64  # Apple's GPUs have no float64
        self.loss_sum = torch.zeros((), dtype=wide, device=self.device)
        self.correct = torch.zeros((), dtype=torch.int64, device=self.device)

    @property
    def epoch(self) -> int:
        """The epoch under way, from 0; the number of epochs done."""
        return len(self.history)

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch, the last one smaller; one of a single picture is left out."""
        batches, remaining = divmod(self.pictures, self.settings.batch_size)
        return batches + (remaining > 1)  # batch-norm of a 1x1 map cannot take a batch of one

    @property
    def step_in_epoch(self) -> int:
        """Steps done in the epoch under way."""
        return self.step - self.epoch * self.steps_per_epoch

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.settings.epochs * self.steps_per_epoch

    def count(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Add one batch to the sums of the epoch.

        Args:
            loss: scalar, the batch's mean.
            logits: [B,K].
            labels: int64 [B].
        """
        self.loss_sum += loss.detach().to(self.loss_sum.dtype) * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum()
        self.seen += len(labels)
        self.step += 1

    def close_epoch(self, held_out_accuracy: float | None, learning_rate: float) -> EpochFigures:
        """Note the epoch's figures and start the sums anew. Raises Diverged, see mean_loss."""
        figures = EpochFigures(
            epoch=self.epoch + 1,
            loss=self.mean_loss(),
            accuracy=self.correct.item() / max(1, self.seen),
            held_out_accuracy=held_out_accuracy,
            learning_rate=learning_rate,
        )
        earlier = [past.held_out_accuracy or 0.0 for past in self.history]
        self.history.append(figures)
        if held_out_accuracy is not None and held_out_accuracy > max(earlier, default=-1.0):
            self.best_epoch = figures.epoch
        self.loss_sum.zero_()
        self.correct.zero_()
        self.seen = 0
        return figures

    def mean_loss(self) -> float:
        """Of the epoch under way. Raises Diverged where it is not a finite number."""
        loss = self.loss_sum.item() / max(1, self.seen)
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is not a number since epoch {self.epoch + 1}")
        return loss

    def check_weights(self) -> None:
        """Raise Diverged where a weight is not a finite number, which no loss shows when the last step made it so."""
        if not all(bool(torch.isfinite(value).all()) for value in self.network.state_dict().values()):
            raise self._diverged(f"weights are not numbers after epoch {self.epoch}")

    def _diverged(self, what: str) -> Diverged:
        rate = self.optimizer.param_groups[0]["lr"]
        return Diverged(
            f"{what}, at a learning rate of {rate:g}: the training went astray; expected finite numbers; lower the "
            "learning rate, and leave precision at float32"
        )

    def spent(self) -> float:
        """Seconds in all calls; those that a killed process did not save are not in it."""
        return self.seconds + time.monotonic() - self.started

    def save(self, path: Path) -> None:
        """Write the state; a reader sees the old file or the new one."""
        state = {
            "identity": self.identity,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "history": [asdict(epoch) for epoch in self.history],
            "best_epoch": self.best_epoch,
            "seen": self.seen,
            "loss_sum": self.loss_sum,
            "correct": self.correct,
            "seconds": self.spent(),
        }
        with replacing(path) as temporary, open(temporary, "wb") as file:  # to a path, torch hides why it cannot write
            torch.save(state, file)

    def restore(self, path: Path) -> bool:
        """Resume from `path`; False where there is none.

        Raises:
            ValueError: it is corrupt or another run's.
            UnreadableFile, MemoryError: it may be whole, and cannot be read now.
        """
        if not path.exists():
            return False
        try:
            state: dict[str, Any] = load_torch(path, self.device)
            if state["identity"] != self.identity:
                raise ValueError("it belongs to another run")
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = int(state["step"])
            self.history = [EpochFigures(**epoch) for epoch in state["history"]]
            self.best_epoch = int(state["best_epoch"])
            self.seen = int(state["seen"])
            self.seconds = float(state["seconds"])
            self.loss_sum.copy_(state["loss_sum"])
            self.correct.copy_(state["correct"])
        except Exception as error:  # torch raises half a dozen unrelated classes for damaged and foreign files
            if isinstance(error, UnreadableFile) or is_out_of_memory(error):
                raise  # the file is as good as before
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            raise ValueError(f"{path} cannot be resumed ({reason}); delete it to train from the start") from error
        return True
