"""The widgets that nodes share which ask a classifier what a picture shows."""

from __future__ import annotations

from comfy_api.latest import io

from .predictions import LOW_CONFIDENCE


def minimum_confidence_input(where: str) -> io.Input:
    """Below which probability a node stops.

    Args:
        where: it is asked for, as the end of a sentence in the tooltip.
    """
    return io.Float.Input(
        "minimum_confidence",
        default=LOW_CONFIDENCE,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip=(
            f"Stop when the likeliest class is less probable than this{where}: a wrong class makes a set of something "
            "else. 0 never stops."
        ),
    )
