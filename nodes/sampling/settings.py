"""How pictures are sampled: sizes, steps, guidance. Part of a data set's identity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """One way of sampling; ranges and names are the node's schema's to check.

    Args:
        width, height: of the picture, pixels, multiples of 8.
        steps: sampling steps, base and refiner together.
        cfg: classifier-free guidance.
        sampler, scheduler: ComfyUI's names.
        batch_size: images sampled at once; changes no picture.
        denoise: share of the schedule that runs over a start image; 1 without one.
        switch_at: share of the steps after which the refiner takes over.

    Raises:
        ValueError: a side is no multiple of 8.
    """

    width: int
    height: int
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    batch_size: int
    denoise: float
    switch_at: float

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if side % 8:
                raise ValueError(f"{name} is {side}; expected a multiple of 8; try {side // 8 * 8}")

    def identity(self, *, start_image: str, has_refiner: bool) -> dict[str, object]:
        """What of this decides the pictures, for `dataset.json`.

        Args:
            start_image: sha256 of the start images, "" without one.
            has_refiner: whether a refiner is connected.
        """
        values: dict[str, object] = {
            "width": self.width,
            "height": self.height,
            "steps": self.steps,
            "cfg": self.cfg,
            "sampler": self.sampler,
            "scheduler": self.scheduler,
        }
        if start_image:
            values |= {"start_image": start_image, "denoise": self.denoise}
        if has_refiner:
            values["switch_at"] = self.switch_at
        return values


def refiner_step(steps: int, switch_at: float) -> int:
    """The step at which the refiner takes over: round(steps * switch_at), at least one step on each side.

    Raises:
        ValueError: there are fewer than two steps to share.
    """
    if steps < 2:
        raise ValueError(f"steps is {steps} with a refiner; expected 2 or more; raise steps or disconnect the refiner")
    return min(max(round(steps * switch_at), 1), steps - 1)
