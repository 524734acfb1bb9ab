"""What a page in Korean still says in English: of a node's answer, the lines that our files wrote.

Names of classes and kinds, prompts, paths and files are not ours and stay. What is ours is told from them by the words
that hold sentences together, and by being the same line as the server sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HANGUL = re.compile("[\uac00-\ud7a3]")
WORDS = re.compile(r"[A-Za-z]{2,}(?:[ ,:;'-]+[A-Za-z]{2,})+")
# code, paths, names with underscores; the parts of a set and the runs of a classifier: their names go into reports
NOT_OURS = re.compile(
    r"`[^`]*`|\S*/\S*|\S+\.(?:safetensors|png|json|jsonl|html)\b|\w+_\w+"
    r"|, the rest(?![A-Za-z])|, [\d.]+ of it(?![A-Za-z])|, seed \d+, \w+"
)
# words of sentences that are no words of prompts
OURS = re.compile(
    r"\b(?:is|are|was|were|has|have|its|it|that|which|and|not|none|there|them|they|these|those|only|made|left|listed"
    r"|warning|pictures?|images|class(?:es)?|kinds?|taken|kept|dropped|against|accuracy|tested)\b",
    re.IGNORECASE,
)
# each line that is read of the answers on the page, by the node's type: [where it stands, text]
LINES = """() => {
  const lines = (element) => {
    const copy = element.cloneNode(true);
    for (const line of copy.querySelectorAll('br')) line.replaceWith('\\n');
    return copy.textContent.split('\\n').map((text) => [element.tagName, text.trim()]).filter(([, text]) => text);
  };
  const parts = 'p, li, th, td, h1, h2, h3, h4, h5, h6, a, button';
  const boxes = app.graph._nodes.map((node) => [node.type, node.widgets?.find(({name}) => name === 'answer')?.element]);
  return boxes.filter(([, box]) => box).map(([type, box]) => [type, [...box.querySelectorAll(parts)].flatMap(lines)]);
}"""


def english_lines(answers: list[tuple[str, list[tuple[str, str]]]], theirs: Iterable[str]) -> list[tuple[str, str]]:
    """(node, line) of what is left in English.

    Args:
        answers: of each node the lines of LINES.
        theirs: texts of somebody's own: prompts, names, kinds.
    """
    known = " ".join(theirs).casefold()
    left = []
    for kind, lines in answers:
        for tag, line in lines:
            phrases = [phrase for phrase in WORDS.findall(NOT_OURS.sub(" ", line)) if phrase.casefold() not in known]
            is_head = tag in ("TH", "H3", "H4", "H5", "H6") and line.casefold() not in known
            is_left = is_head and not HANGUL.search(line) and (phrases or OURS.search(line))
            if is_left or any(OURS.search(phrase) for phrase in phrases):
                left.append((kind, line))
    return left
