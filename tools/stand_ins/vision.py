"""Random DINOv2 and CLIP networks of a tiny shape, saved as their folders on the Hugging Face hub are."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTokenizer,
    CLIPVisionConfig,
    Dinov2Config,
    Dinov2Model,
)

TEXT_LENGTH = 40  # tokens that the tiny CLIP reads


def write_dino(folder: Path, trained_at: int = 518, seed: int = 0) -> Path:
    """DINOv2 with position embeddings for pictures of `trained_at` pixels; the published ones are for 518.

    A folder that is there stays, as those of a server that several tests share.
    """
    if (folder / "config.json").is_file():
        return folder
    config = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=trained_at,
        patch_size=14,
        layer_norm_eps=1e-6,
    )
    return _save(Dinov2Model(config), folder, seed)


def write_clip(folder: Path, seed: int = 0) -> Path:
    """CLIP for pictures of 32 pixels, with letters for tokens; a folder that is there stays."""
    if (folder / "config.json").is_file():
        return folder
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 1}
    text = CLIPTextConfig(
        vocab_size=len(tokens),
        bos_token_id=0,
        eos_token_id=1,
        max_position_embeddings=TEXT_LENGTH,
        hidden_size=32,
        intermediate_size=32,
        **sizes,
    )
    # OpenAI's code, which torch-fidelity has, gives each head 64 features and the inner layer four times as many
    vision = CLIPVisionConfig(image_size=32, patch_size=8, hidden_size=64, intermediate_size=256, **sizes)
    config = CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=24)
    return _save(CLIPModel(config), folder, seed)


def _save(model: torch.nn.Module, folder: Path, seed: int) -> Path:
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        drawn = torch.randn(parameter.shape, generator=generator) * (0.3 if parameter.ndim > 1 else 0.1)
        centre = 1.0 if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "lambda1")) else 0.0
        # OpenAI's code keeps halves
        parameter.data = (drawn + centre).half().float()
    model.save_pretrained(folder)
    return folder
