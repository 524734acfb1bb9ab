"""Options as words inside prompt weights: which brackets of an inserted option are text, and which are a weight.

ComfyUI reads `(x)` as weight 1.1 and `(x:1.4)` as 1.4, and takes `\\(` and `\\)` for the characters. An option such as
`crane (bird)` would lose its brackets and shift a weight around it, so its brackets are escaped. What is meant as a
weight stays: `(red:1.2)`, and in files also a bracket that begins the option or follows a comma, `(masterpiece)`.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\\[()]|[()]")
_WEIGHTED = re.compile(r"[^\\]:\s*[-+]?(?:\d+\.?\d*|\.\d+)\s*$")
_NUMBER = re.compile(r":([^:()]{1,30})$")
_MARK = "\ufffc"


def escape(text: str, emphasis: bool) -> str:
    """`text` with the brackets escaped that are no weight.

    Args:
        text: an option as it is to be inserted.
        emphasis: whether a bracket without a number may be meant as a weight where it begins the option or follows a
            comma or another bracket (a line of a wildcard file) or never is (a hyponym).
    """
    if "(" not in text and ")" not in text:
        return text
    literal: set[int] = set()
    opened: list[int] = []
    for found in _TOKEN.finditer(text):
        at = found.start()
        if found[0] == "(":
            opened.append(at)
        elif found[0] == ")":
            if not opened:
                literal.add(at)
                continue
            start = opened.pop()
            if not _is_weight(text, start, at, emphasis):
                literal |= {start, at}
    literal |= set(opened)
    return "".join("\\" + char if at in literal else char for at, char in enumerate(text))


def escape_parts(parts: list[str | None], emphasis: bool) -> list[str | None]:
    """`escape` over an option of several parts; None stands for a choice within it."""
    whole = escape(_MARK.join(_alternate(parts)), emphasis)
    texts = iter(whole.split(_MARK))
    out: list[str | None] = [next(texts)]
    for text in texts:
        out += [None, text]
    return out


def ends_in_number(text: str) -> bool:
    """Whether `(text)` would be read as a weight because what follows its last colon is a number."""
    found = _NUMBER.search(text)
    if not found or found.start() == 0:
        return False
    try:
        float(found[1])
    except ValueError:
        return False
    return True


def weight_at(text: str, at: int) -> float:
    """The weight that ComfyUI gives to the character at `at` of the prompt `text`, brackets read as it reads them."""
    groups: list[int] = []
    for found in _TOKEN.finditer(text, 0, at):
        if found[0] == "(":
            groups.append(found.start())
        elif found[0] == ")" and groups:
            groups.pop()
    weight = 1.0
    for start in groups:
        end = _closing(text, start)
        found_number = _NUMBER.search(text, start + 1, end)
        if found_number and ends_in_number(text[start + 1 : end]) and found_number.start() >= at:
            weight = float(found_number[1])
        else:
            weight *= 1.1
    return weight


def _closing(text: str, start: int) -> int:
    depth = 0
    for found in _TOKEN.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.start()
    return len(text)


def _is_weight(text: str, start: int, end: int, emphasis: bool) -> bool:
    if _WEIGHTED.search(text, start + 1, end):
        return True
    return emphasis and text[:start].rstrip(" (")[-1:] in ("", ",")


def _alternate(parts: list[str | None]) -> list[str]:
    """The texts between the choices, also the empty ones, so that there is one more than there are choices."""
    texts = [""]
    for part in parts:
        if part is None:
            texts.append("")
        else:
            texts[-1] += part
    return texts
