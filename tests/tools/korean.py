"""What a page in Korean still says in English: of what our files write there, the lines that hold words of ours.

Names of classes and kinds, prompts, paths and files are not ours and stay. What is ours is told from them by the words
that hold sentences together, and by two words that stand in a row in a text of the sources.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from tools.dev.places import ROOT

HANGUL = re.compile("[\uac00-\ud7a3]")
ROW = re.compile(r"[A-Za-z][A-Za-z' -]*")  # of words
# code, paths, names with underscores; the parts of a set and the runs of a classifier: their names go into reports;
# names of metrics
NOT_OURS = re.compile(
    r"`[^`]*`|\S*/\S*|\S+\.(?:safetensors|png|json|jsonl|html)\b|\w+_\w+"
    r"|, the rest(?![A-Za-z])|, [\d.]+ of it(?![A-Za-z])|, seed \d+, \w+|\b(?:IS|KID x 1000|prdc k)\b"
)
# words of sentences that are no words of prompts
OURS = re.compile(
    r"\b(?:is|are|was|were|has|have|its|it|that|which|and|not|none|there|them|they|these|those|only|made|left|listed"
    r"|warning|pictures?|images|class(?:es)?|kinds?|taken|kept|dropped|against|accuracy|tested)\b",
    re.IGNORECASE,
)
HEADS = ("TH", "H3", "H4", "H5", "H6")
# kinds as WordNet calls them, which texts of ours name as examples
OF_WORDNET = ("domestic cat", "tiger cat")
# each line that is read or heard of some elements: [where it stands, text]
_LINES_OF = """(element) => {
  const lines = (part) => {
    const copy = part.cloneNode(true);
    for (const line of copy.querySelectorAll('br')) line.replaceWith('\\n');
    return copy.textContent.split('\\n').map((text) => [part.tagName, text.trim()]).filter(([, text]) => text);
  };
  const said = (part) => ['aria-label', 'title', 'placeholder'].map((name) => [name, part.getAttribute(name)]);
  const all = [element, ...element.querySelectorAll('*')];
  return [
    ...all.filter((part) => part.matches('p, li, dt, dd, th, td, h1, h2, h3, h4, h5, h6, a, button, option, span'))
      .flatMap(lines),
    ...all.flatMap(said).filter(([, text]) => text),
  ];
}"""
# of the boxes that our files draw inside nodes, by the node's type
LINES = f"""() => {{
  const boxesOf = ({{widgets}}) => (widgets ?? []).map(({{element}}) => element)
    .filter((element) => /^hyponet-/.test(element?.className));
  return app.graph._nodes.flatMap((node) => boxesOf(node).map((box) => [node.type, ({_LINES_OF})(box)]));
}}"""
# of what stands over the page, by a selector
LINES_OF = f"(selector) => [...document.querySelectorAll(selector)].map((one) => [selector, ({_LINES_OF})(one)])"


def _texts(path: Path) -> Iterator[str]:
    """The texts of a Python file without its docstrings, a null where one has a value in it."""
    parts = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Expr):
            parts.add(node.value)  # a docstring
        elif isinstance(node, ast.JoinedStr):
            parts.update(node.values)
            yield "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            yield node.value


@cache
def _pairs() -> frozenset[tuple[str, str]]:
    """Each two words that stand in a row in a text of the sources, in small letters."""
    paths = [path for room in ("nodes", "evaluation") for path in sorted((ROOT / room).rglob("*.py"))]
    rows = (row for path in paths for text in _texts(path) for row in ROW.findall(text.casefold()))
    return frozenset(pair for row in rows for pair in pairwise(row.split()))


def english_lines(answers: list[tuple[str, list[tuple[str, str]]]], theirs: Iterable[str]) -> list[tuple[str, str]]:
    """(node, line) of what is left in English.

    Args:
        answers: of each node the lines of LINES, or of LINES_OF.
        theirs: texts of somebody's own: prompts, names, kinds.
    """
    known = " ".join([*theirs, *OF_WORDNET]).casefold()
    left = []
    for kind, lines in answers:
        for tag, line in lines:
            rows = [row.casefold().strip() for row in ROW.findall(NOT_OURS.sub(" | ", line))]
            unknown = [row for row in rows if row not in known]
            pairs = [pair for row in unknown for pair in pairwise(row.split()) if " ".join(pair) not in known]
            is_head = tag in HEADS and not HANGUL.search(line) and len(line.split()) > 1
            if (is_head and unknown) or any(map(OURS.search, unknown)) or not _pairs().isdisjoint(pairs):
                left.append((kind, line))
    return left
