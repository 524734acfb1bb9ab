"""The demo tells whether its set came out: the exit code over a scripted server."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from tools.dev import demo
from tools.dev.places import ROOT

from .scripted import INFOS
from .test_client import BAD_NODE

WORKFLOW = json.loads((ROOT / "workflows" / "api" / "hyponet_pictures_to_set.json").read_text("utf-8"))
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
    options = Namespace(image=[str(picture)], count=2, checkpoint=None, classifier=None)

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
def test_what_did_not_come_out_is_a_failure(server, run, trouble, reason):
    trouble(server)
    code, said = run()
    assert code == 1
    assert reason in said
    assert "The labelled set" not in said
