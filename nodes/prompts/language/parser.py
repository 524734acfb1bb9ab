"""From the text of a template to its tree, in one pass; every mistake is a TemplateError that shows its place.

The language, a superset of what users of dynamicprompts, Impact Pack and Easy-Use type:

    {a|b}  {2::a|b}  {2$$a|b|c}  {1-3$$ and $$a|b|c}     choices, weights, ordered selections, their separator
    __name__  __folder/*__  __name(x=red)__              wildcards, globs, values for variables inside the file
    ${x=red}  ${x={a|b}}  ${x=!{a|b}}  ${x}  ${x:blue}   variables: drawn at each use, or once with !; defaults
    3#__name__                                           as an option: the same wildcard three times
    # to the end of the line                             a comment, at the start of a line or between spaces
    \\{ \\} \\| \\$ \\_ \\# \\\\ \\~ \\@ \\! \\:               the character itself; before others a backslash is kept

Prompt weights, `[..]`, `embedding:..` and `<lora:..>` are kept as they are. The sampler marks ~ @ ! of dynamicprompts
are read and dropped: how options are dealt is the plan's coverage.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from .errors import Place, TemplateError
from .syntax import ESCAPABLE, WEIGHT, Assign, Choice, Node, Option, Sequence, Text, Variable, Wildcard

LONGEST = 4_000_000  # characters of one template
DEEPEST = 50  # braces within braces
MOST_COPIES = 1000
MOST_PARTS = 100_000  # options, wildcards and texts of one template

_INDENT = 200  # blanks before the # of a comment line
_RUN = re.compile(r"(?:[^{}|$_#\\]|(?<=\S)#)+")
_RUN_IN_ARGUMENTS = re.compile(r"(?:[^{}|$_#\\,)]|(?<=\S)#)+")
_NAME = re.compile(r"[^\W\d][\w-]*")
_SPACE = re.compile(r"\s*")
_BOUNDS = re.compile(r"(\d{1,6})?(-)?(\d{1,6})?\$\$")
_SEPARATOR = re.compile(r"([^${}]{0,100})\$\$")
_COPIES = re.compile(r"(\d{1,6})#(?=__)")
_PATH = re.compile(r"(?:[^_\n{}#$()|\\\"<>?]|_(?!_)|\?|\$\{[\w-]+(?::[^{}\n]{0,200})?\}){1,200}")


def parse(text: str, source: str = "template", line: int = 1) -> Sequence:
    """The tree of `text`.

    Args:
        text: the template.
        source: how errors name it: "template" or a file.
        line: of its first line in that file.

    Raises:
        TemplateError: it is no template; nothing is guessed.
    """
    place = Place(source, text, line)
    if len(text) > LONGEST:
        raise TemplateError(f"a template of {len(text)} characters", f"expected at most {LONGEST}", place)
    if _is_plain(text):
        return (Text(text),) if text else ()
    reader = _Reader(place)
    nodes = reader.sequence("", 0)
    return tuple(nodes)


def _is_plain(text: str) -> bool:
    return not any(mark in text for mark in ("{", "}", "$", "__", "\\", "#"))


class _Reader:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.text = place.text
        self.at = 0
        self.parts = 0

    def fail(self, what: str, how: str, offset: int) -> TemplateError:
        return TemplateError(what, how, self.place, min(offset, len(self.text)))

    def sequence(self, stop: str, depth: int) -> list[Node]:
        """Nodes up to one of the characters of `stop`, which is left to be read; up to the end where it is empty."""
        if depth > DEEPEST:
            raise self.fail(f"braces {depth} deep", f"expected at most {DEEPEST} within each other", self.at)
        nodes: list[Node] = []
        words: list[str] = []
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stop:
            here = self.at
            word = self.literal(stop)
            if word is not None:
                if not words:
                    start = here
                words.append(word)
                continue
            _flush(nodes, words, start)
            self.parts += 1
            if self.parts > MOST_PARTS:
                how = f"expected at most {MOST_PARTS}; put long lists in a wildcard file"
                raise self.fail(f"a template of more than {MOST_PARTS} parts", how, here)
            nodes.append(self.node(depth))
        _flush(nodes, words, start)
        return nodes

    def literal(self, stop: str) -> str | None:
        """Text at this place as it is to be kept; None where something else begins."""
        text, at = self.text, self.at
        run = (_RUN_IN_ARGUMENTS if "," in stop else _RUN).match(text, at)
        if run:
            self.at = run.end()
            return run[0]
        char, after = text[at], text[at + 1 : at + 2]
        if char == "\\":
            if after and (after in ESCAPABLE or (after in stop and after in ",)")):
                self.at += 2
                return after
        elif char == "}":
            raise self.fail("a } that closes nothing", "write \\} for the character itself", at)
        elif char == "#" and self.is_comment():
            return self.comment()
        elif char == "{" or (char == "$" and after == "{") or (char == "_" and after == "_"):
            return None
        elif char == "$" and after == "$" and "|" in stop:
            raise self.fail("$$ inside an option", "expected a number before it, as in {2$$a|b}; or write \\$\\$", at)
        self.at += 1
        return char

    def is_comment(self) -> bool:
        line = self.text[max(0, self.at - _INDENT) : self.at].rstrip(" \t\r\f\v")
        if line.endswith("\n") or (not line and self.at < _INDENT):
            return True
        before, after = self.text[self.at - 1 : self.at], self.text[self.at + 1 : self.at + 2]
        return before.isspace() and (not after or after.isspace())

    def comment(self) -> str:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end
        return ""

    def node(self, depth: int) -> Node:
        if self.text[self.at] == "{":
            return self.choice(depth)
        if self.text[self.at] == "$":
            return self.variable(depth)
        return self.wildcard(depth)

    def choice(self, depth: int) -> Choice:
        opened = self.at
        self.at += 1
        self.space()
        if self.text[self.at : self.at + 1] in ("~", "@", "!"):
            self.at += 1
        low, high, separator = self.bounds()
        options: list[Option] = []
        while True:
            options += self.option(depth)
            if self.at >= len(self.text):
                raise self.fail("a { that is not closed", "expected a }; write \\{ for the character itself", opened)
            self.at += 1
            if self.text[self.at - 1] == "}":
                break
        return Choice(tuple(options), low, high, separator, opened)

    def bounds(self) -> tuple[int, int | None, str]:
        found = _BOUNDS.match(self.text, self.at)
        if not found or not (found[1] or found[3]):
            return 1, 1, ","
        low = int(found[1]) if found[1] else 1
        high = int(found[3]) if found[3] else (None if found[2] else low)
        if high is not None and high < low:
            low, high = high, low
        self.at = found.end()
        separator = _SEPARATOR.match(self.text, self.at)
        if separator:
            self.at = separator.end()
        return low, high, separator[1] if separator else ","

    def option(self, depth: int) -> list[Option]:
        self.space()
        while self.text.startswith("#", self.at) and self.is_comment():
            self.comment()
            self.space()
        begin = self.at
        weight = WEIGHT.match(self.text, self.at)
        if weight:
            self.at = weight.end()
        copies = _COPIES.match(self.text, self.at)
        if copies:
            self.at = copies.end()
        body = _trimmed(self.sequence("|}", depth + 1))
        option = Option(tuple(body), Fraction(weight[1].rstrip(".")) if weight else None, begin)
        self.parts += int(copies[1]) if copies else 1
        if not copies:
            return [option]
        if len(body) != 1 or int(copies[1]) > MOST_COPIES:
            how = f"expected nothing else in that option, and at most {MOST_COPIES} copies; write \\# for the character"
            raise self.fail(f"{copies[0]} before a wildcard", how, begin)
        wildcard = body[0]
        return [replace(option, body=(replace(wildcard),)) for _ in range(int(copies[1]))]

    def variable(self, depth: int) -> Variable | Assign:
        opened = self.at
        self.at += 2
        self.space()
        name = _NAME.match(self.text, self.at)
        if not name:
            raise self.fail("${ without a name", "expected letters, digits, _ or -, as in ${x}", self.at)
        self.at = name.end()
        self.space()
        sign = next((s for s in ("?=!", "?=", "=!", "=", ":", "}") if self.text.startswith(s, self.at)), "")
        if not sign:
            how = "expected =, : or } after the name; write \\$ for the character itself"
            raise self.fail("a ${ that is not closed", how, opened)
        if sign == "}":
            self.at += 1
            return Variable(name[0], None, opened)
        self.at += len(sign)
        self.space()
        value = tuple(_trimmed(self.sequence("}", depth + 1)))
        if self.at >= len(self.text):
            raise self.fail("a ${ that is not closed", "expected a }", opened)
        self.at += 1
        if sign == ":":
            return Variable(name[0], value, opened)
        return Assign(name[0], value, "!" in sign, "?" in sign, opened)

    def wildcard(self, depth: int) -> Wildcard:
        opened = self.at
        how = "expected a name and two more underscores, as in __color__; write \\_ for the character itself"
        self.at += 2
        if self.text[self.at : self.at + 1] in ("~", "@", "!"):
            self.at += 1
        path = _PATH.match(self.text, self.at)
        if not path or path[0] != path[0].strip():
            raise self.fail("two underscores that begin no wildcard", how, opened)
        self.at = path.end()
        name = path[0]
        arguments: tuple[tuple[str, Sequence], ...] = ()
        if self.text.startswith("(", self.at):
            name = name.rstrip()
            arguments = self.arguments(depth)
        if not self.text.startswith("__", self.at):
            raise self.fail("a wildcard that is not closed", how, opened)
        self.at += 2
        return Wildcard(name, arguments, opened)

    def arguments(self, depth: int) -> tuple[tuple[str, Sequence], ...]:
        opened = self.at
        pairs = []
        while self.text[self.at : self.at + 1] in ("(", ","):
            self.at += 1
            self.space()
            name = _NAME.match(self.text, self.at)
            if not name or self.text[name.end() : name.end() + 1] != "=":
                raise self.fail("a wildcard's value without a name", "expected as in __name(x=red)__", self.at)
            self.at = name.end() + 1
            self.space()
            pairs.append((name[0], tuple(_trimmed(self.sequence(",)", depth + 1)))))
        if not self.text.startswith(")", self.at):
            raise self.fail("a ( that is not closed", "expected ) and two underscores, as in __name(x=red)__", opened)
        self.at += 1
        return tuple(pairs)

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at


def _flush(nodes: list[Node], words: list[str], start: int) -> None:
    if words:
        text = "".join(words)
        words.clear()
        if text:
            nodes.append(Text(text, start))


def _trimmed(nodes: list[Node]) -> list[Node]:
    if nodes and isinstance(nodes[0], Text):
        text = nodes[0].value.lstrip()
        return [Text(text, nodes[0].at), *nodes[1:]] if text else nodes[1:]
    return nodes
