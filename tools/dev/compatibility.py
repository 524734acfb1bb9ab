"""docs/compatibility.md: how many tests hold on which ComfyUI and which page; written by `dev.py test`."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .places import ROOT

PAGE = ROOT / "docs" / "compatibility.md"
HEAD = """# What it was tested with

`python3 dev.py test --comfyui DIR` writes the rows of that ComfyUI: every test that `dev.py test` runs on 0.3.75, but
for those that no ComfyUI decides (marked `pure`: sets, plans, words, training and metrics by themselves). With `--full`
(or `dev.py test --full`, for 0.3.75) every workflow is opened, run and run again on each page besides.
A page is the version of `comfyui-frontend-package` and its renderer: what that ComfyUI brings, and the newest tested.

| ComfyUI | page | date | passed | failed | skipped | why they are skipped |
|---|---|---|---|---|---|---|
"""
NO_PAGE = "without a page, and the rest"
RENDERERS = {"canvas": "canvas", "nodes 2.0": "Nodes 2.0"}
OUTCOMES = ("passed", "failed", "skipped")


@dataclass
class Counts:
    """Tests of a page by outcome, and skipped ones by reason."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


def count(report: Path) -> dict[str, Counts]:
    """The counts of each page, of the report of a run in JUnit's form, as pytest writes it.

    Pages are those of tests/browser/pages.py, as they stand in the tests' names: `pinned-nodes 2.0`.
    """
    pages: dict[str, Counts] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        named = re.search(r"\b(pinned|newest)-(canvas|nodes 2\.0)\b", case.get("name", ""))
        page = f"{named[1]} {RENDERERS[named[2]]}" if named else NO_PAGE
        tags = {child.tag for child in case}
        outcome = "failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"
        counts = pages.setdefault(page, Counts())
        counts.outcomes[outcome] += 1
        if outcome == "skipped":
            counts.reasons.update(child.get("message", "") for child in case.iter("skipped"))
    return pages


def rows(version: str, pages: dict[str, Counts], frontends: dict[str, str], date: str) -> list[str]:
    """Lines of the table, the rest first.

    Args:
        frontends: `pinned` and `newest` -> version.
    """
    lines = []
    for page, counts in sorted(pages.items(), key=lambda entry: (entry[0] != NO_PAGE, entry[0])):
        kind, _, renderer = page.partition(" ")
        name = page if page == NO_PAGE else f"{frontends[kind]}, {renderer}"
        numbers = " | ".join(f"{counts.outcomes[outcome]:,}" for outcome in OUTCOMES)
        reasons = "; ".join(f"{number} {reason}" for reason, number in sorted(counts.reasons.items()))
        lines.append(f"| {version} | {name} | {date} | {numbers} | {reasons.replace('|', '/')} |")
    return lines


def with_rows(text: str, version: str, lines: list[str]) -> str:
    """The page `text` with the rows of `version` replaced by `lines`, the versions in their order; what is written by
    hand under a heading below the table stays."""
    other_versions = [
        line for line in text.splitlines() if re.match(r"\| \d", line) and not line.startswith(f"| {version} |")
    ]
    _, heading, by_hand = text.partition("\n## ")
    return HEAD + "\n".join(sorted([*other_versions, *lines], key=_version_key)) + "\n" + heading + by_hand


def write(report: Path, comfyui: Path, frontends: dict[str, str]) -> None:
    """Put the counts of a run into the page.

    Args:
        report: pytest's, in JUnit's form.
        comfyui: the code that was tested.
        frontends: as in `rows`.
    """
    version = comfyui_version(comfyui)
    lines = rows(version, count(report), frontends, time.strftime("%Y-%m-%d"))
    PAGE.write_text(with_rows(PAGE.read_text("utf-8") if PAGE.exists() else "", version, lines), "utf-8")


def comfyui_version(folder: Path) -> str:
    """What `comfyui_version.py` in `folder` says."""
    version = re.search(r'__version__ = "([^"]+)"', (folder / "comfyui_version.py").read_text("utf-8"))
    return version[1] if version else "unknown"


def _version_key(line: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", line.split("|")[1])]
