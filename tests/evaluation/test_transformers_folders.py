"""A folder's config.json does not steer how transformers runs it, and a tokenizer has its model's words."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from transformers import CLIPModel, Dinov2Model

from hyponet.evaluation.metrics.vision_transformers import load_vision_transformer
from hyponet.evaluation.transformers_folders import clip_tokenizer, plain_config
from hyponet.tools.stand_ins.vision import write_clip, write_dino

from .metrics.vision_fixtures import CLIP_B, DINO_S

STEERED = {
    "attn_implementation": "kernels-community/flash-attn2",
    "_attn_implementation": "kernels-community/flash-attn2",
    "transformers_weights": "other.safetensors",
    "fusion_config": {"patch_embeddings": True},
    "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"},
    "dtype": "bfloat16",
    "torch_dtype": "bfloat16",
    "return_dict": False,
    "output_hidden_states": True,
}


@pytest.mark.parametrize("name", STEERED)
@pytest.mark.parametrize("network", [DINO_S, CLIP_B])
def test_what_a_config_says_of_how_it_runs_changes_no_feature(tmp_path: Path, network: str, name: str) -> None:
    write, plain = (write_dino, Dinov2Model) if network == DINO_S else (write_clip, CLIPModel)
    folder = write(tmp_path / "folder")
    expected = plain.from_pretrained(folder, attn_implementation="sdpa").state_dict()
    stated = json.loads((folder / "config.json").read_text("utf-8"))
    steered = {**stated, name: STEERED[name]}
    for part in ("text_config", "vision_config"):
        if part in stated:
            steered[part] = {**stated[part], name: STEERED[name]}
    (folder / "config.json").write_text(json.dumps(steered), "utf-8")
    opened = load_vision_transformer(folder, network, "transformers")
    assert opened.model.config._attn_implementation == "sdpa"  # transformers' own choice for both
    assert all(torch.equal(value, expected[key]) for key, value in opened.model.state_dict().items())
    with torch.inference_mode():
        assert opened(torch.zeros(1, 3, opened.side, opened.side))[0].dtype == torch.float32


def test_quantized_weights_are_refused(tmp_path: Path) -> None:
    folder = write_dino(tmp_path / "dino")
    stated = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**stated, "quantization_config": {"quant_method": "fp8"}}))
    with pytest.raises(ValueError, match="has a quantization_config; expected weights that are not quantized"):
        load_vision_transformer(folder, DINO_S, "dgm_eval")


def test_a_class_may_be_called_as_a_setting_is(tmp_path: Path) -> None:
    names = {"0": "dtype", "1": "_cat"}
    stated = {"model_type": "resnet", "id2label": names, "label2id": {"dtype": 0, "_cat": 1}}
    (tmp_path / "config.json").write_text(json.dumps(stated), "utf-8")
    assert plain_config(tmp_path, "").id2label == {0: "dtype", 1: "_cat"}
    with pytest.raises(ValueError, match="is of the type 'resnet'; expected clip"):
        plain_config(tmp_path, "clip")


def test_openais_vocabulary_is_taken_and_a_part_of_it_refused(tmp_path: Path) -> None:
    whole = Path(os.environ["HYPONET_COMFYUI"], "comfy", "sd1_tokenizer")
    # ids of OpenAI's simple_tokenizer.py
    ids = [49406, 320, 1125, 539, 320, 2368, 49407]
    assert clip_tokenizer(whole, 49408)("a photo of a cat")["input_ids"] == ids
    folder = Path(shutil.copytree(whole, tmp_path / "clip"))
    merges = (folder / "merges.txt").read_text("utf-8").splitlines()
    (folder / "merges.txt").write_text("\n".join(merges[:20000]), "utf-8")
    with pytest.raises(ValueError, match=r"it takes '\w+' apart, which is one word of the vocabulary"):
        clip_tokenizer(folder, 49408)
    (folder / "merges.txt").unlink()
    with pytest.raises(ValueError, match="has no tokenizer"):
        clip_tokenizer(folder, 49408)
    with pytest.raises(ValueError, match=r"49,408 words, where the model knows 30,524"):
        clip_tokenizer(whole, 30524)
