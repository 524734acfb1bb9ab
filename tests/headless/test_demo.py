"""The demo tells whether its set came out, and its accuracy: the exit code and what is said, over a scripted server."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

import pytest

from tools.dev import demo
from tools.dev.console import Failure
from tools.dev.places import ROOT

from .scripted import INFOS
from .test_client import BAD_NODE

MISSION = json.loads((ROOT / "workflows" / "api" / "hyponet_11_demo.json").read_text("utf-8"))
WORKFLOW = json.loads((ROOT / "workflows" / "api" / "hyponet_03_pictures_to_set.json").read_text("utf-8"))
CLASSES = {id_: node["class_type"] for id_, node in WORKFLOW.items()}
(GENERATE,) = (id_ for id_, name in CLASSES.items() if name == "HypoNetGenerateDataset")


@pytest.fixture
def run(server, tmp_path, monkeypatch, capsys):
    """run() -> (exit code, what was said); the set lies there as the demo leaves it."""
    for name in CLASSES.values():
        monkeypatch.setitem(INFOS, name, INFOS.get(name, {"output_node": False, "input": {}}))
    server.outputs = {GENERATE: {"hyponet": [{"name": "demo_own", "missing": 0}]}}
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"any")
    folder = tmp_path / "output" / "datasets" / "demo_own"
    folder.mkdir(parents=True)
    plan = {"classes": [{"name": "cat", "hypernym": "animal", "hyponyms": {"tabby": 1}}]}
    (folder / "dataset.json").write_text(json.dumps({"plan": plan}), "utf-8")
    (folder / "metadata.jsonl").write_text('{"label": "cat"}\n')
    (tmp_path / "input").mkdir()
    options = Namespace(image=[str(picture)], count=2, checkpoint=None, classifier=None, open=False)

    def call():
        code = demo.run(demo.Client(server.url), None, tmp_path / "input", tmp_path / "output", options)
        return code, capsys.readouterr().out

    return call


def test_a_whole_set_is_shown(run):
    code, said = run()
    assert (code, "cat: 1 pictures; hyponyms of animal: tabby" in said) == (0, True)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (lambda server: setattr(server, "node_errors", BAD_NODE), "Value not in list"),
        (lambda server: server.outputs.clear(), "did not run"),
        (lambda server: server.outputs[GENERATE]["hyponet"][0].update(missing=1), "'demo_own' lacks 1"),
        (lambda server: server.hooks.update({"/history": server.history.clear}), "no longer knows"),
        (lambda server: server.stop(), "What to do"),
    ],
)
def test_what_did_not_come_out_is_a_failure(server, run, capsys, trouble, reason):
    """As of every step of dev.py: said on stderr, whatever stdout was piped into."""
    trouble(server)
    with pytest.raises(Failure, match=f"(?s)The workflow failed: .*{reason}"):
        run()
    assert "The labelled set" not in capsys.readouterr().out


@pytest.fixture
def mission(server, tmp_path, monkeypatch, capsys):
    """mission(**options) -> (exit code, what was said, the graph that was queued, pages opened)."""
    for node in MISSION.values():
        name = node["class_type"]
        monkeypatch.setitem(INFOS, name, INFOS.get(name, {"output_node": False, "input": {}}))
    ids = {node["class_type"]: id_ for id_, node in MISSION.items()}
    figures = {"test_sets": [{"count": 500, "accuracy": 0.5, "interval": [0.4563, 0.5437]}]}
    server.outputs = {
        ids["HypoNetTrainClassifier"]: {"hyponet_result": [{"kind": "training", "figures": {"history": []}}]},
        ids["HypoNetTestClassifier"]: {"hyponet_result": [{"kind": "test", "figures": figures}]},
        ids["HypoNetGenerateDataset"]: {"hyponet": [{"name": "demo", "missing": 0}]},
        **{id_: {"images": []} for id_, node in MISSION.items() if node["class_type"] == "PreviewImage"},
        **{id_: {"text": [""]} for id_, node in MISSION.items() if node["class_type"] == "PreviewAny"},
    }
    (tmp_path / "input").mkdir()
    opened = []
    monkeypatch.setattr(demo.webbrowser, "open", opened.append)

    def call(name, **options):
        folder = tmp_path / "output" / "datasets" / name
        folder.mkdir(parents=True)
        plan = {"classes": [{"name": "ship", "hypernym": "ship", "hyponyms": {"liner": 1, "tugboat": 1}}]}
        (folder / "dataset.json").write_text(json.dumps({"plan": plan}), "utf-8")
        (folder / "metadata.jsonl").write_text('{"label": "ship"}\n')
        given = {"image": None, "count": 500, "checkpoint": None, "classifier": None, "open": False, **options}
        client = demo.Client(server.url)
        code = demo.run(client, sys.executable, tmp_path / "input", tmp_path / "output", Namespace(**given))
        return code, capsys.readouterr().out, server.prompts[-1], opened

    return call


def widgets(graph, kind):
    (inputs,) = (node["inputs"] for node in graph.values() if node["class_type"] == kind)
    return inputs


def test_the_accuracy_stands_beside_its_interval_and_chance(mission, tmp_path):
    code, said, _, opened = mission("demo", open=True)
    report = tmp_path / "output" / "hyponet" / "reports" / "demo" / "report.html"
    assert code == 0
    # 250 of 500: Wilson 45.63 to 54.37 %, as R's prop.test without correction gives it
    assert "Accuracy on 500 real pictures: 50.0 % (95 % Wilson interval 45.6 to 54.4 %; chance 20 %)" in said
    assert f"The report:        {report}" in said
    assert opened == [report.as_uri()]


def test_the_small_model_draws_at_its_size_and_is_called_by_its_name(mission, tmp_path):
    _, said, graph, opened = mission("demo")
    made = widgets(graph, "HypoNetGenerateDataset")
    assert widgets(graph, "CheckpointLoaderSimple")["ckpt_name"] == "hyponet-small.safetensors"
    assert (made["width"], made["height"], made["cfg"]) == (64, 64, 2.0)
    assert widgets(graph, "HypoNetPlanDataset")["images_per_class"] == 100
    assert "hyponet-small" in said
    assert "say nothing about Stable Diffusion" in said
    assert "--checkpoint" in said
    assert opened == []
    assert (tmp_path / "input" / "cat.png").is_file()
    assert (tmp_path / "input" / "test_pictures.zip").read_bytes() == demo.TEST_PICTURES.read_bytes()


def test_a_real_checkpoint_makes_a_set_results_and_a_report_of_its_own(mission):
    _, said, graph, _ = mission("demo_sd15", checkpoint="/models/sd15.safetensors")
    assert widgets(graph, "CheckpointLoaderSimple")["ckpt_name"] == "sd15.safetensors"
    assert widgets(graph, "HypoNetGenerateDataset")["width"] == 512
    for kind in ("GenerateDataset", "TrainClassifier", "TestClassifier", "WriteReport"):
        assert widgets(graph, f"HypoNet{kind}")["name"] == "demo_sd15"
    assert "hyponet-small" not in said
