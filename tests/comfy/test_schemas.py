"""Every node's schema, as the running server tells it to the frontend."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from tools.dev.places import ROOT

STAGES = {"Hyponyms", "Prompts", "Sampling", "Dataset", "LoRA", "Training", "Metrics", "Report"}
SEEDS = {"seed", "noise_seed"}
WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
OTHER_WORDS = {  # a word that somebody may reach for -> the name that has its meaning
    r"(run|set|merged|result|dataset|wildcard|report|output)_name": "name",
    r"format|file_format|picture_format": "image_format",
    r"write_(graph|metadata|workflow)|save_metadata": "embed_metadata",
    r"write_parameters|save_parameters|a1111_parameters": "embed_parameters",
    r"tries|retries|max_tries": "attempts",
    r"sampler": "sampler_name",
    r"batch|batchsize": "batch_size",
    r"(reject|mark)_(failures|problems)": "reject",
    r"weights": "download",
    r"images|pictures|num_images": "image_count",
    r"noise_seed|random_seed": "seed",
    r"lr": "learning_rate",
    r"interpolation|resample": "filter",
}
OWN_LIMITS = {"batch_size", "per_class", "size", "learning_rate", "seed"}  # CONTRIBUTING.md says why


@pytest.fixture(scope="module")
def nodes(comfy):
    found = {name: info for name, info in comfy.client.object_info().items() if name.startswith("HypoNet")}
    assert len(found) > 30, "the pack's nodes are missing"
    return found


def widgets(info):
    """(id, type, options) of each input in order, required before optional, as the frontend lays them out."""
    for kind in ("required", "optional"):
        for name, spec in info["input"].get(kind, {}).items():
            yield name, spec[0], spec[1] if len(spec) > 1 else {}


def test_every_node_names_and_describes_itself(nodes):
    for name, info in nodes.items():
        assert re.fullmatch(r"HypoNet[A-Z][A-Za-z]+", name), name
        assert info["display_name"], name
        assert info["display_name"] != name, f"{name} needs a display name for people"
        assert info["category"].split("/")[0] == "HypoNet", name
        assert info["category"].split("/")[1] in STAGES, f"{name}: {info['category']}"
        assert len(info["description"]) > 20, name


def test_every_input_and_output_has_a_tooltip(nodes):
    for name, info in nodes.items():
        for widget, _, options in widgets(info):
            assert options.get("tooltip"), f"{name}.{widget}"
        assert len(info["output_tooltips"]) == len(info["output"]), name
        assert all(info["output_tooltips"]), f"{name}: {info['output_tooltips']}"
        assert info["output_name"], f"{name} has no output, so nothing can follow it"
        assert not set(info["output_name"]) & set(info["output"]), f"{name}: an output shows as its type"


def test_what_takes_a_template_names_the_page_of_its_language(nodes):
    uses = uses_of(nodes)
    tooltips = [options["tooltip"] for name in ("template", "negative", "rules") for *_, options in uses[name]]
    assert len(tooltips) >= 6  # two templates of classes and plans, one of a prompt, two negatives, the rules
    assert [tooltip for tooltip in tooltips if "docs/templates.md" not in tooltip] == []
    assert (ROOT / "docs" / "templates.md").is_file()


def test_the_seed_is_the_last_widget(nodes):
    for name, info in nodes.items():
        order = [widget for widget, kind, _ in widgets(info) if isinstance(kind, list) or kind in WIDGET_TYPES]
        seeds = [widget for widget in order if widget in SEEDS]
        assert len(seeds) <= 1, name
        if seeds:
            assert order[-1] == seeds[0], f"{name}: {order}"


def test_no_template_is_expanded_by_the_frontend_before_we_see_it(nodes):
    for name, info in nodes.items():
        for widget, kind, options in widgets(info):
            if kind == "STRING" and options.get("multiline"):
                assert options.get("dynamicPrompts") is False, f"{name}.{widget}"


def test_every_number_has_limits(nodes):
    for name, info in nodes.items():
        for widget, kind, options in widgets(info):
            if kind in ("INT", "FLOAT"):
                assert "min" in options, f"{name}.{widget}"
                assert "max" in options, f"{name}.{widget}"


def test_every_node_has_its_korean_name(comfy, nodes):
    korean = comfy.client.get("/i18n")["ko"]["nodeDefs"]
    assert not {name for name in nodes if not korean.get(name, {}).get("display_name")}
    assert not {name for name in korean if name.startswith("HypoNet")} - set(nodes)


def vocabulary():
    """Name -> types, out of the table in CONTRIBUTING.md; and the meanings."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([A-Z, ]+) \| (.+) \|$", text, re.MULTILINE)
    return {name: set(types.split(", ")) for name, types, _ in rows}, [meaning for *_, meaning in rows]


def uses_of(nodes):
    """Widget name -> (node, type, options) of every use."""
    found = defaultdict(list)
    for name, info in nodes.items():
        for widget, kind, options in widgets(info):
            kind, options = ("COMBO", {**options, "options": kind}) if isinstance(kind, list) else (kind, options)
            if kind in WIDGET_TYPES:
                found[widget].append((name, kind, options))
    return found


def test_a_name_that_several_nodes_use_stands_in_the_vocabulary(nodes):
    types, meanings = vocabulary()
    uses = uses_of(nodes)
    shared = {name: {kind for _, kind, _ in listed} for name, listed in uses.items() if len(listed) > 1}
    assert shared == types
    assert len(set(meanings)) == len(meanings), "two names of one meaning"


def test_no_other_word_stands_for_a_name_of_the_vocabulary(nodes):
    types, _ = vocabulary()
    assert set(OTHER_WORDS.values()) <= set(types)
    for name in uses_of(nodes):
        assert not [(name, use) for words, use in OTHER_WORDS.items() if re.fullmatch(words, name)]


def test_two_widgets_that_say_the_same_have_the_same_name(nodes):
    said = defaultdict(set)
    for name, listed in uses_of(nodes).items():
        for *_, options in listed:
            said[options["tooltip"]].add(name)
    said = {tooltip: names for tooltip, names in said.items() if len(names) > 1}
    assert list(said.values()) == [{"train", "val", "test"}], said  # three shares of one split


def test_a_name_has_the_same_limits_and_options_everywhere(nodes):
    for name, listed in uses_of(nodes).items():
        kinds = {kind for _, kind, _ in listed}
        if kinds <= {"INT", "FLOAT"} and name not in OWN_LIMITS:
            assert len({(options["min"], options["max"]) for *_, options in listed}) == 1, (name, listed)
        if kinds == {"COMBO"} and name != "file":  # other files in each node
            assert len({frozenset(options["options"]) for *_, options in listed}) == 1, (name, listed)


def test_no_widget_is_called_as_a_link(nodes):
    links = {
        widget
        for info in nodes.values()
        for widget, kind, _ in widgets(info)
        if not isinstance(kind, list) and kind not in WIDGET_TYPES
    }
    assert not links & set(uses_of(nodes))


def test_what_few_change_is_folded_away_where_the_page_can(nodes):
    """By hand: what Generate Dataset says of refiner, files and deletion; older servers do not know `advanced`."""
    from comfy_api.latest import io

    files = {"image_format", "quality", "embed_metadata", "embed_parameters", "small_copies", "copy_filter"}
    shown = widgets(nodes["HypoNetGenerateDataset"])
    folded = {widget for widget, _, options in shown if "advanced" in options}
    few = {"denoise", "switch_at", "deleted_pictures"}
    expected = few | files if hasattr(io.Int.Input("x"), "advanced") else set()
    assert folded == expected
    number = nodes["HypoNetPlanBatch"]["input"]["required"]["batch_number"][1]
    assert number["control_after_generate"] == ("increment" if hasattr(io, "ControlAfterGenerate") else True)
