"""The LoRA room on a real server: sample, upscale natively, caption, train, and open the file in the native loader."""

from __future__ import annotations

import asyncio
import io

import aiohttp
import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from headless.client import Client, RunFailed

CLASSES = ("cat", "ship")


@pytest.fixture(scope="module")
def labelled(comfy):
    """A folder of class folders with 4 pictures of 8x8 each, below input."""
    random = np.random.default_rng(0)
    for label in CLASSES:
        (comfy.input / "lora_set" / label).mkdir(parents=True)
        for i in range(4):
            pixels = random.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(comfy.input / "lora_set" / label / f"{i}.png")
    return "lora_set"


@pytest.fixture(scope="module")
def red(comfy):
    """A folder with one captioned picture, below input."""
    folder = comfy.input / "lora_red"
    folder.mkdir()
    Image.new("RGB", (64, 64), "red").save(folder / "a.png")
    (folder / "a.txt").write_text("red")
    return "lora_red"


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


def caption_graph(labelled, name):
    """Two pictures a class, twice through the 4x upscaler (8 -> 32 -> 128), area down to 64, captioned."""
    return {
        "load": node(
            "HypoNetLoadLabelledImages",
            source="image folder",
            path=labelled,
            split="all",
            per_class=0,
            corrupt="stop",
            download=False,
            seed=0,
        ),
        "sample": node("HypoNetSampleImages", images=["load", 0], per_class=2, seed=3),
        "esrgan": node("UpscaleModelLoader", model_name="tiny_RealESRGAN_x4.pth"),
        "up": node("ImageUpscaleWithModel", upscale_model=["esrgan", 0], image=["sample", 0]),
        "up_again": node("ImageUpscaleWithModel", upscale_model=["esrgan", 0], image=["up", 0]),
        "down": node("ImageScale", image=["up_again", 0], upscale_method="area", width=64, height=64, crop="disabled"),
        "caption": node(
            "HypoNetCaptionImages",
            images=["down", 0],
            labels=["sample", 1],
            name=name,
            captioner="template",
            caption_template="a photo of a {label}",
            blip_model="Salesforce/blip-image-captioning-base",
        ),
    }


def train_graph(folder, name, checkpoint="tiny_sd15.ckpt", **changes):
    return {
        "checkpoint": node("CheckpointLoaderSimple", ckpt_name=checkpoint),
        "train": node(
            "HypoNetTrainLora",
            model=["checkpoint", 0],
            clip=["checkpoint", 1],
            vae=["checkpoint", 2],
            folder=folder,
            name=name,
            **{
                "resolution": 64,
                "batch_size": 5,
                "epochs": 2,
                "learning_rate": 0.01,
                "rank": 8,
                "alpha": 8.0,
                "min_bucket": 64,
                "max_bucket": 2048,
                "gradient_checkpointing": False,
                "weighted_captions": False,
                "scale_v_pred_loss_like_noise_pred": False,
                "sample_count": 0,
                "seed": 0,
                **changes,
            },
        ),
        "curve": node("PreviewImage", images=["train", 1]),
        "shown": node("PreviewAny", source=["train", 0]),
    }


def sample_graph(lora=None, strength=1.0):
    """Two steps of the native sampler, with or without the native LoRA loader."""
    model = ["lora", 0] if lora else ["checkpoint", 0]
    graph = {
        "checkpoint": node("CheckpointLoaderSimple", ckpt_name="tiny_sd15.ckpt"),
        "text": node("CLIPTextEncode", clip=["checkpoint", 1], text="a photo of a cat"),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sampler": node(
            "KSampler", model=model, positive=["text", 0], negative=["text", 0], latent_image=["latent", 0],
            seed=1, steps=2, cfg=1.0, sampler_name="euler", scheduler="normal", denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=["checkpoint", 2]),
        "image": node("PreviewImage", images=["decode", 0]),
    }  # fmt: skip
    if lora:
        graph["lora"] = node(
            "LoraLoader",
            model=["checkpoint", 0],
            clip=["checkpoint", 1],
            lora_name=lora,
            strength_model=strength,
            strength_clip=strength,
        )
    return graph


def image(comfy, graph):
    """Pixels of what the graph shows; the file itself also holds the graph."""
    data = comfy.client.picture(comfy.run(graph)["image"]["images"][0])
    return np.asarray(Image.open(io.BytesIO(data))).tolist()


def cached(comfy, graph):
    """The nodes of `graph` that the server answered from its cache."""
    entry = comfy.client.wait(comfy.client.queue(graph))
    [names] = [message["nodes"] for kind, message in entry["status"]["messages"] if kind == "execution_cached"]
    return set(names)


def test_from_labelled_pictures_to_a_lora_that_the_native_loader_applies(comfy, labelled):
    before = len(comfy.log())  # other tests load LoRAs that do not fit
    graph = caption_graph(labelled, "chain") | train_graph(["caption", 0], "chain/first")
    outputs = comfy.run(graph)
    folder = comfy.output / "hyponet" / "lora" / "chain"
    pictures = sorted(folder.glob("*.png"))
    assert [path.name for path in pictures] == ["0000_cat.png", "0001_cat.png", "0002_ship.png", "0003_ship.png"]
    assert [path.with_suffix(".txt").read_text().strip() for path in pictures] == [
        "a photo of a cat",
        "a photo of a cat",
        "a photo of a ship",
        "a photo of a ship",
    ]
    assert all(Image.open(path).size == (64, 64) for path in pictures)
    assert outputs["shown"]["text"] == ["chain/first.safetensors"]
    figures = outputs["train"]["hyponet_result"][0]["figures"]
    assert figures["steps"] == 2
    file = comfy.base / "models" / "loras" / "chain" / "first.safetensors"
    with safe_open(file, "pt") as opened:
        assert opened.metadata()["ss_network_dim"] == "8"

    plain = image(comfy, sample_graph())
    assert image(comfy, sample_graph("chain/first.safetensors", 0.0)) == plain
    assert image(comfy, sample_graph("chain/first.safetensors", 1.0)) != plain
    log = comfy.log()[before:]
    assert "lora key not loaded" not in log
    assert "NOT LOADED" not in log


def test_an_edited_caption_is_kept_and_trained_on_and_nothing_else_runs_again(comfy, labelled):
    graph = caption_graph(labelled, "edited") | train_graph(["caption", 0], "edited/first", epochs=1)
    comfy.run(graph)
    assert {"caption", "train"} <= cached(comfy, graph)
    (comfy.output / "hyponet" / "lora" / "edited" / "0001_cat.txt").write_text("a cat on a mat")
    with pytest.raises(RunFailed, match=r"captions .* there, .* now"):
        comfy.run(graph)
    graph["train"]["inputs"]["name"] = "edited/second"
    comfy.run(graph)
    assert (comfy.output / "hyponet" / "lora" / "edited" / "0001_cat.txt").read_text() == "a cat on a mat"
    assert {"caption", "train"} <= cached(comfy, graph)


def test_a_file_that_was_deleted_is_trained_again(comfy, red):
    graph = train_graph(red, "deleted", epochs=1)
    comfy.run(graph)
    file = comfy.base / "models" / "loras" / "deleted.safetensors"
    before = file.read_bytes()
    file.unlink()
    comfy.run(graph)
    assert file.read_bytes() == before


def test_a_stopped_training_goes_on_and_is_no_lora_before_it_is_finished(comfy, red):
    graph = train_graph(red, "stopped", epochs=12)
    file = comfy.base / "models" / "loras" / "stopped.safetensors"
    assert asyncio.run(stop_after(comfy, graph, 2)) == "execution_interrupted"
    assert not file.exists()
    unfinished = comfy.output / "hyponet" / "lora_training" / "stopped"
    assert list(unfinished.glob("unfinished-*.pt"))
    comfy.run(graph)
    assert "training stopped.safetensors goes on at step" in comfy.log()
    assert not list(unfinished.glob("*.pt"))
    with safe_open(file, "pt") as opened:
        assert opened.metadata()["ss_epoch"] == "12"


async def stop_after(comfy, graph, step):
    """Queue the graph and press stop when the bar of its training comes to `step`; how the server says it ended."""
    client = Client(comfy.url, "stopper")
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{comfy.url}/ws?clientId=stopper") as socket:
        await asyncio.to_thread(client.queue, graph)
        async for message in socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                continue
            event = message.json()
            bar = event["data"] if event["type"] == "progress" else {}
            if bar.get("max") == 12 and bar["value"] == step:  # the bar before it, of encoding, goes to 1
                await asyncio.to_thread(client.interrupt)
            if event["type"] in ("execution_success", "execution_error", "execution_interrupted"):
                return event["type"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folder": "nowhere"}, r"folder is 'nowhere'; it exists in none"),
        ({"folder": "../lora_set"}, r"folder is '../lora_set'"),
        ({"name": "../stolen"}, r"name is '../stolen"),
        ({"name": ""}, r"name is '': it is empty"),
        ({"folder": "lora_set"}, r"has 8 pictures without a caption \(cat/0.png"),
        ({"min_bucket": 256}, r"resolution is 64, min_bucket 256"),
        ({"rank": 1000}, r"rank is 1000; expected at most 320"),
        ({"checkpoint": "tiny_sdxl_refiner.safetensors"}, r"expected SD 1.x or SDXL base"),
    ],
)
def test_bad_input_says_what_is_wrong_and_writes_nothing(comfy, labelled, red, changes, message):
    with pytest.raises(RunFailed, match=message):
        comfy.run(train_graph(**{"folder": red, "name": "bad", **changes}))
    assert not (comfy.base / "models" / "loras" / "bad.safetensors").exists()


def test_captions_of_a_missing_blip_model_say_where_it_was_looked_for(comfy, labelled):
    graph = caption_graph(labelled, "blip")
    graph["caption"]["inputs"]["captioner"] = "BLIP"
    with pytest.raises(RunFailed, match=r"in none of the folders searched: .*captioners"):
        comfy.run(graph)
    assert not (comfy.output / "hyponet" / "lora" / "blip").exists()
