"""The texts in a file of JavaScript, and the code around them, without running it."""

from __future__ import annotations

import re
from typing import NamedTuple

BEFORE_REGEX = re.compile(r"(?:^|[(=,:\[!&|?{};]|\breturn|=>)\s*$")  # what a slash that begins a pattern comes after
ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)", re.S)


class Text(NamedTuple):
    """A part of a file that is text: what it says without escaped characters, and where it stands."""

    value: str
    start: int
    end: int


def scan(source: str) -> tuple[str, list[Text]]:
    """The code with blanks where comments and texts are, as long as the file; and its texts.

    Of a text with values in it (`a ${b} c`) each part is one, and the values are code. Patterns are blanks.
    """
    code, texts = list(source), []

    def blank(start: int, end: int) -> None:
        for place in range(start, end):
            if code[place] != "\n":
                code[place] = " "

    def quoted(start: int) -> int:
        end = re.compile(rf"(?:\\.|[^\\{source[start]}])*", re.S).match(source, start + 1).end()
        texts.append(Text(ESCAPE.sub(" ", source[start + 1 : end]), start, end + 1))
        blank(start + 1, end)
        return end + 1

    def template(start: int) -> int:
        place = start + 1
        while source[place] != "`":
            end = re.compile(r"(?:\\.|\$(?!\{)|[^\\`$])*", re.S).match(source, place).end()
            texts.append(Text(ESCAPE.sub(" ", source[place:end]), place, end))
            blank(place, end)
            place = walk(end + 2, "}") + 1 if source[end] == "$" else end
        return place + 1

    def walk(place: int, stop: str = "") -> int:
        depth = 0
        while place < len(source):
            sign = source[place]
            if sign in "\"'":
                place = quoted(place)
            elif sign == "`":
                place = template(place)
            elif match := re.compile(r"//.*|/\*.*?\*/", re.S if source[place : place + 2] == "/*" else 0).match(
                source, place
            ):
                blank(place, match.end())
                place = match.end()
            elif sign == "/" and BEFORE_REGEX.search("".join(code[max(0, place - 40) : place])):
                end = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[])+/\w*").match(source, place).end()
                blank(place, end)
                place = end
            elif sign == stop and not depth:
                return place
            else:
                depth += {"{": 1, "}": -1}.get(sign, 0)
                place += 1
        return place

    walk(0)
    return "".join(code), texts


def calls(code: str, name: str) -> list[tuple[int, int]]:
    """From where to where the first argument of each call of a function stands, in code as `scan` gives it."""
    found = []
    for match in re.finditer(rf"(?<!function )\b{name}\(", code):
        depth, place = 0, match.end()
        while depth or code[place] not in ",)":
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(code[place], 0)
            place += 1
        found.append((match.end(), place))
    return found
