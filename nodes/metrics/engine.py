"""What the metric nodes share of ComfyUI: the network on its device, and where results go."""

from __future__ import annotations

from dataclasses import replace

import comfy.model_management

from ...evaluation.metrics.inception import Inception, load_inception
from ...evaluation.metrics.inception_weights import find_weights
from ...evaluation.results import Measurement, Result, file_name, write_result
from .. import paths

NETWORK_BYTES = 2**31  # the network and a batch of 32, or a few small ones


def open_network(network: str, download: bool) -> Inception:
    """The network of the widgets, on ComfyUI's device."""
    inception = load_inception(find_weights(network, paths.model_folders("inception"), download=download), network)
    device = comfy.model_management.get_torch_device()
    comfy.model_management.free_memory(NETWORK_BYTES, device)
    return inception.to(device)


def checked_name(name: str) -> str:
    """`name` if a result may be kept under it; called before anything is measured, so that a bad one costs nothing."""
    name = name.strip()
    if name:
        paths.confine(paths.results_dir(), name, what="name")
    return name


def write_measurement(measurement: Measurement, name: str) -> Result:
    """Write it below output/hyponet/results, under the checked `name` or, when that is empty, its set's."""
    named = replace(measurement, name=name or file_name(measurement.name))
    return write_result(paths.results_dir(), named)


def parse_numbers(value: str, what: str) -> list[float]:
    """The numbers in a text such as 0.1, 0.5, 1."""
    try:
        return [float(part) for part in value.split(",") if part.strip()]
    except ValueError:
        raise ValueError(f"{what} is {repr(value)[:80]}; expected numbers such as 0.1, 0.5, 1") from None
