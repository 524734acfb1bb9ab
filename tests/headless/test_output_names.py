"""What is written under a name that Windows keeps for a device vanishes there: such names are refused everywhere.

The devices are those of Microsoft's "Naming Files, Paths, and Namespaces".
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hyponet.headless import __main__ as command_line
from hyponet.headless.__main__ import main


@pytest.mark.parametrize(
    "line",
    [
        ["run", "flow.json", "--json", "con.json"],
        ["run", "flow.json", "--save", "out/AUX"],
        ["sweep", "s.csv", "--state", "nul"],
        ["farm", "s.csv", "--state", "lpt1.d"],
        ["fetch", "pets", "--store", "store", "--into", "prn"],
        ["evaluate", "pets", "--results", "com1"],
        ["merge", "a", "b", "--into", "con"],
    ],
    ids=lambda line: line[0] + line[-2],
)
def test_an_output_is_not_called_as_a_device_of_windows(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main(line)
    assert f"{line[-1]!r} is a device of Windows; expected another name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["sweep", "farm"])
def test_the_state_of_a_file_that_is_called_so_has_a_folder_of_another_name(
    command, server, flow, tmp_path, monkeypatch
):
    monkeypatch.setattr(command_line, "OUTPUT", tmp_path / "sweeps")
    (tmp_path / "aux.csv").write_text("name,workflow\na,flow.json\n", "utf-8")
    more = ["--shards", "1"] if command == "farm" else []
    assert main([command, str(tmp_path / "aux.csv"), "--url", server.url, *more]) == 0
    assert [path.name for path in Path(tmp_path / "sweeps").iterdir()] == ["file-aux"]
