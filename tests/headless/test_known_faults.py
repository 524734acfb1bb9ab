"""Faults of the headless client that are known and not mended yet: each test states what is right and fails today."""

from __future__ import annotations

import json

import pytest

from hyponet.headless.sweep_file import read_sweep


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="a cell with line breaks is cut into lines before it is read as CSV, and loses breaks, blanks and # lines",
)
def test_a_quoted_cell_keeps_its_lines(tmp_path):
    """Excel, LibreOffice and Sheets write a multi-line widget so; RFC 4180, section 2.6: breaks belong to the cell."""
    node = {"class_type": "HypoNetClassesFromText", "inputs": {"text": "x"}, "_meta": {"title": "Classes"}}
    (tmp_path / "flow.json").write_text(json.dumps({"1": node}))
    text = "cat\ndog\n\n# fish\nsea\u2028lion"
    (tmp_path / "s.csv").write_text(f'name,workflow,Classes.text\na,flow.json,"{text}"\n', "utf-8")
    (row,) = read_sweep(tmp_path / "s.csv")
    assert row.graph["1"]["inputs"]["text"] == text
