"""How pictures are sampled: sizes, steps, guidance. Part of a data set's identity, so checked before anything runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """One way of sampling.

    Args:
        width, height: of the picture, pixels, multiples of 8.
        steps: sampling steps, base and refiner together.
        cfg: classifier-free guidance.
        sampler, scheduler: ComfyUI's names.
        batch_size: images sampled at once; changes no picture.
        denoise: share of the schedule that runs over a start image; 1 without one.
        switch_at: share of the steps after which the refiner takes over.
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

    def identity(self, *, starts: str, refines: bool) -> dict[str, object]:
        """What of this decides the pictures, for `dataset.json`.

        Args:
            starts: sha256 of the start images, "" without one.
            refines: whether a refiner is connected.
        """
        values: dict[str, object] = {
            "width": self.width,
            "height": self.height,
            "steps": self.steps,
            "cfg": self.cfg,
            "sampler": self.sampler,
            "scheduler": self.scheduler,
        }
        if starts:
            values |= {"start_image": starts, "denoise": self.denoise}
        if refines:
            values["switch_at"] = self.switch_at
        return values


def check_settings(settings: Settings, *, has_start: bool) -> None:
    """Refuse what cannot be sampled although each value alone may be: types and ranges are the node's schema's.

    Raises:
        ValueError: a side is no multiple of 8; or denoise is below 1 without a start image.
    """
    for what, size in (("width", settings.width), ("height", settings.height)):
        if size % 8:
            raise ValueError(f"{what} is {size}; expected a multiple of 8; try {size // 8 * 8}")
    if settings.denoise < 1.0 and not has_start:
        raise ValueError(
            f"denoise is {settings.denoise:g} without a start image; expected 1; connect a start image or set it to 1"
        )


def refiner_step(steps: int, switch_at: float) -> int:
    """The step at which the refiner takes over: round(steps * switch_at), at least one step on each side.

    Raises:
        ValueError: there are fewer than two steps to share.
    """
    if steps < 2:
        raise ValueError(f"steps is {steps} with a refiner; expected 2 or more; raise steps or disconnect the refiner")
    return min(max(round(steps * switch_at), 1), steps - 1)
