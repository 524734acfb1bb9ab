"""The metric nodes on a real server: one graph measures a set in every way, and bad input is refused by name."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from hyponet.tests.tools.choices import REFUSED, no_choice
from hyponet.tools.stand_ins.vision import write_clip

from ..evaluation.metrics.inception_fixtures import crops, weights
from ..evaluation.metrics.vision_fixtures import CLIP_B, DINO_S

FID_NETWORK = "FID Inception v3 (2015-12-05)"
PREPARATION = {
    "network": FID_NETWORK,
    "convention": "torch-fidelity",
    "size": 32,
    "filter": "bicubic",
    "crop": "squash",
    "download": False,
    "batch_size": 0,
}

BY_CLIP = {"network": CLIP_B, "convention": "transformers", "size": 0}


@pytest.fixture(scope="module")
def sets(comfy):
    """Two image folders of two classes with four pictures each, and the FID network's random weights."""
    for name, noise in (("real", 0.0), ("made", 15.0)):
        for number, picture in enumerate(crops(8, 48, noise)):
            folder = comfy.input / "metrics" / name / ("cat", "ship")[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / f"{number}.png")
    folder = comfy.base / "models" / "inception"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(weights()[FID_NETWORK], folder)
    write_clip(comfy.base / "models" / "classifiers" / "clip-vit-base-patch32")
    return "metrics/real", "metrics/made"


def load(path):
    fields = {"source": "image folder", "path": path, "split": "all", "per_class": 0}
    fields |= {"corrupt": "stop", "download": False, "seed": 0}
    return {"class_type": "HypoNetLoadLabelledImages", "inputs": fields}


def features(images, **changes):
    inputs = {"images": [images, 0], **PREPARATION, **changes}
    return {"class_type": "HypoNetExtractFeatures", "inputs": inputs}


def node(kind, **inputs):
    return {"class_type": f"HypoNet{kind}", "inputs": inputs}


def graph(sets):
    real, made = sets
    pair = {"features": ["made features", 0], "reference": ["real features", 0], "name": ""}
    return {
        "real": load(real),
        "made": load(made),
        "real features": features("real"),
        "made features": features("made"),
        "fid": node("MeasureFID", each_class=True, **pair),
        "is": node("MeasureInceptionScore", features=["made features", 0], splits=2, name="", seed=2020),
        "kid": node("MeasureKID", **pair, subsets=5, subset_size=6, degree=3, gamma=0.0, coef0=1.0, seed=2020),
        "pr": node("MeasurePrecisionRecall", **pair, closed_k=1, open_k=2, each_class=True, seed=0),
        "diversity": node("MeasureDiversity", features=["made features", 0], name=""),
        "real by clip": features("real", **BY_CLIP),
        "made by clip": features("made", **BY_CLIP),
        "cmmd": node("MeasureCMMD", features=["made by clip", 0], reference=["real by clip", 0], name=""),
        "save": node("SaveStatistics", features=["real features", 0], name="tests/real"),
        "report": node(
            "WriteReport",
            **{f"result_{i}": [name, 0] for i, name in enumerate(("fid", "is", "kid", "pr", "diversity"), start=1)},
            name="tests/metrics",
            title="Metrics on a server",
            results="",
            thesis_rows="made = SD1.5 HypoNet",
        ),
        "markdown": {"class_type": "PreviewAny", "inputs": {"source": ["report", 0]}},
        "chart": {"class_type": "PreviewImage", "inputs": {"images": ["report", 1]}},
    }


@pytest.fixture(scope="module")
def shown(comfy, sets):
    return comfy.run(graph(sets))


def figures(shown, name):
    return shown[name]["hyponet_result"][0]["figures"]


def test_each_metric_shows_its_figures_and_keeps_them_as_a_file(comfy, shown) -> None:
    for name in ("fid", "is", "kid", "pr", "diversity", "cmmd"):
        result = shown[name]["hyponet_result"][0]
        path = comfy.output / "hyponet" / "results" / "made" / f"{result['run']}.json"
        assert json.loads(path.read_text("utf-8")) == result
        way = BY_CLIP if name == "cmmd" else PREPARATION
        assert [result["settings"][key] for key in ("convention", "size")] == [way["convention"], way["size"]]
        assert result["inputs"]["features"]["count"] == 8
    assert figures(shown, "fid")["fid"] > 1
    assert set(figures(shown, "fid")["per_class"]) == set(figures(shown, "pr")["per_class"]) == {"cat", "ship"}
    assert figures(shown, "pr")["per_class"]["cat"]["count"] == 4
    assert figures(shown, "cmmd")["cmmd"] > 0
    assert 1 <= figures(shown, "is")["inception_score"] <= 2
    assert 1 <= figures(shown, "diversity")["vendi"] <= 4  # four pictures a class
    assert any("biased upward" in line for line in shown["fid"]["text"][0].splitlines())


def test_the_server_measures_what_plain_python_measures(comfy, sets, shown) -> None:
    from torchvision.datasets import ImageFolder

    from hyponet.evaluation.metrics.conventions import Preparation
    from hyponet.evaluation.metrics.features import extract_features
    from hyponet.evaluation.metrics.fid import measure_fid

    from ..evaluation.metrics.inception_fixtures import as_set, network

    found = []
    for path in sets:
        pictures = np.stack(
            [
                np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC))
                for picture, _ in ImageFolder(str(comfy.input / path))
            ]
        )
        found.append(extract_features(as_set(pictures), network(), Preparation("torch-fidelity", 0)))
    assert figures(shown, "fid")["fid"] == pytest.approx(measure_fid(found[1], found[0]).figures["fid"], rel=1e-5)


def test_the_report_waits_for_linked_results_and_stands_on_disk(comfy, shown) -> None:
    folder = comfy.output / "hyponet" / "reports" / "tests" / "metrics"
    page = (folder / "report.html").read_text("utf-8")
    fid = figures(shown, "fid")["fid"]
    assert f">{fid:.2f}<sup>" in page, "not in bold: no figure of the thesis stands beside it"
    assert f"{fid:.2f}" in shown["markdown"]["text"][0]
    assert shown["report"]["hyponet_report"][0]["subfolder"] == "hyponet/reports/tests/metrics"
    assert shown["chart"]["images"]
    assert repr(fid) in (folder / "report.csv").read_text("utf-8")


def test_saved_statistics_stand_in_for_the_set(comfy, sets, shown) -> None:
    statistics = {
        "file": "tests/real.npz",
        "network": FID_NETWORK,
        "convention": "clean-fid",
        "size": 0,
        "image_count": 0,
    }
    out = comfy.run(
        {
            "real": load(sets[0]),
            "made": load(sets[1]),
            "real features": features("real"),
            "made features": features("made"),
            "loaded": node("LoadStatistics", **statistics),
            "itself": node(
                "MeasureFID", features=["real features", 0], reference=["loaded", 0], each_class=False, name="itself"
            ),
            "made fid": node(
                "MeasureFID", features=["made features", 0], reference=["loaded", 0], each_class=False, name="stats"
            ),
        }
    )
    assert abs(figures(out, "itself")["fid"]) < 1e-4
    assert figures(out, "made fid")["fid"] == pytest.approx(figures(shown, "fid")["fid"], rel=1e-6)
    assert out["itself"]["hyponet_result"][0]["inputs"]["reference"]["count"] == 8


def test_a_distortion_curve_rises_from_zero_and_is_drawn(comfy, sets) -> None:
    shape = {"kinds": "blur, jpeg", "strengths": "0, 1", "name": "", "seed": 0}
    out = comfy.run(
        {
            "real": load(sets[0]),
            "curve": node("PlotDistortion", images=["real", 0], **shape, **PREPARATION),
            "plot": {"class_type": "PreviewImage", "inputs": {"images": ["curve", 1]}},
        }
    )
    for unchanged, strongest in figures(out, "curve")["fid"].values():
        assert abs(unchanged) < 1e-4 < 1 < strongest
    assert out["plot"]["images"]


def test_pictures_straight_from_a_graph_are_measured(comfy, sets) -> None:
    Image.fromarray(crops(1, 40)[0]).save(comfy.input / "metrics_one.png")
    out = comfy.run(
        {
            "photo": {"class_type": "LoadImage", "inputs": {"image": "metrics_one.png"}},
            "twice": {"class_type": "RepeatImageBatch", "inputs": {"image": ["photo", 0], "amount": 2}},
            "features": node("ExtractFeatures", pictures=["twice", 0], **PREPARATION),
            "diversity": node("MeasureDiversity", features=["features", 0], name="copies"),
        }
    )
    assert figures(out, "diversity")["vendi"] == pytest.approx(1, abs=1e-6)


def refused(comfy, wanted: str, prompt: dict) -> None:
    with pytest.raises(REFUSED, match=wanted):
        comfy.run(prompt)


def test_bad_input_is_refused_by_name(comfy, sets, shown) -> None:
    real, made = load(sets[0]), load(sets[1])
    fid = node("MeasureFID", features=["a", 0], reference=["b", 0], each_class=False, name="")
    unlike = {"real": real, "made": made, "a": features("made"), "b": features("real", size=48), "fid": fid}
    refused(comfy, "size 32 / 48", unlike)
    hostile = {**unlike, "b": features("real"), "fid": node("MeasureFID", **{**fid["inputs"], "name": "../../x"})}
    refused(comfy, "name is '../../x'", hostile)
    nameless = node("SaveStatistics", features=["b", 0], name="")
    refused(comfy, "name is '': it is empty", {"real": real, "b": features("real"), "save": nameless})
    torchvision = features("real", network="torchvision Inception v3 (ImageNet-1k)")
    weights = comfy.base / "models" / "inception" / "inception_v3_google-0cc3c7bd.pth"
    weights.unlink(missing_ok=True)  # tests of pages write them, on the same server
    refused(comfy, "inception_v3_google-0cc3c7bd.pth", {**unlike, "b": torchvision})
    refused(comfy, "dinov2-small with config.json", {**unlike, "b": features("real", network=DINO_S)})
    thesis = features("real", network=CLIP_B, convention="thesis")
    refused(comfy, "convention is thesis, which is none of CLIP ViT-B/32's", {**unlike, "b": thesis})
    refused(comfy, no_choice("convention", "melt"), {**unlike, "b": features("real", convention="melt")})
    neither = {"a": node("ExtractFeatures", **PREPARATION), "d": node("MeasureDiversity", features=["a", 0], name="")}
    refused(comfy, "both linked or both empty", neither)
    curve = {"kinds": "melt", "strengths": "1", "name": "", "seed": 0, "images": ["real", 0], **PREPARATION}
    refused(comfy, "kinds is melt", {"real": real, "curve": node("PlotDistortion", **curve)})
    beyond = {**curve, "kinds": "blur", "strengths": "nan"}
    refused(comfy, "strengths is", {"real": real, "curve": node("PlotDistortion", **beyond)})
    assert not (comfy.output / "x").exists()


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("../../secret.npz", "secret.npz"),
        ("torn.npz", "cannot be read as statistics"),
        ("none.npz", "none of the folders"),
    ],
)
def test_bad_statistics_are_refused_by_name(comfy, sets, file, wanted) -> None:
    (comfy.output / "hyponet" / "statistics").mkdir(parents=True, exist_ok=True)
    (comfy.output / "hyponet" / "statistics" / "torn.npz").write_bytes(b"PK\x03\x04 torn")
    fields = {"file": file, "network": FID_NETWORK, "convention": "clean-fid", "size": 32, "image_count": 0}
    prompt = {
        "real": load(sets[0]),
        "a": features("real"),
        "loaded": node("LoadStatistics", **fields),
        "fid": node("MeasureFID", features=["a", 0], reference=["loaded", 0], each_class=False, name=""),
    }
    refused(comfy, wanted, prompt)


def test_a_report_of_nothing_and_one_with_a_bad_line(comfy) -> None:
    fields = {"name": "tests/empty", "title": "<b>Empty</b>", "results": "no such name", "thesis_rows": ""}
    out = comfy.run({"report": node("WriteReport", **fields)})
    assert "0 figures from 0 results" in out["report"]["text"][0]
    page = (comfy.output / "hyponet" / "reports" / "tests" / "empty" / "report.html").read_text("utf-8")
    assert "&lt;b&gt;Empty" in page
    refused(comfy, "line 1 of thesis_rows", {"report": node("WriteReport", **{**fields, "thesis_rows": "no sign"})})
    refused(comfy, "name is '../up'", {"report": node("WriteReport", **{**fields, "name": "../up"})})
