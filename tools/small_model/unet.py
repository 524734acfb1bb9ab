"""Training of the UNet: noise prediction on SD's own schedule.

Reads latents, captions and their classes and colours; writes state.pt (weights, mean weights, optimizers, step) and
curve.csv. A step depends on the seed, its number and the kind of device alone, so a restart goes on as if nothing had
happened.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .engine import new_unet, sampling_sigmas
from .muon import Muon
from .state import append_row, deciding, resumed_state, save_state
from .text_table import Context

log = logging.getLogger("hyponet")

HEADER = "step,pictures,loss,pictures_per_second"
JITTER = 0.3  # captions whose nouns get a fresh row
OUTER = ("time_embed.", "input_blocks.0.", "out.")  # AdamW's, with everything of one dimension; the rest is Muon's


@dataclass(frozen=True, slots=True)
class UnetSettings:
    """Args:
    steps: of `batch` pictures; after a warm-up the rates are constant for half of them, then fall to 0 on a line.
    mean_decay: the mean weights keep this share of themselves at every step, less at the start.
    """

    steps: int = 7152
    batch: int = 512
    muon_rate: float = 0.02
    adam_rate: float = 1e-3
    warm_up: int = 100
    mean_decay: float = 0.9995
    seed: int = 0
    save_seconds: float = 300
    log_every: int = 50


@dataclass(frozen=True, slots=True)
class Examples:
    """All on one device.

    Args:
        latents: (2, N, 4, 8, 8) float16, mirror images in the second; in the UNet's scale.
        pairs: (N,) int64, for each picture the number of its class and colour in captions.PAIRS.
        tokens, weights: (45, captions, 77) of the captions that fit each pair; see text_table.encode.
    """

    latents: Tensor
    pairs: Tensor
    tokens: Tensor
    weights: Tensor


class Trainer:
    """The UNet, its mean weights, the optimizers and the step, with their file."""

    def __init__(self, path: Path, settings: UnetSettings, device: str) -> None:
        """Go on from `path`; where there is none, from nothing. Raises ValueError: it is of other settings."""
        self.path, self.settings, self.device = path, settings, device
        self.unet = new_unet(torch.Generator().manual_seed(settings.seed))
        self.unet.to(device, memory_format=torch.channels_last).train()
        self.mean = copy.deepcopy(self.unet).eval().requires_grad_(False)
        named = list(self.unet.named_parameters())
        inner = {name for name, weight in named if weight.ndim > 1 and not name.startswith(OUTER)}
        self.muon = Muon([weight for name, weight in named if name in inner], settings.muon_rate)
        others = [weight for name, weight in named if name not in inner]
        self.adam = torch.optim.AdamW(others, lr=settings.adam_rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.levels = sampling_sigmas().to(device)
        self.step = 0
        state = resumed_state(path, settings)
        if state is not None:
            for name in ("unet", "mean", "muon", "adam"):
                getattr(self, name).load_state_dict(state[name])
            self.step = state["step"]

    def save(self) -> None:
        """Write the state, whole."""
        parts = {name: getattr(self, name).state_dict() for name in ("unet", "mean", "muon", "adam")}
        save_state(parts | {"step": self.step, "settings": deciding(self.settings)}, self.path)

    def rate(self) -> float:
        """The share of the full rates at this step."""
        left = 1 - self.step / self.settings.steps
        return min(1.0, (self.step + 1) / self.settings.warm_up) * min(1.0, 2 * left)

    def update(self, examples: Examples, context: Context) -> Tensor:
        """One step down the gradient of a batch's loss, which comes back."""
        settings = self.settings
        generator = torch.Generator(self.device).manual_seed(settings.seed * 1_000_003 + self.step)

        def drawn(limit: int) -> Tensor:
            return torch.randint(limit, (settings.batch,), device=self.device, generator=generator)

        chosen, mirrored, number = (drawn(limit) for limit in (len(examples.pairs), 2, examples.tokens.shape[1]))
        pair = examples.pairs[chosen]
        words = context(examples.tokens[pair, number], examples.weights[pair, number], JITTER, generator)
        latents = examples.latents[mirrored, chosen].float()
        loss = noise_loss(self.unet, latents, words, self.levels, generator)
        self.unet.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer, full in ((self.muon, settings.muon_rate), (self.adam, settings.adam_rate)):
            for group in optimizer.param_groups:
                group["lr"] = full * self.rate()
            optimizer.step()
        keep = min(settings.mean_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.mean.parameters()), list(self.unet.parameters()), 1 - keep)
        self.step += 1
        return loss.detach()


def noise_loss(unet: nn.Module, latents: Tensor, context: Tensor, levels: Tensor, generator: torch.Generator) -> Tensor:
    """Weighted squared error of the predicted noise, at noise levels about the one where classes take shape.

    Args:
        latents: (B, 4, 8, 8) of deviation 1.
        context: (B, 77, 768).
        levels: (1000,) sigmas of the schedule.
        generator: of the latents' device.
    """
    device = latents.device
    log_levels = -0.3 + 1.3 * torch.randn(len(latents), device=device, generator=generator)
    steps = (levels.log()[None] - log_levels[:, None]).abs().argmin(1)
    noise = torch.randn(latents.shape, device=device, generator=generator)
    sigma = levels[steps][:, None, None, None]
    noisy = (latents + sigma * noise) / (sigma**2 + 1).sqrt()
    with torch.autocast(device.type, torch.bfloat16):
        predicted = unet(noisy.contiguous(memory_format=torch.channels_last), steps.float(), context)
    wrong = (predicted.float() - noise).square().mean((1, 2, 3))
    return (wrong * (sigma.flatten() ** 2 + 1).clamp(max=16)).mean()


def train_unet(trainer: Trainer, examples: Examples, context: Context, is_stopped: Callable[[], bool]) -> bool:
    """Train to the settings' last step, or until `is_stopped` before one; whether the last was reached."""
    settings = trainer.settings
    saved = logged = time.monotonic()
    losses: list[Tensor] = []
    while trainer.step < settings.steps and not is_stopped():
        losses.append(trainer.update(examples, context))
        if trainer.step % settings.log_every == 0:
            loss, now = float(torch.stack(losses).mean()), time.monotonic()
            speed = len(losses) * settings.batch / (now - logged)
            row = f"{trainer.step},{trainer.step * settings.batch},{loss:.4f},{speed:.1f}"
            append_row(trainer.path.parent / "curve.csv", HEADER, row)
            log.info("%s = %s", HEADER, row)
            losses, logged = [], now
        if time.monotonic() - saved > settings.save_seconds:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
    return trainer.step >= settings.steps
