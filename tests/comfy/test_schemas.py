"""Every node's schema, as the running server tells it to the frontend."""

from __future__ import annotations

import re

import pytest

STAGES = {"HypoNet", "Prompts", "Sampling", "Dataset", "LoRA", "Training", "Metrics", "Report"}
SEEDS = {"seed", "noise_seed"}


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


def test_the_seed_is_the_last_widget(nodes):
    for name, info in nodes.items():
        order = [widget for widget, kind, _ in widgets(info) if isinstance(kind, list) or kind in WIDGET_TYPES]
        seeds = [widget for widget in order if widget in SEEDS]
        assert len(seeds) <= 1, name
        if seeds:
            assert order[-1] == seeds[0], f"{name}: {order}"


WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}


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
