"""From the text of a template to its tree, in one pass; every mistake is a TemplateError that shows its place.

The language is a superset of what users of dynamicprompts, Impact Pack and Easy-Use type:

    template ::= { text | escape | comment | choice | wildcard | variable | assign | wrap }

    choice   ::= "{" [ sampler ] [ bounds ] option { "|" option } "}"
    bounds   ::= ( number | number "-" | "-" number | number "-" number ) "$$" [ separator "$$" ]
    option   ::= { comment } [ weight "::" ] ( template | number "#" wildcard )
    wildcard ::= "__" [ sampler ] { path | choice } [ "(" argument { "," argument } ")" ] "__"
    argument ::= name "=" template
    variable ::= "${" name [ ":" template ] "}"
    assign   ::= "${" name ( "=" | "=!" | "?=" | "?=!" ) template "}"
    wrap     ::= "%{" template "$$" template "}"

    escape   ::= "\\" ( "{" | "}" | "|" | "$" | "_" | "#" | "\\" | "~" | "@" | "!" | ":" )
    comment  ::= "#" up to the end of the line, where the # begins a line or stands between blanks
    sampler  ::= "~" | "@" | "!"
    number   ::= 1 to 6 digits
    weight   ::= digits [ "." [ digits ] ] | "." digits, at most 12 digits each
    name     ::= a letter or "_", then letters, digits, "_" and "-"
    path     ::= 1 to 200 characters, no blank first or last, of: single "_"; "${" name [ ":" text ] "}"; and any but
                 line ends and { } # $ ( ) | " < > (so / or \\ leads into a folder; * ? [..] are a glob)
    separator::= { text | escape }, up to 100 characters without { } $
    text     ::= any other character

A text ends where the part that it stands in ends: at "|" or "}" in an option, at "}" in a variable, at "," or ")" in an
argument (there these two can be escaped as well). Elsewhere those characters are text. A backslash before any other
character is kept. Blanks are dropped at the beginning of an option, of a name and of a value, and kept at their end.

What looks like the language where it is not read is a mistake, so that none of it reaches a model: "$$", a number and
"#" before a wildcard or a brace, "::", "(x=" after a wildcard, and a "}" that closes nothing after a "|" of its line.

What it means: `{2::a|b}` takes a twice as often as b; `{2$$a|b|c}` is two of the three, `{1-3$$ and $$a|b|c}` one to
three of them with " and " between, `{2-$$..}` two or more; `3#__name__` stands for the same wildcard as three options.
`__cars/{a|b}__` is one of two lists, `__cars/{__makers__}__` one of those that the lines of a list name.
`${x=..}` is drawn at each use of `${x}`, `${x=!..}` once, where it stands, `${x?=..}` sets x unless it has a value, and
`${x:blue}` is blue unless it has one. `__name(x=red)__` sets x for the options of that file.
`%{a ... b$$x}` is a x b: what is drawn before the dollars goes around what is behind them, at its dots.

Prompt weights, `[..]`, `embedding:..` and `<lora:..>` are kept as they are. The samplers of dynamicprompts are read and
dropped: how options are dealt is the plan's coverage.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from fractions import Fraction

from . import lookalikes
from .drawn_names import MAX_NAMES, ListOfNames, choice_of_wildcards, names_of, no_lists, with_drawn_names
from .errors import SourceLocation, TemplateError
from .syntax import (
    WEIGHT,
    WRAP,
    Assign,
    Choice,
    Node,
    Nodes,
    Option,
    Text,
    Variable,
    Wildcard,
    is_plain,
)
from .text_reader import ARGUMENT_ENDS, TextReader

MAX_CHARACTERS = 4_000_000  # of one template; a judgement: longer lists belong in wildcard files
MAX_DEPTH = 50  # braces within braces; the parser is recursive, and Python allows about 1000 calls
MAX_COPIES = 1000  # of one wildcard in 3#__name__; a judgement
MAX_PARTS = 100_000  # options, wildcards and texts of one template; a judgement that bounds memory

_NAME = re.compile(r"[^\W\d][\w-]*")
_COPIES = re.compile(r"(\d{1,6})#(?=__)")
_PATH = re.compile(r"(?:[^_\n{}#$()|\\\"<>]|\\(?=\w)(?!_)|_(?!_)|\$\{[\w-]+(?::[^{}\n]{0,200})?\}){1,200}")
_SIGNS = ("?=!", "?=", "=!", "=", ":", "}")  # what may follow the name of a variable, longest first

_ids = itertools.count(1)  # of the nodes of all trees of the process


def parse(text: str, source: str = "template", line: int = 1, lines_of: ListOfNames = no_lists) -> Nodes:
    """The tree of `text`.

    Args:
        text: the template.
        source: how errors name it: "template" or a file.
        line: of its first line in that file.
        lines_of: the lists that may stand in the name of a wildcard, or in a variable there.

    Raises:
        TemplateError: it is no template; nothing is guessed.
    """
    location = SourceLocation(source, text, line)
    if len(text) > MAX_CHARACTERS:
        raise TemplateError(f"a template of {len(text)} characters", f"expected at most {MAX_CHARACTERS}", location)
    if is_plain(text):
        return (Text(text, 0, next(_ids)),) if text else ()
    return tuple(_Parser(location, lines_of).template("", 0))


class _Parser(TextReader):
    """Reads one text from its beginning. Each method reads what its rule says."""

    def __init__(self, location: SourceLocation, lines_of: ListOfNames) -> None:
        super().__init__(location)
        self.lines_of = lines_of
        self.parts = 0
        self.counted = -1  # the offset of the wildcard that a count belongs to

    def template(self, stop: str, depth: int) -> list[Node]:
        """Nodes up to one of the characters of `stop`, which is left to be read; up to the end where it is empty."""
        if depth > MAX_DEPTH:
            raise self.error(f"braces {depth} deep", f"expected at most {MAX_DEPTH} within each other", self.offset)
        nodes: list[Node] = []
        words: list[str] = []
        text_start = self.offset
        while self.offset < len(self.text) and self.text[self.offset] not in stop:
            start = self.offset
            word = self.literal(stop)
            if word is not None:
                if not words:
                    text_start = start
                words.append(word)
                continue
            end = self.wrapper_end() if words and words[-1].endswith("%") else -1
            if end >= 0:
                words[-1] = words[-1][:-1]
            _flush(nodes, words, text_start)
            self.parts += 1
            if self.parts > MAX_PARTS:
                how = f"expected at most {MAX_PARTS}; put long lists in a wildcard file"
                raise self.error(f"a template of more than {MAX_PARTS} parts", how, start)
            nodes += [self.node(depth)] if end < 0 else self.wrap(end, depth)
        _flush(nodes, words, text_start)
        return with_drawn_names(nodes, _ids, self.lines_of)

    def node(self, depth: int) -> Node:
        """The choice, variable or wildcard that begins here."""
        if self.offset != self.counted:
            self.refuse(lookalikes.count(self.location, self.offset))
        if self.text[self.offset] == "{":
            return self.choice(depth)
        if self.text[self.offset] == "$":
            return self.variable(depth)
        return self.wildcard(depth)

    def choice(self, depth: int) -> Choice:
        """The choice whose { is at the offset."""
        start = self.offset
        self.offset += 1
        self.skip_blanks()
        self.skip_sampler()
        low, high, separator = self.bounds()
        self.refuse(lookalikes.wrap(self.location, start, is_bounded=self.text[self.offset - 2 : self.offset] == "$$"))
        options: list[Option] = []
        while True:
            options += self.option(depth, as_weight=(low, high) == (1, 1))
            if self.offset >= len(self.text):
                raise self.error("a { that is not closed", "expected a }; write \\{ for the character itself", start)
            self.offset += 1
            if self.text[self.offset - 1] == "}":
                break
        return Choice(tuple(options), low, high, separator, offset=start, id=next(_ids))

    def wrap(self, end: int, depth: int) -> list[Node]:
        """What begins with the %{ before the offset, its dollars at `end`: drawn once, put around what follows them."""
        start = self.offset - 1
        wrapper = _Parser(replace(self.location, text=self.text[:end]), self.lines_of)
        wrapper.offset = self.offset + 1
        value = tuple(wrapper.template("", depth + 1))
        self.offset = end + 2
        inner = self.template("}", depth + 1)
        if not value or not inner or self.offset >= len(self.text):
            how = "expected a text on both sides of the dollars, as in %{a photo of ...$$a cat}; or write \\$\\$"
            raise self.error("a %{ that wraps nothing", how, start)
        self.offset += 1
        name = f"{WRAP}{depth}"
        before, after = (Variable(name, None, part, start, next(_ids)) for part in ("before", "after"))
        return [Assign(name, value, immediate=True, offset=start, id=next(_ids)), before, *inner, after]

    def option(self, depth: int, *, as_weight: bool) -> list[Option]:
        """One option, or as many as there are copies of its wildcard; of one that is picked, copies are a weight."""
        self.skip_blanks()
        while self.text.startswith("#", self.offset) and self.is_comment():
            self.skip_comment()
            self.skip_blanks()
        start = self.offset
        weight = WEIGHT.match(self.text, self.offset)
        if weight:
            self.offset = weight.end()
        copies = _COPIES.match(self.text, self.offset)
        if copies:
            self.counted = self.offset = copies.end()
        body = _without_leading_blanks(self.template("|}", depth + 1))
        option = Option(tuple(body), Fraction(weight[1].rstrip(".")) if weight else None, start)
        self.parts += int(copies[1]) if copies else 1
        if not copies:
            return [option]
        if len(body) != 1 or int(copies[1]) > MAX_COPIES:
            how = f"expected nothing else in that option, and at most {MAX_COPIES} copies; write \\# for the character"
            raise self.error(f"{copies[0]} before a wildcard", how, start)
        if as_weight:
            return [replace(option, weight=int(copies[1]) * (Fraction(1) if option.weight is None else option.weight))]
        # each copy is a slot of its own, so it has an id of its own
        return [replace(option, body=(replace(body[0], id=next(_ids)),)) for _ in range(int(copies[1]))]

    def variable(self, depth: int) -> Variable | Assign:
        """What begins with the ${ at the offset: a use of a variable, or an assignment to one."""
        start = self.offset
        self.offset += 2
        self.skip_blanks()
        name = _NAME.match(self.text, self.offset)
        if not name:
            raise self.error("${ without a name", "expected letters, digits, _ or -, as in ${x}", self.offset)
        self.offset = name.end()
        self.skip_blanks()
        sign = next((sign for sign in _SIGNS if self.text.startswith(sign, self.offset)), "")
        if not sign:
            how = "expected =, : or } after the name; write \\$ for the character itself"
            raise self.error("a ${ that is not closed", how, start)
        self.offset += len(sign)
        if sign == "}":
            return Variable(name[0], None, "", start, next(_ids))
        self.skip_blanks()
        value = tuple(_without_leading_blanks(self.template("}", depth + 1)))
        if self.offset >= len(self.text):
            raise self.error("a ${ that is not closed", "expected a }", start)
        self.offset += 1
        if sign == ":":
            return Variable(name[0], value, "", start, next(_ids))
        return Assign(name[0], value, "!" in sign, "?" in sign, start, next(_ids))

    def wildcard(self, depth: int) -> Wildcard | Choice:
        """The wildcard whose two underscores are at the offset."""
        start = self.offset
        how = "expected a name and two more underscores, as in __color__; write \\_ for the character itself"
        self.offset += 2
        self.skip_sampler()
        path = self.path(depth)
        names = names_of(path, self.lines_of)
        if not names or any(not name or name != name.strip() for name, _ in names):
            raise self.error("two underscores that begin no wildcard", how, start)
        arguments = self.arguments(depth) if self.text.startswith("(", self.offset) else ()
        if not self.text.startswith("__", self.offset):
            raise self.error("a wildcard that is not closed", how, start)
        self.offset += 2
        self.refuse(lookalikes.values(self.location, self.offset))
        wildcard = Wildcard(names[0][0], arguments, start, next(_ids))
        return wildcard if len(names) == 1 else choice_of_wildcards(names, wildcard, _ids)

    def path(self, depth: int) -> list[Node]:
        """The name of a wildcard from the offset on: texts, and choices between texts."""
        nodes: list[Node] = []
        while True:
            text = _PATH.match(self.text, self.offset)
            if text:
                self.offset = text.end()
                nodes.append(Text(text[0].replace("\\", "/")))
            if not self.text.startswith("{", self.offset):
                return nodes
            start = self.offset
            nodes.append(self.choice(depth))
            if names_of(nodes, self.lines_of) is None:
                how = f"expected one of some words, as in __cars/{{red|blue}}__, at most {MAX_NAMES} names"
                raise self.error("a choice in the name of a wildcard", how, start)

    def arguments(self, depth: int) -> tuple[Assign, ...]:
        """The values that a wildcard is given, from the ( at the offset to its )."""
        start = self.offset
        arguments = []
        while self.text.startswith(("(", ","), self.offset):
            self.offset += 1
            self.skip_blanks()
            name = _NAME.match(self.text, self.offset)
            if not name or not self.text.startswith("=", name.end()):
                raise self.error("a wildcard's value without a name", "expected as in __name(x=red)__", self.offset)
            self.offset = name.end() + 1
            self.skip_blanks()
            value = tuple(_without_leading_blanks(self.template(ARGUMENT_ENDS, depth + 1)))
            arguments.append(Assign(name[0], value, offset=name.start(), id=next(_ids)))
        if not self.text.startswith(")", self.offset):
            raise self.error("a ( that is not closed", "expected ) and two underscores, as in __name(x=red)__", start)
        self.offset += 1
        return tuple(arguments)


def _flush(nodes: list[Node], words: list[str], start: int) -> None:
    """Moves the words read so far into one text node, none where they are comments only."""
    text = "".join(words)
    words.clear()
    if text:
        nodes.append(Text(text, start, next(_ids)))


def _without_leading_blanks(nodes: list[Node]) -> list[Node]:
    if nodes and isinstance(nodes[0], Text):
        text = nodes[0].value.lstrip()
        return [replace(nodes[0], value=text), *nodes[1:]] if text else nodes[1:]
    return nodes
