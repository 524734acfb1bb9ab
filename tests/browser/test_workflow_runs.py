"""Every shipped workflow opened in the page, made small there, run to its end and run again; what comes out is looked
into. On the pinned page in its canvas; with HYPONET_FULL, which `dev.py test --full` sets, on all four pages."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import comfyui_version
import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from hyponet.tests.browser.pages import ALL_PAGES, CHROMIUM, FULL, names, open_page
from hyponet.tests.tools.native import comparable
from hyponet.tests.tools.page_runs import PageRuns
from hyponet.tests.tools.shrunken import API, FREEU, PER_CLASS
from hyponet.tools.stand_ins.inception import write_random_weights
from hyponet.tools.stand_ins.vision import write_clip, write_dino
from hyponet.tools.workflows import write as workflows
from hyponet.tools.workflows.inputs import write_inputs, write_pictures
from tools.dev import demo
from tools.dev.places import ROOT
from tools.node_names import short_name

CLASSES = ("automobile", "cat", "horse", "ship", "truck")
NAMES = sorted(path.stem for path in API.glob("*.json"))
RUN_ON = ALL_PAGES if FULL else ALL_PAGES[:1]
WRITTEN_ON = "0.3.75"  # which native nodes workflows/ has, with their titles
FREEU_MODEL = {"Load Checkpoint": {"ckpt_name": FREEU}}


class Runs(PageRuns):
    """Runs workflows in the page, and reads what they wrote."""

    def lines(self, name):
        """The manifest of a set, by label and rank; on disk the lines stand as the writing threads ended."""
        text = (self.comfy.datasets / name / "metadata.jsonl").read_text("utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        return sorted(lines, key=lambda line: (line["label"], line["rank"]))

    def pictures(self, name):
        """The pictures of a set, by label and rank."""
        folder = self.comfy.datasets / name
        read = {}
        for line in self.lines(name):
            with Image.open(folder / line["file_name"]) as picture:
                read[line["label"], line["rank"]] = np.asarray(picture.convert("RGB"))
        return read

    def text(self, found, title):
        (text,) = [text for shown, text in found.texts if title in (shown, short_name(shown))]
        return text


@pytest.fixture(scope="module", params=RUN_ON, ids=names(RUN_ON))
def run(request, comfy, start_comfy, tmp_path_factory):
    if not CHROMIUM:
        pytest.skip("NO CHROMIUM: workflows are not run; install it and run again")
    own = request.param != RUN_ON[0]  # sets are there once a server
    server = start_comfy(tmp_path_factory.mktemp("page")) if own else comfy
    write_inputs(server.input)
    write_random_weights(server.base / "models" / "inception")
    with open_page(server, request.param) as page:
        yield Runs(server, page)
    if own:
        server.server.stop()


def check_set(run, name, labels, count, side=64):
    """The set's lines and pictures: `count` of each label, all different, none flat."""
    lines = run.lines(name)
    assert Counter(line["label"] for line in lines) == dict.fromkeys(labels, count)
    assert len({line["seed"] for line in lines}) == len(lines)
    pictures = run.pictures(name)
    assert {picture.shape for picture in pictures.values()} == {(side, side, 3)}
    assert min(picture.std() for picture in pictures.values()) > 1
    assert len({picture.tobytes() for picture in pictures.values()}) == len(pictures)
    return lines


def test_the_builder_makes_the_files_that_lie_there(start_comfy, tmp_path):
    if comfyui_version.__version__ != WRITTEN_ON:
        pytest.skip(f"workflows/ is written on {WRITTEN_ON}; native nodes have other titles and widgets elsewhere")
    fresh = start_comfy(tmp_path / "comfy")  # lists and their defaults follow the files that other tests leave behind
    try:
        assert workflows.differing(workflows.texts(fresh.client.object_info())) == []
    finally:
        fresh.server.stop()


def test_comfy_cli_finds_nothing_wrong_and_converts_alike(comfy):
    from comfy_cli.cql.engine import Graph
    from comfy_cli.workflow_to_api import convert_ui_to_api

    schemas = comfy.client.object_info()
    validator = Graph.from_object_info(schemas)
    for name in NAMES:
        api = json.loads((API / f"{name}.json").read_text("utf-8"))
        found = validator.validate_workflow(api)
        # the models and sets that a workflow names lie on its user's disk
        files = {"ckpt_name", "lora_name", "model_name", "name", "unet_name", "vae_name"}
        files |= {"clip_name", "clip_name1", "clip_name2", "clip_name3"}
        wrong = [
            issue
            for issue in found["errors"] + found["warnings"]
            if issue["code"] != "unknown_enum_value" or issue["field"].rsplit(".", 1)[-1] not in files
        ]
        assert wrong == [], name
        if not (API.parent / f"{name}.json").exists():
            continue  # programs alone run it
        ui = json.loads((API.parent / f"{name}.json").read_text("utf-8"))
        assert comparable(convert_ui_to_api(ui, schemas)) == comparable(api), name


def test_demo(run):
    shutil.copyfile(demo.TEST_PICTURES, run.comfy.input / demo.TEST_PICTURES.name)
    found = run("hyponet_11_demo")
    lines = check_set(run, "demo", CLASSES, PER_CLASS)
    assert "Siamese cat" in "".join(text for title, text in found.texts if title == "Hyponyms of cat")
    for line in lines:
        picked = {pick["slot"]: pick["option"] for pick in line["picks"]}
        assert all(option in line["prompt"] for option in picked.values())
        assert ("color" in picked) == (line["label"] not in ("cat", "horse"))
        assert "__" not in line["prompt"]
    (trained,), (tested,) = result_of(found, "training"), result_of(found, "test")
    assert trained["inputs"]["training"]["pictures"] == 5 * PER_CLASS
    (test_set,) = tested["figures"]["test_sets"]
    assert test_set["count"] == 500
    page = run.comfy.output / "hyponet" / "reports" / "demo" / "report.html"
    assert f"{100 * test_set['accuracy']:.1f}" in page.read_text("utf-8")


def test_quick_start_and_a_folder_of_pictures(run):
    found = run("hyponet_01_quick_start", **{"Check Labels": {"reject": False}})
    check_set(run, "quick_start", ("cat", "ship"), PER_CLASS)
    assert "tiger cat" in run.text(found, "Hyponyms of Image")
    assert "| ship | 2 |" in run.text(found, "Check Labels")
    found = run("hyponet_03_pictures_to_set")
    check_set(run, "pictures_to_set", ("cat", "coffee"), PER_CLASS)
    assert "tiger cat" in run.text(found, "Classes from Pictures")


def test_words(run):
    found = run("hyponet_02_words_to_set")
    lines = check_set(run, "words_to_set", ("ship", "truck", "horse"), PER_CLASS)
    assert "ship" in run.text(found, "Classes from Text")
    assert all(any(pick["slot"] == "hyponym" for pick in line["picks"]) for line in lines)


def test_hyponyms_alone(run):
    found = run("hyponet_12_only_hyponyms")
    assert "tiger cat" in run.text(found, "Classify Image")  # ENGINE.md's figure for chelsea: tiger cat .39
    assert "wading bird" in run.text(found, "Hyponyms of Word")  # crane (bird) in WordNet 3.0
    saved = list((run.comfy.base / "user").rglob("my_hyponyms.txt"))
    assert len(saved) == 1
    assert len(saved[0].read_text("utf-8").split("\n")) >= 5


def test_prompt_playground(run):
    found = run("hyponet_13_prompt_playground")
    prompts = [text for title, text in found.texts if title == "Five prompts"]
    assert len(prompts) == 5 or len(prompts[0]) > 100
    for prompt in prompts:
        assert "__" not in prompt
        assert "{" not in prompt
    assert "ship" in run.text(found, "Plan Preview")
    assert found.files, "the chart is shown"


OWN = ("bowl", "mug", "teapot")
OWN_COUNT = 5  # of which one a class is kept for the test
SMALL_TRAINING = {"start": "scratch", "size": 32, "normalisation": "training set"}
OWN_SETTINGS = {"Dataset Plan": {"images_per_class": OWN_COUNT}, "Train Classifier": SMALL_TRAINING}


def write_own_photos(run):
    """Photos of the user's own, in place of which random pictures do."""
    write_pictures(run.comfy.input / "my_photos", OWN, 6, 32)


def test_own_classes_become_a_classifier(run):
    found = run("hyponet_04_own_classes_to_classifier", **OWN_SETTINGS)
    check_set(run, "own_classes", OWN, OWN_COUNT)
    lines = {line["label"]: line for line in run.lines("own_classes")}
    assert "teapot" in lines["teapot"]["prompt"]
    (trained,), (tested,) = result_of(found, "training"), result_of(found, "test")
    assert trained["name"] == tested["name"] == "own_classes"
    (counted,) = tested["figures"]["test_sets"]  # the photos are muted
    assert trained["inputs"]["training"]["pictures"] + counted["count"] == len(OWN) * OWN_COUNT
    assert (run.comfy.output / "hyponet" / "reports" / "own_classes" / "report.html").is_file()


def test_a_set_beside_real_pictures_and_beside_another_set(run):
    write_own_photos(run)
    run("hyponet_04_own_classes_to_classifier", **OWN_SETTINGS)
    both = {"Train on photos": SMALL_TRAINING, "Train on both": SMALL_TRAINING}
    found = run("hyponet_07_augment_real_pictures", **both)
    trained = {result["name"]: result["inputs"]["training"]["pictures"] for result in result_of(found, "training")}
    assert trained == {"photos": 9, "photos-and-set": 9 + len(OWN) * OWN_COUNT}
    assert "only first right" in run.text(found, "Compare Classifiers")
    same = {"Set B": {"path": "own_classes"}, "Train on A": SMALL_TRAINING, "Train on B": SMALL_TRAINING}
    found = run("hyponet_10_compare_two_sets", **same)
    assert len(result_of(found, "training")) == 2


def test_a_lora_of_photos(run):
    write_own_photos(run)
    run("hyponet_08_train_a_lora")
    folder = run.comfy.output / "hyponet" / "lora" / "my_photos"
    assert {path.read_text("utf-8").strip() for path in folder.glob("*.txt")} == {
        f"a photo of a {name}" for name in OWN
    }
    assert list((run.comfy.base / "models" / "loras").rglob("my_photos.safetensors"))


def test_metrics_of_a_set(run):
    write_own_photos(run)
    run("hyponet_04_own_classes_to_classifier", **OWN_SETTINGS)
    found = run("hyponet_09_metrics_of_a_set")
    kinds = {result["kind"] for result in found.results}
    assert {"fid", "kid", "precision_recall", "diversity"} <= kinds


def test_metrics_of_today(run):
    write_own_photos(run)
    run("hyponet_04_own_classes_to_classifier", **OWN_SETTINGS)
    models = run.comfy.base / "models" / "classifiers"
    write_dino(models / "dinov2-large", trained_at=224)
    write_clip(models / "clip-vit-large-patch14-336")
    found = run("hyponet_22_metrics_of_today")
    kinds = {result["kind"] for result in found.results}
    assert {"fid", "cmmd", "precision_recall", "clip_score"} <= kinds


def test_shards_make_up_the_whole_and_verify_clean(run):
    found = run("hyponet_06_resume_and_shard")
    check_set(run, "sharded", ("cat", "ship"), PER_CLASS)
    parts = [{(line["label"], line["rank"]) for line in run.lines(f"sharded_{number}")} for number in (0, 1)]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == {(line["label"], line["rank"]) for line in run.lines("sharded")}
    whole, made = run.pictures("sharded"), {**run.pictures("sharded_0"), **run.pictures("sharded_1")}
    assert all(np.array_equal(whole[key], made[key]) for key in whole)
    assert run.text(found, "Verify Dataset").startswith(f"{2 * PER_CLASS} pictures checked, 0 problems")


def test_culled_pictures_are_made_anew(run):
    checks = {"Check Labels": {"reject": False}, "Verify Dataset": {"near_duplicates": False}}
    run("hyponet_05_cull_and_check", **checks)
    before = run.pictures("culled")
    run("hyponet_05_cull_and_check", **checks, **{"Reject Items": {"selection": "cat: 0"}})
    run("hyponet_05_cull_and_check", **checks, **{"Reject Items": {"selection": " "}})
    after = run.pictures("culled")
    changed = [key for key in before if not np.array_equal(before[key], after[key])]
    assert len(after) == len(before) == 2 * PER_CLASS
    assert changed == [("cat", 0)]


def test_lists(run):
    found = run("hyponet_thesis_table_3_1_lists")
    assert len(run.text(found, "The options of color").split("\n")) == 45  # Table 3-1
    titles = {title: {"image": "cat.png"} for title in (f"Picture of {name}" for name in CLASSES)}
    cats = {f"Hyponyms of {name}": {"ancestor": "domestic cat"} for name in CLASSES}
    run("hyponet_thesis_table_5_3_wildcards", **titles, **cats)
    for name in CLASSES:
        (saved,) = (run.comfy.base / "user").rglob(f"table_5_3/{name}.txt")
        assert "Siamese cat" in saved.read_text("utf-8")


def test_figures_3(run):
    run("hyponet_thesis_figure_3_1_3_2_dynamic_prompts")
    assert {line["prompt"] for line in run.lines("figure-3-1")} == {"automobile"}
    assert len({line["prompt"] for line in run.lines("figure-3-2")}) == PER_CLASS
    found = run("hyponet_thesis_figure_3_3_to_3_5_negative")
    pictures = [run.comfy.client.picture(file) for file in found.files if file["type"] == "output"]
    assert len(pictures) == len(set(pictures)) == 3  # one seed, three different texts
    run("hyponet_thesis_figure_3_7_freeu", **FREEU_MODEL)
    without, with_freeu = run.pictures("figure-3-7-without"), run.pictures("figure-3-7-with")
    assert without.keys() == with_freeu.keys()
    assert all(not np.array_equal(without[key], with_freeu[key]) for key in without)
    run("hyponet_thesis_figure_3_8_to_3_10_lora")
    plain, styled = run.pictures("figure-3-8"), run.pictures("figure-3-10")
    assert [line["prompt"] for line in run.lines("figure-3-8")] == [line["prompt"] for line in run.lines("figure-3-10")]
    assert all(not np.array_equal(plain[key], styled[key]) for key in plain)


def test_figures_4(run):
    run("hyponet_thesis_figure_4_2_hyponyms", **{"Dataset Plan": {"images_per_class": 3}})
    assert len({line["prompt"] for line in run.lines("figure-4-2")}) == 3
    run("hyponet_thesis_table_5_9_sd15_hyponet")
    for name in ("4_3_to_4_7_sd14", "4_8_to_4_12_sd15", "4_13_to_4_17_sdxl"):
        found = run(f"hyponet_thesis_figure_{name}", **{"Load Dataset": {"name": "sd15-hyponet"}})
        assert len([file for file in found.files if file["type"] == "temp"]) >= 6  # five sheets and the summary


@pytest.mark.parametrize("model", ["sd14", "sd15", "sdxl"])
def test_the_sets_of_table_5_9(run, model):
    labels = ("automobile",) if model == "sdxl" else ("automobile", "cat")  # encoding for SDXL takes seconds a prompt
    one = {"Dataset Plan": {"images_per_class": 1}}
    small = {"Classes from Text": {"text": "\n".join(f"{label}: __thesis/{label}__" for label in labels)}, **one}
    plain = {"Classes from Text": {"text": "\n".join(labels)}, **one}
    freeu = {} if model == "sdxl" else FREEU_MODEL
    for technique in ("none", "freeu"):
        run(f"hyponet_thesis_table_5_9_{model}_{technique}", **plain, **freeu)
        lines = check_set(run, f"{model}-{technique}", labels, 1)
        assert [(line["prompt"], line["negative"]) for line in lines] == [(label, "") for label in labels]
    none, with_freeu = run.pictures(f"{model}-none"), run.pictures(f"{model}-freeu")
    if model != "sdxl":  # the small SDXL stand-in has no layers on which FreeU acts
        assert all(not np.array_equal(none[key], with_freeu[key]) for key in none)
    run(f"hyponet_thesis_table_5_9_{model}_lora", **small)
    for line in check_set(run, f"{model}-lora", labels, 1):
        assert line["prompt"].endswith("best quality, 8k, realistic, (photo-realistic:1.4)")
        assert line["negative"] == ""
    if model == "sd15":  # whole: the experiments below use it
        run(f"hyponet_thesis_table_5_9_{model}_hyponet")
        lines = check_set(run, f"{model}-hyponet", CLASSES, PER_CLASS)
    else:
        run(f"hyponet_thesis_table_5_9_{model}_hyponet", **small)
        lines = check_set(run, f"{model}-hyponet", labels, 1)
    for line in lines:
        slots = {pick["slot"].rsplit("/", 1)[-1]: pick["option"] for pick in line["picks"]}
        options = (ROOT / "wildcards" / "thesis" / f"{line['label']}.txt").read_text("utf-8").splitlines()
        assert slots["hyponym"] in options
        assert f"({slots['hyponym']}:1.4)" in line["prompt"]
        assert line["negative"].startswith("(worst quality:1.4), (low quality:1.4)")
        if line["label"] in ("cat", "horse") and model == "sd15":
            assert "color" not in slots  # Table 5-8: no colour for cat and horse


def result_of(found, kind):
    return [result for result in found.results if result["kind"] == kind]


@pytest.mark.parametrize("protocol", ["one_model_at_32", "one_model_per_test_set"])
def test_train_and_test(run, protocol):
    run("hyponet_thesis_table_5_9_sd15_hyponet")
    for what, name in (("train_test", "sd15-hyponet"), ("baseline", "cifar10-train")):
        found = run(f"hyponet_thesis_table_5_9_{what}_{protocol}")
        trained, tested = result_of(found, "training"), result_of(found, "test")
        assert {result["name"] for result in trained + tested} == {name}
        sizes = sorted(result["settings"]["size"] for result in trained)
        assert sizes == ([32] if protocol == "one_model_at_32" else [32, 96, 224])
        sets = [entry for result in tested for entry in result["figures"]["test_sets"]]
        assert sorted(entry["count"] for entry in sets) == [10, 10, 18]  # 2 a class; ImageNet's 18 classes, 1 each
        assert all(0 <= entry["accuracy"] <= 1 for entry in sets)


def test_table_5_10(run):
    run("hyponet_thesis_table_5_9_sd15_hyponet")
    counts = {f"Real + {count}": {"per_class": count // 1000} for count in (1000, 2000)}
    counts |= {f"Real + {count}": {"per_class": 2} for count in (3000, 4000, 5000)}
    counts |= {f"Real + {count} real again": {"per_class": 1} for count in (1000, 5000)}
    rows = [*(f"+ {count}" for count in (2000, 3000, 4000, 5000)), "+ 1000 repeated", "+ 5000 repeated"]
    once = {f"Train CIFAR-10 Train {row}": {"runs": 1} for row in rows}  # the first two rows have their three
    found = run("hyponet_thesis_table_5_10_augmentation", **counts, **once)
    trained = {result["name"]: result["inputs"]["training"]["pictures"] for result in result_of(found, "training")}
    assert trained["CIFAR-10 Train"] == 15  # five classes, three pictures each
    assert trained["CIFAR-10 Train + 1000"] == 20
    assert trained["CIFAR-10 Train + 2000"] == 25
    assert "| CIFAR-10 Train + 4000 | " in run.text(found, "Table 5-10")


def test_tables_5_9_and_5_10_in_small(run):
    run("hyponet_thesis_table_5_9_sd15_hyponet", **{"Generate Dataset": {"name": "small-hyponet"}})
    found = run("hyponet_thesis_table_5_9_small")
    tested = result_of(found, "test")
    assert [result["name"] for result in tested] == ["small/HypoNet"] * 3
    assert len({result["settings"]["seed"] for result in tested}) == 3
    few = {"CIFAR-10 train": {"per_class": 2}, "Real + 250": {"per_class": 1}, "Real + 500": {"per_class": 2}}
    once = {f"Train on real + {count}": {"runs": 1} for count in (250, 500)}  # the first row has its three
    found = run("hyponet_thesis_table_5_10_small", **few, **once)
    trained = {result["name"]: result["inputs"]["training"]["pictures"] for result in result_of(found, "training")}
    rows = ("CIFAR-10 Train", "CIFAR-10 Train + 250", "CIFAR-10 Train + 500")
    assert trained == {f"small/{row}": count for row, count in zip(rows, (10, 15, 20), strict=True)}
    assert "| CIFAR-10 Train + 250 | " in run.text(found, "Table 5-10 in small")


def test_table_5_11_and_5_12(run):
    run("hyponet_thesis_table_5_9_sd15_hyponet")
    found = run("hyponet_thesis_table_5_11_fid")
    fid = {result["name"]: result["figures"]["fid"] for result in result_of(found, "fid")}
    assert fid["CIFAR-10 Train"] == pytest.approx(0, abs=1e-3)
    assert fid["sd15-hyponet"] > 1
    assert fid["CIFAR-10 Test"] > 1
    assert "| SD1.5 HypoNet | " in run.text(found, "Table 5-11")
    found = run("hyponet_thesis_table_5_12_inception_score", **{"Score of the set": {"splits": 2}})
    for result in result_of(found, "inception_score"):
        assert result["figures"]["inception_score"] >= 1
    assert "| SD1.5 HypoNet | " in run.text(found, "Table 5-12")


def test_figure_5_3(run):
    found = run("hyponet_thesis_figure_5_3_distortion")
    (result,) = result_of(found, "distortion")
    assert result["figures"]
    assert found.files, "the plot is shown"


def test_the_report_gathers_what_has_run(run):
    run("hyponet_thesis_table_5_9_sd15_hyponet")
    run("hyponet_thesis_table_5_9_train_test_one_model_at_32")
    found = run("hyponet_14_report", Report={"thesis_rows": "cifar-10-batches-bin test = CIFAR-10 test"})
    page = run.comfy.output / "hyponet" / "reports" / "report" / "report.html"
    html = page.read_text("utf-8")
    assert "Table 5-9" in html
    assert "sd15-hyponet" in html
    assert run.text(found, "Report").count("|") > 50


def test_the_lora(run):
    run("hyponet_thesis_table_5_5_lora_samples")
    folder = run.comfy.output / "hyponet" / "lora" / "cifar10-512"
    captions = {path.read_text("utf-8").strip() for path in folder.glob("*.txt")}
    assert captions == {f"a photo of a {label}" for label in ("airplane", *CLASSES)}
    with Image.open(next(folder.glob("*.png"))) as picture:
        assert picture.size == (64, 64)
    for model in ("sd14", "sd15", "sdxl"):
        found = run(f"hyponet_thesis_table_5_5_lora_training_{model}", **{"LoRA Training": {"folder": "cifar10-512"}})
        (result,) = found.results
        assert result["kind"] == "lora_training"
        (file,) = (run.comfy.base / "models" / "loras").rglob(f"hyponet-cifar10-{model}.safetensors")
        assert result["figures"]
        trained = [tensor for name, tensor in load_file(file).items() if "lora_up" in name]
        assert trained
        assert any(tensor.any() for tensor in trained), "what starts at zero has moved"
