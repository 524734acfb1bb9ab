"""How high the notes of workflows are."""

from __future__ import annotations

import json

import pytest

from hyponet.tools.workflows.builder.notes import note_height
from tools.dev.places import ROOT

LINE = 22.4  # of a note in Nodes 2.0: 14 px, lines of 1.6
# heights of notes without their title bars, as the page 1.42.8 drew them in Nodes 2.0, which made room for them
DRAWN = {
    ("hyponet_02_words_to_set", 310): 664,
    ("hyponet_05_cull_and_check", 310): 709,
    ("hyponet_06_resume_and_shard", 360): 597,
    ("hyponet_08_train_a_lora", 310): 664,
    ("hyponet_09_metrics_of_a_set", 310): 664,
    ("hyponet_10_compare_two_sets", 262): 731,
}


@pytest.mark.parametrize(("name", "width"), DRAWN)
def test_a_note_has_the_room_that_the_page_takes_and_at_most_two_lines_more(name, width):
    nodes = json.loads((ROOT / "workflows" / f"{name}.json").read_text("utf-8"))["nodes"]
    (text,) = (node["widgets_values"][0] for node in nodes if node["type"] == "MarkdownNote")
    assert 0 <= note_height(text, width) - DRAWN[name, width] <= 2 * LINE


def test_a_note_of_more_words_or_of_less_width_is_higher():
    short, long = "# Title\n\nOne two three four five six.", "# Title\n\n" + "One two three four five six. " * 9
    assert note_height(long, 300) > note_height(short, 300)
    assert note_height(long, 262) > note_height(long, 400)
