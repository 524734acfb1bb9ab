"""A VAE of another kind than SD's, as ComfyUI has them for newer models."""

from __future__ import annotations

import torch


class OtherVAE:
    """Draws each latent's mean, or what a VAE of something else than pictures gives.

    Args:
        ratio: pixels a side of a latent.
        channels: of its latents.
        video: takes a batch for the frames of one video.
        draws: "pictures", "sound", or "growing pictures", whose size is no multiple of the latent's.
    """

    def __init__(self, ratio, channels=4, video=False, draws="pictures"):
        self.ratio, self.latent_channels, self.video, self.draws, self.patcher = ratio, channels, video, draws, None

    def decode(self, latents):
        if latents.shape[1] != self.latent_channels:
            raise RuntimeError(f"expected input to have {self.latent_channels} channels, but got {latents.shape[1]}")
        if self.draws == "sound":
            return torch.zeros(latents.shape[0], 2048, 2)
        count, (height, width) = latents.shape[0], (side * self.ratio for side in latents.shape[-2:])
        if self.draws == "growing pictures" and height > 8 * self.ratio:
            height += 8
        pixels = latents.flatten(1).mean(1)[:, None, None, None].expand(count, height, width, 3).sigmoid()
        if self.video:
            return pixels[None]
        return pixels[:, None] if latents.ndim == 5 else pixels  # one frame each

    def encode(self, pixels):
        sides = [side // self.ratio for side in pixels.shape[1:3]]
        latents = pixels.mean((1, 2, 3))[:, None, None, None].expand(-1, self.latent_channels, *sides)
        return latents[:1] if self.video else latents  # a batch is the frames of one video, which share a latent
