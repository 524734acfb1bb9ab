"""What a LoRA training is set to; the defaults are Table 5-5 of the thesis, and its trainer's for rank and alpha."""

from __future__ import annotations

from dataclasses import dataclass

from .buckets import bucket_sizes


@dataclass(frozen=True)
class LoraSettings:
    """Settings of one training; ranges are the node's schema's to check.

    Args:
        resolution: side of the square bucket in pixels; its area is every bucket's.
        batch_size: pictures a step.
        epochs: times every picture is seen.
        learning_rate: constant, of Adafactor.
        rank, alpha: of the low-rank product; its scale is alpha / rank.
        min_bucket, max_bucket: limits of a bucket's sides.
        gradient_checkpointing: less memory for about a third more time; the result is the same.
        weighted_captions: captions are prompts, in which (word:1.2) weighs; otherwise they are text as it stands.
        scale_v_pred_loss_like_noise_pred: of a v-prediction model, the error of v times alpha^2 (kohya's option of
            that name): late timesteps then teach next to nothing.
        seed: of the start, the order, the timesteps and the noise.

    Raises:
        ValueError: no bucket lies within the limits.
    """

    resolution: int = 512
    batch_size: int = 5
    epochs: int = 7
    learning_rate: float = 0.0012
    rank: int = 8
    alpha: float = 1.0
    min_bucket: int = 256
    max_bucket: int = 2048
    gradient_checkpointing: bool = True
    weighted_captions: bool = False
    scale_v_pred_loss_like_noise_pred: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self.bucket_sizes()

    def bucket_sizes(self) -> list[tuple[int, int]]:
        """Every (width, height) that a picture may be brought to."""
        return bucket_sizes(self.resolution, self.min_bucket, self.max_bucket)
