"""The training loop of a LoRA: squared error on cached latents, Adafactor, bf16 autocast.

Reads and writes nothing; knows the model only as a function from (pictures, timesteps, noise) to what it says and what
is true.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F

from ...evaluation.chunks import chunks
from ...evaluation.progress import Progress
from ...evaluation.training.state import Diverged
from .buckets import epoch_batches, steps_per_epoch
from .settings import LoraSettings
from .state import LoraState, diverged

TIMESTEPS = 1000  # of the schedule that SD 1.x and SDXL were trained on
PAIRS = 32  # (timestep, noise) pairs of the probe: one in every 31 timesteps
SAVE_SECONDS = 60.0  # how much work a killed process can lose
FAR_WORSE = 1.5  # times the loss of the fixed pairs before: a LoRA that learnt something lowers it


class Denoiser(Protocol):
    """A model with its training pictures."""

    device: torch.device

    def name(self, picture: int) -> str:
        """What people call the picture."""

    def noise_like(self, picture: int, generator: torch.Generator) -> torch.Tensor:
        """Standard normal noise [C,h,w] of the picture's latent shape, drawn on the CPU."""

    def predict(
        self, pictures: Sequence[int], timesteps: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the model says of the noised latents, and the truth: both [B,C,h,w], float32, on `device`."""


@dataclass(frozen=True)
class History:
    """What a training did.

    Args:
        losses: mean squared error of each step.
        steps_per_epoch: steps of one epoch.
        loss_before, loss_after: mean over a fixed set of 32 (timestep, noise) pairs.
        seconds_per_step: median.
    """

    losses: tuple[float, ...]
    steps_per_epoch: int
    loss_before: float
    loss_after: float
    seconds_per_step: float

    def epoch_losses(self) -> list[float]:
        """The mean loss of each epoch; of one under way, of its steps so far."""
        return [statistics.fmean(losses) for losses in chunks(self.losses, self.steps_per_epoch)]

    def warnings(self) -> list[str]:
        """What a user of the LoRA has to know."""
        if self.loss_after <= FAR_WORSE * self.loss_before:
            return []
        return [
            f"the loss over {PAIRS} fixed pairs rose from {self.loss_before:.4g} to {self.loss_after:.4g}, "
            f"{self.loss_after / self.loss_before:.1f} times: the model is far worse with this LoRA than without; "
            "lower learning_rate, or alpha, and train under a new name"
        ]


def adafactor(parameters: Sequence[torch.nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """transformers' Adafactor (Shazeer and Stern 2018, arXiv:1804.04235) at a fixed rate.

    Its defaults ignore the rate that it is given; all three switches have to be off.

    Raises:
        ImportError: transformers is missing.
    """
    try:
        from transformers.optimization import Adafactor
    except ImportError as error:
        raise ImportError(
            f"LoRA Training needs transformers ({error}); install it with: pip install 'transformers>=4.50'"
        ) from error
    make: Callable[..., torch.optim.Optimizer] = Adafactor
    return make(parameters, lr=learning_rate, relative_step=False, scale_parameter=False, warmup_init=False)


def train(
    model: Denoiser,
    state: LoraState,
    sizes: Sequence[tuple[int, int]],
    settings: LoraSettings,
    *,
    save: Callable[[], None] | None = None,
    progress: Progress | None = None,
) -> History:
    """Train the layers of `state` in place, from where it stands to the end.

    Args:
        model: with the layers attached.
        state: new, or restored.
        sizes: each picture's bucket.
        settings: see LoraSettings.
        save: writes the state; called once a minute and when anything stops the training.
        progress: called as progress(step, total) after each step; may raise to stop.

    Raises:
        Diverged: the loss or a weight is not a finite number any more.
        ValueError: the model gives none from the start.
    """
    epoch_steps = steps_per_epoch(sizes, settings.batch_size)
    if state.loss_before is None:
        state.loss_before = probe_loss(model, sizes, settings.batch_size)
        if not math.isfinite(state.loss_before):
            raise ValueError(
                f"model gives a loss of {state.loss_before} before anything is trained; expected a finite number; load "
                "the checkpoint in another precision, or take one that makes whole pictures"
            )
    saved = time.monotonic()
    try:
        while state.step < epoch_steps * settings.epochs:
            position = state.step % epoch_steps
            if position == 0:
                state.batches = epoch_batches(sizes, settings.batch_size, state.generator)
            _step(model, state, state.batches[position], state.step // epoch_steps + 1, settings.learning_rate)
            if save and time.monotonic() - saved > SAVE_SECONDS:
                save()
                saved = time.monotonic()
            if progress:
                progress(state.step, epoch_steps * settings.epochs)
    except Diverged:
        raise
    except BaseException:  # an interrupt need be no Exception; ComfyUI's comes in the middle of a step too
        if save:
            save()
        raise
    state.check_weights()
    after = probe_loss(model, sizes, settings.batch_size)
    if not math.isfinite(after):
        raise diverged(f"the loss of the fixed pairs is {after} after step {state.step}", settings.learning_rate)
    seconds = sorted(state.seconds)[len(state.seconds) // 2]
    return History(tuple(state.losses), epoch_steps, state.loss_before, after, seconds)


def _step(model: Denoiser, state: LoraState, batch: Sequence[int], epoch: int, learning_rate: float) -> None:
    started = time.perf_counter()
    timesteps = torch.randint(TIMESTEPS, (len(batch),), generator=state.generator)  # (B,)
    noise = torch.stack([model.noise_like(picture, state.generator) for picture in batch])  # (B, C, h, w)
    with torch.autocast(model.device.type, dtype=torch.bfloat16):
        predicted, true = model.predict(batch, timesteps, noise.to(model.device))  # (B, C, h, w) each
    loss = F.mse_loss(predicted.float(), true)
    value = loss.item()
    if not math.isfinite(value):
        names = ", ".join(model.name(picture) for picture in batch[:5])
        pictures = f"{names} and {len(batch) - 5} more" if len(batch) > 5 else names
        raise diverged(f"the loss of step {state.step + 1}, epoch {epoch}, is {value} (of {pictures})", learning_rate)
    loss.backward()  # type: ignore[no-untyped-call]
    state.is_whole = False
    state.optimizer.step()
    state.optimizer.zero_grad(set_to_none=True)
    state.count(value, time.perf_counter() - started)


def probe_loss(model: Denoiser, sizes: Sequence[tuple[int, int]], batch_size: int) -> float:
    """The mean loss over 32 fixed (timestep, noise) pairs, spread over the schedule and the pictures.

    The loss of a step depends far more on its timesteps than on what was learnt; this one compares.
    """
    generator = torch.Generator().manual_seed(0)
    pairs = []
    for k in range(PAIRS):
        picture = k * len(sizes) // PAIRS
        pairs.append((picture, (2 * k + 1) * TIMESTEPS // (2 * PAIRS), model.noise_like(picture, generator)))
    total = 0.0
    for size in sorted(set(sizes)):  # only pictures of one bucket make a batch
        members = [pair for pair in pairs if sizes[pair[0]] == size]
        for batch in chunks(members, batch_size):
            pictures, timesteps, noises = zip(*batch, strict=True)
            noise = torch.stack(noises).to(model.device)  # (B, C, h, w)
            with torch.no_grad(), torch.autocast(model.device.type, dtype=torch.bfloat16):
                predicted, true = model.predict(pictures, torch.tensor(timesteps), noise)
            total += F.mse_loss(predicted.float(), true).item() * len(pictures)
    return total / PAIRS
