from __future__ import annotations

import hashlib
import os

import pytest

from hyponet.evaluation.pictures.decode import PICTURE_SUFFIXES
from hyponet.nodes.graph import FileHashes, Identifier, is_link, joined, walk
from hyponet.nodes.upstream import ModelFile, model_parameters, sampler_parameters


def graph(ids="abcd", strength=0.8):
    loader, lora, second, sampler = ids
    return {
        loader: {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sub/tiny.ckpt"}},
        lora: {"class_type": "LoraLoader", "inputs": {"model": [loader, 0], "clip": [loader, 1], "strength": strength}},
        second: {"class_type": "LoraLoader", "inputs": {"model": [lora, 0], "clip": [lora, 1], "strength": 1.0}},
        sampler: {"class_type": "Sample", "inputs": {"model": [second, 0], "vae": [loader, 2], "plan": ["zzz", 0]}},
    }


def nothing(key, value):
    return ()


def upstream(nodes, start, identify=nothing):
    return walk(nodes.__getitem__, start, ["model", "vae", "refiner"], identify).settings


def test_every_ancestor_and_its_widgets_are_listed():
    assert upstream(graph(), "d") == {
        "model": "LoraLoader output 0",
        "vae": "CheckpointLoaderSimple output 2",
        "LoraLoader.model": "LoraLoader 2 output 0",
        "LoraLoader.clip": "LoraLoader 2 output 1",
        "LoraLoader.strength": 1,
        "LoraLoader 2.model": "CheckpointLoaderSimple output 0",
        "LoraLoader 2.clip": "CheckpointLoaderSimple output 1",
        "LoraLoader 2.strength": 0.8,
        "CheckpointLoaderSimple.ckpt_name": "sub/tiny.ckpt",
    }


def test_node_ids_do_not_count_and_settings_do():
    assert upstream(graph("abcd"), "d") == upstream(graph("3190"), "0")
    assert upstream(graph(strength=0.8), "d") != upstream(graph(strength=0.7), "d")


def test_the_links_of_a_node_that_is_a_part_of_another_are_recorded_as_the_others():
    part = {"class_type": "Options", "inputs": {"vae": ["a", 2], "strength": 3.5}}
    nodes = {**graph(), "d": {"class_type": "Sample", "inputs": {"model": ["c", 0], "options": ["e", 0]}}, "e": part}
    assert upstream({**nodes, "d": joined(nodes.__getitem__, "d", "Options")}, "d") == upstream(graph(), "d")
    nodes["e"] = {"class_type": "Switch", "inputs": {"on_true": ["f", 0]}}
    nodes["f"] = part
    assert joined(nodes.__getitem__, "d", "Options") == nodes["d"], "another node stands between: recorded as it is"


def test_parameters_name_model_and_sampler_as_other_tools_do():
    """The names of the web UI's own line: "Steps: .., Sampler: .., Schedule type: .., CFG scale: .., Model: .."."""
    settings = {"KSampler.cfg": 2, "KSampler.scheduler": "karras", "KSampler.steps": 4, "KSampler 2.steps": 9}
    settings |= {"KSampler.sampler_name": "Sampler Chooser output 0", "KSampler 2.sampler_name": "euler"}
    assert sampler_parameters(settings) == {"Steps": 4, "Sampler": "euler", "Schedule type": "karras", "CFG scale": 2}
    files = (ModelFile("a.safetensors", "loras", "f" * 64, 1), ModelFile("x/tiny.ckpt", "checkpoints", "0a" * 32, 1))
    assert model_parameters(files) == {"Model hash": "0a0a0a0a0a", "Model": "tiny"}


def test_a_node_that_the_graph_does_not_have_is_unknown():
    nodes = {"1": {"class_type": "Sample", "inputs": {"model": ["gone", 0]}}}
    assert upstream(nodes, "1") == {"model": "unknown output 0"}


@pytest.mark.parametrize("value", [["a", 0], ["12", 3], [12, 0]])
def test_links(value):
    assert is_link(value)


@pytest.mark.parametrize("value", ["a", ["a"], ["a", "b"], ["a", True], [1, 2, 3], None])
def test_widget_values_are_no_links(value):
    assert not is_link(value)


def test_files_are_named_by_their_content(tmp_path):
    (tmp_path / "loras").mkdir()
    (tmp_path / "checkpoints" / "sub").mkdir(parents=True)
    (tmp_path / "checkpoints" / "sub" / "tiny.ckpt").write_bytes(b"weights")
    (tmp_path / "loras" / "tiny.ckpt").write_bytes(b"others")
    folders = {kind: [str(tmp_path / kind)] for kind in ("checkpoints", "loras")}
    identify = Identifier(folders, FileHashes(tmp_path / "cache" / "hashes.json"), lambda done, size: None)
    upstream = walk(graph().__getitem__, "d", ["model"], identify)
    expected = hashlib.sha256(b"weights").hexdigest()
    assert upstream.settings["CheckpointLoaderSimple.ckpt_name"] == f"sha256:{expected}"
    assert [(file.name, file.kind, file.sha256, file.size) for file in upstream.files] == [
        ("sub/tiny.ckpt", "checkpoints", expected, 7)
    ]
    assert identify("lora_name", "tiny.ckpt")[0].kind == "loras"
    assert identify("text", "a picture.png of a cat") == ()
    assert identify("ckpt_name", "../../etc/passwd.ckpt") == ()


@pytest.mark.parametrize("suffix", PICTURE_SUFFIXES)
def test_whatever_is_read_as_a_picture_is_one_upstream_too(tmp_path, suffix):
    """The regression: a list of five suffixes of its own, so that another adapter picture (TIFF) was the same set."""
    (tmp_path / f"pose{suffix.upper()}").write_bytes(b"pose")
    identify = Identifier({"input": [str(tmp_path)]}, FileHashes(tmp_path / "hashes.json"), lambda done, size: None)
    assert identify("image", f"pose{suffix.upper()}")[0].sha256 == hashlib.sha256(b"pose").hexdigest()


def test_a_picture_of_another_folder_is_found_there_and_only_by_its_annotation(tmp_path):
    """folder_paths.annotated_filepath of ComfyUI 0.3.75: "x.png [output]" is x.png of the output folder.

    The regression: its suffix was taken for ".png [input]", so that no annotated picture was ever named.
    """
    folders = {}
    for kind in ("input", "output", "temp"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "a.png").write_bytes(kind.encode())
        folders[kind] = [str(tmp_path / kind)]
    (tmp_path / "output" / "b.png").write_bytes(b"b")
    identify = Identifier(folders, FileHashes(tmp_path / "hashes.json"), lambda done, size: None)
    for kind in folders:
        assert identify("image", f"a.png [{kind}]")[0].sha256 == hashlib.sha256(kind.encode()).hexdigest()
    assert identify("image", "a.png")[0].kind == "input"
    assert identify("image", "b.png") == ()
    assert identify("image", "a.png [elsewhere]") == ()
    assert identify("image", "../output/b.png [output]") == ()


def test_a_file_is_read_again_only_when_it_changed(tmp_path):
    weights, cache_file, read = tmp_path / "a.ckpt", tmp_path / "hashes.json", []
    weights.write_bytes(b"one")

    def sha256():
        return FileHashes(cache_file).sha256(weights, lambda done, size: read.append(done))

    assert sha256() == sha256() == hashlib.sha256(b"one").hexdigest()
    assert read == [3]
    weights.write_bytes(b"two")
    os.utime(weights, ns=(1, 1))
    assert sha256() == hashlib.sha256(b"two").hexdigest()
    assert read == [3, 3]


def test_a_corrupt_cache_of_hashes_is_made_again(tmp_path):
    (tmp_path / "hashes.json").write_text('{"a": ')
    (tmp_path / "a.ckpt").write_bytes(b"one")
    assert FileHashes(tmp_path / "hashes.json").sha256(tmp_path / "a.ckpt", lambda done, size: None)


def identifier(tmp_path, *paths):
    """Of models folders below tmp_path in which these files lie; each holds its own path."""
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    folders = {path.split("/")[0]: [str(tmp_path / path.split("/")[0])] for path in paths}
    return Identifier(folders, FileHashes(tmp_path / "cache" / "hashes.json"), lambda done, size: None)


def sha256(path):
    return hashlib.sha256(path.encode()).hexdigest()


def test_split_loaders_patches_and_subgraphs_are_followed_to_all_their_files(tmp_path):
    """Z-Image's usual graph with its loaders in a subgraph: the editor sends inner nodes as "9:1", and so it links."""
    files = ("diffusion_models/z.safetensors", "text_encoders/qwen.safetensors", "vae/ae.safetensors")
    identify = identifier(tmp_path, *files, "loras/look.safetensors")
    nodes = {
        "9:1": {"class_type": "UNETLoader", "inputs": {"unet_name": "z.safetensors", "weight_dtype": "default"}},
        "9:2": {"class_type": "CLIPLoader", "inputs": {"clip_name": "qwen.safetensors", "type": "lumina2"}},
        "9:3": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
        "9:4": {"class_type": "LoraLoaderModelOnly", "inputs": {"lora_name": "look.safetensors", "model": ["9:1", 0]}},
        "9:5": {"class_type": "ModelSamplingAuraFlow", "inputs": {"shift": 3.0, "model": ["9:4", 0]}},
        "10": {"class_type": "Sample", "inputs": {"model": ["9:5", 0], "clip": ["9:2", 0], "vae": ["9:3", 0]}},
    }
    upstream = walk(nodes.__getitem__, "10", ["model", "clip", "vae"], identify)
    assert {f"{file.kind}/{file.name}" for file in upstream.files} == {*files, "loras/look.safetensors"}
    assert upstream.settings["UNETLoader.unet_name"] == f"sha256:{sha256(files[0])}"
    assert upstream.settings["ModelSamplingAuraFlow.shift"] == 3
    assert model_parameters(upstream.files) == {"Model hash": sha256(files[0])[:10], "Model": "z"}


@pytest.mark.parametrize(
    ("widget", "value"),
    [
        # one dict a LoRA (rgthree's Power Lora Loader), a list of them (Lora Manager), tags in a text (several packs)
        ("lora_1", {"on": True, "lora": "sub/look.safetensors", "strength": 0.8}),
        ("loras", {"__value__": [{"name": "look", "strength": 1.0, "active": True}]}),
        ("text", "a fox <lora:look:0.8> in the snow " + "x" * 400),
        ("lora_name_2", "look.safetensors"),
    ],
)
def test_stacks_of_loras_are_hashed_however_their_pack_names_them(tmp_path, widget, value):
    identify = identifier(tmp_path, "loras/look.safetensors", "loras/sub/look.safetensors")
    nodes = {
        "1": {"class_type": "Stack", "inputs": {widget: value}},
        "2": {"class_type": "Sample", "inputs": {"model": ["1", 0]}},
    }
    upstream = walk(nodes.__getitem__, "2", ["model"], identify)
    (file,) = upstream.files
    assert file.sha256 == sha256(f"loras/{file.name}")
    assert f"sha256:{file.sha256}" in (
        upstream.settings.get(f"Stack.{widget} files"),
        upstream.settings[f"Stack.{widget}"],
    )
    (tmp_path / "loras" / file.name).write_bytes(b"trained on")
    assert walk(nodes.__getitem__, "2", ["model"], identify).settings != upstream.settings


@pytest.mark.parametrize("name", ["sub/detail_v1.5", "sub\\detail_v1.5", "<lora:sub\\detail_v1.5:0.8>"])
def test_loras_are_found_without_their_suffix_in_a_folder_of_either_system(tmp_path, name):
    identify = identifier(tmp_path, "loras/sub/detail_v1.5.safetensors")
    assert [file.name for file in identify("lora", {"lora": name})] == ["sub/detail_v1.5.safetensors"]


def test_a_text_that_is_too_long_for_a_name_is_no_file(tmp_path):
    """The regression: an OSError of the system ended Generate Dataset; names have 255 bytes at most."""
    assert identifier(tmp_path, "loras/look.safetensors")("lora_trigger", "\uba38" * 99) == ()


@pytest.mark.parametrize("switch", ["on", "active"])
def test_a_lora_that_is_switched_off_takes_no_part(tmp_path, switch):
    identify = identifier(tmp_path, "loras/look.safetensors")
    assert identify("lora_1", {switch: False, "lora": "look.safetensors", "strength": 1}) == ()
    assert identify("loras", [{switch: True, "name": "look"}])


def test_gguf_files_and_the_halves_of_a_small_autoencoder_are_hashed(tmp_path):
    halves = ("vae_approx/taef1_encoder.safetensors", "vae_approx/taef1_decoder.pth")
    identify = identifier(tmp_path, "diffusion_models/flux-Q4.gguf", *halves)
    assert [file.sha256 for file in identify("unet_name", "flux-Q4.gguf")] == [sha256("diffusion_models/flux-Q4.gguf")]
    assert [file.sha256 for file in identify("vae_name", "taef1")] == [sha256(half) for half in halves]


@pytest.mark.parametrize(
    "value", ["<lora:../../secret:1>", {"lora": "../x.safetensors"}, ["/etc/x.ckpt"], [1, None, {}]]
)
def test_nothing_outside_the_models_folders_is_read(tmp_path, value):
    assert identifier(tmp_path, "loras/look.safetensors")("loras", value) == ()


@pytest.mark.parametrize("name", ["anime", "anime.safetensors"])
def test_a_lora_in_a_text_is_found_by_its_name_alone_and_refused_where_several_have_it(tmp_path, name):
    """The regression: a LoRA in a folder took no part in a set's identity; many packs leave the folder out."""
    files = ["loras/styles/anime.safetensors", "loras/old/anime.safetensors", "loras/anime2.safetensors"]
    alone = identifier(tmp_path, files[0], files[2])
    assert [file.name for file in alone("text", f"a fox <lora:{name}:0.8>")] == ["styles/anime.safetensors"]
    both = identifier(tmp_path, *files)
    said = rf"<lora:{name}> may be each of 2 files: old/anime\.safetensors, styles/anime\.safetensors; expected one"
    with pytest.raises(ValueError, match=said):
        both("text", f"a fox <lora:{name}:0.8>")
    assert [file.name for file in both("text", "<lora:old/anime:1>")] == ["old/anime.safetensors"]
    assert len(both("loras", [{"name": "anime"}])) == 2, "whichever of them a stack takes, the set is another one"
    nearest = identifier(tmp_path, *files, "loras/anime.safetensors")
    assert [file.name for file in nearest("text", f"<lora:{name}:1>")] == ["anime.safetensors"]
