"""A sweep's report says in a few words what each result holds."""

from __future__ import annotations

import csv

from headless.gather import numbers, summary, write_report
from headless.state import DONE, RowState, State
from headless.sweep_file import SweepRow

KID = {"kind": "kid", "name": "cats", "figures": {"kid": 0.25, "kid_sd_over_subsets": None, "exact": True}}


def test_a_figure_that_a_result_does_not_have_is_named():
    assert summary(KID) == "kid of cats: kid 0.25, kid_sd_over_subsets none"


def test_a_table_for_programs_has_the_numbers_alone():
    nested = {"fid": 12.5, "per_class": {"cat": {"fid": None, "count": 3}}, "losses": [0.5, 0.25]}
    assert list(numbers(nested)) == [("fid", 12.5), ("per_class/cat/count", 3)]


def test_the_figures_open_in_a_spreadsheet(tmp_path):
    """Excel takes a file without the mark for the machine's code page; names of results may be Korean."""
    state = State(tmp_path)
    result = {"kind": "fid", "name": "\uace0\uc591\uc774", "run": 1, "figures": {"fid": 12.5}}
    state.write("a", RowState(key="k", status=DONE, results=[result]))
    write_report([SweepRow("a", "", 1.0, {}, "k")], state)
    path = tmp_path / "figures.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["row"], row["name"], row["figure"], row["value"]) == ("a", "\uace0\uc591\uc774", "fid", "12.5")
