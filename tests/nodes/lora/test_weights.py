"""The weights that LoRA Training takes: whole and plain ones."""

from __future__ import annotations

import pytest
import torch


class Packed(torch.Tensor):
    """Numbers in a form of their own, as ComfyUI's QuantizedTensor and the tensors of GGUF packs are."""


@pytest.fixture
def unet(engine):
    from hyponet.nodes.lora import unet

    return unet


def test_quantised_weights_are_refused_by_name(unet, sd15):
    model = sd15[0]
    unet.check_weights(model)
    layer = model.model.diffusion_model.out[2]
    plain = layer.weight
    layer.weight = torch.nn.Parameter(plain.detach().as_subclass(Packed), requires_grad=False)
    try:
        with pytest.raises(ValueError, match=r"quantised weights \(Packed in out\.2\.weight\)"):
            unet.check_weights(model)
    finally:
        layer.weight = plain


def test_a_model_under_dynamic_memory_is_loaded_whole(unet, sd15):
    """The engine's own kind of such models, where this ComfyUI has one; on the CPU it is not in use by itself."""
    import comfy.model_patcher

    model = sd15[0]
    assert type(unet.plain_clone(model)) is comfy.model_patcher.ModelPatcher
    kind = getattr(comfy.model_patcher, "ModelPatcherDynamic", None)
    if kind is None:
        assert not hasattr(model, "is_dynamic")
        return
    dynamic = model.clone()
    dynamic.__class__ = kind
    clone = unet.plain_clone(dynamic)
    assert not clone.is_dynamic()
    assert clone.model is not model.model
    before, after = model.model.state_dict(), clone.model.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    dynamic.cached_patcher_init = None
    with pytest.raises(ValueError, match="--disable-dynamic-vram"):
        unet.plain_clone(dynamic)
