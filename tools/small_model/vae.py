"""The autoencoder: TAESD's shape, 64 px pictures to 8x8x4 latents.

Reads pictures; writes vae.safetensors (keys as in a checkpoint's first_stage_model, latent_std in the metadata), its
training's state beside it, and latents.safetensors.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .data import Pictures, doubled
from .engine import new_vae
from .state import append_row, load_state, save_state, write_whole

log = logging.getLogger("hyponet")

SCALE_FACTOR = 0.18215  # ComfyUI's for SD 1.x
HEADER = "pictures,loss,psnr,seconds"


@dataclass(frozen=True, slots=True)
class VaeSettings:
    """Args:
    steps: of `batch` pictures; the rate falls to 0 over them on a cosine.
    freeze_encoder: train the decoder alone; latents, and a UNet trained on them, stay valid.
    """

    steps: int = 4000
    batch: int = 16
    rate: float = 1e-3
    seed: int = 0
    freeze_encoder: bool = False
    save_seconds: float = 600
    log_every: int = 50


def train_vae(pictures: Pictures, folder: Path, settings: VaeSettings, start: Path | None = None) -> None:
    """Train until `settings.steps`, going on from `folder`/vae_state.pt if it is there, else from `start`."""
    vae = new_vae(torch.Generator().manual_seed(settings.seed)).train()
    if start is not None:
        vae.load_state_dict(_named(load_file(start)), strict=False)
    vae.to(memory_format=torch.channels_last)
    trained = list(vae.taesd_decoder.parameters())
    if not settings.freeze_encoder:
        trained += list(vae.taesd_encoder.parameters())
    optimizer = torch.optim.AdamW(trained, lr=settings.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    first_step, state_path = 0, folder / "vae_state.pt"
    if state_path.exists():
        state = load_state(state_path)
        vae.load_state_dict(state["vae"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first_step = state["step"]
    began = saved = time.monotonic()
    for step in range(first_step, settings.steps):
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
        chosen = torch.randint(len(pictures.images), (settings.batch,), generator=generator)
        images = doubled(pictures.images[chosen])
        flipped = torch.rand(settings.batch, generator=generator) < 0.5
        images = torch.where(flipped[:, None, None, None], images.flip(3), images)
        loss, error = vae_loss(vae, images, generator, settings.freeze_encoder)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % settings.log_every == 0:
            psnr = float(-10 * torch.log10(error))
            row = f"{(step + 1) * settings.batch},{float(loss):.5f},{psnr:.2f},{time.monotonic() - began:.0f}"
            append_row(folder / "vae_curve.csv", HEADER, row)
            log.info("vae %s", row)
        if time.monotonic() - saved > settings.save_seconds or step + 1 == settings.steps:
            parts = {"vae": vae, "optimizer": optimizer, "schedule": schedule}
            save_state({name: part.state_dict() for name, part in parts.items()} | {"step": step + 1}, state_path)
            saved = time.monotonic()
    std = float(latents_of(vae, pictures.images[:: max(1, len(pictures.images) // 2000)])[0].float().std())
    weights = {name: weight.contiguous() for name, weight in vae.state_dict().items() if name.startswith("taesd_")}
    metadata = {"latent_std": f"{std:.6f}", "vae_scale": f"{SCALE_FACTOR * std:.6f}"}
    write_whole(folder / "vae.safetensors", lambda half: save_file(weights, half, metadata))


def vae_loss(vae: nn.Module, images: Tensor, generator: torch.Generator, is_frozen: bool) -> tuple[Tensor, Tensor]:
    """The loss and the mean squared error of a batch in 0..1: pixels, edges, and latents kept small."""
    with torch.autocast(images.device.type, torch.bfloat16):
        with torch.set_grad_enabled(not is_frozen):
            latents = vae.taesd_encoder(images)
        noise = torch.randn(latents.shape, generator=generator)
        decoded = vae.taesd_decoder(latents + 0.03 * noise)
    wrong = decoded.float() - images
    edges = wrong.diff(dim=2).square().mean() + wrong.diff(dim=3).square().mean()
    error = wrong.square().mean()
    small = 1e-4 * latents.float().square().mean()
    return error + 0.1 * wrong.abs().mean() + 0.25 * edges + small, error.detach()


def read_vae(path: Path) -> tuple[nn.Module, float]:
    """The autoencoder and the standard deviation of its latents."""
    vae = new_vae(torch.Generator()).eval().requires_grad_(False)
    vae.load_state_dict(_named(load_file(path)), strict=False)
    with safe_open(path, "pt") as file:
        std = float(file.metadata()["vae_scale"]) / SCALE_FACTOR
    return vae.to(memory_format=torch.channels_last), std


def _named(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: weight.float() for name, weight in weights.items() if name.startswith("taesd_")}


@torch.no_grad()
def latents_of(vae: nn.Module, images: Tensor, batch: int = 100) -> Tensor:
    """What the encoder makes of (N, 32, 32, 3) uint8 pictures and of their mirror images.  # (2, N, 4, 8, 8) float16"""
    both: tuple[list[Tensor], list[Tensor]] = ([], [])
    for start in range(0, len(images), batch):
        enlarged = doubled(images[start : start + batch]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            for latents, planes in zip(both, (enlarged, enlarged.flip(3)), strict=True):
                latents.append(vae.taesd_encoder(planes).half().contiguous())
        if start % 5000 == 0:
            log.info("latents of %d pictures", start)
    return torch.stack([torch.cat(latents) for latents in both])


def read_latents(vae: nn.Module, pictures: Pictures, path: Path) -> Tensor:
    """The latents of all pictures, kept in `path`; (2, N, 4, 8, 8)."""
    if not path.exists():
        latents = latents_of(vae, pictures.images)
        write_whole(path, lambda half: save_file({"latents": latents}, half))
    return load_file(path)["latents"]


@torch.no_grad()
def decode(vae: nn.Module, latents: Tensor) -> Tensor:
    """Raw latents (not divided by their deviation) to (B, 64, 64, 3) uint8."""
    with torch.autocast("cpu", torch.bfloat16):
        planes = vae.taesd_decoder(latents.float())
    return (planes.float().clamp(0, 1) * 255).byte().permute(0, 2, 3, 1)
