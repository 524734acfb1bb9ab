"""The README's picture shows what the demo left: its photo, kinds, pictures and accuracy."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from hyponet.tools.workflows.demo_picture import BAR, SHEET, TILE, TOP, Demo, drawn
from tools.dev.console import Failure


@pytest.fixture
def output(tmp_path):
    """What the demo leaves, of two classes in one colour each."""
    folder, inputs = tmp_path / "datasets" / "demo", tmp_path / ".comfyui" / "input"
    results = tmp_path / "hyponet" / "results" / "demo"
    for made in (folder, inputs, results):
        made.mkdir(parents=True)
    Image.new("RGB", (60, 40), "red").save(inputs / "cat.png")
    classes = [{"name": name, "hyponyms": {name: 1, f"{name} kind": 1}} for name in ("cat", "ship")]
    (folder / "dataset.json").write_text(json.dumps({"plan": {"classes": classes}}), "utf-8")
    lines = []
    for label, colour in (("ship", "blue"), ("cat", "lime")):
        Image.new("RGB", (64, 64), colour).save(folder / f"{label}.png")
        lines += [{"label": label, "rank": rank, "file_name": f"{label}.png"} for rank in range(8)]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    for created, accuracy in (("1", 0.9), ("2", 0.5)):
        figures = {"test_sets": [{"accuracy": accuracy, "interval": [accuracy - 0.05, accuracy + 0.05], "count": 500}]}
        result = {"kind": "test", "created": created, "figures": figures}
        (results / f"{created}.json").write_text(json.dumps(result), "utf-8")
    return tmp_path


def test_each_row_shows_its_class_and_the_bar_the_newest_accuracy(output):
    page = np.asarray(drawn(Demo(output))).astype(int)
    middle = TILE // 2
    assert page[TOP + middle, 20 + middle].tolist() == [255, 0, 0]  # the photo
    assert page[TOP + middle, SHEET + middle].tolist() == [0, 255, 0]  # cat, the plan's first class
    assert page[TOP + TILE + middle, SHEET + middle].tolist() == [0, 0, 255]
    column = page[TOP:, BAR + 5]
    pale, blue = (int((abs(column - colour).sum(1) == 0).sum()) for colour in ([230, 234, 239], [47, 109, 181]))
    assert pale == pytest.approx(blue, abs=4)  # 50 %; the line of chance takes some pixels


def test_without_a_demo_it_says_what_to_run(tmp_path, output):
    for file in (output / "hyponet" / "results" / "demo").glob("*.json"):
        file.unlink()
    with pytest.raises(Failure, match=r"dev\.py demo"):
        Demo(output)
    with pytest.raises(Failure, match=r"dev\.py demo"):
        Demo(tmp_path / "nowhere")
