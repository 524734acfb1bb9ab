"""How Generate Dataset reads its inputs."""

from __future__ import annotations

import pytest
import torch

from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.sampling.settings import SamplingSettings

SETTINGS = SamplingSettings(512, 512, 30, 2.0, "dpmpp_2m", "karras", 8, 1.0, 0.8)
INPUTS = {"width": 512, "height": 512, "steps": 30, "cfg": 2.0, "sampler_name": "dpmpp_2m", "scheduler": "karras"}
INPUTS |= {"batch_size": 8, "name": "pets", "denoise": 1.0, "switch_at": 0.8}
INPUTS |= {
    "image_format": "jpeg",
    "quality": 80,
    "embed_metadata": True,
    "embed_parameters": False,
    "small_copies": "",
    "copy_filter": "lanczos",
}
INPUTS |= {"deleted_pictures": "make again"}


@pytest.fixture
def request_for(comfyui):
    """The request that Generate Dataset reads from its inputs with the given ones changed."""
    from hyponet.nodes.sampling.nodes import read_request

    def read(metadata=True, **changes):
        plan = Plan([ClassSpec("cat")], "a __class__", Library([]))
        return read_request({**INPUTS, "plan": plan, **changes}, metadata=metadata)

    return read


def test_a_request_reads_the_widgets(request_for):
    read = request_for()
    assert read.settings == SETTINGS
    assert (read.encoding.format, read.encoding.quality, read.encoding.text) == ("jpeg", 80, True)
    assert (read.copies, read.start_image) == (Copies((), "lanczos"), None)
    assert request_for(small_copies="64, 32").copies.sizes == (32, 64)
    assert request_for(denoise=0.5, start_image=torch.zeros(1, 8, 8, 3)).settings.denoise == 0.5


def test_sampling_options_reach_the_request_as_they_were_given(comfyui, request_for):
    """A graph without the node and one with its defaults ask for the same set."""
    from hyponet.nodes.sampling.nodes import HypoNetSamplingOptions

    assert request_for(options=HypoNetSamplingOptions.execute().result[0]).settings == SETTINGS
    sigmas, sampler = torch.tensor([1.0, 0.0]), comfyui.samplers.ksampler("euler")
    (options,) = HypoNetSamplingOptions.execute(guidance=3, zero_negative=True, sigmas=sigmas, sampler=sampler).result
    read = request_for(options=options)
    assert (read.settings.guidance, read.settings.zero_negative) == (3.0, True)
    assert read.given.names() == {"sigmas", "sampler"}
    with pytest.raises(ValueError, match=r"sigmas has the shape \(1, 2\); expected \(steps \+ 1\); connect Basic"):
        HypoNetSamplingOptions.execute(sigmas=sigmas[None])
    with pytest.raises(ValueError, match="guidance is -2; expected -1 to 100"):
        HypoNetSamplingOptions.execute(guidance=-2.0)


def test_a_server_without_metadata_writes_none(request_for):
    assert request_for(metadata=False).encoding.text is False


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"plan": "cats"}, "plan is str; expected a plan"),
        ({"name": "pets.work"}, "beside a set"),
        ({"start_image": torch.zeros(0, 8, 8, 3)}, "start_image holds no pictures"),
        ({"start_image": torch.zeros(1, 8, 8, 2)}, r"start_image has the shape \(1, 8, 8, 2\)"),
        (
            {"start_image": torch.full((2, 8, 8, 3), torch.nan)},
            "start_image has 2 pictures with pixels that are not fin",
        ),
        ({"denoise": 0.5}, "denoise is 0.5 without a start image"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(request_for, changes, says):
    with pytest.raises(ValueError, match=says):
        request_for(**changes)
