"""LoRA Training's work on real ComfyUI objects in this process, on the CPU, with the stand-in SD 1.5 and SDXL."""

from __future__ import annotations

import gc
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from hyponet.evaluation.lock import AnotherWriter, only_writer

from .conftest import load_models

PAIRS = 32
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures of the given (width, height), each a gradient of its own."""

    def make(*sizes):
        folder = tmp_path / "pictures"
        folder.mkdir()
        for i, (width, height) in enumerate(sizes):
            x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
            picture = np.stack([x, y, np.full_like(x, 60 * i)], -1).astype(np.uint8)
            Image.fromarray(picture).save(folder / f"{i}.png")
            (folder / f"{i}.txt").write_text("a photo of a cat" if i else "a ship")
        return folder

    return make


def settings(**changes):
    from hyponet.nodes.lora.settings import LoraSettings

    return LoraSettings(**{"resolution": 64, "min_bucket": 64, "max_bucket": 128, "epochs": 2, **changes})


def train(engine, models, folder, out, **changes):
    job = engine.LoraJob(
        "cats", folder, out / "cats.safetensors", settings(**changes), out / "results", out / "unfinished"
    )
    with torch.inference_mode():
        trained = engine.train_lora(*models, job)
    return trained.result, trained.curve, job.file


def test_the_loss_halves_and_the_saved_file_does_it_in_the_native_loader(engine, sd15, pictures, tmp_path):
    import comfy.sd
    import comfy.utils

    from hyponet.nodes.lora.buckets import fit
    from hyponet.nodes.lora.captions import read_folder
    from hyponet.nodes.lora.denoiser import EPSILON, UNetDenoiser
    from hyponet.nodes.lora.examples import encode_examples, literal_tokens
    from hyponet.nodes.lora.train import probe_loss

    folder = pictures((64, 64))
    result, _, path = train(engine, sd15, folder, tmp_path, epochs=30, rank=16, alpha=8.0, gradient_checkpointing=False)
    assert result.figures["loss_after"] <= result.figures["loss_before"] / 2

    def loss_through_comfyui(strength):
        """The same 32 pairs, predicted by the model that ComfyUI's own loader patched, with no code of ours in it."""
        model, clip, vae = sd15
        lora = comfy.utils.load_torch_file(str(path), safe_load=True)
        with torch.inference_mode():
            patched, _ = comfy.sd.load_lora_for_models(model, clip, lora, strength, 0.0)
            [picture] = read_folder(folder)
            way = fit(64, 64, [(64, 64)])
            examples = encode_examples(model, clip, vae, [picture], [way], literal_tokens, lambda done, total: None)
            comfy.model_management.load_models_gpu([patched])
            denoiser = UNetDenoiser(patched.model, examples, torch.device("cpu"), EPSILON)
            loss = probe_loss(denoiser, [(64, 64)], 5)
            patched.detach()
        return loss

    assert loss_through_comfyui(0.0) == pytest.approx(result.figures["loss_before"], rel=0.1)
    assert loss_through_comfyui(1.0) == pytest.approx(result.figures["loss_after"], rel=0.1)


def test_the_loss_of_a_real_model_falls(engine, tmp_path):
    """The small model, which is trained, in 30 steps on two real photos that it was not trained on."""
    from hyponet.evaluation.pictures.sources.folders import read_folder

    photos = read_folder(ROOT / "data" / "small_model" / "test_pictures.zip", split="test")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(2):
        Image.fromarray(photos.read(i)).resize((64, 64)).save(folder / f"{i}.png")
        (folder / f"{i}.txt").write_text(f"a photo of a {photos.class_names[photos.labels[i]]}")
    fast = {"batch_size": 32, "gradient_checkpointing": False, "learning_rate": 1e-2}
    result, _, _ = train(engine, load_models("hyponet-small.safetensors"), folder, tmp_path, epochs=30, **fast)
    assert result.figures["steps"] == 30
    assert result.figures["loss_after"] < 0.9 * result.figures["loss_before"]


def test_the_same_seed_gives_the_same_file_and_checkpointing_changes_no_weight(engine, sd15, pictures, tmp_path):
    folder = pictures((64, 64), (64, 64))
    files = {}
    for name, changes in {
        "first": {},
        "again": {},
        "stored": {"gradient_checkpointing": False},
        "other": {"seed": 1},
    }.items():
        files[name] = train(engine, sd15, folder, tmp_path / name, **changes)[2]
    assert files["first"].read_bytes() == files["again"].read_bytes()
    assert tensors(files["first"]) == tensors(files["stored"])
    assert tensors(files["first"]) != tensors(files["other"])


def tensors(path):
    with safe_open(path, "pt") as opened:
        return {key: opened.get_tensor(key).tolist() for key in opened.keys()}  # noqa: SIM118  no mapping


def test_two_bucket_shapes_train_in_one_epoch(engine, sd15, pictures, tmp_path):
    folder = pictures((64, 64), (256, 64), (100, 100))
    shapes = []
    wide = settings(resolution=128, epochs=1)
    job = engine.LoraJob("cats", folder, tmp_path / "a.safetensors", wide, tmp_path, tmp_path)
    original = sd15[0].model.apply_model

    def watched(x, *args, **kwargs):
        if torch.is_grad_enabled():
            shapes.append(tuple(x.shape))
        return original(x, *args, **kwargs)

    sd15[0].model.apply_model = watched
    try:
        with torch.inference_mode():
            result = engine.train_lora(*sd15, job).result
    finally:
        del sd15[0].model.apply_model
    # 256x64 goes to the bucket 128x64 at the largest side 128; the two squares share the bucket 128x128
    assert sorted(shapes) == [(1, 4, 8, 16), (2, 4, 16, 16)]
    assert result.figures["steps"] == 2
    with safe_open(job.file, "pt") as opened:
        buckets = json.loads(opened.metadata()["ss_bucket_info"])["buckets"]
    assert {(*one["resolution"], one["count"]) for one in buckets.values()} == {(128, 64, 1), (128, 128, 2)}


def test_memory_is_freed_and_the_model_is_as_before(engine, sd15, pictures, tmp_path):
    folder = pictures((64, 64))
    unet = sd15[0].model
    train(engine, sd15, folder, tmp_path / "first")
    before = alive()
    parameters = [(p.data_ptr(), p.is_inference()) for p in unet.parameters()]
    train(engine, sd15, folder, tmp_path / "second")
    assert alive() == before
    assert [(p.data_ptr(), p.is_inference()) for p in unet.parameters()] == parameters
    assert not [name for name, module in unet.named_modules() if module._forward_hooks or "forward" in vars(module)]
    assert not [name for name, p in unet.named_parameters() if p.grad is not None]
    assert unet.manual_cast_dtype != torch.bfloat16


def alive():
    """Bytes of all tensors that anything still holds."""
    gc.collect()
    found = {}
    for thing in gc.get_objects():
        if type(thing) in (torch.Tensor, torch.nn.Parameter) and not thing.is_mkldnn:  # oneDNN's have no storage
            storage = thing.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
    return sum(found.values())


def test_sdxl_trains_with_its_second_conditioning(engine, sdxl, pictures, tmp_path):
    result, curve, path = train(engine, sdxl, pictures((128, 64)), tmp_path, epochs=1)
    assert result.inputs["model"] == "sdxl"
    assert curve.shape == (480, 800, 3)
    with safe_open(path, "pt") as opened:
        assert all(key.startswith("lora_unet_") and "down_blocks" not in key for key in opened.keys())  # noqa: SIM118


def test_a_finished_training_is_not_repeated(engine, sd15, pictures, tmp_path, monkeypatch):
    folder = pictures((64, 64))
    first, _, path = train(engine, sd15, folder, tmp_path)
    time = path.stat().st_mtime_ns
    again, _, _ = train(engine, sd15, folder, tmp_path)
    assert again == first
    assert path.stat().st_mtime_ns == time
    hidden, lock = path.rename(tmp_path / "hidden"), engine.only_writer

    @contextmanager
    def finished_meanwhile(target, what):
        with lock(target, what):
            hidden.rename(target)  # by whoever had the lock until now
            yield

    monkeypatch.setattr(engine, "only_writer", finished_meanwhile)
    assert train(engine, sd15, folder, tmp_path)[0] == first
    assert path.stat().st_mtime_ns == time
    monkeypatch.undo()
    # ComfyUI's fingerprint of a linked folder: None stands for it, and the regression was that no edit changed it
    before = engine.training_fingerprint(None, "cats")
    assert engine.training_fingerprint(None, "cats") == before
    (folder / "0.txt").write_text("a dog")
    after = engine.training_fingerprint(None, "cats")
    assert after != before
    assert engine.training_fingerprint(None, "cats") == after
    with pytest.raises(ValueError, match=r"captions .* there, .* now"):
        train(engine, sd15, folder, tmp_path)
    assert path.stat().st_mtime_ns == time


SD15 = {
    "image_size": 32, "use_spatial_transformer": True, "legacy": False, "adm_in_channels": None, "in_channels": 4,
    "model_channels": 320, "num_res_blocks": [2, 2, 2, 2], "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "channel_mult": [1, 2, 4, 4], "transformer_depth_middle": 1, "use_linear_in_transformer": False,
    "context_dim": 768, "num_heads": 8, "out_channels": 4, "use_temporal_attention": False,
    "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
}  # fmt: skip
SDXL = {
    "image_size": 32, "use_spatial_transformer": True, "legacy": False, "num_classes": "sequential",
    "adm_in_channels": 2816, "in_channels": 4, "model_channels": 320, "num_res_blocks": [2, 2, 2],
    "transformer_depth": [0, 0, 2, 2, 10, 10], "channel_mult": [1, 2, 4], "transformer_depth_middle": 10,
    "use_linear_in_transformer": True, "context_dim": 2048, "num_head_channels": 64, "out_channels": 4,
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10], "use_temporal_attention": False,
}  # fmt: skip
# how kohya's trainer names layers of the two models, and how many it reports ("create LoRA for U-Net: ... modules")
KOHYA = {
    "sd1": (SD15, 192, [
        "lora_unet_down_blocks_0_attentions_0_proj_in",
        "lora_unet_down_blocks_2_attentions_1_transformer_blocks_0_attn2_to_k",
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_0_proj",
        "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_attn1_to_out_0",
    ]),
    "sdxl": (SDXL, 722, [
        "lora_unet_input_blocks_4_1_proj_in",
        "lora_unet_middle_block_1_transformer_blocks_9_ff_net_2",
        "lora_unet_output_blocks_5_1_transformer_blocks_1_attn2_to_v",
    ]),
}  # fmt: skip


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_the_real_models_get_the_layers_and_names_of_kohyas_trainer(engine, family):
    import comfy.model_detection
    import comfy.model_patcher

    from hyponet.nodes.lora.lora_file import kohya_names
    from hyponet.nodes.lora.unet import family_of, key_map, trainable_modules

    config, count, examples = KOHYA[family]
    known = comfy.model_detection.model_config_from_unet_config(dict(config))
    known.unet_config["dtype"] = torch.float16

    patcher = comfy.model_patcher.ModelPatcher(known.get_model({}, "", device="meta"), "meta", "meta")
    found = family_of(patcher)
    assert (found.name, found.prediction, found.has_zero_snr) == (family, "epsilon", False)
    modules = list(trainable_modules(patcher))
    assert len(modules) == count
    names = kohya_names(key_map(patcher), modules, family)
    assert len(set(names.values())) == count
    assert set(examples) <= set(names.values())


@pytest.mark.parametrize(("keys", "has_zero_snr"), [(["v_pred"], False), (["v_pred", "ztsnr"], True)])
def test_a_checkpoint_of_sdxl_that_predicts_v_is_known_by_its_keys(engine, keys, has_zero_snr):
    """The empty tensors by which checkpoints of NoobAI and others say it; ComfyUI reads them."""
    import comfy.model_detection
    import comfy.model_patcher

    from hyponet.nodes.lora.unet import family_of

    known = comfy.model_detection.model_config_from_unet_config(dict(SDXL))
    known.unet_config["dtype"] = torch.float16
    model = known.get_model({key: torch.tensor([]) for key in keys}, "", device="meta")
    found = family_of(comfy.model_patcher.ModelPatcher(model, "meta", "meta"))
    assert (found.name, found.prediction, found.has_zero_snr) == ("sdxl", "v", has_zero_snr)


def test_models_of_another_kind_are_refused(engine):
    import comfy.model_detection

    from hyponet.nodes.lora.unet import family_of

    config = {**SD15, "in_channels": 9}  # inpainting
    known = comfy.model_detection.model_config_from_unet_config(config)
    known.unet_config["dtype"] = torch.float16

    class Patcher:
        model = known.get_model({}, "", device="meta")

    with pytest.raises(ValueError, match=r"expected SD 1.x or SDXL base"):
        family_of(Patcher)


def test_of_two_that_train_to_one_file_the_second_is_told_who_is_at_it(engine, sd15, pictures, tmp_path):
    with only_writer(tmp_path / "cats.safetensors", "the LoRA"), pytest.raises(AnotherWriter, match="by process"):
        train(engine, sd15, pictures((64, 64)), tmp_path)
    assert not (tmp_path / "cats.safetensors").exists()


@pytest.mark.parametrize("planted", [0, 1, 3])
def test_test_pictures_among_the_loras_own_are_counted_in_its_result(engine, pictures, tmp_path, planted):
    """By hand: so many of the folder's three pictures are in the test set, whose files are of another format."""
    from hyponet.evaluation.pictures.sources.folders import read_folder
    from hyponet.evaluation.results import Measurement, read_result, write_result

    folder = pictures((64, 64), (96, 64), (64, 128))
    (tmp_path / "test" / "cat").mkdir(parents=True)
    for i in range(planted):
        Image.open(folder / f"{i}.png").save(tmp_path / "test" / "cat" / f"{i}.bmp")
    Image.new("RGB", (64, 64), "red").save(tmp_path / "test" / "cat" / "other.png")
    test_images = read_folder(tmp_path / "test")
    job = engine.LoraJob("cats", folder, tmp_path / "c", settings(), tmp_path / "results", tmp_path / "unfinished")
    result = write_result(job.results, Measurement("cats", engine.KIND, {"steps": 1}, {"pictures": 3}, {}))
    for _ in range(2):  # counting again says nothing twice
        result = engine._with_overlap(result, job, test_images)
    assert read_result(result.path) == result
    assert result.inputs["test_images"]["shared"] == planted
    said = f"{planted} of {planted + 1} pictures of test are among the LoRA's pictures"
    assert result.warnings == ((said,) if planted else ())
