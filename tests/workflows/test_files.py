"""The workflow files as they lie there: what the thesis states, and what a shared file needs. thesis.json holds the
thesis's own tables, typed off by hand."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from hyponet.evaluation.training.settings import Settings
from hyponet.nodes import extension
from hyponet.tools.workflows.builder.families import FAMILIES
from hyponet.tools.workflows.builder.recipes import FAST
from tools.dev.places import ROOT
from tools.node_names import short_name

FOLDER = ROOT / "workflows"
THESIS = json.loads((Path(__file__).parent / "thesis.json").read_text("utf-8"))
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
API_NAMES = sorted(path.stem for path in (FOLDER / "api").glob("*.json"))
MODELS = {"sd14": "sd1.4_sd1.5", "sd15": "sd1.4_sd1.5", "sdxl": "sdxl"}
FILES = {"sd14": "sd-v1-4.ckpt", "sd15": "v1-5-pruned-emaonly-fp16.safetensors", "sdxl": "sd_xl_base_1.0.safetensors"}
TECHNIQUES = {"none": "none", "freeu": "FreeU", "lora": "LoRA", "hyponet": "HypoNet"}
CELLS = [(model, technique) for model in MODELS for technique in TECHNIQUES]


def graph(name):
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def api(name):
    return json.loads((FOLDER / "api" / f"{name}.json").read_text("utf-8"))


def nodes_of(form, kind):
    return [node["inputs"] for node in form.values() if node["class_type"] == kind]


def weighted(text):
    """The thesis's `phrase:1.4` as ComfyUI writes it."""
    return ", ".join(f"({part})" if re.search(r":[\d.]+$", part) else part for part in text.split(", "))


def test_every_experiment_of_the_thesis_has_a_workflow():
    for number in ("3_1", "5_3", "5_5", "5_9", "5_10", "5_11", "5_12"):
        assert [name for name in NAMES if name.startswith(f"hyponet_thesis_table_{number}_")], f"Table {number}"
    for number in ("3_1", "3_3", "3_7", "3_8", "4_2", "4_3", "4_8", "4_13", "5_3"):
        assert [name for name in NAMES if name.startswith(f"hyponet_thesis_figure_{number}_")], f"Figure {number}"
    assert "hyponet_14_report" in NAMES  # Figure 5-2
    # people open one graph for the twelve sets, programs a file for each
    assert set(API_NAMES) - set(NAMES) == {
        f"hyponet_thesis_table_5_9_{model}_{technique}" for model, technique in CELLS
    }
    assert set(NAMES) <= set(API_NAMES)


def test_ten_named_for_what_they_do_come_first_and_each_has_a_thumbnail():
    """The template browser shows file names, and sorts by them; a name must do in the address of a page as well."""
    assert [name[:11] for name in NAMES[:10]] == [f"hyponet_{number:02}_" for number in range(1, 11)]
    assert NAMES[14:21] == [f"hyponet_{family.name}" for family in FAMILIES]  # today's models, in one group
    assert NAMES[21:24] == [
        "hyponet_22_metrics_of_today",
        "hyponet_23_close_the_loop",
        "hyponet_24_captions_as_prompts",
    ]
    assert all(name.startswith("hyponet_thesis_") for name in NAMES[24:])
    assert [name for name in NAMES if not re.fullmatch("[a-z0-9_]+", name)] == []
    assert sorted(path.stem for path in FOLDER.glob("*.jpg")) == NAMES


def test_the_quick_start_ends_with_a_sheet_of_a_set_whose_labels_were_checked():
    form = api("hyponet_01_quick_start")
    (sheet,) = nodes_of(form, "HypoNetMakeContactSheet")
    checked = form[sheet["dataset"][0]]
    assert checked["class_type"] == "HypoNetCheckLabels"
    assert form[checked["inputs"]["dataset"][0]]["class_type"] == "HypoNetGenerateDataset"
    (hyponyms,) = nodes_of(form, "HypoNetHyponymsOfImage")
    assert hyponyms["minimum_confidence"] > 0
    assert hyponyms["classifier"] == checked["inputs"]["classifier"]


def test_one_of_the_twelve_sets_is_switched_on_and_each_is_the_file_that_programs_run():
    form = graph("hyponet_thesis_table_5_9_sets")
    makers = [node for node in form["nodes"] if node["type"] == "HypoNetGenerateDataset"]
    names = {node["widgets_values"][0]: node for node in makers}
    assert set(names) == {f"{model}-{technique}" for model, technique in CELLS}
    assert [name for name, node in names.items() if node["mode"] == 0] == ["sd15-hyponet"]
    for model, technique in CELLS:
        (made,) = nodes_of(api(f"hyponet_thesis_table_5_9_{model}_{technique}"), "HypoNetGenerateDataset")
        stated = [value for value in made.values() if not isinstance(value, list)]
        assert names[f"{model}-{technique}"]["widgets_values"] == stated
    kinds = {node["id"]: node["type"] for node in form["nodes"]}
    muted = {node["id"] for node in form["nodes"] if node["mode"] == 2}
    for _, source, _, target, _, _ in form["links"]:
        assert source not in muted or target in muted, f"{kinds[target]} runs without {kinds[source]}"


# as the page calls nodes without a title of their own; of ComfyUI's those that notes speak of
NATIVE = {"LoadImage": "Load Image", "CheckpointLoaderSimple": "Load Checkpoint", "LoraLoader": "Load LoRA"}
SCHEMAS = [node.define_schema() for node in extension.NODES]
CALLED = NATIVE | {schema.node_id: short_name(schema.display_name) for schema in SCHEMAS}


@pytest.mark.parametrize("name", NAMES)
def test_a_note_calls_nodes_as_the_page_does(name):
    """By their title, or how several titles begin; a node that is not in the graph by its name. It said Load Image
    where the node is called Sample picture."""
    nodes = graph(name)["nodes"]
    titles = [node.get("title") or CALLED.get(node["type"], node["type"]) for node in nodes]
    there = {CALLED.get(node["type"], node["type"]) for node in nodes}
    for note in (node for node in nodes if node["type"] == "MarkdownNote"):
        for called in re.findall(r"\*\*([^*]+)\*\*", note["widgets_values"][0]):
            is_elsewhere = called in set(CALLED.values()) - there
            assert is_elsewhere or any(title.startswith(called) for title in titles), called


@pytest.mark.parametrize("name", NAMES)
def test_a_shared_file_is_flat_explains_itself_and_finds_what_it_needs(name):
    form = graph(name)
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)[1]
    assert name.startswith("hyponet_")
    assert "definitions" not in form  # no sub-graphs
    notes = [node for node in form["nodes"] if node["type"] == "MarkdownNote"]
    assert notes
    for heading in ("## Change first", "## Reading the result"):
        assert heading in notes[0]["widgets_values"][0]
    assert len(form["groups"]) >= 2
    for node in form["nodes"]:
        left, top, width, height = (*node["pos"], *node["size"])
        height = 0 if node["flags"].get("collapsed") else height
        inside = [
            group
            for group in form["groups"]
            if group["bounding"][0] <= left
            and group["bounding"][1] <= top - 30
            and left + width <= group["bounding"][0] + group["bounding"][2]
            and top + height <= group["bounding"][1] + group["bounding"][3]
        ]
        assert len(inside) == 1, f"{node['type']} lies in {len(inside)} stages"
        if node["type"].startswith("HypoNet"):
            assert (node["properties"]["cnr_id"], node["properties"]["ver"]) == ("hyponet", version)
        if node["type"] in ("CheckpointLoaderSimple", "UpscaleModelLoader"):
            (model,) = node["properties"]["models"]
            assert model["name"] == node["widgets_values"][0]
            assert model["url"].startswith("https://huggingface.co/")
            assert model["url"].endswith(model["name"])


@pytest.mark.parametrize("name", NAMES)
def test_no_badge_lies_on_the_title_of_a_group(name):
    """The canvas writes a title of 24 pixels on a line 24 below the group's edge, its p and g 5 pixels below that, and
    draws a badge 20 high and 58 wide 2 pixels above the right end of a title bar of 30 (LGraphNode.drawBadges). Letters
    are 11 pixels wide in DejaVu Sans, and a collapsed node is 157 with 18 letters of 14 pixels, on a page of 1.32.9."""
    form, found = graph(name), []
    for group in form["groups"]:
        left, top, width, height = group["bounding"]
        for node in form["nodes"]:
            x, y = node["pos"][0] - left, node["pos"][1] - top
            title = node.get("title") or ""
            is_collapsed = node["flags"].get("collapsed")
            right = x + (157 * (len(title) + 7) / 25 if is_collapsed else node["size"][0])
            is_on_it = 0 <= y - 30 - 22 < 24 + 5 and right - 58 < 11 * len(group["title"])
            if node["type"].startswith("HypoNet") and 0 <= x < width and y < height and is_on_it:
                found.append(f"{title or node['type']} on {group['title']}")
    assert found == []


@pytest.mark.parametrize(("model", "technique"), CELLS)
def test_the_sets_of_table_5_9_are_the_thesis_s_to_the_letter(model, technique):
    form = api(f"hyponet_thesis_table_5_9_{model}_{technique}")
    (made,) = nodes_of(form, "HypoNetGenerateDataset")
    stated = THESIS["parameters"]["table_5_6_sampling"][MODELS[model]]
    assert (made["steps"], made["cfg"], [made["width"], made["height"]]) == (
        stated["steps"],
        stated["cfg"],
        stated["size"],
    )
    assert "DPM++ 2M Karras" in stated["sampler"]
    assert (made["sampler_name"], made["scheduler"]) == ("dpmpp_2m", "karras")
    loaders = nodes_of(form, "CheckpointLoaderSimple")
    assert loaders[0]["ckpt_name"] == FILES[model]
    if "refiner_switch" in stated:
        assert made["switch_at"] == stated["refiner_switch"]
        assert form[made["refiner_model"][0]]["inputs"]["ckpt_name"] == "sd_xl_refiner_1.0.safetensors"
    else:
        assert "refiner_model" not in made
    freeu = nodes_of(form, "FreeU")
    if technique == "freeu":
        scales = THESIS["parameters"]["table_5_4_freeu"]["native_node_equivalent"][MODELS[model]]
        assert {key: freeu[0][key] for key in scales} == scales
        assert form[made["model"][0]]["class_type"] == "FreeU"
    assert len(freeu) == (technique == "freeu")
    assert len(nodes_of(form, "LoraLoader")) == (technique == "lora")
    (plan,) = nodes_of(form, "HypoNetPlanDataset")
    assert plan["images_per_class"] == 5000
    assert plan["coverage"] == "random"  # algorithm 3-1


@pytest.mark.parametrize(("model", "technique"), CELLS)
def test_the_prompts_of_table_5_9_are_tables_5_7_and_5_8(model, technique):
    form = api(f"hyponet_thesis_table_5_9_{model}_{technique}")
    (plan,) = nodes_of(form, "HypoNetPlanDataset")
    (classes,) = nodes_of(form, "HypoNetClassesFromText")
    lines = dict(line.split(":", 1) if ":" in line else (line, "") for line in classes["text"].splitlines())
    assert list(lines) == THESIS["classes"]
    stated = THESIS["prompts"]["table_5_8"][TECHNIQUES[technique]]
    texts = THESIS["prompts"]["table_5_7"]
    assert plan["negative"] == weighted(texts["Fn"] if stated["negative"] == "Fn" else stated["negative"])
    if technique in ("none", "freeu"):
        assert stated["positive"].startswith("<class name alone")
        assert plan["template"] == "__class__"
        assert set(lines.values()) == {""}
        return
    # the row's own words, its wildcards in our language
    assert stated["positive"] == "(view) of a (color) (<class>):1.4 in (location), Fp"
    expected = (
        f"__thesis/view__ of a __thesis/color__ (__hyponym__:1.4) in __thesis/location__, {weighted(texts['Fp'])}"
    )
    assert plan["template"] == expected
    for name, rest in lines.items():
        hyponyms, _, own = rest.partition(";")
        assert hyponyms.strip() == f"__thesis/{name}__"
        without_color = expected.replace("__thesis/color__ ", "") if name in ("cat", "horse") else ""
        assert own.replace("template:", "", 1).strip() == without_color


def test_table_5_10_has_three_seeds_and_controls_of_equal_steps():
    """A control has as many pictures a class as its row, and none of them is new: it is the set with itself."""
    form = api("hyponet_thesis_table_5_10_augmentation")
    merges = {node["name"]: node for node in nodes_of(form, "HypoNetMergeImages")}
    assert {node["runs"] for node in nodes_of(form, "HypoNetTrainClassifier")} == {3}
    for count in (1000, 5000):
        row, control = merges[f"CIFAR-10 Train + {count}"], merges[f"CIFAR-10 Train + {count} repeated"]
        assert (control["images"], control["per_class"]) == (row["images"], row["per_class"])
        assert control["added"] == control["images"] != row["added"]


def test_training_is_table_5_2():
    stated = THESIS["parameters"]["table_5_2_resnet18"]
    tables = [name for name in NAMES if name.startswith("hyponet_thesis_table_5_") and not name.endswith("_small")]
    trainings = [node for name in tables for node in nodes_of(api(name), "HypoNetTrainClassifier")]
    # Table 5-10: 6 and 2 controls; the others: 1 at 32 or 3, for the baseline and for our sets
    assert len(trainings) == 16
    for node in trainings:
        assert node["architecture"] == "resnet18"
        assert node["batch_size"] == stated["batch_size"]
        assert node["learning_rate"] == stated["learning_rate"]
        assert node["optimizer"] == stated["optimizer"]
        assert node["epochs"] == stated["epochs"]
        assert node["filter"] == stated["downsample"]
        assert (node["augmentation"], node["normalisation"], node["stem"], node["start"]) == (
            "none",
            "none",
            "7x7",
            "scratch",
        )


def test_the_tables_in_small_train_equally_many_steps_by_the_fast_recipe():
    """Only what is trained on differs between their rows."""
    sizes = {}
    for name in ("hyponet_thesis_table_5_9_small", "hyponet_thesis_table_5_10_small"):
        form = api(name)
        for node in nodes_of(form, "HypoNetTrainClassifier"):
            images = form[node["images"][0]]
            added = images["inputs"]["per_class"] if images["class_type"] == "HypoNetMergeImages" else 0
            stated = Settings(**{key: node[key] for key in FAST})
            assert stated == Settings(**{**FAST, "epochs": node["epochs"]})
            assert node["runs"] == 3
            sizes[5 * (500 + added)] = node["epochs"]
    assert sizes.keys() == {2500, 3750, 5000}
    assert {epochs * math.ceil(size / FAST["batch_size"]) for size, epochs in sizes.items()} == {600}


def test_both_protocols_train_at_the_sizes_of_their_test_sets():
    three = api("hyponet_thesis_table_5_9_train_test_one_model_per_test_set")
    pairs = {}
    for test in nodes_of(three, "HypoNetTestClassifier"):
        source = three[three[test["images"][0]]["inputs"]["images"][0]]["inputs"]["source"]
        pairs[source] = three[test["checkpoint"][0]]["inputs"]["size"]
    assert pairs == {"CIFAR-10": 32, "ImageNet validation": 224, "STL-10": 96}
    one = api("hyponet_thesis_table_5_9_train_test_one_model_at_32")
    assert [node["size"] for node in nodes_of(one, "HypoNetTrainClassifier")] == [32]


def test_table_5_10_adds_the_thesis_s_numbers():
    stated = THESIS["results"]["table_5_10_augmentation_accuracy_percent"]["synthetic_per_class (SD1.5 HypoNet)"]
    merged = nodes_of(api("hyponet_thesis_table_5_10_augmentation"), "HypoNetMergeImages")
    synthetic = [node for node in merged if node["images"] != node["added"]]
    assert [node["per_class"] for node in synthetic] == [int(count) for count in stated]
    assert {node["draw"] for node in merged} == {"first (thesis)"}
    controls = [node for node in merged if node not in synthetic]
    assert [node["per_class"] for node in controls] == [1000, 5000], "as many real pictures again: no new picture"


@pytest.mark.parametrize("model", MODELS)
def test_the_lora_is_table_5_5(model):
    stated = THESIS["parameters"]["table_5_5_lora_training"]
    form = api(f"hyponet_thesis_table_5_5_lora_training_{model}")
    (trained,) = nodes_of(form, "HypoNetTrainLora")
    assert [trained["resolution"]] * 2 == stated["max_resolution"][MODELS[model]]
    assert trained["batch_size"] == stated["batch_size"]
    assert trained["epochs"] == stated["epochs"]
    assert trained["learning_rate"] == stated["learning_rate"]
    assert trained["min_bucket"] == stated["min_bucket_resolution"]
    assert trained["max_bucket"] == stated["max_bucket_resolution"]
    (lora,) = nodes_of(api(f"hyponet_thesis_table_5_9_{model}_lora"), "LoraLoader")
    assert lora["lora_name"] == f"{trained['name']}.safetensors"
    samples = api("hyponet_thesis_table_5_5_lora_samples")
    assert stated["data"].startswith("40 random images from each of the 10 CIFAR-10 train classes (400 in all)")
    assert nodes_of(samples, "HypoNetSampleImages")[0]["per_class"] == 40
    assert nodes_of(samples, "HypoNetLoadLabelledImages")[0]["split"] == "train"


def test_the_quick_start_uses_a_low_cfg():
    (made,) = nodes_of(api("hyponet_01_quick_start"), "HypoNetGenerateDataset")
    assert made["cfg"] == 2.0
