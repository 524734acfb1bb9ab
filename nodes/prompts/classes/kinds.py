"""Classes that are one word get the kinds of that word, as deep as they are needed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from ...hyponyms.hyponyms import Hyponyms, HyponymSettings, hyponyms_of_word
from ..item import ClassSpec

ENOUGH = 8  # kinds of a class that is a word alone; fewer are looked for one level deeper. A judgement
_MOST_LEVELS = 3
logger = logging.getLogger("hyponet")


def deep_enough(look_up: Callable[[HyponymSettings], Hyponyms], settings: HyponymSettings) -> Hyponyms:
    """The hyponyms at the first depth that has `settings.at_least`, no climb but a descent; else those of most words.

    Args:
        look_up: lists hyponyms under settings that differ in depth alone, below the same hypernym.
        settings: where to begin.
    """
    best = look_up(settings)
    for depth in range(settings.depth + 1, max(settings.depth, _MOST_LEVELS) + 1):
        if len(best.words) >= settings.at_least:
            break
        deeper = look_up(replace(settings, depth=depth))
        best = deeper if len(deeper.words) > len(best.words) else best
    return best


def with_kinds(classes: Iterable[ClassSpec]) -> tuple[tuple[ClassSpec, ...], str]:
    """The classes, those without hyponyms with the kinds of their names (or synsets), and a report in markdown.

    A name that WordNet does not have stays as it is, and the report says so.
    """
    specs: list[ClassSpec] = []
    notes: list[str] = []
    for spec in classes:
        if spec.hyponyms:
            specs.append(spec)
            continue
        try:
            kinds = _kinds_of(spec.synset or spec.name)
        except ValueError as error:
            specs.append(spec)
            notes.append(f"**{spec.name}** has no kinds: {error}")
            continue
        specs.append(replace(spec, hyponyms=kinds.words, hypernym=spec.hypernym or kinds.hypernym, synset=kinds.synset))
        if kinds.warning:
            logger.warning("%s", kinds.warning)
        taken = f"Taken: {kinds.name}."
        if kinds.warning:
            taken = f"{kinds.warning}\n\nHere a sense is named like this: `{spec.name}; synset: {kinds.name}`."
        notes.append(f"**{spec.name}**: {len(kinds.words)} kinds: {', '.join(kinds.words)}.\n\n{taken}")
    return tuple(specs), "\n\n".join(notes)


def _kinds_of(word: str) -> Hyponyms:
    """The kinds of a word itself; the word, where it has none."""
    settings = HyponymSettings(at_least=ENOUGH, include_class=False)

    def look_up(at_depth: HyponymSettings) -> Hyponyms:
        return hyponyms_of_word(word, replace(at_depth, at_least=1))

    return deep_enough(look_up, settings)
