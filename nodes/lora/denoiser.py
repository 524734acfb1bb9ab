"""A loaded UNet as a training asks it: what it says of noised latents, and what is true.

Knows ComfyUI's model by its apply_model and its sigmas alone. ComfyUI's sigma s is noise over signal: with
alpha = 1 / sqrt(1 + s^2) and beta = s / sqrt(1 + s^2) the UNet sees alpha x + beta e.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch

from ..sampling.conditioning import repeat_to_common_length
from .examples import Example
from .settings import LoraSettings

EPSILON, V = "epsilon", "v"


class UNetDenoiser:
    """The Denoiser of train.py over a loaded UNet. Patches of the sampling such as FreeU are no part of training.

    Args:
        model: ComfyUI's model, on `device`.
        examples: the pictures.
        device: where to compute.
        target: what the loss compares: EPSILON, the noise e (Ho et al. 2020, eq. 14), or V, alpha e - beta x (Salimans
            and Ho 2022, arXiv:2202.00512, appendix D). A UNet that says v can be held against e too.
    """

    def __init__(self, model: Any, examples: Sequence[Example], device: torch.device, target: str) -> None:
        self.device = device
        self._model = model
        self._examples = examples
        self._target = target
        self._sigmas = model.model_sampling.sigmas.float().to(device) + 0  # a copy that autograd takes

    def name(self, picture: int) -> str:
        """The file of the picture."""
        return self._examples[picture].name

    def noise_like(self, picture: int, generator: torch.Generator) -> torch.Tensor:
        """Standard normal noise [C,h,w] of the picture's latent shape, drawn on the CPU."""
        return torch.randn(self._examples[picture].latent.shape, generator=generator)

    @torch.no_grad()
    def draw(
        self,
        picture: int,
        blank: Example,
        generator: torch.Generator,
        steps: int,
        guidance: float,
        on_step: Callable[[], None],
    ) -> torch.Tensor:
        """The latent [1,C,h,w] that the UNet draws for a picture's caption, by Euler's method, on the CPU.

        Args:
            blank: the picture under an empty caption, away from which guidance leads (Ho and Salimans 2022).
            generator: of the noise.
            steps: at timesteps evenly spaced over the schedule.
            on_step: called before each of them; may raise to stop.
        """
        example = self._examples[picture]
        timesteps = torch.linspace(len(self._sigmas) - 1, 0, steps).round().long()
        sigmas = torch.cat([self._sigmas[timesteps.to(self.device)], self._sigmas.new_zeros(1)])  # (steps + 1,)
        noise = torch.randn(example.latent.shape, generator=generator)[None].to(self.device)  # (1, C, h, w)
        latent = noise * (1 + sigmas[0] ** 2).sqrt()
        context = repeat_to_common_length([example.context, blank.context]).to(self.device)  # (2, T, D)
        vectors = [side.vector for side in (example, blank) if side.vector is not None]
        for sigma, following in pairwise(sigmas):
            on_step()
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                both = self._model.apply_model(
                    latent.repeat(2, 1, 1, 1),
                    sigma.repeat(2),
                    c_crossattn=context,
                    transformer_options={"sigmas": sigma.repeat(2), "cond_or_uncond": [0, 1]},
                    **({"y": torch.cat(vectors).to(self.device)} if vectors else {}),
                ).float()
            with_caption, without = both.chunk(2)  # (1, C, h, w) each
            denoised = without + guidance * (with_caption - without)
            latent = denoised + following / sigma * (latent - denoised)
        return latent.cpu()

    def predict(
        self, pictures: Sequence[int], timesteps: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the UNet says of the noised latents, and the truth: both [B,C,h,w], float32, on `device`."""
        examples = [self._examples[picture] for picture in pictures]
        latents = torch.stack([example.latent for example in examples]).to(self.device)  # (B, C, h, w)
        sigma = self._sigmas[timesteps.to(self.device)]  # (B,)
        scale = sigma[:, None, None, None]  # (B, 1, 1, 1)
        noisy = latents + noise * scale  # z = x + s e: ComfyUI's models take s, not alpha
        context = repeat_to_common_length([example.context for example in examples]).to(self.device)  # (B, T, D)
        vectors = [example.vector for example in examples if example.vector is not None]
        denoised = self._model.apply_model(
            noisy,
            sigma,
            c_crossattn=context,
            transformer_options={"sigmas": sigma, "cond_or_uncond": [0]},
            **({"y": torch.cat(vectors).to(self.device)} if vectors else {}),  # (B, features), SDXL's
        ).float()
        if self._target == EPSILON:
            return (noisy - denoised) / scale, noise  # e' = (z - x') / s
        alpha = (1 + scale**2).rsqrt()  # of zero terminal SNR about 2e-4 at the last timestep, and never divided by
        beta = scale * alpha
        return (alpha**2 * noisy - denoised) / beta, alpha * noise - beta * latents  # x' = alpha (alpha z) - beta v'


def loss_target(settings: LoraSettings, prediction: str) -> str:
    """What the loss compares: what the model says, unless v's loss is asked for in the scale of the noise.

    Raises:
        ValueError: it is, of a model that says the noise itself.
    """
    if not settings.scale_v_pred_loss_like_noise_pred:
        return prediction
    if prediction != V:
        raise ValueError(
            "scale_v_pred_loss_like_noise_pred is on, and the model predicts the noise; expected a v-prediction model; "
            "switch it off"
        )
    return EPSILON  # e' - e = alpha (v' - v): the error of v times alpha^2, as kohya's option of that name
