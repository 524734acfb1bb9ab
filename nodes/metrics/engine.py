"""What the metric nodes share of ComfyUI: the network on its device, and where results go."""

from __future__ import annotations

from dataclasses import replace

import comfy.model_management

from ...evaluation.metrics.conventions import INCEPTION_CONVENTIONS, TRANSFORMER_CONVENTIONS, check_convention
from ...evaluation.metrics.inception import FEATURES, Inception, load_inception
from ...evaluation.metrics.inception_weights import NETWORKS, find_weights
from ...evaluation.metrics.vision_transformers import VisionTransformer, load_vision_transformer
from ...evaluation.metrics.vision_weights import VISION_NETWORKS, find_vision_folder
from ...evaluation.results import Measurement, Result, file_name, write_result
from .. import paths

NETWORK_BYTES = 2**31  # the network and a batch of 32, or a few small ones
VISION_FOLDERS = "classifiers"  # the kind of model folder in which DINOv2 and CLIP lie, beside Check Labels' CLIP


def open_network(network: str, convention: str, download: bool) -> Inception | VisionTransformer:
    """The network of the widgets, on ComfyUI's device."""
    opened: Inception | VisionTransformer
    if network in VISION_NETWORKS:
        check_convention(convention, TRANSFORMER_CONVENTIONS, f"{network}'s")
        name = VISION_NETWORKS[network].folder
        folders = [paths.confine(base, name, what="network") for base in paths.model_folders(VISION_FOLDERS)]
        opened = load_vision_transformer(find_vision_folder(network, folders, download=download), network, convention)
    else:
        check_convention(convention, INCEPTION_CONVENTIONS, f"{network}'s")
        opened = load_inception(find_weights(network, paths.model_folders("inception"), download=download), network)
    device = comfy.model_management.get_torch_device()
    comfy.model_management.free_memory(NETWORK_BYTES, device)
    return opened.to(device)


CLIP_SCORE_CONVENTION = "transformers"  # as torchmetrics measures the CLIP score


def open_clip(network: str, download: bool) -> VisionTransformer:
    """The CLIP of the widgets for a CLIP score, on ComfyUI's device."""
    clip = open_network(network, CLIP_SCORE_CONVENTION, download)
    assert isinstance(clip, VisionTransformer)
    return clip


def statistics_network(network: str) -> tuple[str, int]:
    """Key and features of the network of the widgets, for a file that does not say them."""
    if network in VISION_NETWORKS:
        return VISION_NETWORKS[network].key, VISION_NETWORKS[network].width
    return NETWORKS[network].key, FEATURES


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
