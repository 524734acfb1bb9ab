"""The pages in docs/ say what the code does: folders, messages, options and exit codes are read from it."""

from __future__ import annotations

import re

import pytest
import tomllib
from PIL import Image

from hyponet.headless import __main__ as headless
from hyponet.nodes import extension, paths
from hyponet.nodes.prompts.classes.kinds import with_kinds
from hyponet.nodes.prompts.classes.make import classes_from_text
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.tools import make_icon
from hyponet.tools.workflows.builder.recipes import OWN
from tools.dev.places import ROOT
from tools.node_names import short_name

README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DOCS = {path.name: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}
# every page that a reader of the README can come to, by its path
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "data").rglob("README.md"))
}
SOURCES = "\n".join(
    path.read_text("utf-8") for folder in ("nodes", "evaluation", "headless") for path in (ROOT / folder).rglob("*.py")
)


def anchors(page):
    """What GitHub calls the headings of a page: small letters, digits, dashes for blanks, nothing else."""
    headings = re.findall(r"^#+ (.+)$", page, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_of_a_page_lead_somewhere(name):
    """To a file that is there, and to a heading that it has."""
    for link in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]):
        file, _, heading = link.partition("#")
        if link.startswith("http"):
            continue
        target = (ROOT / name).parent / file if file else ROOT / name
        assert target.exists(), link
        assert not heading or heading in anchors(target.read_text("utf-8")), link


def test_the_readme_links_every_page_of_the_docs():
    linked = set(re.findall(r"\]\(docs/([\w.]+\.md)[)#]", README))
    assert linked == set(DOCS)


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
    assert set(re.findall(r"--[a-z][a-z-]*", page)) <= options
    codes = {headless.DONE, headless.FAILED, headless.WRONG, headless.NO_SERVER, headless.STOPPED}
    assert set(map(int, re.findall(r"^\| (\d+) \|", page, re.M))) == codes


# ---- nodes, widgets and workflows -----------------------------------------------------------------------------------

# what is no node of ours but is named like one: ComfyUI's, and what the pages stress
OTHERS = {"Load Checkpoint", "Load Image", "KSampler"}
SCHEMAS = {short_name(schema.display_name): schema for schema in (node.define_schema() for node in extension.NODES)}
OF_LOADER = {"ckpt_name", "MODEL", "CLIP", "VAE"}


@pytest.mark.parametrize("name", ["README.md", "docs/getting_started.md", "docs/own_classes.md"])
def test_every_node_that_a_page_names_is_there(name):
    text = PAGES[name].split("## What the numbers mean")[0]  # there bold words are what a paragraph is about
    named = re.findall(r"\*\*([A-Z][\w-]*(?: [\w-]+)*)\*\*", text)
    assert named
    assert set(named) - set(SCHEMAS) - OTHERS == set()


def test_every_node_that_the_changelog_names_is_there():
    """There a name in italics is a node's."""
    named = {" ".join(name.split()) for name in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", PAGES["CHANGELOG.md"])}
    assert len(named) > 20
    assert named - set(SCHEMAS) == set()


def test_every_workflow_that_a_page_names_is_there():
    text = "\n".join([*DOCS.values(), (ROOT / "README.md").read_text("utf-8")])
    named = set(re.findall(r"\bhyponet_(?:[0-9]{2}|thesis)_[a-z0-9_]+\b", text))
    assert len(named) > 10, "the README's table has the ten"
    folder = ROOT / "workflows"
    gone = [name for name in named if not any((where / f"{name}.json").exists() for where in (folder, folder / "api"))]
    assert gone == []


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{name}" for name in sorted(DOCS))])
def test_every_widget_that_a_page_sets_is_there(name):
    """A name in italics of small letters and underscores is one of a widget."""
    widgets = {entry.id for schema in SCHEMAS.values() for entry in schema.inputs}
    for widget in set(re.findall(r"(?<!\*)\*([a-z]+_[a-z_]+)\*(?!\*)", PAGES[name])):
        assert widget in widgets or (ROOT / "workflows" / f"{widget}.json").exists(), widget


def clicks():
    rows = [line.strip("|").split("|") for line in DOCS["own_classes.md"].splitlines() if re.match(r"\| \d+ \|", line)]
    return [(int(number), *(part.strip() for part in parts)) for number, *parts in rows]


def test_the_click_list_is_as_short_as_it_says():
    """A set by at most 15 actions and 5 nodes, a tested classifier by at most 30; each line is an action."""
    rows = clicks()
    assert [number for number, *_ in rows] == list(range(1, len(rows) + 1))
    to_a_set = next(number for number, action, *_ in rows if action == "run")
    nodes = [node for number, action, node, *_ in rows if action == "add" and number < to_a_set]
    assert f"## To a set: {to_a_set} actions, {len(nodes)} nodes" in DOCS["own_classes.md"]
    assert f"classifier: {len(rows)} actions" in DOCS["own_classes.md"]
    assert (to_a_set <= 15, len(nodes) <= 5, len(rows) <= 30) == (True, True, True)


def test_the_click_list_names_widgets_and_sockets_of_the_nodes():
    """tests/browser/test_own_classes.py does what it says, one by one."""
    for number, action, node, what, value in clicks():
        if action == "run":
            continue
        assert node in SCHEMAS or node in OTHERS, number
        if action == "add":
            continue
        inputs = [entry.id for entry in SCHEMAS[node].inputs] if node in SCHEMAS else OF_LOADER
        assert what in inputs, number
        if action == "link":
            maker, _, output = value.partition(": ")
            outputs = {entry.display_name for entry in SCHEMAS[maker].outputs} if maker in SCHEMAS else OF_LOADER
            assert output in outputs, number


def test_the_choices_for_photos_are_those_of_workflow_4():
    """The last table of the page: widgets of Train Classifier, the others stay at their defaults."""
    rows = re.findall(r"^\| (\w+) \| `([^`|]*)` \|", DOCS["own_classes.md"].split("What to choose")[1], re.M)
    defaults = {entry.id: getattr(entry, "default", None) for entry in SCHEMAS["Train Classifier"].inputs}
    recipe = {widget: str(value) for widget, value in OWN.items() if value != defaults[widget]}
    assert dict(rows) == recipe
    assert "workflow 4 has them" in DOCS["own_classes.md"]


def test_the_lines_of_classes_mean_what_the_page_says():
    """The table of lines, read as Classes from Text reads them."""
    rows = re.findall(r"^\| `([^`]+)` \| ", DOCS["own_classes.md"].split("How to write the classes")[1], re.M)
    classes = classes_from_text("\n".join([*rows[:2], rows[3]]), Library([]))
    (cat, mug, crane), _ = with_kinds(classes)
    assert {"tabby cat", "Persian cat", "Siamese cat"} <= set(cat.hyponyms)
    assert mug.hyponyms == ("coffee mug", "beer mug")
    assert crane.synset == "n02012849"  # of WordNet 3.0: crane, large long-necked wading bird
    assert crane.hyponyms == ("whooping crane",)  # WordNet 3.0: the only hyponym of the bird
    (many,) = classes_from_text(rows[2], Library([]))
    assert many.count == 200
    (default,) = (entry.default for entry in SCHEMAS["Dataset Plan"].inputs if entry.id == "images_per_class")
    assert f"Dataset Plan's number ({default}, if you change nothing)" in DOCS["own_classes.md"]


# ---- figures --------------------------------------------------------------------------------------------------------


def test_the_measured_times_are_those_of_the_pages_that_say_how_they_were_measured():
    """Each row names its source in the last column; its figures stand there."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|  ?\| \[([^\]]+)\]\(([^)]+)\) \|$", DOCS["times_and_memory.md"], re.M)
    assert len(rows) > 5
    for what, figure, _, source in rows:
        text = (ROOT / "docs" / source).read_text("utf-8")
        for number in re.findall(r"\d[\d,.]*\d|\d", figure):
            assert re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d])", text), (what, number)


# ---- what is published ----------------------------------------------------------------------------------------------


def test_the_address_of_the_repository_is_one():
    address = PROJECT["project"]["urls"]["Repository"]
    assert f"git clone {address} hyponet" in README
    raw = address.replace("https://github.com", "https://raw.githubusercontent.com") + "/main/"
    for name in ("Icon", "Banner"):
        link = PROJECT["tool"]["comfy"][name]
        assert link.startswith(raw)
        assert (ROOT / link.removeprefix(raw)).exists()


def test_icon_and_banner_have_the_registry_s_sizes_and_are_drawn_by_the_script(tmp_path, monkeypatch):
    """docs.comfy.org, registry/specifications: an icon of 400 x 400 pixels at most, square; a banner of 21:9."""
    monkeypatch.setattr(make_icon, "DOCS", tmp_path)
    make_icon.main()
    for name in ("icon.png", "banner.png"):
        drawn, kept = Image.open(tmp_path / name), Image.open(ROOT / "docs" / name)
        assert drawn.size == kept.size
        assert drawn.tobytes() == kept.tobytes()
    assert Image.open(ROOT / "docs" / "icon.png").size == (400, 400)
    width, height = Image.open(ROOT / "docs" / "banner.png").size
    assert width * 9 == height * 21


def test_every_optional_package_is_used_and_said():
    extras = PROJECT["project"]["optional-dependencies"]
    packages = {re.split(r"[<>=]", name)[0] for extra, names in extras.items() if extra != "local" for name in names}
    for package in packages:  # `local` is what ComfyUI brings
        assert re.search(rf"^\s*(?:import|from) {package}\b", SOURCES, re.M), package
        assert f"`{package}`" in README, package


def test_commands_are_written_one_way():
    """python3, for which the README says once what to write on Windows."""
    assert "On Windows write `python` for `python3`" in README
    for name, text in {"README.md": README, **DOCS}.items():
        commands = re.findall(r"^(?:\.\./)*python3? |`python3? [^`]*`", text, re.M)
        assert [command for command in commands if not re.match(r"`?python3 ", command)] in ([], ["`python` "]), name


def test_what_comes_only_after_the_release_is_said_to_come_then():
    for line in README.splitlines():
        if re.search(r"ComfyUI Manager|comfy node install", line):
            assert line.startswith("After the first release"), line
