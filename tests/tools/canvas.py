"""What stands on the canvas of the page, asked of the page itself."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence

# the answers that have not come yet, of nodes that are switched on
UNANSWERED = """() => app.graph._nodes.filter((node) => node.mode === 0).map(
  (node) => node.widgets?.find((widget) => widget.name === 'answer')?.element).filter(
  (box) => box?.isConnected && box.querySelector('.text.none')).map((box) => box.getAttribute('aria-label'))"""
# [title, left, top, width, height] in graph units: what the canvas draws, or the elements of Nodes 2.0
BOXES = """() => window.app.graph._nodes.map((node) => {
  const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
  const title = LiteGraph.NODE_TITLE_HEIGHT;
  const body = node.flags.collapsed ? 0 : node.size[1];
  if (!element) return [node.title, node.pos[0], node.pos[1] - title, node.size[0], body + title];
  const {left, top, width, height} = element.getBoundingClientRect();
  const {scale, offset} = app.canvas.ds;
  return [node.title, left / scale - offset[0], top / scale - offset[1], width / scale, height / scale];
})"""

# [title, left, top, width, height] of the frames around stages
GROUPS = "() => app.graph.groups.map((group) => [group.title, ...group.pos, ...group.size])"

# the titles of the notes, which differ by the page's language
NOTES = "() => app.graph._nodes.filter(({type}) => type === 'MarkdownNote').map(({title}) => title)"


def outgrowing(
    boxes: Sequence[tuple[str, float, float, float, float]],
    groups: Sequence[tuple[str, float, float, float, float]],
    notes: Collection[str],
) -> list[tuple[str, str, int]]:
    """The notes that reach below the frame in which they begin, by how much: they cover the next title."""
    return [
        (title, group, round(y + h - y2 - h2))
        for title, x, y, w, h in boxes
        for group, x2, y2, w2, h2 in groups
        if title in notes and x2 <= x < x2 + w2 and y2 <= y < y2 + h2 and y + h > y2 + h2 + 1
    ]


def covering(boxes: Sequence[tuple[str, float, float, float, float]]) -> list[tuple[str, str, int]]:
    """The pairs of nodes that share more than the edge, with the height that they share."""
    pairs = []
    for (one, x, y, w, h), (other, x2, y2, w2, h2) in itertools.combinations(boxes, 2):
        if x + 1 < x2 + w2 and x2 + 1 < x + w and y + 1 < y2 + h2 and y2 + 1 < y + h:
            pairs.append((one, other, round(min(y + h, y2 + h2) - max(y, y2))))
    return pairs
