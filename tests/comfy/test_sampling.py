"""Generate Dataset and its pieces on a real server, against the native nodes that they stand for."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import struct
import time

import aiohttp
import numpy as np
import pytest
from PIL import Image

from hyponet.tests.tools.choices import REFUSED, no_choice

SIZE = 64
LONG = "a " + "very " * 90 + "red "  # more than one window of 77 tokens


def plan_graph(images=2, **changes):
    """Nodes 1 and 2: two classes, short and long prompts."""
    values = {
        "template": "photo of a {red|blue|" + LONG + "} __hyponym__",
        "negative": "blurry",
        "coverage": "balanced",
        "images_per_class": images,
        "order": "interleaved",
        "shard_index": 0,
        "shard_count": 1,
        "seed": 5,
    }
    text = "cat: tabby, Persian cat\nship: liner, tug, ferry"
    return {
        "1": {"class_type": "HypoNetClassesFromText", "inputs": {"text": text, "kinds_of_words": False}},
        "2": {"class_type": "HypoNetPlanDataset", "inputs": {"classes": ["1", 0], **values, **changes}},
    }


def checkpoint(name="tiny_sd15.ckpt", node="3"):
    return {node: {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}}}


def generate(name, model=("3", 0), clip=("3", 1), vae=("3", 2), **changes):
    """Node 4: Generate Dataset."""
    values = {
        "model": list(model),
        "clip": list(clip),
        "vae": list(vae),
        "plan": ["2", 0],
        "name": name,
        "width": SIZE,
        "height": SIZE,
        "steps": 2,
        "cfg": 7.5,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "batch_size": 3,
    }
    return {"4": {"class_type": "HypoNetGenerateDataset", "inputs": {**values, **changes}}}


def summary(outputs):
    return outputs["4"]["hyponet_dataset"][0]


def lines(comfy, name):
    text = (comfy.datasets / name / "metadata.jsonl").read_text("utf-8")
    return sorted((json.loads(line) for line in text.splitlines()), key=lambda line: (line["label"], line["rank"]))


def picture(comfy, name, line):
    with Image.open(comfy.datasets / name / line["file_name"]) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_whole_set_is_made_and_told_in_the_history(comfy):
    graph = {**plan_graph(images=3), **checkpoint(), **generate("whole")}
    shown = summary(comfy.run(graph))
    assert (shown["images"], shown["made"]) == (6, 6)
    assert shown["counts"] == {"cat": 3, "ship": 3}
    assert shown["path"] == str(comfy.datasets / "whole")
    assert shown["seconds"] > 0
    assert [(line["label"], line["rank"]) for line in lines(comfy, "whole")] == [
        *(("cat", rank) for rank in range(3)),
        *(("ship", rank) for rank in range(3)),
    ]


# the expressions by which the web UI reads its own line (infotext: `re_param`, at least three of them)
PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def test_pictures_carry_the_graph_and_the_line_that_other_tools_read(comfy):
    graph = {**plan_graph(images=1), **checkpoint(), **generate("carried", embed_parameters=True)}
    entry = comfy.client.wait(comfy.client.queue(graph, {"nodes": [], "version": 0.4}))
    assert entry["outputs"]["4"]["hyponet"] == entry["outputs"]["4"]["hyponet_dataset"]
    line = lines(comfy, "carried")[0]
    with Image.open(comfy.datasets / "carried" / line["file_name"]) as image:
        info = image.info
    assert json.loads(info["prompt"])["4"]["class_type"] == "HypoNetGenerateDataset"
    assert json.loads(info["workflow"]) == {"nodes": [], "version": 0.4}
    prompt, negative, last = info["parameters"].split("\n")
    assert (prompt, negative) == (line["prompt"], "Negative prompt: blurry")
    read = dict(PARAMETER.findall(last))
    kept = json.loads((comfy.datasets / "carried" / "dataset.json").read_text("utf-8"))["provenance"]["models"][0]
    assert read == {
        "Steps": "2",
        "Sampler": "dpmpp_2m",
        "Schedule type": "karras",
        "CFG scale": "7.5",
        "Model hash": kept["sha256"][:10],
        "Model": "tiny_sd15",
        "Size": "64x64",
        "Seed": str(line["seed"]),
    }


def test_half_a_surrogate_pair_in_any_widget_is_written(comfy):
    """The regression: dataset.json could not be written, and nothing was made."""
    graph = {**plan_graph(images=1), **checkpoint(), **generate("half")}
    graph["4"]["_meta"] = {"title": "\ud800"}
    graph["9"] = {"class_type": "PrimitiveString", "inputs": {"value": "\ud800"}}
    entry = comfy.client.wait(comfy.client.queue(graph, {"nodes": [{"widgets_values": ["\udfff"]}]}))
    assert entry["outputs"]["4"]["hyponet"][0]["made"] == 2
    kept = json.loads((comfy.datasets / "half" / "dataset.json").read_text("utf-8"))["provenance"]
    assert kept["prompt"]["9"]["inputs"]["value"] == "\ud800"
    assert kept["workflow"]["nodes"][0]["widgets_values"] == ["\udfff"]


def test_a_server_that_writes_no_metadata_is_obeyed(start_comfy, tmp_path):
    """The regression: only Save to Dataset knew --disable-metadata."""
    quiet = start_comfy(tmp_path, options=("--disable-metadata",))
    quiet.run({**plan_graph(images=1), **checkpoint(), **generate("quiet")})
    for line in lines(quiet, "quiet"):
        with Image.open(quiet.datasets / "quiet" / line["file_name"]) as image:
            assert set(image.info) == {"xmp", "XML:com.adobe.xmp"}, "the mark that it is generated stays"
    quiet.server.stop()


def largest_difference(first, second):
    return int(np.abs(first - second).max())


def same_set(comfy, first, second):
    """Whether two sets hold the same pictures and the same lines but for sha256."""
    ours, theirs = lines(comfy, first), lines(comfy, second)
    for one, other in zip(ours, theirs, strict=True):
        assert largest_difference(picture(comfy, first, one), picture(comfy, second, other)) <= 2
        assert {**one, "sha256": ""} == {**other, "sha256": ""}


def native(line, positive=("3", 1), model=("3", 0), vae=("3", 2), steps=2, sampler="dpmpp_2m"):
    """The native graph for one line of a set: two texts, an empty latent, KSampler, decode, save."""
    clip = list(positive)
    return {
        "10": {"class_type": "CLIPTextEncode", "inputs": {"text": line["prompt"], "clip": clip}},
        "11": {"class_type": "CLIPTextEncode", "inputs": {"text": line["negative"], "clip": clip}},
        "12": {"class_type": "EmptyLatentImage", "inputs": {"width": SIZE, "height": SIZE, "batch_size": 1}},
        "13": {
            "class_type": "KSampler",
            "inputs": {
                "model": list(model),
                "positive": ["10", 0],
                "negative": ["11", 0],
                "latent_image": ["12", 0],
                "seed": line["seed"],
                "steps": steps,
                "cfg": 7.5,
                "sampler_name": sampler,
                "scheduler": "karras",
                "denoise": 1.0,
            },
        },
        "14": {"class_type": "VAEDecode", "inputs": {"samples": ["13", 0], "vae": list(vae)}},
        "15": {"class_type": "SaveImage", "inputs": {"images": ["14", 0], "filename_prefix": "native"}},
    }


def saved(comfy, outputs, node="15", index=0):
    """A picture that a native Save Image wrote."""
    entry = outputs[node]["images"][index]
    with Image.open(comfy.output / entry["subfolder"] / entry["filename"]) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_batches_resumes_and_shards_give_the_native_pictures(comfy):
    """The bar: batch 1, 3 and 8, alone, gone on with, on another shard, and by KSampler: the same picture."""
    base = {**plan_graph(images=4), **checkpoint()}
    comfy.run({**base, **generate("of8", batch_size=8)})
    comfy.run({**base, **generate("of3", batch_size=3)})
    comfy.run({**plan_graph(images=2), **checkpoint(), **generate("of1", batch_size=1)})
    comfy.run({**base, **generate("of1", batch_size=1)})  # two a class were there, two more are added
    for number in range(2):
        shard = plan_graph(images=4, shard_index=number, shard_count=2)
        comfy.run({**shard, **checkpoint(), **generate(f"shard{number}")})
    made = lines(comfy, "of8")
    assert len(made) == 8
    assert len({line["prompt"] for line in made}) >= 6
    assert any(len(line["prompt"]) > 400 for line in made), "a long prompt stands beside short ones"
    same_set(comfy, "of8", "of3")
    same_set(comfy, "of8", "of1")
    parts = [(line, f"shard{number}") for number in range(2) for line in lines(comfy, f"shard{number}")]
    whole = {(line["label"], line["rank"]): line for line in made}
    assert sorted((line["label"], line["rank"]) for line, _ in parts) == sorted(whole)
    for line, name in parts:
        own = whole[line["label"], line["rank"]]
        assert largest_difference(picture(comfy, name, line), picture(comfy, "of8", own)) <= 2
    for line in (made[0], made[5]):
        drawn = saved(comfy, comfy.run({**checkpoint(), **native(line)}))
        assert largest_difference(drawn, picture(comfy, "of8", line)) <= 2
        assert largest_difference(drawn, picture(comfy, "of8", made[3])) > 2


def test_lora_and_freeu_act_as_in_a_native_graph(comfy):
    loader = checkpoint("tiny_sd15_freeu.safetensors")
    # Table 5-4 of the thesis gives SD 1.5's scales
    scales = {"b1": 1.2, "b2": 1.4, "s1": 0.9, "s2": 0.2}
    lora = {"lora_name": "tiny_sd15_lora.safetensors", "strength_model": 1.0, "strength_clip": 1.0}
    patched = {
        **loader,
        "5": {"class_type": "LoraLoader", "inputs": {"model": ["3", 0], "clip": ["3", 1], **lora}},
        "6": {"class_type": "FreeU", "inputs": {"model": ["5", 0], **scales}},
    }
    comfy.run({**plan_graph(images=1), **patched, **generate("patched", model=("6", 0), clip=("5", 1))})
    line = lines(comfy, "patched")[1]
    drawn = saved(comfy, comfy.run({**patched, **native(line, positive=("5", 1), model=("6", 0))}))
    plain = saved(comfy, comfy.run({**loader, **native(line)}))
    assert largest_difference(drawn, picture(comfy, "patched", line)) <= 2
    assert largest_difference(drawn, plain) > 2, "the patches change the picture"
    kept = json.loads((comfy.datasets / "patched" / "dataset.json").read_text("utf-8"))
    assert kept["identity"]["graph.FreeU.b1"] == 1.2
    assert {file["kind"] for file in kept["provenance"]["models"]} == {"checkpoints", "loras"}


def test_sdxl_with_a_refiner_is_the_native_graph_of_two_samplers(comfy):
    loaders = {**checkpoint("tiny_sdxl.ckpt"), **checkpoint("tiny_sdxl_refiner.safetensors", "7")}
    graph = {**plan_graph(images=1), **loaders}
    extra = {"refiner_model": ["7", 0], "refiner_clip": ["7", 1], "switch_at": 0.8, "steps": 4}
    comfy.run({**graph, **generate("refined", **extra)})
    for line in lines(comfy, "refined")[1:]:  # SDXL's text encoders keep their full size: seconds a text
        parts = native(line)
        del parts["13"]
        for node, clip in (("10", "3"), ("11", "3"), ("20", "7"), ("21", "7")):
            text = line["prompt"] if node in ("10", "20") else line["negative"]
            parts[node] = {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": [clip, 1]}}
        common = {"noise_seed": line["seed"], "steps": 4, "cfg": 7.5, "sampler_name": "dpmpp_2m", "scheduler": "karras"}
        base = {"start_at_step": 0, "end_at_step": 3, "add_noise": "enable", "return_with_leftover_noise": "enable"}
        last = {"start_at_step": 3, "end_at_step": 10000, "add_noise": "disable"}
        texts = {"positive": ["10", 0], "negative": ["11", 0]}
        parts["12"]["inputs"].update(width=SIZE, height=SIZE)
        parts["30"] = {
            "class_type": "KSamplerAdvanced",
            "inputs": {"model": ["3", 0], "latent_image": ["12", 0], **texts, **common, **base},
        }
        texts = {"positive": ["20", 0], "negative": ["21", 0], "return_with_leftover_noise": "disable"}
        parts["13"] = {
            "class_type": "KSamplerAdvanced",
            "inputs": {"model": ["7", 0], "latent_image": ["30", 0], **texts, **common, **last},
        }
        drawn = saved(comfy, comfy.run({**loaders, **parts}))
        assert largest_difference(drawn, picture(comfy, "refined", line)) <= 2
    identity = json.loads((comfy.datasets / "refined" / "dataset.json").read_text("utf-8"))["identity"]
    assert identity["switch_at"] == 0.8


def test_a_start_image_is_image_to_image_and_part_of_the_identity(comfy):
    start = {"5": {"class_type": "EmptyImage", "inputs": {"width": SIZE, "height": SIZE, "batch_size": 1, "color": 99}}}
    graph = {**plan_graph(images=1, template="a __hyponym__"), **checkpoint(), **start}
    comfy.run({**graph, **generate("started", start_image=["5", 0], denoise=0.5, steps=3)})
    line = lines(comfy, "started")[1]
    parts = {**checkpoint(), **start, **native(line, steps=3)}
    parts["12"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["5", 0], "vae": ["3", 2]}}
    parts["13"]["inputs"]["denoise"] = 0.5
    assert largest_difference(saved(comfy, comfy.run(parts)), picture(comfy, "started", line)) <= 2
    start["5"]["inputs"]["color"] = 98
    with pytest.raises(RuntimeError, match=r"start_image: .* there, .* now"):
        comfy.run({**graph, **start, **generate("started", start_image=["5", 0], denoise=0.5, steps=3)})


def test_the_pieces_around_native_nodes_draw_the_same_pictures(comfy):
    base = {**plan_graph(images=2), **checkpoint()}
    comfy.run({**base, **generate("whole4", sampler_name="euler_ancestral")})
    pieces = {
        **base,
        "20": {"class_type": "HypoNetPlanBatch", "inputs": {"plan": ["2", 0], "batch_size": 3, "batch_number": 0}},
        "21": {"class_type": "HypoNetEncodePrompts", "inputs": {"clip": ["3", 1], "items": ["20", 0]}},
        "22": {"class_type": "HypoNetPerImageNoise", "inputs": {"items": ["20", 0]}},
        "23": {
            "class_type": "HypoNetPerImageSampler",
            "inputs": {"items": ["20", 0], "sampler_name": "euler_ancestral"},
        },
        "24": {
            "class_type": "BasicScheduler",
            "inputs": {"model": ["3", 0], "scheduler": "karras", "steps": 2, "denoise": 1.0},
        },
        "25": {
            "class_type": "CFGGuider",
            "inputs": {"model": ["3", 0], "positive": ["21", 0], "negative": ["21", 1], "cfg": 7.5},
        },
        "26": {"class_type": "EmptyLatentImage", "inputs": {"width": SIZE, "height": SIZE, "batch_size": ["20", 5]}},
        "27": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["22", 0],
                "guider": ["25", 0],
                "sampler": ["23", 0],
                "sigmas": ["24", 0],
                "latent_image": ["26", 0],
            },
        },
        "28": {"class_type": "VAEDecode", "inputs": {"samples": ["27", 0], "vae": ["3", 2]}},
        "29": {"class_type": "SaveImage", "inputs": {"images": ["28", 0], "filename_prefix": "pieces"}},
    }
    values = {
        "image_format": "png",
        "quality": 95,
        "embed_metadata": True,
        "embed_parameters": True,
        "small_copies": "",
        "copy_filter": "bicubic",
    }
    save = {"images": ["28", 0], "items": ["20", 0], "plan": ["2", 0], "name": "pieces", **values}
    pieces["30"] = {"class_type": "HypoNetSaveToDataset", "inputs": save}
    outputs = comfy.run(pieces)
    first = lines(comfy, "pieces")[0]
    with Image.open(comfy.datasets / "pieces" / first["file_name"]) as image:
        told = dict(PARAMETER.findall(image.info["parameters"].split("\n")[-1]))
    assert {name: told[name] for name in ("Steps", "Sampler", "Schedule type", "CFG scale", "Model", "Seed")} == {
        "Steps": "2",
        "Sampler": "euler_ancestral",
        "Schedule type": "karras",
        "CFG scale": "7.5",
        "Model": "tiny_sd15",
        "Seed": str(first["seed"]),
    }
    pieces["23"]["inputs"]["sampler_name"] = "euler"  # Per-image Sampler was left out of the identity once
    pieces["20"]["inputs"]["batch_number"] = 1
    with pytest.raises(RuntimeError, match=r"HypoNetPerImageSampler\.sampler_name: .* there, .* now"):
        comfy.run(pieces)
    by_item = {(line["label"], line["rank"]): line for line in lines(comfy, "whole4")}
    for index, key in enumerate([("cat", 0), ("ship", 0), ("cat", 1)]):  # interleaved, the first three
        drawn = saved(comfy, outputs, "29", index)
        assert largest_difference(drawn, picture(comfy, "whole4", by_item[key])) <= 2


def test_a_finished_set_is_answered_without_loading_a_model(comfy):
    graph = {**plan_graph(images=1), **checkpoint(), **generate("finished")}
    comfy.run(graph)
    comfy.forget()
    loads = comfy.log().count("model_type")
    shown = summary(comfy.run({**graph, **generate("finished", batch_size=5)}))
    assert (shown["images"], shown["made"]) == (2, 0)
    assert comfy.log().count("model_type") == loads
    prompt = comfy.client.queue({**graph, **generate("finished", batch_size=5)})
    messages = dict(comfy.client.wait(prompt)["status"]["messages"])
    assert "4" in messages["execution_cached"]["nodes"], "asked again, the cache answers"
    shutil.rmtree(comfy.datasets / "finished")
    assert summary(comfy.run({**graph, **generate("finished", batch_size=5)}))["made"] == 2, "deleted sets are noticed"


def test_a_guider_by_sampling_options_is_a_setting_of_the_set_as_cfg_is(comfy):
    def graph(cfg):
        texts = {"positive": ["6", 0], "negative": ["6", 0]}
        return {
            **plan_graph(images=1, template="a __hyponym__"),
            **checkpoint(),
            **generate("guided", cfg=9.0 - cfg, options=["8", 0]),
            "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["3", 1], "text": ""}},
            "7": {"class_type": "CFGGuider", "inputs": {"model": ["3", 0], "cfg": cfg, **texts}},
            "8": {"class_type": "HypoNetSamplingOptions", "inputs": {"guider": ["7", 0]}},
        }

    assert summary(comfy.run(graph(3.0)))["made"] == 2
    kept = json.loads((comfy.datasets / "guided" / "dataset.json").read_text("utf-8"))["identity"]
    assert (kept["graph.guider"], kept["graph.CFGGuider.cfg"]) == ("CFGGuider output 0", 3)
    assert "cfg" not in kept, "the guider takes its place"
    with pytest.raises(RuntimeError, match=r"graph\.CFGGuider\.cfg: 3 there, 4 now"):
        comfy.run(graph(4.0))


def test_other_settings_under_the_same_name_are_refused_with_the_difference(comfy):
    graph = {**plan_graph(images=1), **checkpoint()}
    comfy.run({**graph, **generate("kept")})
    before = lines(comfy, "kept")
    with pytest.raises(RuntimeError, match=r"cfg: 7\.5 there, 2\.0 now"):
        comfy.run({**graph, **generate("kept", cfg=2.0)})
    with pytest.raises(RuntimeError, match=r"plan\.template"):
        comfy.run({**graph, **plan_graph(images=1, template="a __hyponym__"), **generate("kept")})
    assert lines(comfy, "kept") == before


def test_an_interrupted_set_keeps_what_is_done_and_goes_on(comfy):
    plan = plan_graph(images=8, template="a {red|blue} __hyponym__")
    graph = {**plan, **checkpoint(), **generate("stopped", steps=6, batch_size=2)}
    queued = comfy.client.queue(graph)
    manifest = comfy.datasets / "stopped" / "metadata.jsonl"
    end = time.monotonic() + 240
    while time.monotonic() < end and not (manifest.exists() and manifest.read_text("utf-8").count("\n") >= 2):
        time.sleep(0.05)
    comfy.client.interrupt()
    with pytest.raises(RuntimeError, match="interrupted"):
        comfy.client.wait(queued)
    kept = {line["file_name"]: line["sha256"] for line in lines(comfy, "stopped")}
    assert 2 <= len(kept) < 16
    shown = summary(comfy.run(graph))
    assert (shown["images"], shown["made"]) == (16, 16 - len(kept))
    after = {line["file_name"]: line["sha256"] for line in lines(comfy, "stopped")}
    assert kept.items() <= after.items(), "nothing that was done was made again"


async def listen(comfy, graph):
    """The texts that the server sends under node 4 while `graph` runs, and the values of its bar."""
    texts, bar = [], []
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{comfy.url}/ws?clientId={comfy.client.client_id}") as socket:
            queued = await asyncio.to_thread(comfy.client.queue, graph)
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY and message.data[:4] == struct.pack(">I", 3):  # TEXT
                    (length,) = struct.unpack(">I", message.data[4:8])
                    texts.append(message.data[8 + length :].decode())
                elif message.type is aiohttp.WSMsgType.TEXT:
                    event = message.json()
                    if event["type"] == "progress" and event["data"]["node"] == "4":
                        bar.append(event["data"]["value"])
                    if event["type"] in ("execution_success", "execution_error"):
                        assert event["data"]["prompt_id"] == queued
                        return texts, bar


def test_progress_tells_images_speed_and_time_left(comfy):
    import comfy.utils as comfy_utils

    graph = {**plan_graph(images=2), **checkpoint(), **generate("told", batch_size=2)}
    texts, bar = asyncio.run(listen(comfy, graph))
    assert re.fullmatch(r"4 of 4 images, [\d.]+ (images/s|s an image), 0 s left", texts[-2])
    assert texts[-1] == "told: 4 of 4 images are there"
    assert any(text.startswith("2 of 4 images") for text in texts)
    assert bar == sorted(bar)
    assert bar[-1] == 1000
    is_throttled = hasattr(comfy_utils, "PROGRESS_THROTTLE_MIN_INTERVAL")  # newer servers send ten a second at most
    assert len(bar) >= (2 if is_throttled else 2 * 2 + 2), "one for each sampler step and one for each batch"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"width": 70}, "width is 70; expected a multiple of 8"),
        ({"sampler_name": "eular"}, no_choice("sampler_name", "eular")),
        ({"denoise": 0.5}, r"denoise is 0\.5 without a start image"),
        ({"name": "../out"}, r"name is '\.\./out'"),
        ({"image_format": "gif"}, no_choice("image_format", "gif")),
        ({"small_copies": "32, big"}, "small_copies has 'big'"),
        ({"plan_images": 100_000, "width": 16384, "height": 16384}, "free space is"),  # 86 TB
    ],
)
def test_what_cannot_work_is_said_before_a_model_is_loaded(comfy, changes, says):
    changes = dict(changes)
    graph = {**plan_graph(images=changes.pop("plan_images", 1)), **checkpoint()}
    comfy.forget()
    loads = comfy.log().count("model_type")
    with pytest.raises(REFUSED, match=says):
        comfy.run({**graph, **generate(**{"name": "bad", **changes})})
    assert comfy.log().count("model_type") == loads
    assert not (comfy.datasets / "bad").exists()
