"""How pictures are sampled: sizes, steps, guidance. Part of a data set's identity."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

# what a graph gives, and the settings whose place they take
REPLACES = {"sigmas": ("steps", "scheduler", "denoise"), "guider": ("cfg",), "sampler": ("sampler",)}


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """One way of sampling; ranges and names are the node's schema's to check.

    Args:
        width, height: of the picture, pixels, multiples of 8.
        steps: sampling steps, base and refiner together.
        cfg: classifier-free guidance.
        sampler, scheduler: ComfyUI's names.
        batch_size: images sampled at once; changes pictures by rounding alone.
        denoise: share of the schedule that runs over a start image; 1 without one.
        switch_at: share of the steps after which the refiner takes over.
        guidance: what FLUX and its kind are told beside the text; below 0 nothing.
        zero_negative: zeros in place of the negative text.

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
    guidance: float = -1.0
    zero_negative: bool = False

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if side % 8:
                raise ValueError(f"{name} is {side}; expected a multiple of 8; try {side // 8 * 8}")

    def identity(self, *, start_image: str, connected: Collection[str]) -> dict[str, object]:
        """What of this decides the pictures, for `dataset.json`.

        Args:
            start_image: sha256 of the start images, "" without one.
            connected: the node's inputs that are; some of them take the place of settings.
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
        if "refiner_model" in connected:
            values["switch_at"] = self.switch_at
        if self.guidance >= 0:
            values["guidance"] = self.guidance
        if self.zero_negative:
            values["zero_negative"] = True
        replaced = replaced_settings(connected)
        return {name: value for name, value in values.items() if name not in replaced}


def replaced_settings(connected: Collection[str]) -> set[str]:
    """The settings whose place connected sockets take. A refiner goes on by cfg where a GUIDER leads the base model."""
    replaced = {name for socket, names in REPLACES.items() if socket in connected for name in names}
    return replaced - {"cfg"} if "refiner_model" in connected else replaced


def refiner_step(steps: int, switch_at: float) -> int:
    """The step at which the refiner takes over: round(steps * switch_at), at least one step on each side.

    Raises:
        ValueError: there are fewer than two steps to share.
    """
    if steps < 2:
        raise ValueError(f"steps is {steps} with a refiner; expected 2 or more; raise steps or disconnect the refiner")
    return min(max(round(steps * switch_at), 1), steps - 1)
