"""A farm on Ray with real servers: two actors, each with a ComfyUI of its own, make the pictures of one server."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from hyponet.tests.tools.shrunken import shrunken
from tools.dev.places import PACK_NAME, ROOT
from tools.dev.processes import quiet_environment
from tools.dev.server import FILE_SIZES_NAME

NAME = "of_ray"


def pictures(folder: Path) -> dict[tuple[str, int], bytes]:
    """Label and rank -> the pixels of each picture of a set."""
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert len({(line["label"], line["rank"]) for line in lines}) == len(lines)
    return {(line["label"], line["rank"]): Image.open(folder / line["file_name"]).tobytes() for line in lines}


@pytest.mark.posix("Ray's process groups")
def test_two_workers_make_the_pictures_of_one_server(comfy, tmp_path):
    """Table 5-9 in small; a batch holds one picture, for what shares a batch is another in each shard."""
    small = {"Classes from Text": {"text": "automobile\ncat"}, "Dataset Plan": {"images_per_class": 2}}
    graph = shrunken("hyponet_thesis_table_5_9_sd15_none", **small, **{"Generate Dataset": {"batch_size": 1}})
    graph["4"]["inputs"]["name"] = NAME
    comfy.run(graph)
    (tmp_path / "flow.json").write_text(json.dumps(graph))
    options = ["--base-directory", comfy.base, "--extra-model-paths-config", comfy.base / "models.yaml", "--cpu"]
    options += ["--disable-api-nodes", "--disable-all-custom-nodes"]
    options += ["--whitelist-custom-nodes", PACK_NAME, FILE_SIZES_NAME]
    command = [sys.executable, "-m", "headless", "farm", tmp_path / "flow.json", "--shards", "2", "--ray"]
    command += ["--workers", "2", "--threads", "1", "--comfyui", os.environ["HYPONET_COMFYUI"], "--python"]
    command += [sys.executable, f"--comfyui-options={shlex.join(map(str, options))}", "--output", tmp_path / "out"]
    command += ["--work", tmp_path / "work", "--state", tmp_path / "state"]
    run = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=quiet_environment(), capture_output=True, text=True, timeout=500
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(list((tmp_path / "work").iterdir())) == 2  # both had a server
    assert pictures(tmp_path / "out" / "datasets" / NAME) == pictures(comfy.datasets / NAME)
