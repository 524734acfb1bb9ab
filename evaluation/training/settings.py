"""What a training run is asked to do: one frozen value, checked, hashed and written into every checkpoint.

The defaults are Table 5-2 of the thesis: ResNet-18, AdamW, rate 1e-3, batch 32, 50 epochs, bicubic, no augmentation.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass

from ..pictures.resize import CROPS, FILTERS, MAX_SIDE
from .model import ARCHITECTURES, STEMS

OPTIMIZERS = ("AdamW", "SGD")
SCHEDULES = ("constant", "cosine", "one-cycle")
AUGMENTATIONS = ("none", "flip", "flip and crop")
NORMALISATIONS = ("none", "ImageNet", "training set")
PRECISIONS = ("float32", "bfloat16")
MAX_SEED = 2**64 - 1  # what torch's generators take
CHOICES = {
    "architecture": ARCHITECTURES,
    "stem": STEMS,
    "filter": FILTERS,
    "crop": CROPS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "augmentation": AUGMENTATIONS,
    "normalisation": NORMALISATIONS,
    "precision": PRECISIONS,
}
RANGES: dict[str, tuple[float, float]] = {  # smallest and largest, both allowed
    "size": (8, MAX_SIDE),
    "epochs": (1, 100_000),
    "batch_size": (2, 65_536),
    "learning_rate": (1e-8, 100.0),
    "weight_decay": (0.0, 10.0),
    "label_smoothing": (0.0, 0.99),
    "held_out": (0.0, 0.9),
}
ONE_CYCLE_PEAK = 0.25  # share of the steps at which one-cycle reaches its highest rate
ONE_CYCLE_START = 0.1  # the rate it starts from, as a share of the highest


@dataclass(frozen=True)
class Settings:
    """A training run.

    Args:
        architecture, stem: see model.build.
        size, filter, crop: how pictures are made small, see pictures/resize.py.
        epochs, batch_size: how long and how wide. A last batch of one picture is left out (batch-norm needs two).
        learning_rate: the highest rate of the schedule.
        optimizer: `AdamW`, or `SGD` (Nesterov, momentum 0.9).
        weight_decay: of the optimizer; torch's default for AdamW is 0.01.
        schedule: `constant`, `cosine` (to 0) or `one-cycle` (up over the first quarter, then straight down to 0).
        label_smoothing: 0 to below 1.
        augmentation: drawn for each picture and epoch. `flip` is airbench's alternating flip; `flip and crop` adds a
            shift of up to an eighth of the side with reflected edges.
        normalisation: `none` leaves inputs in 0..1 (the thesis), `ImageNet` or `training set` subtract a mean and
            divide by a standard deviation.
        precision: `bfloat16` runs the network under autocast; weights stay float32.
        held_out: share of each class kept from training, to choose the best epoch.
        weights_key: hash of the ImageNet weights started from (batch-norm is then frozen); empty: from scratch.
        seed: of the first weights, the order and the augmentation, and of the held-out draw where that has none.
        held_out_seed: of the held-out draw, so that several seeds hold out the same pictures; None takes `seed`.
    """

    architecture: str = "resnet18"
    stem: str = "7x7"
    size: int = 32
    filter: str = "bicubic"
    crop: str = "squash"
    epochs: int = 50
    batch_size: int = 32
    learning_rate: float = 1e-3
    optimizer: str = "AdamW"
    weight_decay: float = 0.01
    schedule: str = "constant"
    label_smoothing: float = 0.0
    augmentation: str = "none"
    normalisation: str = "none"
    precision: str = "float32"
    held_out: float = 0.0
    weights_key: str = ""
    seed: int = 0
    held_out_seed: int | None = None

    def __post_init__(self) -> None:
        for what, options in CHOICES.items():
            value = getattr(self, what)
            if value not in options:
                raise ValueError(
                    f"{what} is {value!r}; expected one of: {', '.join(options)}; choose one from the list"
                )
        for what, (low, high) in RANGES.items():
            number = getattr(self, what)
            if not (math.isfinite(number) and low <= number <= high):
                raise ValueError(f"{what} is {number}; expected {low} to {high}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(
                f"seed is {self.seed}; expected 0 to {MAX_SEED}; several runs take seed, seed + 1, ...: choose a "
                "lower seed"
            )
        if self.held_out_seed is not None and not 0 <= self.held_out_seed <= MAX_SEED:
            raise ValueError(f"held_out_seed is {self.held_out_seed}; expected 0 to {MAX_SEED}")
        if self.weights_key and self.stem != "7x7":
            raise ValueError(f"stem is {self.stem!r}; expected 7x7 with ImageNet weights, whose first layer is 7x7")

    @property
    def held_out_draw(self) -> int:
        """The seed that draws the held-out pictures."""
        return self.seed if self.held_out_seed is None else self.held_out_seed

    def identity(self, content_key: str) -> str:
        """A hash of these settings and of the training data: equal ones give the same weights."""
        stated = json.dumps({**asdict(self), "data": content_key, "version": 2}, sort_keys=True)
        return hashlib.blake2b(stated.encode(), digest_size=16).hexdigest()

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of step `step` (from 0) of `steps`."""
        progress = step / max(1, steps)
        if self.schedule == "cosine":
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
        if self.schedule == "one-cycle":
            if progress < ONE_CYCLE_PEAK:
                return self.learning_rate * (ONE_CYCLE_START + (1 - ONE_CYCLE_START) * progress / ONE_CYCLE_PEAK)
            return self.learning_rate * (1 - progress) / (1 - ONE_CYCLE_PEAK)
        return self.learning_rate
