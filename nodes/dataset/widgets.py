"""The widgets and sockets that several dataset nodes share: the set, and how its pictures are written."""

from __future__ import annotations

from comfy_api.latest import io

from ...evaluation.pictures.resize import FILTERS
from .. import sockets
from .store.encode import FORMATS

CATEGORY = "HypoNet/Dataset"


def dataset_input(id: str = "dataset", optional: bool = False, tooltip: str = "") -> io.Input:
    """The socket for a set."""
    return sockets.Dataset.Input(id, optional=optional, tooltip=tooltip or "A labelled set on disk.")


def dataset_output(id: str = "dataset_out", name: str = "dataset", tooltip: str = "") -> io.Output:
    """The socket for the set as the node leaves it."""
    return sockets.Dataset.Output(id, display_name=name, tooltip=tooltip or "The set on disk, as it is now.")


def include_marked_input() -> io.Input:
    """The switch of nodes that take pictures out of a set."""
    return io.Boolean.Input(
        "include_marked", default=False, tooltip="Also the pictures that stay although every attempt was rejected."
    )


WRITING = ("image_format", "quality", "embed_metadata", "embed_parameters", "small_copies", "copy_filter")


def writing_inputs() -> list[io.Input]:
    """The widgets that say how pictures are written, alike on every node that writes a set."""
    return [
        io.Combo.Input(
            "image_format",
            options=list(FORMATS),
            default="png",
            optional=True,
            tooltip="How pictures are written. png and webp lossless keep every pixel; webp and jpeg are smaller.",
        ),
        io.Int.Input(
            "quality",
            default=95,
            min=1,
            max=100,
            optional=True,
            tooltip="Of webp and jpeg; the lossless ones ignore it.",
        ),
        io.Boolean.Input(
            "embed_metadata",
            default=True,
            optional=True,
            tooltip=(
                "Write prompt and workflow into each picture, so that dropping it on the canvas opens its graph. The "
                "mark that the picture is generated is always written."
            ),
        ),
        io.Boolean.Input(
            "embed_parameters",
            default=False,
            optional=True,
            tooltip=(
                "Also write the text `parameters`, which galleries and other tools show: prompt, seed and settings. "
                "Older ComfyUI pages then open an imitation made from that text instead of the graph."
            ),
        ),
        io.String.Input(
            "small_copies",
            default="",
            optional=True,
            tooltip="Sizes in pixels such as 32, or 32, 64: small copies kept in folders beside the set. Empty: none.",
        ),
        io.Combo.Input(
            "copy_filter",
            options=list(FILTERS),
            default="bicubic",
            optional=True,
            tooltip="How small copies are downsampled.",
        ),
    ]
