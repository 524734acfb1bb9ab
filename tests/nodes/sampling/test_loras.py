"""LoRAs of another kind of model: the native loader applies what fits and tells nobody but the log."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hyponet.nodes.dataset.store.provenance import Provenance
from hyponet.nodes.upstream import ModelFile

from .conftest import MODELS


def provenance(*names, strength=1):
    nodes = {}
    for number, name in enumerate(names, 1):
        loader = "LoraLoader" if number == 1 else f"LoraLoader {number}"
        nodes |= {f"{loader}.lora_name": f"sha256:{name}", f"{loader}.strength_model": strength}
        nodes |= {f"{loader}.strength_clip": strength}
    return Provenance(models=tuple(ModelFile(name, "loras", name, 1) for name in names), nodes=nodes)


@pytest.fixture
def check(sampling, sd15, monkeypatch):
    import folder_paths

    import hyponet.nodes.sampling.loras as loras

    monkeypatch.setattr(folder_paths, "get_full_path", lambda kind, name: str(MODELS / kind / name))
    models = {"model": sd15.model, "clip": sd15.clip, "vae": sd15.vae, "refiner_model": None}
    return SimpleNamespace(run=lambda made: loras.check_loras(models, made))


def test_a_lora_of_the_model_s_kind_is_taken(check):
    assert check.run(provenance("tiny_sd15_lora.safetensors")) == ()


def test_a_lora_of_which_nothing_fits_stops_before_anything_is_made(check):
    """The regression: the set was made, its card named the LoRA, and no picture had anything of it.

    Of SDXL's LoRAs, the parts for CLIP-L fit SD 1.x too.
    """
    with pytest.raises(ValueError, match=r"tiny_sdxl_lora.safetensors is for another kind of model: 0 of its 66 parts"):
        check.run(provenance("tiny_sd15_lora.safetensors", "tiny_sdxl_lora.safetensors"))


def test_a_lora_that_is_switched_off_is_not_looked_at(check):
    assert check.run(provenance("tiny_sdxl_lora.safetensors", strength=0)) == ()


def test_a_lora_of_which_little_fits_is_said(check, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    tensors = load_file(MODELS / "loras" / "tiny_sd15_lora.safetensors")
    parts = sorted({key.split(".")[0] for key in tensors if "unet" in key})
    foreign = {f"other_{key}": value.clone() for key, value in tensors.items() if "unet" in key}
    kept = {key: value for key, value in tensors.items() if key.split(".")[0] == parts[0]}
    save_file({**foreign, **kept}, tmp_path / "mixed.safetensors")
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_full_path", lambda kind, name: str(tmp_path / name))
    (warning,) = check.run(provenance("mixed.safetensors"))
    assert f"1 of its {len(parts) + 1} parts fit the model" in warning
