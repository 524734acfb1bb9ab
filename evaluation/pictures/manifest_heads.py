"""What an index needs of the manifest's lines, of a million of them in seconds.

Reads and writes no files. A line counts as `manifest.parse` takes it.
"""

from __future__ import annotations

import re

import numpy as np

from ..json_text import parse_json
from .manifest import FAILED, FALLBACK, GOOD, PASSED, UNCHECKED, Head, is_blank, parse


def heads(block: bytes) -> tuple[list[Head], dict[int, ValueError]]:
    """The heads of the lines of `block`, which ends with a line break, and what is wrong with lines that have none.

    Blank lines have neither. Lines as `Record.to_json` writes them are checked by one regular expression that knows the
    whole line, six to ten times as fast as `parse`; where a block has any other, each of its lines is parsed. What the
    expression takes `parse` takes, with the same values.

    Returns:
        The heads in the order of the lines, and number of the line in the block (from 0) -> what is wrong with it.
    """
    lines = block.count(b"\n")
    expression = _AS_WRITTEN_PLAINLY if _is_plain(block, lines) else _AS_WRITTEN
    matches = expression.findall(block)
    if len(matches) == lines and _is_utf8(block):
        labels = _Labels()
        # one comprehension, no call of ours a line: a set has a million lines
        return [
            (labels[quoted], int(rank), int(attempt), status == _FALLBACK, file_name, _CHECKS[check])
            for file_name, quoted, rank, attempt, status, check in matches
        ], {}
    usable: list[Head] = []
    damage: dict[int, ValueError] = {}
    for number, line in enumerate(block.split(b"\n")[:-1]):
        if is_blank(line):
            continue
        try:
            record = parse(line)
        except ValueError as error:
            damage[number] = error
        else:
            usable.append(record.head())
    return usable, damage


class _Labels(dict[bytes, str]):
    """JSON string -> its text; a label stands in many lines and is read once."""

    def __missing__(self, quoted: bytes) -> str:
        text = self[quoted] = str(parse_json(quoted))
        return text


_FALLBACK = FALLBACK.encode()
_CHECKS = {check.encode(): check for check in (UNCHECKED, PASSED, FAILED)}


def _line_expression(text: bytes) -> re.Pattern[bytes]:
    """What knows a line as `to_json` writes it, all columns in their order; `text` is a JSON string.

    Numbers are as short as those that `parse` surely takes. The groups are file_name, label, rank, attempt, status and
    check.
    """
    name = rb'(?!\.{1,2}[/"])[^"\\\x00-\x1f/:]+'
    whole = rb"(?:0|[1-9]\d{0,18})"
    pick = rb'\{"slot": %b, "option": %b, "source": %b\}' % (text, text, text)
    statuses = b"|".join(word.encode() for word in (GOOD, FALLBACK))
    checks = b"|".join(_CHECKS)
    columns = (
        rb'"file_name": "(%b/%b)"' % (name, name),
        rb'"label": (%b)' % text,
        rb'"rank": (0|[1-9]\d{0,7})',
        rb'"attempt": (0|[1-9]\d{0,3})',
        rb'"status": "(%b)"' % statuses,
        rb'"prompt": %b' % text,
        rb'"negative": %b' % text,
        rb'"picks": \[(?:%b(?:, %b)*)?\]' % (pick, pick),
        rb'"seed": %b' % whole,
        rb'"width": %b' % whole,
        rb'"height": %b' % whole,
        rb'"sha256": %b' % text,
        rb'"check": "(%b)"' % checks,
        rb'"check_probability": (?:0(?:\.\d+)?|1(?:\.0+)?|[1-9](?:\.\d+)?e-(?:0[1-9]|[1-9]\d{1,2}))',
        rb'"check_predicted": %b' % text,
    )
    return re.compile(rb"^\{%b\}\r?$" % b", ".join(columns), re.MULTILINE)


_AS_WRITTEN = _line_expression(rb'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
# Where a block has no backslash, and no control character but its line breaks, a text is all up to the next quote; the
# engine skips that in half the time. A text cannot reach over a line break: matches would be fewer than line breaks.
_AS_WRITTEN_PLAINLY = _line_expression(rb'"[^"]*"')


def _is_plain(block: bytes, lines: int) -> bool:
    controls = np.count_nonzero(np.frombuffer(block, np.uint8) < ord(" "))  # [bytes]
    return controls == lines and b"\\" not in block


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
