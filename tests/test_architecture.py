"""ARCHITECTURE.md says what is: its table is that of the rooms, and what it names exists."""

from __future__ import annotations

import re

import pytest

from tools.dev.architecture import PAGE, with_rooms
from tools.dev.places import ROOT

TEXT = PAGE.read_text("utf-8")
TOPS = "nodes|evaluation|headless|tools|tests|wildcards|workflows|benchmarks|locales"
PATHS = sorted(set(re.findall(rf"`((?:{TOPS})/[\w/.-]*)", TEXT)))


def test_its_table_is_that_of_the_rooms():
    assert with_rooms(TEXT) == TEXT, "run python3 -m tools.dev.architecture"


def test_it_names_paths():
    assert len(PATHS) > 40


@pytest.mark.parametrize("path", PATHS)
def test_what_it_names_exists(path):
    assert (ROOT / path.rstrip(".")).exists()


@pytest.mark.parametrize(("path", "name"), re.findall(r"`([\w/]+\.py): (\w+)", TEXT))
def test_the_objects_on_the_sockets_are_defined_there(path, name):
    assert re.search(rf"^class {name}\b", (ROOT / path).read_text("utf-8"), re.M)


NAMED = re.findall(r"`([\w/]+\.py)` \(`(\w+)`(?! in `)", TEXT)  # `nodes/dataset/store/store.py` (`missing`)


def test_it_names_what_to_change_in_a_file():
    assert len(NAMED) >= 3


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_what_is_to_be_changed_in_a_file_is_defined_there(path, name):
    assert re.search(rf"^ *(class {name}|def {name}|{name} =)", (ROOT / path).read_text("utf-8"), re.M)
