"""Words of the five classes, of colours and of everything else that prompts hold.

Reads the shipped wildcard lists, the prompts of the shipped workflows and the pack's WordNet 3.0; writes nothing.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .data import CLASSES  # makes the clone the package `hyponet`

from hyponet.nodes.hyponyms.unfit import is_unfit  # isort: skip

ROOT = Path(__file__).resolve().parents[2]

# the synsets whose subtrees name a class: car.n.01, cat.n.01, horse.n.01, vessel.n.02 (boats and ships), truck.n.01
ROOTS = {
    "automobile": "02958343",
    "cat": "02121620",
    "horse": "02374451",
    "ship": "04530566",
    "truck": "04490091",
}
PLURALS = {"automobile": ("automobiles", "cars"), "cat": ("cats", "kitten", "kitty"), "horse": ("horses", "pony")}

COLOURS = ("black", "white", "grey", "red", "orange", "yellow", "brown", "green", "blue")
# what the list of colours has beyond these nine goes with the nearest of them
COLOUR_WORDS = {
    "black": "black charcoal",
    "white": "white ivory",
    "grey": "grey gray silver",
    "red": "red crimson maroon coral magenta rose scarlet burgundy fuchsia pink",
    "orange": "orange peach amber rust",
    "yellow": "yellow gold mustard lime beige",
    "brown": "brown",
    "green": "green teal olive emerald mint",
    "blue": "blue purple violet lavender turquoise indigo cyan sapphire sky navy",
}
NEUTRAL_WORDS = (
    "a an the of in on at and or with without by for from to is it its s this that photo picture image photograph "
    "painting drawing sketch small large big old new young fine nice best quality 8k 4k hd realistic real light soft "
    "fog rain snow sun day night road street water sea grass field sky garden house home model white-balance portrait "
    "man woman dog bird frog deer airplane plane people person city view side front rear top down close up off "
    "good bad worst low high normal style detailed sharp blurry dark bright indoor outdoor 1 2 3 4 5 6 7 8 9 0 - . , ' "
    "/ ( ) : & u x t c b q m"
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Args:
    listed: for each class the options of its shipped lists.
    wordnet: for each class the lemmas of its WordNet subtree.
    locations, views: options of those lists.
    colours: for each of the nine colours its words, the nine's own name first.
    negatives: the negative prompts of the shipped workflows.
    tails: what the shipped templates put behind the place.
    """

    listed: dict[str, tuple[str, ...]]
    wordnet: dict[str, tuple[str, ...]]
    locations: tuple[str, ...]
    views: tuple[str, ...]
    colours: dict[str, tuple[str, ...]]
    negatives: tuple[str, ...]
    tails: tuple[str, ...]


def read_vocabulary(root: Path = ROOT) -> Vocabulary:
    """All words, from the pack in `root`."""
    lists = root / "wildcards"
    tree = wordnet_subtrees(root / "nodes" / "hyponyms" / "data" / "wordnet30_nouns.zip")
    templates, negatives = _prompts(root / "workflows" / "api")
    return Vocabulary(
        listed={label: (label, *PLURALS.get(label, ()), *_options(lists, label)) for label in CLASSES},
        wordnet={label: tuple(word for word in words if not is_unfit(word)) for label, words in tree.items()},
        locations=_options(lists, "location"),
        views=_options(lists, "view"),
        colours={colour: tuple(words.split()) for colour, words in COLOUR_WORDS.items()},
        negatives=negatives,
        tails=tuple(
            dict.fromkeys(template.split("location__")[1] for template in templates if "location__" in template)
        ),
    )


def _options(lists: Path, name: str) -> tuple[str, ...]:
    """The options of a shipped list and of the thesis's list of that name, without repeats."""
    texts = [(folder / f"{name}.txt").read_text(encoding="utf-8") for folder in (lists, lists / "thesis")]
    lines = [line.strip() for line in "\n".join(texts).splitlines()]
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def _prompts(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The templates and the negatives of the shipped workflows."""
    templates: list[str] = []
    negatives: list[str] = []
    for path in sorted(folder.glob("*.json")):
        for node in json.loads(path.read_text(encoding="utf-8")).values():
            for field, texts in (("template", templates), ("negative", negatives)):
                value = node.get("inputs", {}).get(field)
                if isinstance(value, str) and value:
                    texts.append(value)
    return tuple(dict.fromkeys(templates)), tuple(dict.fromkeys(negatives))


def wordnet_subtrees(archive: Path) -> dict[str, tuple[str, ...]]:
    """For each class the lemmas of its synset and of all synsets below, spaces for underscores."""
    with zipfile.ZipFile(archive) as files:
        lines = files.read("wordnet/data.noun").decode("ascii").splitlines()
    lemmas: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith(" "):
            continue  # the licence
        fields = line.partition("|")[0].split()
        count = int(fields[3], 16)
        lemmas[fields[0]] = [fields[4 + 2 * number].replace("_", " ") for number in range(count)]
        pointers = fields[5 + 2 * count :]
        below[fields[0]] = [
            pointers[start + 1] for start in range(0, len(pointers) - 3, 4) if pointers[start] in ("~", "~i")
        ]
    answer = {}
    for label, start in ROOTS.items():
        waiting, synsets = [start], dict[str, None]()
        while waiting:
            synset = waiting.pop(0)
            if synset not in synsets:
                synsets[synset] = None
                waiting += below[synset]
        answer[label] = tuple(dict.fromkeys(lemma for synset in synsets for lemma in lemmas[synset]))
    return answer
