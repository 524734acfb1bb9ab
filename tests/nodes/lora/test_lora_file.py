from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from hyponet.evaluation.training.state import Diverged
from hyponet.nodes.lora import lora_file
from hyponet.nodes.lora.adapter import make_layers
from hyponet.nodes.lora.settings import LoraSettings

IDENTITY = {"seed": 0, "rank": 2, "pictures": "abc"}


def layers():
    modules = {"input_blocks.1.1.proj_in": torch.nn.Conv2d(4, 4, 1), "input_blocks.1.1.a": torch.nn.Linear(6, 5)}
    return make_layers(modules, 2, 0.5, torch.Generator().manual_seed(0))


def info(identity=IDENTITY, family="sd1", prediction="epsilon", has_zero_snr=False, **changes):
    buckets = {(512, 512): 400}
    settings = LoraSettings(**changes)
    return lora_file.LoraDescription(
        settings, family, prediction, has_zero_snr, "cats", identity, 560, buckets
    ).metadata()


def file_bytes(**changes):
    names = {"input_blocks.1.1.proj_in": "lora_unet_x", "input_blocks.1.1.a": "lora_unet_y"}
    return lora_file.file_bytes(lora_file.tensors_of(layers(), names), info(**changes))


def test_other_readers_open_the_file(tmp_path):
    lora_file.write(tmp_path / "sub" / "a.safetensors", file_bytes())
    with safe_open(tmp_path / "sub" / "a.safetensors", "pt") as opened:
        assert sorted(opened.keys()) == sorted(
            f"lora_unet_{x}.{part}" for x in "xy" for part in ("alpha", "lora_down.weight", "lora_up.weight")
        )
        assert opened.get_tensor("lora_unet_x.lora_down.weight").shape == (2, 4, 1, 1)
        assert opened.get_tensor("lora_unet_y.lora_up.weight").shape == (5, 2)
        assert opened.get_tensor("lora_unet_x.alpha").item() == 0.5
        metadata = opened.metadata()
    assert metadata["ss_network_dim"] == "8"
    assert metadata["ss_network_alpha"] == "1.0"
    assert metadata["ss_base_model_version"] == "sd_v1"
    assert metadata["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert json.loads(metadata["ss_bucket_info"])["buckets"]["0"] == {"resolution": [512, 512], "count": 400}
    assert metadata == lora_file.read_metadata(tmp_path / "sub" / "a.safetensors")


def test_the_published_keys_of_sdxl():
    metadata = info(family="sdxl")
    # the names in the model specification and in kohya's trainer
    assert metadata["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"
    assert metadata["ss_base_model_version"] == "sdxl_base_v1-0"


def test_the_hash_that_other_tools_show_is_that_of_the_bytes_after_the_header():
    data = file_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert header["__metadata__"]["sshs_model_hash"] == hashlib.sha256(data[8 + size :]).hexdigest()
    assert size % 8 == 0


def test_the_same_contents_give_the_same_bytes():
    assert len({file_bytes() for _ in range(5)}) == 1


def test_nothing_in_the_file_tells_the_time():
    assert not [key for key in info() if "date" in key or "_at" in key or "time" in key]


def test_a_finished_file_is_known(tmp_path):
    path = tmp_path / "cats.safetensors"
    assert not lora_file.is_finished(path, IDENTITY)
    lora_file.write(path, file_bytes())
    assert lora_file.is_finished(path, IDENTITY)


def test_the_file_says_what_was_trained():
    """The words of kohya's trainer and of the model specification ("epsilon" and "v")."""
    plain = info()
    assert (plain["ss_v_parameterization"], plain["modelspec.prediction_type"]) == ("False", "epsilon")
    assert (plain["ss_zero_terminal_snr"], plain["ss_weighted_captions"]) == ("False", "False")
    assert (plain["ss_epoch"], plain["ss_num_epochs"], plain["ss_steps"]) == ("7", "7", "560")
    other = info(prediction="v", has_zero_snr=True, weighted_captions=True, scale_v_pred_loss_like_noise_pred=True)
    assert (other["ss_v_parameterization"], other["modelspec.prediction_type"]) == ("True", "v")
    assert other["ss_scale_v_pred_loss_like_noise_pred"] == "True"
    assert (other["ss_zero_terminal_snr"], other["ss_weighted_captions"]) == ("True", "True")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 70_000.0])
def test_a_weight_that_is_no_number_in_the_file_is_refused(value):
    """fp16, in which the file is written, ends at 65,504."""
    broken = layers()
    with torch.no_grad():
        broken["input_blocks.1.1.a"].up[0, 0] = value
    with pytest.raises(Diverged, match=r"lora_unet_y.lora_up.weight has numbers that are not finite"):
        lora_file.tensors_of(broken, {"input_blocks.1.1.proj_in": "lora_unet_x", "input_blocks.1.1.a": "lora_unet_y"})


def test_another_training_or_a_foreign_file_is_never_written_over(tmp_path):
    path = tmp_path / "cats.safetensors"
    lora_file.write(path, file_bytes())
    with pytest.raises(ValueError, match=r"trained otherwise \(rank 2 there, 4 now\)"):
        lora_file.is_finished(path, {**IDENTITY, "rank": 4})
    path.write_bytes(b"not a LoRA")
    with pytest.raises(ValueError, match="was not written by LoRA Training"):
        lora_file.is_finished(path, IDENTITY)


@pytest.mark.parametrize("identity", ["[" * 100_000, "[1]", '"text"', "7", "null", "{"])
def test_an_identity_that_is_none_is_of_a_foreign_file(tmp_path, identity):
    header = json.dumps({"__metadata__": {lora_file.IDENTITY: identity}}).encode()
    path = tmp_path / "cats.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match="was not written by LoRA Training"):
        lora_file.is_finished(path, IDENTITY)


def test_a_header_that_is_nested_too_deeply_is_of_a_foreign_file(tmp_path):
    path = tmp_path / "cats.safetensors"
    path.write_bytes((100_000).to_bytes(8, "little") + b"[" * 100_000)
    with pytest.raises(ValueError, match="was not written by LoRA Training"):
        lora_file.is_finished(path, IDENTITY)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE], ids=errno.errorcode.get)
def test_a_disk_that_fails_makes_no_foreign_file(tmp_path, monkeypatch, number):
    """The advice would be to train for days under another name."""
    path = tmp_path / "cats.safetensors"
    lora_file.write(path, file_bytes())

    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as while_it_lasts:
        while_it_lasts.setattr(Path, "open", fail)
        with pytest.raises(OSError, match=rf"cats\.safetensors cannot be read \({os.strerror(number)}\)"):
            lora_file.is_finished(path, IDENTITY)
    assert lora_file.is_finished(path, IDENTITY)


def test_names_follow_the_family():
    table = {
        "lora_unet_input_blocks_1_1_proj_in": "diffusion_model.input_blocks.1.1.proj_in.weight",
        "lora_unet_down_blocks_0_attentions_0_proj_in": "diffusion_model.input_blocks.1.1.proj_in.weight",
        "diffusion_model.input_blocks.1.1.proj_in": "diffusion_model.input_blocks.1.1.proj_in.weight",
    }
    module = "input_blocks.1.1.proj_in"
    assert lora_file.kohya_names(table, [module], "sd1")[module] == "lora_unet_down_blocks_0_attentions_0_proj_in"
    assert lora_file.kohya_names(table, [module], "sdxl")[module] == "lora_unet_input_blocks_1_1_proj_in"
