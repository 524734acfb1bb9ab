"""A farm over two real servers, one of which is killed at work: the set is that of one server, each picture once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import pytest
from PIL import Image

from hyponet.headless.__main__ import main
from hyponet.tests.tools.shrunken import shrunken
from tools.dev.places import ROOT

NAME, SHARDS = "of_two", 4
CLASSES, PER_CLASS = ("automobile", "cat"), 8


def pictures(folder):
    """Label and rank -> the pixels of each picture of a set, none of which is there twice."""
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    made = {(line["label"], line["rank"]): Image.open(folder / line["file_name"]).tobytes() for line in lines}
    assert len(made) == len(lines)
    return made


def wait_for(what):
    end = time.monotonic() + 300
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.fixture
def second(comfy, start_comfy, tmp_path):
    """Another server over the output folder of the suite's."""
    server = start_comfy(tmp_path / "second", output=comfy.output)
    yield server
    server.server.stop()


def graph(name):
    """Table 5-9 in small; a batch holds one picture, for what shares a batch is another in each shard."""
    small = {"Classes from Text": {"text": "\n".join(CLASSES)}, "Dataset Plan": {"images_per_class": PER_CLASS}}
    made = shrunken("hyponet_thesis_table_5_9_sd15_none", **small, **{"Generate Dataset": {"batch_size": 1}})
    made["4"]["inputs"]["name"] = name
    return made


def test_two_servers_of_which_one_is_killed_make_the_set_of_one(comfy, second, tmp_path):
    (tmp_path / "flow.json").write_text(json.dumps(graph(NAME)), "utf-8")
    options = ["farm", tmp_path / "flow.json", "--shards", SHARDS, "--state", tmp_path / "state", "--lost-after", 5]
    options += ["--url", comfy.url, "--url", second.url, "--json"]
    command = [str(part) for part in (sys.executable, "-m", "headless", *options)]
    driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    states = tmp_path / "state" / "rows"

    def begun():
        """Sets of shards that the second server has, with a picture already."""
        rows = [json.loads(path.read_text("utf-8")) | {"name": path.stem} for path in sorted(states.glob("*.json"))]
        names = [row["name"].partition(".")[2] for row in rows if row["worker"] == second.url]
        manifests = [comfy.datasets / f"{NAME}.{name}" / "metadata.jsonl" for name in names]
        return [path for path in manifests if path.exists() and 0 < path.read_bytes().count(b"\n") < 4]

    try:
        wait_for(lambda: begun() or driver.poll() is not None)
        assert driver.poll() is None, "it was over before anything could be killed"
        second.server.process.kill()
        out, _ = driver.communicate(timeout=200)
    finally:
        driver.kill()
    assert driver.returncode == 0, out
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["worker"] for event in events if event["event"] == "worker_gone"] == [second.url]
    done = [event["row"] for event in events if event["event"] == "done"]
    assert sorted(done) == sorted(["flow", *(f"flow.{number}-of-{SHARDS}" for number in range(1, SHARDS + 1))])
    assert comfy.client.pending() == set()
    merged = pictures(comfy.datasets / NAME)
    assert sorted(merged) == [(label, rank) for label in CLASSES for rank in range(PER_CLASS)]
    comfy.run(graph("of_one"))
    assert merged == pictures(comfy.datasets / "of_one")
    # a shard that comes twice counts once
    shards = [comfy.datasets / f"{NAME}.{number}-of-{SHARDS}" for number in range(1, SHARDS + 1)]
    shutil.copytree(shards[1], tmp_path / "again")
    assert main(["merge", *map(str, shards), str(tmp_path / "again"), "--into", str(tmp_path / "merged")]) == 0
    assert pictures(tmp_path / "merged") == merged
