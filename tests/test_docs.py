"""The pages in docs/ say what the code does: folders, messages, options and exit codes are read from it."""

from __future__ import annotations

import re

import pytest

from hyponet.headless import __main__ as headless
from hyponet.nodes import paths
from tools.dev.places import ROOT

DOCS = {path.name: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}
SOURCES = "\n".join(
    path.read_text("utf-8") for folder in ("nodes", "evaluation", "headless") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("name", sorted(DOCS))
def test_links_of_a_page_lead_somewhere(name):
    for link in re.findall(r"\]\(([^)#]+)", DOCS[name]):
        assert link.startswith("http") or (ROOT / "docs" / link).exists(), link


def test_every_model_folder_of_the_pack_has_its_row():
    page = DOCS["models_and_folders.md"]
    for kind in paths._MODEL_FOLDERS:
        assert f"`models/{kind}`" in page or f"    {kind}: " in page, kind


def test_every_folder_that_is_written_has_its_row():
    """What the heads of the modules say that they write below output/."""
    page = DOCS["models_and_folders.md"]
    written = set(re.findall(r"output/hyponet/(\w+)", SOURCES)) - {"lora_training"}
    assert {"classifiers", "results", "reports", "exports"} <= written
    assert {name for name in written if f"output/hyponet/{name}" not in page} == set()


def test_the_messages_that_are_explained_are_ours():
    rows = re.findall(r"^\| (\*[^|]+\*) \|", DOCS["troubleshooting.md"], re.M)
    messages = [message for row in rows for message in re.findall(r"\*([^*]+)\*", row)]
    assert len(messages) > 8
    for message in messages:
        for part in message.split("..."):
            assert part.strip() in SOURCES, message


def test_the_options_and_codes_of_headless_are_those_of_the_program():
    page = DOCS["headless.md"]
    commands = headless.parser()._subparsers._group_actions[0].choices
    options = {text for command in commands.values() for action in command._actions for text in action.option_strings}
    assert set(re.findall(r"--[a-z]+", page)) <= options
    codes = {headless.DONE, headless.FAILED, headless.WRONG, headless.NO_SERVER, headless.STOPPED}
    assert set(map(int, re.findall(r"^\| (\d+) \|", page, re.M))) == codes
