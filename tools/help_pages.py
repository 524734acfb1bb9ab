"""The help pages of the nodes: what of a page follows from the schema, and a skeleton for a new node.

    python3 -m tools.help_pages HypoNetVerbNoun     print the skeleton of that node's web/docs/HypoNetVerbNoun/en.md

ComfyUI's page shows /extensions/<pack>/docs/<node id>/<language>.md. The text is written by hand, tests/test_help.py
holds it to the schema. HYPONET_COMFYUI is the folder of a ComfyUI, as for the tests.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from tools.dev.pack import load_pack
from tools.dev.places import ROOT
from tools.node_names import short_name

PAGES = ROOT / "web" / "docs"
PICTURE = "in_use.webp"  # beside a page, by tools/workflows/help_pictures.py
LOCALES = ROOT / "locales"  # what nodes are called in other languages, as ComfyUI reads it
LONGEST_DEFAULT = 40  # characters; of a longer text its beginning stands in the table
# headings: when, inputs, outputs, example, errors; and the words of the table
HEADINGS = {
    "en": ("When to use it", "Inputs", "Outputs", "Example", "Errors"),
    "ko": ("언제 쓰나", "입력", "출력", "예", "오류"),
}
COLUMNS = {"en": ("Input", "What it means", "Default"), "ko": ("입력", "뜻", "기본값")}
WORDS = {
    "en": {"link": "link", "optional": "optional link", "list": "from the list", "empty": "empty"},
    "ko": {"link": "연결", "optional": "연결(선택)", "list": "목록에서", "empty": "비어 있음"},
}


def example(text: str, language: str = "en") -> str:
    """A page's part about its example."""
    _, _, _, heading, errors = HEADINGS[language]
    return text.partition(f"\n## {heading}\n")[2].partition(f"\n## {errors}\n")[0]


def label(entry: Any) -> str:
    """What the node shows as the name of an input or an output."""
    return str(entry.display_name or entry.id)


def default_text(entry: Any, language: str = "en") -> str:
    """What stands in the table as the default of an input: a value as code, or what comes in its place."""
    words = WORDS[language]
    if not hasattr(entry, "default"):
        return words["optional" if entry.optional else "link"]
    if getattr(entry, "lists_files", False):
        return words["list"]
    if entry.default == "":
        return words["empty"]
    if isinstance(entry.default, bool):
        return f"`{str(entry.default).lower()}`"
    lines = str(entry.default).splitlines()
    return ", ".join(f"`{shortened(line)}`" for line in lines)


def shortened(text: str) -> str:
    """A text of at most LONGEST_DEFAULT characters, or its beginning."""
    return text if len(text) <= LONGEST_DEFAULT else f"{text[:LONGEST_DEFAULT].rstrip()} ..."


def input_rows(schema: Any, language: str = "en") -> list[tuple[str, str]]:
    """(what the page calls it, default) of each input, in the order of the node."""
    inputs = schema.inputs or ()
    defaults = [default_text(entry, language) for entry in inputs]
    return list(zip(names(schema, "inputs", language), defaults, strict=True))


def names(schema: Any, side: str, language: str = "en") -> list[str]:
    """What a page calls each input or output: its name as code, as errors and workflows have it; before it that of the
    language, as the node shows it.

    Args:
        side: `inputs` or `outputs`.
    """
    entries = getattr(schema, side) or ()
    if language == "en":
        return [f"`{label(entry)}`" for entry in entries]
    translated = json.loads((LOCALES / language / "nodeDefs.json").read_text("utf-8"))[schema.node_id][side]
    keys = [entry.id for entry in entries] if side == "inputs" else map(str, range(len(entries)))
    pairs = [(translated[key]["name"], label(entry)) for key, entry in zip(keys, entries, strict=True)]
    return [f"`{name}`" if shown == name else f"{shown} `{name}`" for shown, name in pairs]


def table_of(text: str, language: str = "en") -> list[tuple[str, str]]:
    """The same out of a page: the first and the last cell of each row of its table of inputs."""
    _, inputs, outputs, *_ = HEADINGS[language]
    part = text.partition(f"\n## {inputs}\n")[2].partition(f"\n## {outputs}\n")[0]
    rows = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in part.splitlines() if line.startswith("| ")]
    return [(cells[0].strip(), cells[-1].strip()) for cells in rows[1:]]


def skeleton(schema: Any, language: str = "en") -> str:
    """A page with its headings, its table of inputs and its outputs, the meanings out of the tooltips."""
    when, inputs, outputs, heading, errors = HEADINGS[language]
    entries = zip(schema.inputs or (), input_rows(schema, language), strict=True)
    rows = [f"| {name} | {escaped(entry.tooltip)} | {default} |" for entry, (name, default) in entries]
    table = [f"| {' | '.join(COLUMNS[language])} |", "|---|---|---|", *rows]
    results = zip(schema.outputs, names(schema, "outputs", language), strict=True)
    items = [f"- {name}: {escaped(entry.tooltip)}" for entry, name in results]
    title = f"# {short_name(schema.display_name)}"
    parts = (title, str(schema.description), f"## {when}", f"## {inputs}", "\n".join(table))
    picture = f"![{short_name(schema.display_name)}]({schema.node_id}/{PICTURE})"
    return "\n\n".join((*parts, f"## {outputs}", "\n".join(items), f"## {heading}", picture, f"## {errors}")) + "\n"


def escaped(text: str | None) -> str:
    """A tooltip as a cell of a table."""
    return re.sub(r"(?<!`)__\w+__(?!`)", r"`\g<0>`", (text or "").replace("|", r"\|"))


def main(node_ids: Sequence[str]) -> None:
    """Print the skeletons of those nodes."""
    sys.path.append(os.environ["HYPONET_COMFYUI"])
    load_pack()
    from hyponet.nodes import extension

    schemas = {schema.node_id: schema for schema in (node.define_schema() for node in extension.NODES)}
    for node_id in node_ids:
        print(skeleton(schemas[node_id]))


if __name__ == "__main__":
    main(sys.argv[1:])
