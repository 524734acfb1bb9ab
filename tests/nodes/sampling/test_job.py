from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from hyponet.nodes.dataset.culling.deleted import reject_deleted
from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.encode import Encoding
from hyponet.nodes.dataset.store.provenance import Provenance
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.sampling.job import (
    GenerationJob,
    Request,
    RunSummary,
    check_space,
    digest,
    evenly_spaced,
    fingerprint,
    make_outputs,
)
from hyponet.nodes.sampling.settings import SamplingSettings

SETTINGS = SamplingSettings(512, 512, 30, 2.0, "dpmpp_2m", "karras", 8, 1.0, 0.8)


def test_a_disk_that_is_too_small_is_refused(tmp_path):
    check_space(tmp_path / "not" / "made" / "yet", 1, SETTINGS)
    with pytest.raises(ValueError, match=r"free space is .* expected about 419\d{6}\.\d GB for 1,000,000,000,000"):
        check_space(tmp_path, 10**12, SETTINGS)  # 512 * 512 * 1.6 bytes each


def test_at_most_64_are_spread_over_all():
    assert evenly_spaced(iter(range(5)), 5, 64) == [0, 1, 2, 3, 4]
    some = evenly_spaced(iter(range(1000)), 1000, 64)
    assert len(some) == 64
    assert (some[0], some[1]) == (0, 15)
    assert some[-1] >= 980


def test_start_images_are_told_apart_by_content_and_shape():
    first, second = torch.zeros(1, 8, 4, 3), torch.zeros(1, 4, 8, 3)
    assert len({digest(None), digest(first), digest(second), digest(first + 0.5)}) == 4
    assert digest(first) == digest(first.half())


@pytest.fixture
def job_for(tmp_path):
    """The job of a plan of four pictures, for the given way with deleted ones."""

    def job_for(remakes_deleted):
        plan = Plan([ClassSpec("cat"), ClassSpec("dog")], "a __class__", Library([]), images_per_class=2)
        request = Request(plan, "pets", SETTINGS, None, Encoding(), Copies(), remakes_deleted)
        return GenerationJob(tmp_path / "pets", request, {"steps": 2}, Provenance())

    return job_for


def run(job):
    """As Generate Dataset does it, with pictures from nowhere; what the node shows."""
    with job.open() as store:
        deleted, made = reject_deleted(store), list(job.missing(store))
        for item in made:
            store.add(item, np.full((8, 8, 3), item.rank * 10 + item.attempt, np.uint8))
        summary = RunSummary(len(made), 0, 1.0, deleted)
        return make_outputs(store, job.request, summary, "datasets/pets").ui


@pytest.mark.parametrize(
    ("remakes", "made", "says"), [(True, 1, "were made again"), (False, 0, "were left out, as rejected ones are")]
)
def test_a_picture_deleted_by_hand_is_noticed_by_the_next_run(job_for, remakes, made, says):
    """The regression: "4 images, 0 made", and three files were there. ComfyUI runs a node whose fingerprint changed."""
    job = job_for(remakes)
    whole = fingerprint(job.root)
    run(job)
    assert (fingerprint(job.root), job.prepare()) == (whole, 0), "else all behind it would run twice"
    (job.root / "cat" / "000001.png").unlink()
    noticed = fingerprint(job.root)
    assert noticed != whole
    assert job.prepare() == made, "the models are loaded only if something is to be made"
    shown = run(job)
    assert shown["text"][0].splitlines()[-1] == f"Pictures that had been deleted by hand and {says}: 1."
    facts = shown["hyponet"][0]
    assert (facts["images"], facts["made"], facts["deleted"], facts["missing"]) == (3 + made, made, 1, 0)
    assert fingerprint(job.root) == noticed, "the run itself is no reason for another one"
    assert run(job)["text"][0].splitlines()[-1] == str(job.root)


@pytest.mark.parametrize("seconds", [1, -10_000])  # copy2 and Explorer keep the time of what they copy
@pytest.mark.parametrize("also_deleted", [False, True])
def test_a_picture_that_was_overwritten_is_noticed_by_what_stands_behind_generate(job_for, seconds, also_deleted):
    """The digests of a loaded set stay in memory for as long as ComfyUI does not run its node again."""
    job = job_for(True)
    run(job)
    whole = fingerprint(job.root)
    path, time = job.root / "cat" / "000001.png", (job.root / "metadata.jsonl").stat().st_mtime_ns + seconds * 10**9
    path.write_bytes((job.root / "cat" / "000000.png").read_bytes())
    os.utime(path, ns=(time, time))
    if also_deleted:
        (job.root / "cat" / "000000.png").unlink()
    noticed = fingerprint(job.root)
    assert noticed != whole
    run(job)
    assert fingerprint(job.root) == noticed, "else all behind it would run twice"


def test_pictures_that_were_left_out_are_made_when_that_is_asked(job_for):
    run(job_for(True))
    (job_for(True).root / "cat" / "000001.png").unlink()
    run(job_for(False))
    assert job_for(False).prepare() == 0
    assert job_for(True).prepare() == 1
    assert run(job_for(True))["hyponet"][0]["made"] == 1


@pytest.mark.parametrize("shard", [(0, 1), (1, 2)])
def test_pictures_beyond_the_plan_are_said(job_for, shard):
    """The regression: asked for fewer of a class, or for a class less, nothing was said, and training read them all."""
    job = job_for(True)
    run(job)
    plan = Plan([ClassSpec("cat")], "a __class__", Library([]), images_per_class=1, shard=shard)
    less = replace(job, request=replace(job.request, plan=plan))
    text = run(less)["text"][0]
    assert "More pictures than the plan asks for: 3 (cat: 1, dog: 2)." in text
    assert text.startswith(f"pets: {len(plan)} of {len(plan)} images are there"), "the first line is the plan's"
    assert "More pictures" not in run(job)["text"][0]


def test_a_shard_has_no_more_than_its_plan(job_for):
    job = job_for(True)
    run(job)
    plan = Plan(job.request.plan.classes, "a __class__", Library([]), images_per_class=2, shard=(1, 2))
    assert "More pictures" not in run(replace(job, request=replace(job.request, plan=plan)))["text"][0]


def test_a_file_that_lay_in_the_way_of_a_new_picture_is_said(job_for):
    job = job_for(True)
    with job.open():
        (job.root / "cat").mkdir()
        (job.root / "cat" / "000000.png").write_bytes(b"mine")
    last = run(job)["text"][0].splitlines()[-1]
    assert last.startswith("Files without a line in metadata.jsonl that lay in the way of new pictures: 1;")
    assert (job.root.with_name("pets.rejects") / "unlisted" / "cat" / "000000.png").read_bytes() == b"mine"
