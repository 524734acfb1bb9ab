"""Every node that looks at the disk before it runs, on a real ComfyUI: what it does when a name comes through a link.

ComfyUI's `IsChangedCache` gives None for a link (`get_input_data` in its execution.py), in a list where a node takes
lists. A node that answers with a constant then never sees that the files behind the name changed.
"""

from __future__ import annotations

import inspect

import pytest

pytestmark = pytest.mark.comfyui

AS_FILES = {"HypoNetMapClasses": {"mapping": "a file in input"}}  # where only then a widget names a file
OF_THEIR_OWN = {("HypoNetTrainLora", "folder")}  # tests/nodes/lora/test_engine.py


def looking():
    """(node class, name of a widget that its fingerprint is told) of all nodes."""
    from hyponet.nodes.extension import NODES

    return [
        (node, name)
        for node in NODES
        if "fingerprint_inputs" in vars(node)
        for name, parameter in inspect.signature(node.fingerprint_inputs).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD and (node.__name__, name) not in OF_THEIR_OWN
    ]


def with_value(node, name, value):
    """The fingerprint of a node whose widget `name` has `value`, None for a link, the others as they are at first."""
    schema = node.define_schema()
    told = inspect.signature(node.fingerprint_inputs).parameters
    widgets = {entry.id: entry.default for entry in schema.inputs if entry.id in told}
    widgets |= AS_FILES.get(node.__name__, {}) | {name: value}
    return node.fingerprint_inputs(**{key: [one] if schema.is_input_list else one for key, one in widgets.items()})


def test_a_node_whose_name_comes_through_a_link_looks_at_the_disk_again(tmp_path, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_user_directory", lambda: str(tmp_path))
    wildcards = tmp_path / "default" / "hyponet" / "wildcards"
    wildcards.mkdir(parents=True)
    pairs = looking()
    assert len(pairs) > 15
    before = [with_value(node, name, None) for node, name in pairs]
    (wildcards / "new.txt").write_text("one\n", "utf-8")  # any list may be what a linked template names
    after = [with_value(node, name, None) for node, name in pairs]
    assert [pair for pair, old, new in zip(pairs, before, after, strict=True) if old == new] == []


@pytest.mark.parametrize("value", [7, "\ud800", ""], ids=["number", "half a pair", "nothing"])
def test_a_value_that_the_node_will_refuse_is_no_warning_in_the_log(value):
    """The regression: the server wrote "WARNING: 'int' object has no attribute 'strip'" before the node's own words.

    It logs whatever a fingerprint raises.
    """
    for node, name in looking():
        (widget,) = (entry for entry in node.define_schema().inputs if entry.id == name)
        if widget.io_type == "STRING" and not isinstance(value, str):
            continue  # the server makes a text of it
        with_value(node, name, value)
