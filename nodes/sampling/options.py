"""What Sampling Options gives to Generate Dataset: what newer models need, and what a graph has in place of settings.

Holds what other nodes made; reads and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import torch

from .conditioning import Conditioning

OPTIONS_NODE = "HypoNetSamplingOptions"


@dataclass(frozen=True, slots=True)
class GraphInputs:
    """What a graph gives beside the models: in place of settings, or under each image's text.

    Args:
        conditioning, negative_conditioning: CONDITIONINGs whose text gives way to each image's own.
        sigmas: (steps + 1) noise levels.
        guider: a GUIDER.
        sampler: a SAMPLER.

    Raises:
        ValueError: two of them say the same, or `sigmas` has another shape.
    """

    conditioning: Conditioning | None = None
    negative_conditioning: Conditioning | None = None
    sigmas: torch.Tensor | None = None
    guider: Any = None
    sampler: Any = None

    def __post_init__(self) -> None:
        if self.guider is not None and (self.conditioning or self.negative_conditioning):
            raise ValueError(
                "guider and conditioning are both connected; expected one: a guider has conditionings of its own; "
                "connect these to the guider"
            )
        if self.sigmas is not None and (self.sigmas.ndim != 1 or len(self.sigmas) < 2):
            raise ValueError(
                f"sigmas has the shape {tuple(self.sigmas.shape)}; expected (steps + 1); connect Basic Scheduler"
            )

    def names(self) -> set[str]:
        """Which of them are given."""
        return {name for name in GRAPH_INPUTS if getattr(self, name) is not None}


GRAPH_INPUTS = tuple(entry.name for entry in fields(GraphInputs))


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """What travels on the socket `options`.

    Args:
        guidance: what FLUX and its kind are told beside the text; below 0 nothing.
        zero_negative: zeros in place of the negative text.
        given: what other nodes of the graph made.
    """

    guidance: float = -1.0
    zero_negative: bool = False
    given: GraphInputs = field(default_factory=GraphInputs)
