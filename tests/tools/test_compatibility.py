"""The counts of docs/compatibility.md are those of pytest's own report."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from tools.dev.compatibility import HEAD, NO_PAGE, Counts, count, rows, with_rows

# tests by hand: one passes on each of two pages, one fails on the second, two are left out without a page
TESTS = """
import pytest
@pytest.fixture(params=[0, 1], ids=["pinned-canvas", "newest-nodes 2.0"])
def page(request):
    return request.param
def test_shown(page):
    pass
def test_clicked(page):
    assert page == 0
@pytest.mark.skip("a node | is newer")
def test_later():
    pass
@pytest.mark.xfail(reason="its server is slow")
def test_never():
    assert False
"""


def test_each_page_has_its_counts(tmp_path):
    (tmp_path / "test_four.py").write_text(TESTS)
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", "."]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    pages = count(report)
    assert pages == {
        "pinned canvas": Counts(Counter(passed=2)),
        "newest Nodes 2.0": Counts(Counter(passed=1, failed=1)),
        NO_PAGE: Counts(Counter(skipped=2), Counter({"a node | is newer": 1, "its server is slow": 1})),
    }
    lines = rows("0.3.75", pages, {"pinned": "1.32.9", "newest": "1.58.1"}, "2026-11-26")
    assert lines == [
        f"| 0.3.75 | {NO_PAGE} | 2026-11-26 | 0 | 0 | 2 | 1 a node / is newer; 1 its server is slow |",
        "| 0.3.75 | 1.58.1, Nodes 2.0 | 2026-11-26 | 1 | 1 | 0 |  |",
        "| 0.3.75 | 1.32.9, canvas | 2026-11-26 | 2 | 0 | 0 |  |",
    ]


def test_the_rows_of_a_version_are_replaced_and_others_stay():
    old = with_rows("", "0.3.75", ["| 0.3.75 | a | then | 1 | 2 | 3 |"])
    both = with_rows(old, "0.18.1", ["| 0.18.1 | a | then | 4 | 0 | 0 |"])
    new = with_rows(both, "0.3.75", ["| 0.3.75 | a | now | 3 | 0 | 3 |"])
    assert new == HEAD + "| 0.3.75 | a | now | 3 | 0 | 3 |\n| 0.18.1 | a | then | 4 | 0 | 0 |\n"


def test_what_is_written_by_hand_below_the_table_stays():
    row, by_hand = "| 0.3.75 | a | now | 3 | 0 | 3 |", "\n## What failed\n\n- nothing\n"
    page = with_rows("", "0.3.75", [row]) + by_hand
    assert with_rows(page, "0.18.1", ["| 0.18.1 | a | then | 4 | 0 | 0 |"]).endswith(by_hand)
    assert with_rows(page, "0.3.75", [row]) == page
