"""The widgets that several metric nodes share: how pictures reach the network, and the name of a result."""

from __future__ import annotations

from comfy_api.latest import io

from ...evaluation.metrics.conventions import CONVENTIONS
from ...evaluation.metrics.inception_weights import NETWORKS
from ...evaluation.metrics.vision_weights import VISION_NETWORKS
from ...evaluation.pictures.resize import CROPS, FILTERS
from .. import sockets, widgets

CATEGORY = "HypoNet/Metrics"
NETWORK_NAMES = [*NETWORKS, *VISION_NETWORKS]
CLIP_NAMES = [name for name, network in VISION_NETWORKS.items() if network.is_clip]
MAX_NUMPY_SEED = 2**32 - 1  # the largest that numpy's RandomState takes


def preparation_inputs() -> list[io.Input]:
    """The widgets that say how pictures reach the network, alike on every node that runs it."""
    return [
        io.Combo.Input(
            "network",
            options=NETWORK_NAMES,
            default=NETWORK_NAMES[0],
            tooltip=(
                "The FID network of 2015-12-05, the field's standard; torchvision's ImageNet-1k Inception, with which "
                "the thesis measured its Inception Score; DINOv2, whose distance (FD-DINOv2) agrees best with people; "
                "or CLIP, of which CMMD is made. These two are folders of Hugging Face below models/classifiers, such "
                "as dinov2-large. Both sets of a comparison need the same."
            ),
        ),
        io.Combo.Input(
            "convention",
            options=list(CONVENTIONS),
            default="torch-fidelity",
            tooltip=(
                "How pictures are brought to the network's size. Each tool does it its own way and the number depends "
                "on it; both sets of a comparison need the same. thesis: as clean-fid for the FID network, PIL bicubic "
                "for torchvision's. DINOv2 and CLIP have torch-fidelity, clean-fid, dgm_eval (PIL bicubic) and "
                "transformers (shorter side, then the middle square)."
            ),
        ),
        io.Int.Input(
            "size",
            default=0,
            min=0,
            max=4096,
            tooltip=(
                "0: each picture as it is, as the tool of the convention measures it. Otherwise first reduce every "
                "picture to this many pixels a side (32: CIFAR-10, as the thesis does): another number than the tool's."
            ),
        ),
        io.Combo.Input(
            "filter",
            options=list(FILTERS),
            default="bicubic",
            tooltip="Filter of the first reduction. bicubic: PIL's, with antialias. Not used when size is 0.",
        ),
        io.Combo.Input(
            "crop",
            options=list(CROPS),
            default="squash",
            tooltip=(
                "squash: both sides to the size. centre crop: the largest square in the middle. Not used when "
                "size is 0."
            ),
        ),
        io.Boolean.Input(
            "download",
            default=False,
            tooltip=(
                "Fetch the network's weights if they are not there, once: Inception's (about 95 MB) into "
                "models/inception, DINOv2 and CLIP (90 MB to 1.7 GB) from the Hugging Face hub into its own cache."
            ),
        ),
        batch_size_input(),
    ]


def batch_size_input() -> io.Input:
    """The widget that says how many pictures a network takes at once."""
    return io.Int.Input(
        "batch_size",
        default=0,
        min=0,
        max=1024,
        tooltip="Pictures in one pass; 0 takes 4 (DINOv2 and CLIP 8) on each core of a CPU and 32 on a GPU.",
    )


def name_input() -> io.Input:
    """The widget that names a result."""
    return widgets.name_input(
        "",
        "Under which name the result is kept (output/hyponet/results/<name>) and shown in the report; empty: the "
        "set's name.",
        is_literal=False,
    )


def result_output(tooltip: str) -> io.Output:
    """The output that the Report takes."""
    return sockets.Result.Output("result", display_name="result", tooltip=tooltip + " For the Report node.")
