"""What the metric nodes share: the widgets of the network and the preparation, and where results go."""

from __future__ import annotations

from dataclasses import replace

import comfy.model_management
from comfy_api.latest import io

from ...evaluation.metrics.conventions import CONVENTIONS
from ...evaluation.metrics.inception import Inception, load_inception
from ...evaluation.metrics.inception_weights import NETWORKS, find_weights
from ...evaluation.pictures.decode import CROPS, FILTERS
from ...evaluation.results import Measurement, Result, file_name, write_result
from .. import paths, sockets

CATEGORY = "HypoNet/Metrics"
NETWORK_NAMES = list(NETWORKS)
MEMORY = 2**31  # bytes; the network and a batch of 32, or a few small ones
MAX_NUMPY_SEED = 2**32 - 1  # the largest that numpy's RandomState takes


def preparation_inputs() -> list[io.Input]:
    """The widgets that say how pictures reach the network, alike on every node that runs it."""
    return [
        io.Combo.Input(
            "network",
            options=NETWORK_NAMES,
            default=NETWORK_NAMES[0],
            tooltip=(
                "Which Inception v3: the FID network of 2015-12-05, the field's standard, or torchvision's "
                "ImageNet-1k network, with which the thesis measured its Inception Score."
            ),
        ),
        io.Combo.Input(
            "convention",
            options=list(CONVENTIONS),
            default="torch-fidelity",
            tooltip=(
                "How pictures are brought to 299x299. Each tool does it its own way and the number depends on it; "
                "both sets of a comparison need the same. thesis: as clean-fid for the FID network, PIL bicubic for "
                "torchvision's."
            ),
        ),
        io.Int.Input(
            "size",
            default=32,
            min=0,
            max=4096,
            tooltip=(
                "First reduce every picture to this many pixels a side (32: CIFAR-10, as the thesis does); "
                "0 keeps each picture's own size."
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
            tooltip="Fetch the network's weights (about 95 MB, once) into models/inception if they are not there.",
        ),
        io.Int.Input(
            "batch_size",
            default=0,
            min=0,
            max=1024,
            tooltip="Pictures in one pass; 0 takes 4 on each core of a CPU and 32 on a GPU.",
        ),
    ]


def open_network(network: str, download: bool) -> Inception:
    """The network of the widgets, on ComfyUI's device."""
    inception = load_inception(find_weights(network, paths.model_folders("inception"), download=download), network)
    device = comfy.model_management.get_torch_device()
    comfy.model_management.free_memory(MEMORY, device)
    return inception.to(device)


def name_input() -> io.Input:
    """The widget that names a result."""
    return io.String.Input(
        "name",
        default="",
        tooltip=(
            "Under which name the result is kept (output/hyponet/results/<name>) and shown in the report; "
            "empty: the set's name."
        ),
    )


def result_output(tooltip: str) -> io.Output:
    """The output that the Report takes."""
    return sockets.Result.Output("result", display_name="result", tooltip=tooltip + " For the Report node.")


def checked_name(name: str) -> str:
    """`name` if a result may be kept under it; called before anything is measured, so that a bad one costs nothing."""
    name = name.strip()
    if name:
        paths.confine(paths.results_dir(), name, what="name")
    return name


def keep(measurement: Measurement, name: str) -> Result:
    """Write it below output/hyponet/results, under the checked `name` or, when that is empty, its set's."""
    named = replace(measurement, name=name or file_name(measurement.name))
    return write_result(paths.results_dir(), named)


def numbers(value: str, what: str) -> list[float]:
    """The numbers in a text such as 0.1, 0.5, 1."""
    try:
        return [float(part) for part in value.split(",") if part.strip()]
    except ValueError:
        raise ValueError(f"{what} is {ascii(value)[:80]}; expected numbers such as 0.1, 0.5, 1") from None
