"""Where everything stands: stages left to right, nodes below each other in columns, nothing overlapping."""

from __future__ import annotations

import math

from .graph import Flow, Node

TITLE = 30  # the bar over a node's body
# Of the two renderers, the canvas and Nodes 2.0, each the taller one's, so that nothing covers the next node in either.
SLOT = 20
WIDGET = 29
LINE_OF_TEXT = 37  # a widget in which one writes
FOOT = 40  # below the last widget
GAP = 40
PADDING = 20
HEAD = 50  # room for a stage's own title
LETTER = 14  # of a stage's title
WIDTH = 330
TEXT_WIDTH = 420
NOTE_WIDTH = 420
TEXT_LINE = 16
ANSWER = 110  # the least room for the box in which a node of ours answers
PICTURE_NODES = {"LoadImage": 320, "PreviewImage": 300, "SaveImage": 360, "PreviewAny": 200}
ANSWER_WITH_PICTURES = (
    "HypoNetGenerateDataset",
    "HypoNetMakeContactSheet",
    "HypoNetPlotDistortion",
    "HypoNetPreviewPlan",
    "HypoNetSummarizeDataset",
    "HypoNetTestClassifier",
    "HypoNetTrainClassifier",
    "HypoNetTrainLora",
    "HypoNetWriteReport",
)
PICTURE_NODES |= dict.fromkeys(ANSWER_WITH_PICTURES, 330)

Box = tuple[int, int, int, int]  # left, top, width, height


def size(node: Node) -> tuple[int, int]:
    """Width and height of a node's body, without its title bar."""
    if node.type == "MarkdownNote":
        return NOTE_WIDTH, note_height(node.text, NOTE_WIDTH)
    texts = [entry for entry in node.inputs if entry.is_widget and entry.is_multiline]
    width = node.box[0] or (TEXT_WIDTH if texts or node.answer_height else WIDTH)
    if node.box[1]:
        return width, node.box[1]
    sockets = [entry for entry in node.inputs if not entry.is_widget]
    slots = max(len(sockets), len(node.outputs), 0)
    lines = [entry for entry in node.inputs if entry.is_widget and not entry.is_multiline]
    controls = sum(entry.has_control for entry in node.inputs)
    written = sum(entry.type == "STRING" for entry in lines)
    height = slots * SLOT + (len(lines) - written + controls) * WIDGET + written * LINE_OF_TEXT + FOOT
    for entry in texts:
        height += text_height(str(node.values[entry.name]), width - 30)
    height += max(ANSWER, node.answer_height) if node.answers else 0
    return width, height + PICTURE_NODES.get(node.type, 0)


def text_height(text: str, width: int) -> int:
    """Of a text box that shows `text` whole: 7 pixels a character, at most 24 lines."""
    per_line = max(10, width // 7)
    lines = sum(max(1, math.ceil(len(line) / per_line)) for line in text.split("\n"))
    return max(70, min(24, lines) * TEXT_LINE + 34)


def note_height(text: str, width: int) -> int:
    """Of a Markdown note that shows `text` whole."""
    per_line = max(10, (width - 40) // 6)
    height = 30
    for line in text.split("\n"):
        if line.startswith("# "):
            height += math.ceil(len(line) / (per_line / 2)) * 26 + 8
        elif line.startswith("#"):
            height += 32
        elif line.startswith("- "):
            height += math.ceil((len(line) + 8) / per_line) * 14 + 2
        elif line:
            height += math.ceil(len(line) / per_line) * 14 + 6
    return height


def arrange(flow: Flow) -> tuple[dict[int, Box], list[tuple[str, str, Box]]]:
    """The boxes of all nodes by id, and of all stages as (title, colour, box)."""
    nodes: dict[int, Box] = {}
    stages = []
    left = 0
    for stage in flow.stages:
        inner, bottom = left + PADDING, 0
        for column in filter(None, stage.columns):
            top = HEAD + TITLE
            widest = 0
            for node in column:
                width, height = size(node)
                nodes[node.id] = (inner, top, width, height)
                top += height + TITLE + GAP - 10
                widest = max(widest, width)
            bottom = max(bottom, top - TITLE - GAP + 10)
            inner += widest + GAP
        right = max(inner - GAP + PADDING, left + LETTER * len(stage.title) + PADDING)
        stages.append((stage.title, stage.colour, (left, 0, right - left, bottom + PADDING)))
        left = right + GAP
    return nodes, stages
