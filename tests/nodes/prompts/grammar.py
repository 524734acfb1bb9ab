"""Random templates of the language, and such with misplaced marks, for comparisons and for property tests."""

from __future__ import annotations

import random
import re

WORDS = ["red", "blue", "cat", "dog", "fog", "New York", "soft light", "änder", "빨강", "10:30", "washing-ton!"]
LISTS = {
    "col": ["red", "green", "blue"],
    "car": ["sedan", "pickup truck"],
    "deep/place": ["city", "{sunny|dark} forest"],
    "nest": ["__col__ house", "tent"],
    "weighted": ["oak", "elm", "fir"],
    "korean/색깔": ["빨강", "파랑"],
}
# the marks of the language
MARKS = re.compile(r"\$\$|\$\{|::|__|\d#|[{}|$#~]|\d(?=\$\$|::|#)|[(,]?[a-z]=!?")


class Grammar:
    """Makes templates that dynamicprompts reads as we do; what it gets wrong is left out here (see test_parity)."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.fresh = 0

    def template(self) -> str:
        parts = []
        if self.random.random() < 0.3:
            parts.append("${x=" + self.random.choice([self.word(), self.choice(1), "__col__"]) + "}")
        for _ in range(self.random.randint(1, 3)):
            parts.append(self.random.choice([self.word, self.word, lambda: self.choice(0), self.wildcard])())
        if parts[0].startswith("${"):
            parts.append("${x}")
        elif self.random.random() < 0.2:
            parts.append("${y:" + self.word() + "}")
        text = self.random.choice([" ", ", ", " in "]).join(parts)
        return self.random.choice([text, f"({text}:1.4)", f"[{text}]", f"<lora:a_b:0.8> {text}"])

    def word(self) -> str:
        """A word that stands nowhere else in the template, so that equal texts come from equal picks."""
        self.fresh += 1
        return f"{self.random.choice(WORDS)} {self.fresh}"

    def wildcard(self) -> str:
        return f"__{self.random.choice([*LISTS, 'deep/*', 'c*'])}__"

    def choice(self, depth: int) -> str:
        options = [self.option(depth) for _ in range(self.random.randint(1, 3))]
        head = ""
        if self.random.random() < 0.3:
            low = self.random.randint(1, 2)
            head = self.random.choice([f"{low}$$", f"{low}-{low + 1}$$", f"{low}-$$"])
            head += self.random.choice(["", " and $$", "|$$"])
        return "{" + head + "|".join(options) + "}"

    def option(self, depth: int) -> str:
        weight = self.random.choice(["", "", "", "2::", "0.5::"])
        kinds = [self.word, self.word] + ([lambda: self.choice(depth + 1), self.wildcard] if depth < 2 else [])
        return weight + self.random.choice(kinds)() + self.random.choice(["", "", " " + self.word()])


def misplaced(template, rng):
    """`template` with one mark left out, doubled, moved, replaced by another, or put in."""
    marks = list(MARKS.finditer(template))
    if not marks:
        return template + rng.choice(["__", "{", "2::", "3#__col__"])
    mark = rng.choice(marks)
    without = template[: mark.start()] + template[mark.end() :]
    place = rng.choice([spot for spot in range(len(without) + 1) if without[spot - 1 : spot + 1] != "::"])
    strange = rng.choice(["{", "|", "__", "2$$", "3#", "2::", "::2", "${", "50%::", "-1::", "(x=a)", "$$", "0,5::"])
    return rng.choice(
        [
            without,
            template[: mark.end()] + mark[0] + template[mark.end() :],
            without[:place] + mark[0] + without[place:],
            template[: mark.start()] + rng.choice(marks)[0] + template[mark.end() :],
            template[: mark.start()] + strange + template[mark.start() :],
        ]
    )
