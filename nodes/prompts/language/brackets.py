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
_CHOICE = "\ufffc"  # stands for a choice while the brackets around it are looked at


def escape(text: str, emphasis: bool) -> str:
    """`text` with the brackets escaped that are no weight.

    Args:
        text: an option as it is to be inserted.
        emphasis: whether a bracket without a number may be meant as a weight where it begins the option or follows a
            comma or another bracket (a line of a wildcard file) or never is (a hyponym).
    """
    if "(" not in text and ")" not in text:
        return text
    literal: set[int] = set()  # offsets of the brackets that are text
    opened: list[int] = []
    for bracket in _TOKEN.finditer(text):
        offset = bracket.start()
        if bracket[0] == "(":
            opened.append(offset)
        elif bracket[0] == ")":
            if not opened:
                literal.add(offset)
                continue
            start = opened.pop()
            if not _is_weight(text, start, offset, emphasis):
                literal |= {start, offset}
    literal |= set(opened)
    return "".join("\\" + char if offset in literal else char for offset, char in enumerate(text))


def escape_parts(parts: list[str | None], emphasis: bool) -> list[str | None]:
    """`escape` over an option of several parts; None stands for a choice within it."""
    whole = escape(_CHOICE.join(_texts_around_choices(parts)), emphasis)
    texts = iter(whole.split(_CHOICE))
    escaped: list[str | None] = [next(texts)]
    for text in texts:
        escaped += [None, text]
    return escaped


def ends_in_number(text: str) -> bool:
    """Whether `(text)` would be read as a weight because what follows its last colon is a number."""
    number = _NUMBER.search(text)
    if not number or number.start() == 0:
        return False
    try:
        float(number[1])
    except ValueError:
        return False
    return True


def weight_at(text: str, offset: int) -> float:
    """The weight that ComfyUI gives to the character at `offset` of the prompt `text`, brackets read as it reads them.

    Source: comfy.sd1_clip.token_weights, by which `(x)` multiplies by 1.1 and `(x:1.4)` sets 1.4.
    """
    opened: list[int] = []
    for bracket in _TOKEN.finditer(text, 0, offset):
        if bracket[0] == "(":
            opened.append(bracket.start())
        elif bracket[0] == ")" and opened:
            opened.pop()
    weight = 1.0
    for start in opened:
        end = _closing(text, start)
        number = _NUMBER.search(text, start + 1, end)
        if number and ends_in_number(text[start + 1 : end]) and number.start() >= offset:
            weight = float(number[1])
        else:
            weight *= 1.1  # of a bracket without a number, as ComfyUI has it
    return weight


def _closing(text: str, start: int) -> int:
    """The offset of the bracket that closes the one at `start`; the length of the text where none does."""
    depth = 0
    for bracket in _TOKEN.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(bracket[0], 0)
        if depth == 0:
            return bracket.start()
    return len(text)


def _is_weight(text: str, start: int, end: int, emphasis: bool) -> bool:
    if _WEIGHTED.search(text, start + 1, end):
        return True
    return emphasis and text[:start].rstrip(" (")[-1:] in ("", ",")


def _texts_around_choices(parts: list[str | None]) -> list[str]:
    """The texts between the choices, also the empty ones, so that there is one more than there are choices."""
    texts = [""]
    for part in parts:
        if part is None:
            texts.append("")
        else:
            texts[-1] += part
    return texts
