"""The prompts that a CLIP score holds pictures against are those that the manifest has beside them."""

from __future__ import annotations

import json

import pytest

from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.metrics.clip.prompts import prompts_of
from hyponet.tests.nodes.dataset.sample_sets import generate, open_set


def test_each_picture_has_the_prompt_of_its_line(tmp_path) -> None:
    with open_set(tmp_path, labels=("dog", "cat")) as store:
        generate(store, ("dog", "cat"), count=3)
        root = store.root
    lines = [json.loads(line) for line in (root / "metadata.jsonl").read_text("utf-8").splitlines()]
    for number, line in enumerate(lines):
        line["prompt"] = f"prompt {number}"
    (root / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    by_file = {line["file_name"]: line["prompt"] for line in lines}
    images = read_ours(root)
    assert prompts_of(root, images) == [by_file[images.describe(i)] for i in range(len(images))]
    with pytest.raises(ValueError, match="changed while it was read"):
        prompts_of(root, images.select([0, 1]))
