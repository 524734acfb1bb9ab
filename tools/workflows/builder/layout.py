"""Where everything stands: stages beside and below each other, nodes in columns in them, nothing overlapping."""

from __future__ import annotations

import math

from .graph import Flow, GraphStage, Node
from .notes import note_height

TITLE = 30  # the bar over a node's body
# Of the two renderers, the canvas and Nodes 2.0, each the taller one's, so that nothing covers the next node in either.
SLOT = 20
WIDGET = 28
LINE_OF_TEXT = 36  # a widget in which one writes
FOOT = 18  # below the last widget
# what the Nodes 2.0 of 1.42.8 makes of a node at least, which has two rows of slots or more there
LEAST_SLOT, LEAST_WIDGET, LEAST_TEXT, LEAST_ANSWER, LEAST_FOOT = 24, 25, 65, 112, 34
GAP = 24  # between stages, and between columns in one
NODE_GAP = 24  # between a node and the title bar of the next; the newest Nodes 2.0 adds 20 to every node
PADDING = 12
HEAD = 44  # room for a stage's own title
LETTER = 14  # of a stage's title, with room to spare
# On the canvas the badge of the pack lies above the right end of a node of ours, and its upper 7 pixels as high as the
# lower ends of the letters of a stage's title. Measured there, with DejaVu Sans, which is wide:
TITLE_LETTER, BADGE, BADGE_ROOM = 11, 58, 8  # width of a letter and of a badge; how much lower the nodes stand then
COLLAPSED, COLLAPSED_LETTER = 45, 7  # width of a collapsed node: without its title, and of each letter
TEXT_LINE = 16
ANSWER = 100  # the least room for the box in which a node of ours answers
PICTURE_NODES = {"LoadImage": 320, "PreviewImage": 300, "SaveImage": 360, "PreviewAny": 200}
ANSWER_WITH_PICTURES = (
    "HypoNetCaptionImages",
    "HypoNetFindCopies",
    "HypoNetGenerateDataset",
    "HypoNetLearningCurve",
    "HypoNetMakeContactSheet",
    "HypoNetMeasureCLIPScore",
    "HypoNetMeasureDiversity",
    "HypoNetMeasurePrecisionRecall",
    "HypoNetPlotDistortion",
    "HypoNetPreviewPlan",
    "HypoNetSummarizeDataset",
    "HypoNetTestClassifier",
    "HypoNetTrainClassifier",
    "HypoNetTrainLora",
    "HypoNetWriteReport",
)
PICTURES = 290  # as web/js/answers.js
KEPT = 264  # by which Nodes 2.0 makes a node longer: a text box has the room of the pictures that come, and keeps it
PICTURE_NODES |= dict.fromkeys((*ANSWER_WITH_PICTURES, "HypoNetRejectItems"), PICTURES)

Box = tuple[int, int, int, int]  # left, top, width, height
Layout = tuple[dict[int, Box], list[tuple[str, str, Box]]]  # of nodes by id; of stages: title, colour, box


def size(node: Node) -> tuple[int, int]:
    """Width and height of a node's body, without its title bar."""
    if node.type == "MarkdownNote":
        return node.box[0], note_height(node.text, node.box[0])
    texts = [entry for entry in node.inputs if entry.is_widget and entry.is_multiline]
    width = node.box[0]
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
    if node.values.get("each_class"):
        height += PICTURES  # bars
    least = max(2, slots) * LEAST_SLOT + (len(lines) + controls) * LEAST_WIDGET + len(texts) * LEAST_TEXT + LEAST_FOOT
    least += LEAST_ANSWER if node.answers else 0
    return width, max(least, height + PICTURE_NODES.get(node.type, 0))


def text_height(text: str, width: int) -> int:
    """Of a text box that shows `text` whole: 7 pixels a character, at most 24 lines."""
    per_line = max(10, width // 7)
    lines = sum(max(1, math.ceil(len(line) / per_line)) for line in text.split("\n"))
    return max(70, min(24, lines) * TEXT_LINE + 34)


def arrange(flow: Flow) -> Layout:
    """Where everything stands, in one row or two, whichever is seen larger on a screen."""
    columns = stage_columns(flow)
    layouts = [_arranged([columns[:cut], columns[cut:]]) for cut in range(1, len(columns) + 1)]
    return min(layouts, key=_extent)


def _extent(layout: Layout) -> float:
    """How far a layout must be shrunk to be seen whole on a screen of 16 to 9."""
    boxes = [box for _, _, box in layout[1]]
    return max(max((left + width) / 16, (top + height) / 9) for left, top, width, height in boxes)


def _arranged(rows: list[list[list[GraphStage]]]) -> Layout:
    """The layout of stages in columns in rows."""
    nodes: dict[int, Box] = {}
    placed: list[tuple[str, str, Box]] = []
    row_top = 0
    for row in rows:
        left, lowest = 0, row_top
        for column in row:
            right = left + max(_width(stage) for stage in column)
            top = row_top
            for stage in column:
                head = HEAD + (BADGE_ROOM if _has_badge_on_title(stage) else 0)
                bottom = _place(stage, left + PADDING, top + head + TITLE, nodes)
                placed.append((stage.title, stage.colour, (left, top, right - left, bottom + PADDING - top)))
                top = bottom + PADDING + GAP
            left, lowest = right + GAP, max(lowest, top)
        row_top = lowest
    return nodes, placed


def stage_columns(flow: Flow) -> list[list[GraphStage]]:
    """The stages, those together that stand below each other."""
    columns: list[list[GraphStage]] = []
    for stage in flow.stages:
        if stage.is_below and columns:
            columns[-1].append(stage)
        else:
            columns.append([stage])
    return columns


def _width(stage: GraphStage) -> int:
    """Of a stage's box: its columns side by side, or its title."""
    columns = [max(size(node)[0] for node in column) for column in stage.columns if column]
    return max(sum(columns) + GAP * (len(columns) - 1), LETTER * len(stage.title)) + 2 * PADDING


def _has_badge_on_title(stage: GraphStage) -> bool:
    """Whether the badge of a node that stands first in a column would lie on the title of the stage."""
    left = PADDING
    for column in filter(None, stage.columns):
        first = column[0]
        width = COLLAPSED + COLLAPSED_LETTER * len(first.title) if first.is_collapsed else size(first)[0]
        if first.type.startswith("HypoNet") and left + width - BADGE < TITLE_LETTER * len(stage.title):
            return True
        left += max(size(node)[0] for node in column) + GAP
    return False


def _later(node: Node) -> int:
    """By how much a node is longer once it shows its pictures."""
    has_text = any(entry.is_widget and entry.is_multiline for entry in node.inputs)
    return KEPT if has_text and node.type in ANSWER_WITH_PICTURES else 0


def _place(stage: GraphStage, left: int, top: int, nodes: dict[int, Box]) -> int:
    """Put a stage's nodes into `nodes`, from that corner on; where the lowest ends."""
    bottom = top
    for column in filter(None, stage.columns):
        lower = top
        for node in column:
            width, height = size(node)
            nodes[node.id] = (left, lower, width, height)
            lower += 0 if node.is_collapsed else height + _later(node)
            bottom = max(bottom, lower)
            lower += NODE_GAP + TITLE
        left += max(size(node)[0] for node in column) + GAP
    return bottom
