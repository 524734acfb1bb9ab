"""`merge` joins sets in folders without a server, by the function of Merge Datasets."""

from __future__ import annotations

import shutil

import pytest

from hyponet.headless.__main__ import main
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.tests.nodes.dataset.sample_sets import assert_whole
from hyponet.tests.nodes.dataset.test_merge_split import planned


def test_shards_and_one_that_came_twice_become_the_whole_set(tmp_path, capsys):
    for number in range(2):
        planned(tmp_path, f"part{number}", (number, 2))
    shutil.copytree(tmp_path / "part1", tmp_path / "again")
    parts = [str(tmp_path / name) for name in ("part0", "part1", "again")]
    assert main(["merge", *parts, "--into", str(tmp_path / "pets")]) == 0
    assert_whole(tmp_path / "pets", count=2)
    assert "2 pictures of the plan were delivered again" in capsys.readouterr().out


def test_what_cannot_be_merged_is_said_in_one_line(tmp_path, capsys):
    planned(tmp_path, "one")
    planned(tmp_path, "other", drawn_by=1)
    assert main(["merge", str(tmp_path / "one"), str(tmp_path / "nothing"), "--into", str(tmp_path / "pets")]) == 2
    assert main(["merge", str(tmp_path / "one"), str(tmp_path / "other"), "--into", str(tmp_path / "pets")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "nothing") in first
    assert "expected one picture an item" in second
    assert not (tmp_path / "pets").exists()


@pytest.mark.parametrize(
    ("sets", "into", "says"),
    [
        (["part0"], "pets", "merge has 1 set; expected two or more"),
        (["part0", "part1"], "part1", "--into is part1, one of the sets to merge; expected a folder of its own"),
        (["part0", "part1"], "./part1/", "--into is part1, one of the sets"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_words_of_the_command(tmp_path, monkeypatch, capsys, sets, into, says):
    """The regression: they were those of the node, which has inputs and a name."""
    for number in range(2):
        planned(tmp_path, f"part{number}", (number, 2))
    monkeypatch.chdir(tmp_path)
    assert main(["merge", *sets, "--into", into]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(says)
    assert len(DatasetStore.open(tmp_path / "part1")) == 2  # a picture of each of its classes, as before


def test_a_set_that_somebody_writes_is_no_traceback(tmp_path, capsys):
    parts = [str(planned(tmp_path, f"part{number}", (number, 2)).root) for number in range(2)]
    assert main(["merge", *parts, "--into", str(tmp_path / "pets")]) == 0
    with open_for_writing(DatasetStore.open(tmp_path / "pets").root):
        assert main(["merge", *parts, "--into", str(tmp_path / "pets")]) == 2
    assert "is being written by" in capsys.readouterr().err
