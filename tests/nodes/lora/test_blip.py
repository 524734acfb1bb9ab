"""BLIP with random weights of a tiny shape: the real transformers code, saved and opened as a downloaded model is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
)

from hyponet.nodes.lora.blip import blip_captioner, hub_snapshot

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]", "a", "cat", "dog", "ship", "on", "the", "red", "sea", "mat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("blip")
    (path / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    text = {
        "vocab_size": len(WORDS),
        "hidden_size": 16,
        "encoder_hidden_size": 16,
        "intermediate_size": 16,
        "projection_dim": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
        "bos_token_id": 4,
        "eos_token_id": 3,
        "pad_token_id": 0,
        "sep_token_id": 3,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 16,
    }
    torch.manual_seed(0)
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(path)
    processor = BlipProcessor(
        BlipImageProcessor(size={"height": 32, "width": 32}), BertTokenizer(str(path / "vocab.txt"))
    )
    processor.save_pretrained(path)
    return path


def test_captions_are_what_transformers_generates_and_the_same_each_time(folder):
    pictures = list(np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), np.uint8))
    captions = blip_captioner(folder, "cpu")(pictures, ["cat"] * 3)
    assert len(captions) == 3
    assert all(captions)
    assert all(set(caption.split()) <= set(WORDS) for caption in captions)
    assert blip_captioner(folder, "cpu")(pictures, ["dog"] * 3) == captions
    # transformers driven directly, one picture at a time
    processor = BlipProcessor.from_pretrained(folder)
    model = BlipForConditionalGeneration.from_pretrained(folder).train(False)
    for picture, caption in zip(pictures, captions, strict=True):
        tokens = model.generate(**processor(images=picture, return_tensors="pt"), max_new_tokens=75, do_sample=False)
        assert processor.decode(tokens[0], skip_special_tokens=True).strip() == caption


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match="cannot be opened as a BLIP captioning model"):
        blip_captioner(tmp_path, "cpu")


def test_a_model_without_its_vocabulary_writes_no_captions(folder, tmp_path):
    without = Path(shutil.copytree(folder, tmp_path / "blip"))
    for name in ("vocab.txt", "tokenizer.json"):
        (without / name).unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"has no tokenizer of its model .*expected vocab\.txt or tokenizer\.json"):
        blip_captioner(without, "cpu")


@pytest.mark.parametrize(
    ("name", "value"), [("attn_implementation", "kernels-community/flash-attn2"), ("dtype", "bfloat16")]
)
def test_a_models_config_does_not_steer_how_it_runs(folder, tmp_path, name, value):
    steered = Path(shutil.copytree(folder, tmp_path / "blip"))
    stated = json.loads((steered / "config.json").read_text("utf-8"))
    (steered / "config.json").write_text(json.dumps({**stated, name: value}), "utf-8")
    pictures = list(np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), np.uint8))
    captions = [blip_captioner(each, "cpu")(pictures, ["cat"] * 2) for each in (folder, steered)]
    assert captions[0] == captions[1]


def test_a_model_that_is_nowhere_lists_the_places_searched(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nobody/no-such-blip; .*captioners.*choose the template"):
        hub_snapshot("nobody/no-such-blip", [tmp_path / "captioners"])


@pytest.mark.parametrize("name", ["../secret", "a/b/c", "/etc", "a\\b", "a/..", "", ".hidden"])
def test_a_name_that_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="expected a folder below models/captioners"):
        hub_snapshot(name, [])
