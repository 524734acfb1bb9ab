"""A set begun on another ComfyUI, played by what dataset.json records of it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.encode import Encoding
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.sampling.job import Request

from .test_engine import settings

NOISE = "step_noise_by_comfyui_version_and_device"


@pytest.fixture
def generate(sampling, sd15, tmp_path, monkeypatch):
    """Generate Dataset of two pictures by a sampler; the facts that it shows."""
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    plan = Plan([ClassSpec("cat"), ClassSpec("dog")], "a __class__", Library([]), images_per_class=1)
    hidden = SimpleNamespace(prompt={}, dynprompt=None, extra_pnginfo=None, unique_id="1")
    models = {"model": sd15.model, "clip": sd15.clip, "vae": sd15.vae}

    def generate(sampler):
        request = Request(plan, sampler, settings(sampler, steps=1), None, Encoding(), Copies())
        with torch.inference_mode():
            outputs = sampling.engine.generate_dataset(sampling.engine.make_job(request, hidden), models, None)
        return outputs.ui["hyponet"][0]

    return generate


def begin_on_another_version(tmp_path, name):
    """As if ComfyUI 0.33.0 had made all of the set but one picture."""
    path = tmp_path / "datasets" / name / "dataset.json"
    description = json.loads(path.read_text("utf-8"))
    description["provenance"]["versions"]["comfyui"] = "0.33.0"
    if NOISE in description["identity"]:
        description["identity"][NOISE] = "0123456789ab"
    path.write_text(json.dumps(description), "utf-8")
    (path.parent / "dog" / "000000.png").unlink()


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_a_set_of_another_version_goes_on_where_the_sampler_draws_no_noise(generate, tmp_path, sampler):
    generate(sampler)
    begin_on_another_version(tmp_path, sampler)
    facts = generate(sampler)
    assert (facts["made"], facts["deleted"], facts["images"], facts["missing"]) == (1, 1, 2, 0)


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m_sde"])
def test_a_set_of_another_version_is_refused_with_the_reason_where_its_noise_is_another(generate, tmp_path, sampler):
    generate(sampler)
    begin_on_another_version(tmp_path, sampler)
    said = rf"was made with other settings \({NOISE}: \"0123456789ab\" there, \"[0-9a-f]{{12}}\" now\)"
    with pytest.raises(ValueError, match=said):
        generate(sampler)
    assert not (tmp_path / "datasets" / sampler / "dog" / "000000.png").exists(), "nothing was changed"
