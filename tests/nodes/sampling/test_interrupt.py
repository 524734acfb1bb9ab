"""Stop in the middle of Generate Dataset: what was drawn is in the set, the set is free, and the next run goes on.

ComfyUI's InterruptProcessingException is an Exception up to 0.18 and a BaseException from 0.33 on; both are thrown by
this ComfyUI's own flag here.
"""

from __future__ import annotations

import pytest
import torch

from hyponet.nodes.dataset.store.description import Copies, Provenance
from hyponet.nodes.dataset.store.encode import Encoding
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.sampling.job import GenerationJob, Request
from hyponet.nodes.sampling.settings import SamplingSettings


@pytest.fixture
def job(tmp_path, sampling, monkeypatch):
    """Six pictures of 64 x 64 in batches of two, one step each."""
    monkeypatch.setattr(sampling.engine.paths, "datasets_dir", lambda: tmp_path)
    plan = Plan([ClassSpec("cat"), ClassSpec("dog")], "a __class__", Library([]), images_per_class=3)
    settings = SamplingSettings(64, 64, 1, 1.0, "euler", "normal", 2, 1.0, 0.8)
    request = Request(plan, "pets", settings, None, Encoding("png"), Copies())
    return GenerationJob(tmp_path / "pets", request, {"steps": 1}, Provenance())


@pytest.fixture
def lines(sampling, monkeypatch):
    """What the node says below itself, in order."""
    import hyponet.nodes.engine

    lines = []
    for module in (hyponet.nodes.engine, sampling.reporter):
        monkeypatch.setattr(module, "progress_text", lambda text, node_id: lines.append(text))
    return lines


def generate(sampling, job, models):
    with torch.inference_mode():
        return sampling.engine.generate_dataset(
            job, {"model": models.model, "clip": models.clip, "vae": models.vae}, None
        )


@pytest.mark.parametrize("is_exception", [True, False])
def test_stop_keeps_every_picture_that_was_drawn(comfyui, sampling, sd15, job, lines, monkeypatch, is_exception):
    class Interrupt(Exception if is_exception else BaseException):
        pass

    monkeypatch.setattr(comfyui.model_management, "InterruptProcessingException", Interrupt)
    for limit in ("INTERVAL", "PERCENT"):  # newer versions leave out what comes sooner after another
        monkeypatch.setattr(comfyui.utils, f"PROGRESS_THROTTLE_MIN_{limit}", 0, raising=False)
    thousandths = []

    def hook(value, total, preview, **_):
        thousandths.append(value)
        if thousandths.count(666) == 2:  # four of six: once when they are sampled, once when they are with the writer
            comfyui.model_management.interrupt_current_processing()

    comfyui.utils.set_progress_bar_global_hook(hook)
    try:
        with pytest.raises(Interrupt):
            generate(sampling, job, sd15)
    finally:
        comfyui.utils.set_progress_bar_global_hook(None)
    assert max(thousandths) < 1000
    store = DatasetStore.open(job.root)
    assert len(store) == 4
    assert store.count_absent([record.key for record in store.records()]) == 0
    assert lines[-1] == "pets: 4 of 6 images are there"
    outputs = generate(sampling, job, sd15)
    (summary,) = outputs.ui["hyponet"]
    assert (summary["made"], summary["images"], summary["missing"]) == (2, 6, 0)
    assert lines[-1] == "pets: 6 of 6 images are there"
    assert outputs.ui["text"][0].startswith("pets: 6 of 6 images are there; 2 made in")


def test_the_last_line_is_what_the_disk_holds_also_when_nothing_was_made(sampling, sd15, job, lines):
    class Broken:
        load_device, model = None, None

    with pytest.raises(ValueError, match="VAE is empty"):
        sampling.engine.generate_dataset(job, {"model": Broken}, None)
    assert lines == ["pets: 0 of 6 images are there"]
    generate(sampling, job, sd15)
    (job.root / "cat" / "000001.png").unlink()
    generate(sampling, job, sd15)
    assert lines[-1] == "pets: 6 of 6 images are there"
