"""A LoRA training between two steps, kept on disk so that it goes on exactly where it stopped.

Reads and writes one .pt file, whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...evaluation.disk_errors import UnreadableFile
from ...evaluation.files import replacing
from ...evaluation.memory_errors import is_out_of_memory
from ...evaluation.torch_files import load_torch
from ...evaluation.training.state import Diverged
from .adapter import LoraLayer


def state_path(folder: Path, identity: Mapping[str, Any]) -> Path:
    """The file of an unfinished training in `folder`; each identity has its own."""
    digest = hashlib.blake2b(json.dumps(dict(identity), sort_keys=True).encode(), digest_size=5).hexdigest()
    return folder / f"unfinished-{digest}.pt"


@dataclass
class LoraState:
    """A training between two steps.

    Args:
        layers: by the name of the module; on the device that trains.
        optimizer: of the layers' parameters.
        generator: of order, timesteps and noise; on the CPU, so that every device draws the same.
        is_whole: not while the optimizer changes the weights.
        loss_before: over the fixed pairs, before the first step; None until it is measured.
        losses: of each step done.
        seconds: of each step done.
        batches: of the epoch under way, those done too.
    """

    layers: Mapping[str, LoraLayer]
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    loss_before: float | None = None
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    batches: list[tuple[int, ...]] = field(default_factory=list)
    is_whole: bool = True
    _drawn: torch.Tensor = field(init=False)  # the generator after the last whole step: one cut short has drawn more

    def __post_init__(self) -> None:
        self._drawn = self.generator.get_state()

    def count(self, loss: float, seconds: float) -> None:
        """Note a step that is done; from here the training can go on."""
        self.losses.append(loss)
        self.seconds.append(seconds)
        self._drawn = self.generator.get_state()
        self.is_whole = True

    @property
    def step(self) -> int:
        """Steps done since the training's start, in earlier calls too."""
        return len(self.losses)

    def check_weights(self) -> None:
        """Raise Diverged where a weight is not a finite number, which no loss shows when the last step made it so."""
        for name, layer in self.layers.items():
            if not all(bool(torch.isfinite(weight).all()) for weight in layer.parameters()):
                rate = self.optimizer.param_groups[0]["lr"]
                raise diverged(f"weights of {name} are not finite after step {self.step}", rate)

    def save(self, path: Path) -> None:
        """Write the state after the last step; a reader sees the old file or the new one.

        Nothing is written before the first step, nor where the optimizer was cut short: the file before it stays.

        Raises:
            Diverged: a weight is not a finite number; nothing is written.
            OSError, RuntimeError: the disk does not take it (torch names a full disk a RuntimeError).
        """
        if not self.is_whole or not self.step:
            return
        self.check_weights()
        state = {
            "layers": {name: layer.state_dict() for name, layer in self.layers.items()},
            "optimizer": self.optimizer.state_dict(),
            "generator": self._drawn,
            "loss_before": self.loss_before,
            "losses": self.losses,
            "seconds": self.seconds,
            "batches": self.batches,
        }
        with replacing(path) as temporary:
            torch.save(state, temporary)

    def restore(self, path: Path) -> bool:
        """Go on from `path`; False where there is none.

        Raises:
            ValueError: it is corrupt or another training's.
            UnreadableFile, MemoryError: it may be whole, and cannot be read now.
        """
        if not path.exists():
            return False
        try:
            state: dict[str, Any] = load_torch(path)
            if state["layers"].keys() != self.layers.keys():
                raise ValueError("it belongs to another model")
            for name, layer in self.layers.items():
                layer.load_state_dict(state["layers"][name])
            self.optimizer.load_state_dict(state["optimizer"])
            self._drawn = state["generator"]
            self.generator.set_state(self._drawn)
            self.loss_before = float(state["loss_before"])
            self.losses = [float(loss) for loss in state["losses"]]
            self.seconds = [float(spent) for spent in state["seconds"]]
            self.batches = [tuple(batch) for batch in state["batches"]]
        except Exception as error:  # torch raises half a dozen unrelated classes for damaged and foreign files
            if isinstance(error, UnreadableFile) or is_out_of_memory(error):
                raise  # the file is as good as before
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            raise ValueError(f"{path} cannot be resumed ({reason}); delete it to train from the start") from error
        return True


def diverged(what: str, rate: float) -> Diverged:
    """The error of a training whose numbers are not finite any more."""
    return Diverged(
        f"{what}, at a learning rate of {rate:g}: the training went astray, and nothing of it is kept; expected finite "
        "numbers; lower learning_rate, or alpha, and queue again"
    )
