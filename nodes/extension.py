"""Every node of the pack, in pipeline order."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from . import paths
from .dataset.nodes import NODES as DATASET
from .hyponyms.nodes import NODES as HYPONET
from .lora.nodes import NODES as LORA
from .metrics.copies.nodes import NODES as COPIES
from .metrics.nodes import NODES as METRICS
from .prompts.nodes import NODES as PROMPTS
from .report.nodes import NODES as REPORT
from .sampling.nodes import NODES as SAMPLING
from .training.nodes import NODES as TRAINING

NODES: list[type[io.ComfyNode]] = [
    *HYPONET,
    *PROMPTS,
    *SAMPLING,
    *DATASET,
    *LORA,
    *TRAINING,
    *METRICS,
    *COPIES,
    *REPORT,
]


class HypoNetExtension(ComfyExtension):
    """What ComfyUI asks for the nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Every node class; makes the pack's model folders known first."""
        paths.register_model_folders()  # here, since ComfyUI 0.3.75 never calls on_load
        return NODES
