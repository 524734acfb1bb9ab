"""Names of networks, and the weights of the tiny CLIP (tools/stand_ins/vision.py) as OpenAI's own code has them."""

from __future__ import annotations

import torch
from transformers import CLIPModel

DINO_S, CLIP_B, CLIP_336 = "DINOv2 ViT-S/14", "CLIP ViT-B/32", "CLIP ViT-L/14 at 336 px"


def openais_names(model: CLIPModel) -> dict[str, torch.Tensor]:
    """The state dict of CLIP under the names of OpenAI's own code."""
    state = model.state_dict()
    ours = "vision_model."
    named = {
        "visual.conv1.weight": state[f"{ours}embeddings.patch_embedding.weight"],
        "visual.class_embedding": state[f"{ours}embeddings.class_embedding"],
        "visual.positional_embedding": state[f"{ours}embeddings.position_embedding.weight"],
        "visual.proj": state["visual_projection.weight"].T,
        "text_projection": state["text_projection.weight"].T,
    }
    for part in ("weight", "bias"):
        named[f"visual.ln_pre.{part}"] = state[f"{ours}pre_layrnorm.{part}"]
        named[f"visual.ln_post.{part}"] = state[f"{ours}post_layernorm.{part}"]
        for layer in range(model.config.vision_config.num_hidden_layers):
            here, there = f"{ours}encoder.layers.{layer}.", f"visual.transformer.resblocks.{layer}."
            threefold = [state[f"{here}self_attn.{letter}_proj.{part}"] for letter in "qkv"]
            named[f"{there}attn.in_proj_{part}"] = torch.cat(threefold)
            for one, other in {
                "self_attn.out_proj": "attn.out_proj",
                "layer_norm1": "ln_1",
                "layer_norm2": "ln_2",
                "mlp.fc1": "mlp.c_fc",
                "mlp.fc2": "mlp.c_proj",
            }.items():
                named[f"{there}{other}.{part}"] = state[f"{here}{one}.{part}"]
    return named
