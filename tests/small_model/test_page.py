"""The page of the sweep in small says what its results say."""

from __future__ import annotations

import json

import pytest

from hyponet.evaluation.intervals import wilson
from hyponet.tools.small_model.page import ADDED, SETS, chart, page, read_rows


def write_results(output, accuracies):
    """A test of each seed, and a training beside it, as the nodes leave them."""
    for name in (*SETS, *ADDED):
        folder = output / "hyponet" / "results" / "small" / name
        folder.mkdir(parents=True)
        for seed, accuracy in enumerate(accuracies):
            low, high = wilson(round(5000 * accuracy), 5000)
            figures = {"test_sets": [{"accuracy": accuracy, "interval": [low, high], "count": 5000}]}
            for number, kind in enumerate(("training", "test")):
                result = {"kind": kind, "created": f"{number}", "settings": {"seed": seed}, "figures": figures}
                (folder / f"{kind}{seed}.json").write_text(json.dumps(result), "utf-8")


def test_rows_have_mean_and_deviation_of_the_seeds(tmp_path):
    write_results(tmp_path, (0.6, 0.62, 0.67))
    text = page(read_rows(tmp_path))
    # by hand: mean 63.0; deviation sqrt((9 + 1 + 16) / 2) = 3.6; half an interval 1.96 sqrt(0.6 x 0.4 / 5000) = 1.36 %
    assert text.count("| 63.0 | 3.6 | 60.0, 62.0, 67.0 | 1.4 |") == 6
    assert "5,000 real test pictures" in text


def test_a_sweep_that_is_not_done_makes_no_page(tmp_path):
    write_results(tmp_path, ())
    with pytest.raises(ValueError, match="holds no test"):
        read_rows(tmp_path)


def test_the_chart_is_drawn(tmp_path):
    write_results(tmp_path, (0.6, 0.62, 0.67))
    chart(read_rows(tmp_path), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
