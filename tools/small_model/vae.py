"""The autoencoder: TAESD's shape, 64 px pictures to 8x8x4 latents.

Reads pictures; writes vae.safetensors (keys as in a checkpoint's first_stage_model, latent_std and vae_scale in the
metadata), vae_state.pt while it trains, vae_curve.csv, and latents.safetensors.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .data import Pictures, doubled
from .engine import new_vae
from .state import append_row, deciding, resumed_state, save_state, write_whole

log = logging.getLogger("hyponet")

SCALE_FACTOR = 0.18215  # ComfyUI's for SD 1.x
HEADER = "pictures,loss,psnr"


@dataclass(frozen=True, slots=True)
class VaeSettings:
    """Args:
    steps: of `batch` pictures; after a warm-up the rate falls to 0 on a cosine.
    noise: added to the latents that the decoder sees, so that near latents make near pictures.
    """

    steps: int = 3096
    batch: int = 256
    rate: float = 1.5e-3
    warm_up: int = 100
    noise: float = 0.05
    seed: int = 0
    save_seconds: float = 300
    log_every: int = 50


def train_vae(
    pictures: Pictures, folder: Path, settings: VaeSettings, device: str, is_stopped: Callable[[], bool]
) -> None:
    """Train to the settings' last step, or until `is_stopped` before one, from `folder`/vae_state.pt if it is there.

    vae.safetensors is written after the last step.
    """
    vae = new_vae(torch.Generator().manual_seed(settings.seed)).train()
    vae.to(device, memory_format=torch.channels_last)
    trained = [*vae.taesd_encoder.parameters(), *vae.taesd_decoder.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=settings.rate, betas=(0.9, 0.99))
    images = pictures.images.to(device)
    step, state_path = 0, folder / "vae_state.pt"
    state = resumed_state(state_path, settings)
    if state is not None:
        vae.load_state_dict(state["vae"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]

    def save() -> None:
        parts = {"vae": vae.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        save_state(parts | {"settings": deciding(settings)}, state_path)

    saved = time.monotonic()
    while step < settings.steps and not is_stopped():
        generator = torch.Generator(device).manual_seed(settings.seed * 1_000_003 + step)
        chosen = torch.randint(len(images), (settings.batch,), device=device, generator=generator)
        batch = doubled(images[chosen])
        mirrored = torch.rand(settings.batch, device=device, generator=generator) < 0.5
        batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
        for group in optimizer.param_groups:
            cosine = 0.5 + 0.5 * math.cos(math.pi * step / settings.steps)
            group["lr"] = settings.rate * min(1, (step + 1) / settings.warm_up) * cosine
        loss, error = vae_loss(vae, batch, settings.noise, generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        step += 1
        if step % settings.log_every == 0:
            row = f"{step * settings.batch},{float(loss.detach()):.5f},{float(-10 * torch.log10(error)):.2f}"
            append_row(folder / "vae_curve.csv", HEADER, row)
            log.info("vae %s", row)
        if time.monotonic() - saved > settings.save_seconds:
            save()
            saved = time.monotonic()
    save()
    if step < settings.steps:
        return
    std = float(latents_of(vae.eval(), images).float().std())
    weights = {name: weight.contiguous() for name, weight in vae.state_dict().items() if name.startswith("taesd_")}
    metadata = {"latent_std": f"{std:.6f}", "vae_scale": f"{SCALE_FACTOR * std:.6f}"}
    write_whole(folder / "vae.safetensors", lambda half: save_file(weights, half, metadata))


def vae_loss(vae: nn.Module, images: Tensor, noise: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The loss and the mean squared error of a batch in 0..1: pixels, edges, latents small and of mean 0 a channel."""
    with torch.autocast(images.device.type, torch.bfloat16):
        latents = vae.taesd_encoder(images)
        drawn = torch.randn(latents.shape, device=images.device, generator=generator)
        decoded = vae.taesd_decoder(latents + noise * drawn)
    wrong, latents = decoded.float() - images, latents.float()
    error = wrong.square().mean()
    edges = wrong.diff(dim=2).square().mean() + wrong.diff(dim=3).square().mean()
    size, means = latents.square().mean(), latents.mean((0, 2, 3))
    loss = error + 0.1 * wrong.abs().mean() + 0.25 * edges + 2e-4 * size + 0.01 * means.square().sum()
    return loss, error.detach()


def read_vae(path: Path, device: str = "cpu") -> tuple[nn.Module, float]:
    """The autoencoder and the standard deviation of its latents."""
    vae = new_vae(torch.Generator()).eval().requires_grad_(False)
    vae.load_state_dict({name: weight.float() for name, weight in load_file(path).items()}, strict=False)
    with safe_open(path, "pt") as file:
        std = float(file.metadata()["latent_std"])
    return vae.to(device, memory_format=torch.channels_last), std


@torch.no_grad()
def latents_of(vae: nn.Module, images: Tensor, batch: int = 250) -> Tensor:
    """What the encoder makes of (N, 32, 32, 3) uint8 pictures and of their mirror images.  # (2, N, 4, 8, 8) float16"""
    both: tuple[list[Tensor], list[Tensor]] = ([], [])
    for start in range(0, len(images), batch):
        enlarged = doubled(images[start : start + batch])
        with torch.autocast(images.device.type, torch.bfloat16):
            for latents, planes in zip(both, (enlarged, enlarged.flip(3)), strict=True):
                latents.append(vae.taesd_encoder(planes).half().contiguous())
    return torch.stack([torch.cat(latents) for latents in both])


def read_latents(vae: nn.Module, images: Tensor, path: Path) -> Tensor:
    """The latents of all pictures, (2, N, 4, 8, 8) float16; kept in `path` for this autoencoder and these pictures."""
    digest = hashlib.blake2b(digest_size=16)
    for tensor in (*vae.state_dict().values(), images):
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    origin = digest.hexdigest()
    if path.exists():
        with safe_open(path, "pt") as file:
            if (file.metadata() or {}).get("origin") == origin:
                latents: Tensor = file.get_tensor("latents")
                return latents
    made = latents_of(vae, images).cpu()
    write_whole(path, lambda half: save_file({"latents": made}, half, {"origin": origin}))
    return made


@torch.no_grad()
def decode(vae: nn.Module, latents: Tensor) -> Tensor:
    """Raw latents (not divided by their deviation) to (B, 64, 64, 3) uint8 on the CPU."""
    with torch.autocast(latents.device.type, torch.bfloat16):
        planes = vae.taesd_decoder(latents.float())
    return (planes.float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu()
