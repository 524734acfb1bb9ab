"""What the browser shows of a running generation: bar, line of text, preview."""

from __future__ import annotations

import logging
import time
from typing import Any

import comfy.utils
import numpy as np

from ..engine import progress_text
from .growing_sheet import GrowingSheet
from .progress import Throughput

logger = logging.getLogger("hyponet")


SHEET_SECONDS = 1.0  # between two sheets at least: a batch of small pictures takes less


class GenerationReporter:
    """Bar, text and preview of one running node.

    The preview is a sheet of the finished pictures after each batch, and the step's latents where previews are on. The
    last one is a sheet: pages keep it where the node's pictures belong.

    Args:
        total: images to be made.
        model: whose latents are previewed.
    """

    def __init__(self, total: int, model: Any, node_id: str | None) -> None:
        self._throughput = Throughput(total)
        self._bar = comfy.utils.ProgressBar(1000)
        self._node_id = node_id
        self._last_text = 0.0  # time.monotonic() of it
        self._last_sheet = 0.0
        self._previewer = _previewer(model)
        self._sheet = GrowingSheet()

    def add(self, picture: np.ndarray) -> None:
        """Take a finished picture (H, W, 3) uint8; it is shown with its batch."""
        self._sheet.add(picture)

    def __call__(self, finished: float, denoised: Any) -> None:
        """Moves the bar to `finished` images; `denoised` is a step's x0 (B, C, h, w), or None after a batch.

        Raises:
            comfy.model_management.InterruptProcessingException: the user pressed stop (ProgressBar looks at it).
        """
        now = time.monotonic()
        preview = None
        if denoised is None:
            if now - self._last_sheet > SHEET_SECONDS or finished >= self._throughput.total or self._previewer:
                self._last_sheet = now
                picture = self._sheet.picture()
                preview = ("JPEG", picture, None) if picture else None
        elif self._previewer is not None:
            preview = self._previewer.decode_latent_to_preview_image("JPEG", denoised)
        self._bar.update_absolute(int(1000 * finished / max(1, self._throughput.total)), 1000, preview)
        if now - self._last_text > 0.5 or denoised is None:
            self._last_text = now
            progress_text(self._throughput.line(finished), self._node_id)


def _previewer(model: Any) -> Any:
    """What draws latents of `model` while they are sampled; None when previews are off, or not as they were."""
    try:
        import latent_preview

        return latent_preview.get_previewer(model.load_device, model.model.latent_format)
    except (ImportError, AttributeError, TypeError) as error:
        logger.warning("no previews while sampling: this ComfyUI draws them in another way (%s)", error)
        return None
