"""How high a Markdown note has to be, so that it shows its text whole on every page and in both renderers.

The measures are those of the Nodes 2.0 of the page 1.42.8, which sets notes largest of 1.32.9, 1.42.8, 1.49.6 and
1.58.1: its style of `.comfy-markdown-content`, and the widths of letters in its font, Inter, in classes.
"""

from __future__ import annotations

import re

LINE = 22.4  # 14 px, lines of 1.6
LETTER = 14
TITLE_LETTER, TITLE_LINE = 21.5, 35.2  # 22 px, in which the font is narrower
MARGINS = 26  # on both sides of the text
INDENT = 32  # of a list
CODE_MARGINS = 12
FOOT = 28  # what the node has beside its text
# of letters, in parts of their size
WIDTHS = dict.fromkeys("ijlI.,:;'| ", 0.26) | dict.fromkeys("frt()-/", 0.38) | dict.fromkeys("mwMW", 0.87)
OTHERS, CODE, BOLDER = 0.59, 0.6, 1.05


def note_height(text: str, width: int) -> int:
    """Of a note of this width, in pixels, without its title bar."""
    room = width - MARGINS
    height = 0.0
    before = ""
    for line in filter(None, text.split("\n")):
        kind = line.partition(" ")[0]
        if kind == "#":
            height += _lines([_bold(word, TITLE_LETTER) for word in line[2:].split()], room, TITLE_LETTER) * TITLE_LINE
            height += 16
        elif kind == "##":
            height += 32 + 1.6 * 18 + 16
        elif kind == "-":
            height += _lines(_words(line[2:]), room - INDENT, LETTER) * LINE + (8 if before == "-" else 0)
        else:
            height += _lines(_words(line), room, LETTER) * LINE
        before = kind
    return round(height) + FOOT


def _lines(words: list[float], room: float, size: float) -> int:
    """Into how many lines words of these widths are broken."""
    lines, used = 1, 0.0
    for word in words:
        if used and used + WIDTHS[" "] * size + word > room:
            lines, used = lines + 1, word
        else:
            used += word + (WIDTHS[" "] * size if used else 0)
    return lines


def _words(text: str) -> list[float]:
    """The widths of the words of a text with `code` and **names**."""
    widths = [0.0]
    parts = re.split(r"(`[^`]*`|\*\*[^*]*\*\*)", text)
    for part in parts:
        if part.startswith("`"):
            measured = [CODE * LETTER * len(word) for word in part.strip("`").split(" ")]
            measured[0] += CODE_MARGINS / 2
            measured[-1] += CODE_MARGINS / 2
        elif part.startswith("**"):
            measured = [_bold(word, LETTER) for word in part.strip("*").split(" ")]
        else:
            measured = [_width(word, LETTER) for word in part.replace("*", "").split(" ")]
        widths[-1] += measured[0]
        widths += measured[1:]
    return widths


def _width(word: str, size: float) -> float:
    return sum(WIDTHS.get(letter, OTHERS) for letter in word) * size


def _bold(word: str, size: float) -> float:
    return BOLDER * _width(word, size)
