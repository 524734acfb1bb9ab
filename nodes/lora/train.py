"""The training loop of a LoRA: noise prediction on cached latents (Ho et al. 2020, eq. 14), Adafactor, bf16 autocast.

Reads and writes nothing; knows the model only as a function from (pictures, timesteps, noise) to predicted noise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F

from ...evaluation.chunks import chunks
from ...evaluation.progress import Progress
from .adapter import LoraLayer
from .buckets import epoch_batches, steps_per_epoch
from .settings import LoraSettings

TIMESTEPS = 1000  # of the schedule that SD 1.x and SDXL were trained on
PAIRS = 32  # (timestep, noise) pairs of the probe: one in every 31 timesteps
SaveEpoch = Callable[[int, int], None]


class Denoiser(Protocol):
    """A model with its training pictures."""

    device: torch.device

    def noise_like(self, picture: int, generator: torch.Generator) -> torch.Tensor:
        """Standard normal noise [C,h,w] of the picture's latent shape, drawn on the CPU."""

    def predict(self, pictures: Sequence[int], timesteps: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """The noise [B,C,h,w] that the model sees in the noised latents; float32, on `device`."""


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
        """The mean loss of each epoch."""
        steps = self.steps_per_epoch
        return [sum(self.losses[i : i + steps]) / steps for i in range(0, len(self.losses), steps)]


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
            f"Train LoRA needs transformers ({error}); install it with: pip install 'transformers>=4.50'"
        ) from error
    make: Callable[..., torch.optim.Optimizer] = Adafactor
    return make(parameters, lr=learning_rate, relative_step=False, scale_parameter=False, warmup_init=False)


def train(
    model: Denoiser,
    layers: Sequence[LoraLayer],
    sizes: Sequence[tuple[int, int]],
    settings: LoraSettings,
    generator: torch.Generator,
    *,
    save_epoch: SaveEpoch | None = None,
    progress: Progress | None = None,
) -> History:
    """Train the layers in place.

    Args:
        model: with `layers` attached.
        layers: on `model.device`.
        sizes: each picture's bucket.
        settings: see LoraSettings.
        generator: of order, timesteps and noise; on the CPU, so that every device draws the same.
        save_epoch: called as save_epoch(epoch, step) after each epoch, counted from 1.
        progress: called as progress(step, total) after each step; may raise to stop.
    """
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    optimizer = adafactor(parameters, settings.learning_rate)
    epoch_steps = steps_per_epoch(sizes, settings.batch_size)
    before = probe_loss(model, sizes, settings.batch_size)
    losses: list[float] = []
    seconds: list[float] = []
    for epoch in range(1, settings.epochs + 1):
        for batch in epoch_batches(sizes, settings.batch_size, generator):
            started = time.perf_counter()
            timesteps = torch.randint(TIMESTEPS, (len(batch),), generator=generator)  # (B,)
            noise = torch.stack([model.noise_like(picture, generator) for picture in batch])  # (B, C, h, w)
            noise = noise.to(model.device)
            with torch.autocast(model.device.type, dtype=torch.bfloat16):
                predicted = model.predict(batch, timesteps, noise)  # (B, C, h, w)
            loss = F.mse_loss(predicted.float(), noise)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
            seconds.append(time.perf_counter() - started)
            if progress:
                progress(len(losses), epoch_steps * settings.epochs)
        if save_epoch:
            save_epoch(epoch, len(losses))
    after = probe_loss(model, sizes, settings.batch_size)
    return History(tuple(losses), epoch_steps, before, after, sorted(seconds)[len(seconds) // 2])


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
            noise = torch.stack(noises).to(model.device)
            with torch.no_grad(), torch.autocast(model.device.type, dtype=torch.bfloat16):
                predicted = model.predict(pictures, torch.tensor(timesteps), noise)
            total += F.mse_loss(predicted.float(), noise).item() * len(pictures)
    return total / PAIRS
