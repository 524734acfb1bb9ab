"""What the browser shows of a running generation: bar, line of text, preview."""

from __future__ import annotations

import logging
import time
from typing import Any

import comfy.utils

from ..engine import progress_text
from .progress import Throughput

logger = logging.getLogger("hyponet")


class GenerationReporter:
    """Bar, text and preview of one running node.

    Args:
        total: images to be made.
        model: whose latents are previewed.
    """

    def __init__(self, total: int, model: Any, node_id: str | None) -> None:
        self._throughput = Throughput(total)
        self._bar = comfy.utils.ProgressBar(1000)
        self._node_id = node_id
        self._last_text = 0.0  # time.monotonic() of it
        self._previewer = _previewer(model)

    def __call__(self, finished: float, denoised: Any) -> None:
        """Moves the bar to `finished` images; `denoised` is a step's x0 (B, C, h, w), or None.

        Raises:
            comfy.model_management.InterruptProcessingException: the user pressed stop (ProgressBar looks at it).
        """
        preview = None
        if self._previewer is not None and denoised is not None:
            preview = self._previewer.decode_latent_to_preview_image("JPEG", denoised)
        self._bar.update_absolute(int(1000 * finished / max(1, self._throughput.total)), 1000, preview)
        now = time.monotonic()
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
