"""The sweep driver against a real server: the driver and then the server are killed in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from hyponet.headless.run import run_workflow
from hyponet.tests.tools.shrunken import shrunken
from tools.dev.places import ROOT
from tools.node_names import short_name

IMAGES = 8


def drive(url, sweep, state, log, *more):
    command = [sys.executable, "-m", "headless", "sweep", sweep, "--url", url, "--state", state, "--patience", "120"]
    with log.open("ab") as out:
        return subprocess.Popen([str(part) for part in (*command, *more)], cwd=ROOT, stdout=out, stderr=out)


def wait_for(what, patience=120):
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.fixture
def table(tmp_path):
    """Three small sets in one group, then a row that shows them are there."""
    small = {"Classes from Text": {"text": "automobile"}, "Dataset Plan": {"images_per_class": IMAGES}}
    made = shrunken("hyponet_thesis_table_5_9_sd15_none", **small, **{"Generate Dataset": {"batch_size": 2}})
    shown = {short_name(node["_meta"]["title"]): id_ for id_, node in made.items()}
    del made[shown["Contact Sheet"]]
    (tmp_path / "made.json").write_text(json.dumps(made))
    (tmp_path / "last.json").write_text(json.dumps(shrunken("hyponet_thesis_table_3_1_lists")))
    rows = [f"{name},sets,made.json,{name},{seed}" for seed, name in enumerate(("one", "two", "three"))]
    head = "name,group,workflow,Generate Dataset.name,Dataset Plan.seed"
    (tmp_path / "table.csv").write_text("\n".join([head, "end,last,last.json,,", *rows]) + "\n")
    return tmp_path / "table.csv"


def test_a_sweep_survives_the_death_of_its_driver_and_of_the_server(start_comfy, tmp_path, table):
    server = start_comfy(tmp_path / "comfy")
    state, log = tmp_path / "state", tmp_path / "driver.log"
    manifests = {name: server.datasets / name / "metadata.jsonl" for name in ("one", "two", "three")}

    def made(name):
        return manifests[name].read_bytes().count(b"\n") if manifests[name].exists() else 0

    def standing():
        return {path: path.stat().st_mtime_ns for path in server.datasets.rglob("*.png")}

    driver = drive(server.url, table, state, log)
    wait_for(lambda: made("one") >= 2)
    driver.kill()
    driver.wait()
    driver = drive(server.url, table, state, log)
    wait_for(lambda: made("two") >= 2)
    server.server.process.kill()
    server.server.process.wait()
    assert made("two") < IMAGES
    before = standing()
    time.sleep(1)
    assert driver.poll() is None, "the driver waits for the server"
    again = start_comfy(tmp_path / "comfy", port=server.server.port)
    assert driver.wait(180) == 0, log.read_text()
    again.server.stop()
    # every picture once, and none of those that stood was written again
    for name, manifest in manifests.items():
        lines = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
        assert sorted(line["rank"] for line in lines) == list(range(IMAGES)), name
    after = standing()
    assert len(after) == 3 * IMAGES
    assert {path: after[path] for path in before if path.parent.parent.name in manifests} == before
    text = log.read_text()
    assert "does not answer" in text
    assert "left" in text, "the time left is shown"
    order = [line.split("] ")[1].split(":")[0] for line in text.splitlines() if line.startswith("[")]
    assert order == ["one", "two", "three", "end"]
    assert "| end | done |" in (state / "report.md").read_text()
    # nothing is left to do but the last row, which runs again only after others did
    assert drive(again.url, table, state, log).wait(60) == 0
    assert standing() == after
    assert log.read_text().splitlines()[-1].startswith("0 done, 4 done before, 0 failed")
    again.server.stop()


def test_exit_codes_tell_what_happened(comfy, tmp_path, table):
    log = tmp_path / "log"
    assert drive("http://127.0.0.1:9", table, tmp_path / "a", log, "--patience", "0.5").wait(60) == 3
    bad = tmp_path / "bad.csv"
    bad.write_text("name,workflow,Nobody.n\na,last.json,1\n")
    assert drive(comfy.url, bad, tmp_path / "b", log).wait(60) == 2
    assert "no node has the id, title or type 'Nobody'" in log.read_text()
    failing = "name,group,workflow,Wildcard view.name\na,g,last.json,no/such\nb,g,last.json,\nc,h,last.json,\n"
    (tmp_path / "fails.csv").write_text(failing)
    assert drive(comfy.url, tmp_path / "fails.csv", tmp_path / "c", log).wait(60) == 1
    report = (tmp_path / "c" / "report.md").read_text()
    assert "| a | failed" in report
    assert "| b | waiting |" in report  # held back: its group's first row failed
    assert "| c | done |" in report


def test_one_workflow_with_overrides_is_one_plain_function(comfy):
    found = run_workflow(
        comfy.url, ROOT / "workflows" / "hyponet_thesis_table_3_1_lists.json", {"Dynamic Prompt.count": "3"}
    )
    prompts = [text for title, text in found.texts if title == "Ten prompts"]
    assert "".join(prompts).count("automobile in") == 3
    with pytest.raises(ValueError, match="no widget 'counts'"):
        run_workflow(
            comfy.url, ROOT / "workflows" / "hyponet_thesis_table_3_1_lists.json", {"Dynamic Prompt.counts": "3"}
        )


def test_half_a_graph_a_blocked_node_and_half_a_set_are_no_success(comfy, tmp_path, table):
    """ComfyUI answers 200 and runs the rest, and calls all three a success."""
    made = json.loads((tmp_path / "made.json").read_text())
    (generate,) = (id_ for id_, node in made.items() if node["class_type"] == "HypoNetGenerateDataset")
    made[generate]["inputs"]["name"] = "halves"
    whole = {"a": {"class_type": "PreviewAny", "inputs": {"source": [generate, 0]}}}
    half = {
        "b": {"class_type": "LoadImage", "inputs": {"image": "no such.png"}},
        "c": {"class_type": "PreviewImage", "inputs": {"images": ["b", 0]}},
    }
    split = {"name": "", "train": 1.0, "val": 0.0, "test": 0.0, "include_marked": True, "seed": 1}
    blocked = {
        "d": {"class_type": "HypoNetSplitDataset", "inputs": {"dataset": [generate, 0], **split}},
        "e": {"class_type": "HypoNetVerifyDataset", "inputs": {"dataset": ["d", 1]}},
    }
    verify = {"reject": True, "near_duplicates": False, "attempts": 9}
    checked = {"f": {"class_type": "HypoNetVerifyDataset", "inputs": {"dataset": [generate, 0], **verify}}}
    blocked["e"]["inputs"].update(verify)

    def ended(name, more):
        (tmp_path / f"{name}.json").write_text(json.dumps({**made, **more}))
        (tmp_path / f"{name}.csv").write_text(f"name,workflow\n{name},{name}.json\n")
        log = tmp_path / f"{name}.log"
        code = drive(comfy.url, tmp_path / f"{name}.csv", tmp_path / name, log).wait(300)
        return code, log.read_text(), (tmp_path / name / "report.md").read_text()

    code, log, report = ended("half", half)
    assert (code, "LoadImage (node b): Custom validation failed" in log) == (1, True), log
    assert "| half | failed" in report
    end = time.monotonic() + 60  # a run that is withdrawn ends at its next step
    while comfy.client.pending() and time.monotonic() < end:
        time.sleep(0.2)
    assert comfy.client.pending() == set()
    code, log, _ = ended("whole", whole)
    assert code == 0, log
    code, log, report = ended("blocked", blocked)
    assert (code, "HypoNetVerifyDataset (node e) did not run" in log) == (1, True), log
    assert "| blocked | failed" in report
    picture = next((comfy.datasets / "halves").glob("*/*.png"))
    picture.unlink()
    code, log, _ = ended("checked", checked)
    # either the run made the picture again, or it says that the set lacks it
    assert (code == 0) == picture.exists(), log
    assert code == 0 or "set 'halves' lacks 1 of its pictures" in log


@pytest.mark.skipif(sys.platform == "win32", reason="not on Windows: it has no signal to one process alone")
def test_kill_withdraws_a_run_and_what_was_drawn_is_in_the_set(comfy, tmp_path, table):
    made = json.loads((tmp_path / "made.json").read_text())
    (generate,) = (id_ for id_, node in made.items() if node["class_type"] == "HypoNetGenerateDataset")
    made[generate]["inputs"]["name"] = "ended"
    (tmp_path / "ended.json").write_text(json.dumps(made))
    manifest = comfy.datasets / "ended" / "metadata.jsonl"
    command = [sys.executable, "-m", "headless", "run", str(tmp_path / "ended.json"), "--url", comfy.url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= 2)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped, and withdrawn" in err
    assert "done in" not in out
    wait_for(lambda: not comfy.client.pending())
    lines = manifest.read_bytes().splitlines()
    assert 2 <= len(lines) < IMAGES
    assert all((comfy.datasets / "ended" / json.loads(line)["file_name"]).is_file() for line in lines)
