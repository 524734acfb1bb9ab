"""Training of the UNet: noise prediction on SD's own schedule.

Reads latents, labels, captions and a first UNet (or makes one); writes state.pt (weights, mean weights, optimizers,
step), curve.csv and sheets of samples. A step depends on the seed and its number alone, so a restart goes on as if
nothing had happened.
"""

from __future__ import annotations

import copy
import logging
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from .captions import JITTER, Captions
from .engine import new_unet, sampling_sigmas
from .muon import Muon
from .state import append_row, load_state, save_state
from .text_table import Context

log = logging.getLogger("hyponet")

HEADER = "step,pictures,loss,pictures_per_second,pictures_per_cpu_second"


@dataclass(frozen=True, slots=True)
class UnetSettings:
    """Args:
    steps: stop at this step; 0 goes on until stopped.
    anneal: let the rates fall to 0 over the steps from where training began to `steps`.
    mean_decay: the mean weights keep this share of themselves at every step.
    workers: threads that take a part of each batch. On a busy machine this beats as many threads in every operation,
        which wait for each other a thousand times a step.
    is_compiled: let torch.compile fuse what it can; a minute at the start, a fifth of every step.
    """

    steps: int = 0
    batch: int = 64
    muon_rate: float = 0.02
    adam_rate: float = 1e-3
    warm_up: int = 50
    anneal: bool = False
    mean_decay: float = 0.999
    seed: int = 0
    workers: int = 2
    is_compiled: bool = False
    save_seconds: float = 480
    log_every: int = 10
    samples_every: int = 500


@dataclass(frozen=True, slots=True)
class Examples:
    """Args:
    latents: (2, N, 4, 8, 8), mirror images in the second; in the UNet's scale.
    labels, colours: for each of the N pictures its class and the name of its middle's colour.
    """

    latents: Tensor
    labels: tuple[str, ...]
    colours: tuple[str, ...]


class Trainer:
    """The UNet, its mean weights, the optimizers and the step, with their file."""

    def __init__(self, path: Path, settings: UnetSettings, start: Path | None, device: str) -> None:
        """Go on from `path`; where there is none, from the weights in `start`, or from nothing."""
        self.path, self.settings = path, settings
        self.unet = new_unet(torch.Generator().manual_seed(settings.seed))
        if start is not None and not path.exists():
            self.unet.load_state_dict({name: weight.float() for name, weight in load_file(start).items()})
        self.unet.to(device, memory_format=torch.channels_last).train()
        self.mean = copy.deepcopy(self.unet).eval().requires_grad_(False)
        by_muon, by_adam = split_parameters(self.unet)
        self.pool = ThreadPoolExecutor(settings.workers)
        self.muon = Muon(by_muon, settings.muon_rate, self.pool)
        self.adam = torch.optim.AdamW(by_adam, lr=settings.adam_rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.step = self.pictures = 0
        if path.exists():
            self._load()
        self.first_step = self.step
        self.is_stopped = False  # a signal may set it: the step in hand is finished, the state saved
        self.forward = torch.compile(self.unet) if settings.is_compiled else self.unet

    def _load(self) -> None:
        state = load_state(self.path)
        self.unet.load_state_dict(state["unet"])
        self.mean.load_state_dict(state["mean"])
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.step, self.pictures = state["step"], state["pictures"]

    def save(self) -> None:
        parts = {"unet": self.unet, "mean": self.mean, "muon": self.muon, "adam": self.adam}
        numbers = {"step": self.step, "pictures": self.pictures}
        save_state({name: part.state_dict() for name, part in parts.items()} | numbers, self.path)

    def rate(self) -> float:
        """The share of the full rates at this step."""
        warm = min(1.0, (self.step + 1) / self.settings.warm_up)
        if not self.settings.anneal:
            return warm
        return warm * (self.settings.steps - self.step) / (self.settings.steps - self.first_step)

    def update(self, latents: Tensor, context: Tensor) -> float:
        """One step down the gradient of a batch's loss, which comes back."""
        workers = self.settings.workers if self.step > self.first_step else 1  # the first step compiles
        parts = self.settings.workers
        device = next(self.unet.parameters()).device
        parameters = list(self.unet.parameters())

        def gradients(part: int) -> tuple[float, tuple[Tensor, ...]]:
            generator = torch.Generator().manual_seed((self.settings.seed * 1_000_003 + self.step) * 64 + part)
            share = (latents[part::parts].to(device), context[part::parts].to(device))
            loss = noise_loss(self.forward, *share, generator) / parts
            return float(loss.detach()), torch.autograd.grad(loss, parameters)

        results = list((self.pool.map if workers > 1 else map)(gradients, range(parts)))
        for parameter, *several in zip(parameters, *(gradient for _, gradient in results), strict=True):
            parameter.grad = sum(several[1:], several[0])
        for optimizer, full in ((self.muon, self.settings.muon_rate), (self.adam, self.settings.adam_rate)):
            for group in optimizer.param_groups:
                group["lr"] = full * self.rate()
            optimizer.step()
        self.step += 1
        self.pictures += self.settings.batch
        keep = min(self.settings.mean_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.mean.parameters()), parameters, 1 - keep)
        return sum(loss for loss, _ in results)


def split_parameters(unet: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
    """What Muon trains (inner matrices and convolutions) and what AdamW does (the rest)."""
    outer = ("time_embed.", "input_blocks.0.", "out.")
    named = list(unet.named_parameters())
    inner = {name for name, weight in named if weight.ndim > 1 and not name.startswith(outer)}
    return [weight for name, weight in named if name in inner], [w for name, w in named if name not in inner]


def noise_loss(unet: nn.Module, latents: Tensor, context: Tensor, generator: torch.Generator) -> Tensor:
    """Weighted squared error of the predicted noise, at noise levels about the one where classes take shape.

    Args:
        latents: (B, 4, 8, 8) of deviation 1.
        context: (B, 77, 768).
        generator: of the CPU, so that every device sees the same noise.
    """
    levels = sampling_sigmas()
    log_levels = -0.3 + 1.3 * torch.randn(len(latents), generator=generator)
    steps = (levels.log()[None] - log_levels[:, None]).abs().argmin(1)
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    sigma = levels[steps].to(latents.device)[:, None, None, None]
    noisy = (latents + sigma * noise) / (sigma**2 + 1).sqrt()
    with torch.autocast(latents.device.type, torch.bfloat16):
        predicted = unet(noisy.contiguous(memory_format=torch.channels_last), steps.to(latents.device).float(), context)
    wrong = (predicted.float() - noise).square().mean((1, 2, 3))
    return (wrong * (sigma.flatten() ** 2 + 1).clamp(max=16)).mean()


def batch_of(examples: Examples, captions: Captions, context: Context, settings: UnetSettings, step: int,
             generator: torch.Generator) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The latents and the context of a step: every picture once an epoch, in an order of the epoch's own."""
    count = len(examples.labels)
    per_epoch = count // settings.batch
    epoch, number = divmod(step, per_epoch)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(settings.seed * 1_000_003 + epoch))
    chosen = order[number * settings.batch : (number + 1) * settings.batch]
    mirrored = torch.randint(2, (settings.batch,), generator=generator)
    rng = random.Random(f"{settings.seed} {step}")
    texts = [captions.draw(examples.labels[index], examples.colours[index], rng) for index in chosen.tolist()]
    jitter = [rng.random() < JITTER for _ in texts]
    return examples.latents[mirrored, chosen].float(), context(texts, jitter, seed=step)


def stop_on_signals(trainer: Trainer) -> None:
    """Let Ctrl-C and SIGTERM end the training after the step in hand."""

    def stop(*_: object) -> None:
        trainer.is_stopped = True

    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, stop)


def train_unet(
    trainer: Trainer,
    examples: Examples,
    captions: Captions,
    context: Context,
    sample: Callable[[nn.Module, int], None],
) -> None:
    """Train until the settings' last step; `sample` draws with the mean weights now and then."""
    stop_on_signals(trainer)
    settings, folder = trainer.settings, trainer.path.parent
    saved = logged = time.monotonic()
    busy = time.process_time()
    losses: list[float] = []
    while not trainer.is_stopped and (not settings.steps or trainer.step < settings.steps):
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + trainer.step)
        latents, words = batch_of(examples, captions, context, settings, trainer.step, generator)
        losses.append(trainer.update(latents, words))
        if trainer.step % settings.log_every == 0:
            now = time.monotonic()
            pictures, mean = len(losses) * settings.batch, sum(losses) / len(losses)
            speeds = f"{pictures / (now - logged):.1f},{pictures / (time.process_time() - busy):.1f}"
            row = f"{trainer.step},{trainer.pictures},{mean:.4f},{speeds}"
            append_row(folder / "curve.csv", HEADER, row)
            log.info("%s = %s", HEADER, row)
            losses, logged, busy = [], now, time.process_time()
        if time.monotonic() - saved > settings.save_seconds:
            trainer.save()
            saved = time.monotonic()
        if trainer.step % settings.samples_every == 0:
            sample(trainer.mean, trainer.step)
            logged, busy = time.monotonic(), time.process_time()
    trainer.save()
    if not trainer.is_stopped:
        sample(trainer.mean, trainer.step)
