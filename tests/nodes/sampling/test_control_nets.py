"""A ControlNet of a graph under each image's text, against ComfyUI's own sampler one by one."""

from __future__ import annotations

import pytest
import torch

from hyponet.nodes.sampling.conditioning import under_text
from hyponet.nodes.sampling.options import GraphInputs

from .test_batches_of_texts import latents_of
from .test_engine import SIZE, item, make_pipeline, settings


@pytest.fixture(scope="module")
def control_net(comfyui, sd15):
    """A small random ControlNet of SD 1.5 under the names of the original files, by ComfyUI's own loader."""
    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.ops

    config = {key: value for key, value in sd15.model.model.model_config.unet_config.items() if key != "out_channels"}
    config |= {"hint_channels": 3, "dtype": torch.float32, "device": "cpu", "operations": comfy.ops.disable_weight_init}
    with torch.inference_mode(False):
        network = comfy.cldm.cldm.ControlNet(**config)
        generator = torch.Generator().manual_seed(3)
        for weight in network.parameters():
            weight.data.copy_(0.05 * torch.randn(weight.shape, generator=generator) + (weight.ndim == 1))
    return comfy.controlnet.load_controlnet_state_dict(network.state_dict())


def controlled(control_net, positive, negative, pictures):
    """What the native node Apply ControlNet gives (ControlNetApplyAdvanced in ComfyUI's nodes.py)."""
    control = control_net.copy().set_cond_hint(pictures.movedim(-1, 1), 0.8, (0.0, 0.9))
    control.set_previous_controlnet(None)
    return [
        [[tokens, {**extras, "control": control, "control_apply_to_uncond": False}] for tokens, extras in text]
        for text in (positive, negative)
    ]


def lines(count=1):
    return torch.rand(count, SIZE, SIZE, 3, generator=torch.Generator().manual_seed(2)).round()


def test_a_control_net_acts_on_each_image_as_in_the_native_graph(comfyui, sampling, sd15, control_net):
    chosen, items = settings("euler", steps=1), [item(rank) for rank in range(3)]  # the second prompt is a long one
    names = (chosen.steps, chosen.cfg, chosen.sampler, chosen.scheduler)

    def native(one, with_control):
        texts = [sd15.encoder.encode(text) for text in (one.prompt, one.negative)]
        texts = controlled(control_net, *texts, lines()) if with_control else texts
        latent = torch.zeros(1, 4, SIZE // 8, SIZE // 8)
        noise = comfyui.sample.prepare_noise(latent, one.seed)
        return comfyui.sample.sample(sd15.model, noise, *names, *texts, latent, disable_pbar=True, seed=one.seed)[0]

    with torch.inference_mode():
        outside = controlled(control_net, sd15.encoder.encode(""), sd15.encoder.encode(""), lines())
        natives = [native(one, with_control=True) for one in items]
        plain = native(items[0], with_control=False)
    deviation = torch.stack(natives).std()
    assert (natives[0] - plain).abs().max() > 0.1 * deviation, "a ControlNet that does nothing would prove nothing"
    for batch in (items, items[2:]):
        pipeline = make_pipeline(sampling, sd15, chosen, given=GraphInputs(*outside))
        made = latents_of(sampling, pipeline, batch, 3)
        assert pipeline.batches == [len(batch)]
        assert max((made[one.rank] - natives[one.rank]).abs().max() for one in batch) < 3e-3 * deviation


def test_a_control_net_with_a_picture_for_each_place_in_a_batch_is_refused(sd15, control_net):
    """Which of them an image got depended on its place in the batch."""
    outside, _ = controlled(control_net, sd15.encoder.encode(""), sd15.encoder.encode(""), lines(2))
    with pytest.raises(ValueError, match="ControlNet is led by 2 pictures; expected one, for all images"):
        under_text(outside, sd15.encoder.encode("a fox"))
