"""Pictures of the model, drawn without ComfyUI's nodes but with its sampler.

Reads a UNet, the autoencoder and the text table; writes contact sheets (PNG).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from .engine import sampling_sigmas
from .state import write_whole


class GuidedDenoiser:
    """The UNet as a k-diffusion model with classifier-free guidance: (x, sigma) -> x without its noise.

    Args:
        unet: predicts noise.
        positive, negative: (B, 77, 768).
        cfg: 1 leaves the negative out of account.
    """

    def __init__(self, unet: nn.Module, positive: Tensor, negative: Tensor, cfg: float) -> None:
        self.unet, self.cfg = unet, cfg
        self.context = torch.cat([positive, negative])
        self.log_sigmas = sampling_sigmas().to(positive.device).log()

    def __call__(self, x: Tensor, sigma: Tensor, **_: object) -> Tensor:
        time = (self.log_sigmas - sigma[0].log()).abs().argmin().float()
        scaled = (x / (sigma[0] ** 2 + 1).sqrt()).repeat(2, 1, 1, 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(x.device.type, torch.bfloat16):
            noise = self.unet(scaled, time.expand(len(scaled)), self.context).float()
        with_words, without = noise.chunk(2)
        return x - sigma[0] * (without + self.cfg * (with_words - without))


@torch.no_grad()
def draw(
    unet: nn.Module,
    positive: Tensor,
    negative: Tensor,
    cfg: float = 3.0,
    steps: int = 16,
    seed: int = 0,
    batch: int = 50,
) -> Tensor:
    """Latents, in the UNet's scale, by DPM++ 2M on Karras's spacing.  # (N, 4, 8, 8)

    Args:
        positive: (N, 77, 768), the context of each picture.
        negative: (1, 77, 768), of all.
    """
    from comfy.k_diffusion.sampling import get_sigmas_karras, sample_dpmpp_2m

    levels, device = sampling_sigmas(), positive.device
    sigmas = get_sigmas_karras(steps, float(levels[0]), float(levels[-1])).to(device)
    noise = torch.randn(len(positive), 4, 8, 8, generator=torch.Generator().manual_seed(seed)).to(device)
    latents = []
    for start in range(0, len(positive), batch):
        some = positive[start : start + batch]
        model = GuidedDenoiser(unet, some, negative.expand(len(some), -1, -1), cfg)
        latents.append(sample_dpmpp_2m(model, noise[start : start + batch] * sigmas[0], sigmas, disable=True))
    return torch.cat(latents)


def sheet(images: Tensor, path: Path, columns: int) -> None:
    """(N, 64, 64, 3) uint8 pictures, row by row, as one PNG."""
    rows = -(-len(images) // columns)
    page = np.full((rows * 66, columns * 66, 3), 255, np.uint8)
    for number, image in enumerate(images.numpy()):
        row, column = divmod(number, columns)
        page[row * 66 : row * 66 + 64, column * 66 : column * 66 + 64] = image
    write_whole(path, lambda half: Image.fromarray(page).save(half))
