"""A training run between its steps: what it has learnt and reached, kept so that it can go on exactly.

Reads and writes: <folder>/state.pt, whole or not at all.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..files import replacing

log = logging.getLogger("hyponet")

BEAT_SECONDS = 0.2  # how often the watcher hears of a run: bounds how long an interrupt waits
SAVE_SECONDS = 60.0  # how much work a killed process can lose


class Diverged(ValueError):
    """The loss or a weight is not a finite number any more."""


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: mean loss and accuracy over its training batches as they were shown, and what was held out."""

    epoch: int
    loss: float
    accuracy: float
    held_out_accuracy: float | None
    learning_rate: float


@dataclass(frozen=True)
class Moment:
    """Where a run stands now. `step` counts from the run's start, also across resumes."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float
    seconds_left: float

    def text(self) -> str:
        """One line for a person who waits."""
        left = int(self.seconds_left)
        return (
            f"epoch {self.epoch}/{self.epochs}, step {self.step}/{self.steps}\n"
            f"loss {self.loss:.4f}, training accuracy {100 * self.accuracy:.1f} %\n"
            f"{self.images_per_second:.0f} images/s, {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left"
        )


Watch = Callable[[Moment], None]


@dataclass
class Run:
    """The changing state of a run.

    `loss_sum`, `correct` and `seen` belong to the epoch under way and stay on the training device, so that no step
    waits for them. `seconds` were spent in earlier calls, and this one's count from `begun`.
    """

    identity: str
    network: nn.Module
    optimizer: torch.optim.Optimizer
    device: torch.device
    step: int = 0
    history: list[EpochRecord] = field(default_factory=list)
    best_epoch: int = 0
    seen: int = 0
    seconds: float = 0.0
    begun: float = field(default_factory=time.monotonic)
    loss_sum: torch.Tensor = field(init=False)
    correct: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        wide = torch.float32 if self.device.type == "mps" else torch.float64  # Apple's GPUs have no float64
        self.loss_sum = torch.zeros((), dtype=wide, device=self.device)
        self.correct = torch.zeros((), dtype=torch.int64, device=self.device)

    def count(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Add one batch to the sums of the epoch."""
        self.loss_sum += loss.detach().to(self.loss_sum.dtype) * len(labels)
        self.correct += (logits.detach().argmax(1) == labels).sum()
        self.seen += len(labels)
        self.step += 1

    def close_epoch(self, held_out_accuracy: float | None, learning_rate: float) -> EpochRecord:
        """Write the epoch's record and start the sums anew. Raises Diverged, see mean_loss."""
        seen = max(1, self.seen)
        record = EpochRecord(
            epoch=len(self.history) + 1,
            loss=self.mean_loss(),
            accuracy=self.correct.item() / seen,
            held_out_accuracy=held_out_accuracy,
            learning_rate=learning_rate,
        )
        self.history.append(record)
        earlier = [past.held_out_accuracy or 0.0 for past in self.history[:-1]]
        if held_out_accuracy is not None and held_out_accuracy > max(earlier, default=-1.0):
            self.best_epoch = record.epoch
        self.loss_sum.zero_()
        self.correct.zero_()
        self.seen = 0
        return record

    def mean_loss(self) -> float:
        """Of the epoch under way. Raises Diverged where it is not a finite number."""
        loss = self.loss_sum.item() / max(1, self.seen)
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is not a number since epoch {len(self.history) + 1}")
        return loss

    def check_weights(self) -> None:
        """Raise Diverged where a weight is not a finite number, which no loss shows when the last step made it so."""
        if not all(bool(torch.isfinite(value).all()) for value in self.network.state_dict().values()):
            raise self._diverged(f"weights are not numbers after epoch {len(self.history)}")

    def _diverged(self, what: str) -> Diverged:
        rate = self.optimizer.param_groups[0]["lr"]
        return Diverged(
            f"{what}, at a learning rate of {rate:g}: the training went astray; expected finite numbers; lower the "
            "learning rate, and leave precision at float32"
        )

    def spent(self) -> float:
        """Seconds in all calls; those that a killed process did not save are not in it."""
        return self.seconds + time.monotonic() - self.begun

    def save(self, path: Path) -> None:
        """Write the state; a reader sees the old file or the new one."""
        state = {
            "identity": self.identity,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "history": [asdict(record) for record in self.history],
            "best_epoch": self.best_epoch,
            "seen": self.seen,
            "loss_sum": self.loss_sum,
            "correct": self.correct,
            "seconds": self.spent(),
        }
        with replacing(path) as temporary:
            torch.save(state, temporary)

    def restore(self, path: Path) -> bool:
        """Go on from `path`; False where there is none. Raises ValueError where it is damaged or another run's."""
        if not path.exists():
            return False
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
            if state["identity"] != self.identity:
                raise ValueError("it belongs to another run")
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
        except Exception as error:  # torch raises half a dozen unrelated classes for damaged and foreign files
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            raise ValueError(f"{path} cannot be resumed ({reason}); delete it to train from the start") from error
        self.step = int(state["step"])
        self.history = [EpochRecord(**record) for record in state["history"]]
        self.best_epoch = int(state["best_epoch"])
        self.seen = int(state["seen"])
        self.seconds = float(state.get("seconds", 0.0))
        self.loss_sum.copy_(state["loss_sum"])
        self.correct.copy_(state["correct"])
        return True


class Pulse:
    """Tells the watcher where the run stands, at most every BEAT_SECONDS; what the watcher raises stops the run.

    A beat reads the loss, and so raises Diverged soon after it is not a number any more.

    On a CPU a step can take seconds (batch 32 at 224 pixels), so the convolutions beat as well, forwards and
    backwards. The rate leaves out what came before the first step.
    """

    def __init__(self, run: Run, watch: Watch | None, epochs: int, steps_per_epoch: int, batch_size: int) -> None:
        self.stopped = False
        self._run = run
        self._watch = watch
        self._epochs = epochs
        self._steps = epochs * steps_per_epoch
        self._steps_per_epoch = steps_per_epoch
        self._batch_size = batch_size
        self._begun = self._last = time.monotonic()
        self._first_step = run.step
        self._hooks = [
            module.register_forward_hook(self._after_layer)
            for module in run.network.modules()
            if watch is not None and run.device.type == "cpu" and isinstance(module, nn.Conv2d)
        ]

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()

    def _after_layer(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        self.beat()
        if output.requires_grad:
            output.register_hook(lambda gradient: self.beat())  # type: ignore[no-untyped-call]

    def beat(self, now: bool = False) -> None:
        """Tell the watcher, if it is time or `now`."""
        moment = time.monotonic()
        if self._watch is None or (not now and moment - self._last < BEAT_SECONDS):
            return
        self._last = moment
        state = self._moment(moment)
        try:
            self._watch(state)
        except Exception:
            self.stopped = True
            raise

    def _moment(self, now: float) -> Moment:
        run = self._run
        done = run.step - self._first_step
        rate = done / max(1e-9, now - self._begun)
        fresh = run.seen > 0 or not run.history
        return Moment(
            epoch=min(self._epochs, run.step // self._steps_per_epoch + 1),
            epochs=self._epochs,
            step=run.step,
            steps=self._steps,
            loss=run.mean_loss() if fresh else run.history[-1].loss,
            accuracy=run.correct.item() / max(1, run.seen) if fresh else run.history[-1].accuracy,
            images_per_second=rate * self._batch_size,
            seconds_left=(self._steps - run.step) / rate if rate else 0.0,
        )
