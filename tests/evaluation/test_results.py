"""Results: a file holds all of a result, only below its folder, and only complete ones are read."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from hyponet.evaluation import results
from hyponet.evaluation.plain_values import plain
from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.results import Measurement, read_result, read_results, write_result


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    written = write_result(
        tmp_path,
        Measurement(
            "sd15/hyponet", "fid", {"fid": 24.08}, {"images": {"count": 25000}}, {"seed": 7}, ("few pictures",)
        ),
    )
    assert written.path is not None
    assert written.path.parent == tmp_path / "sd15" / "hyponet"
    assert read_results(tmp_path) == [written]
    assert read_result(written.path).figures == {"fid": 24.08}
    assert written.versions["torch"] == torch.__version__
    assert "few pictures" in written.summary()


def test_the_node_shows_what_the_file_holds(tmp_path: Path) -> None:
    written = write_result(tmp_path, Measurement("a", "kid", {"kid": 0.5}, {}, {}))
    assert written.path is not None
    assert written.to_json() == json.loads(written.path.read_text("utf-8"))


def test_the_node_shows_convention_and_both_numbers_of_pictures_beside_a_figure(tmp_path: Path) -> None:
    inputs = {"features": {"name": "made", "count": 200}, "reference": {"name": "real", "count": 300}}
    settings = {"convention": "clean-fid", "size": 32}
    lines = write_result(tmp_path, Measurement("a", "fid", {"fid": 24.0}, inputs, settings)).summary().splitlines()
    assert lines == ["a: fid", "clean-fid, 32 px first; pictures: 200 (made) against 300 (real)", "fid: 24"]
    inputs["reference"]["count"] = None  # a foreign file of statistics
    assert "against unknown (real)" in write_result(tmp_path, Measurement("a", "fid", {}, inputs, settings)).summary()


def test_a_name_that_is_no_utf8_costs_no_figure(tmp_path: Path) -> None:
    # what Python makes of a file name in EUC-KR on a UTF-8 system
    name = "\ubc30".encode("euc-kr").decode("utf-8", "surrogateescape")
    written = write_result(
        tmp_path, Measurement("a", "fid", {"per_class": {name: 1.0}}, {"path": Path(name)}, {}, (name,))
    )
    assert written.path is not None
    assert read_result(written.path) == written
    assert list(written.figures["per_class"]) == [r"\udcb9\udce8"]


def test_a_write_that_fails_leaves_no_torn_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: object, **__: object) -> None:
        self.touch()
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        write_result(tmp_path, Measurement("a", "fid", {}, {}, {}))
    assert list((tmp_path / "a").iterdir()) == []


def test_two_runs_of_one_kind_are_two_files_in_order_of_age(tmp_path: Path) -> None:
    runs = [write_result(tmp_path, Measurement("a", "kid", {"kid": i}, {}, {})).run for i in range(3)]
    assert [result.run for result in read_results(tmp_path)] == runs
    assert len(list((tmp_path / "a").iterdir())) == 3


@pytest.mark.parametrize("name", ["", " ", "..", "../x", "a/../../b", "/etc", "a\\b", "C:x", "a\0b", "."])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="expected a relative path"):
        write_result(tmp_path / "results", Measurement(name, "fid", {}, {}, {}))
    assert not (tmp_path / "results").exists()


@pytest.mark.posix("making links needs a right")
def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "out").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="expected a relative path"):
        write_result(tmp_path / "results", Measurement("out", "fid", {}, {}, {}))


def test_torn_and_foreign_files_are_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = write_result(tmp_path, Measurement("a", "fid", {"fid": 1.0}, {}, {}))
    (tmp_path / "a" / "torn.json").write_text('{"format": "hypo')
    (tmp_path / "a" / "foreign.json").write_text("[1, 2]")
    (tmp_path / "a" / "half.json.part").write_text("{}")
    left_out: dict[Path, str] = {}
    assert read_results(tmp_path, left_out) == [good]
    assert [path.name for path in left_out] == ["foreign.json", "torn.json"]
    assert "torn.json" in caplog.text
    assert "foreign.json" in caplog.text


def test_numbers_of_numpy_and_torch_become_plain_and_nan_becomes_null() -> None:
    assert plain({"a": np.float32(0.5), "b": torch.tensor([1, 2]), "c": float("nan"), "d": (np.int64(3), None)}) == {
        "a": 0.5,
        "b": [1, 2],
        "c": None,
        "d": [3, None],
    }
    with pytest.raises(ValueError, match="a figure is set"):
        plain({1, 2})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan"), torch.tensor([1.0, float("-inf")])])
def test_a_figure_that_is_no_number_is_refused_by_its_place(tmp_path: Path, value: object) -> None:
    figures = {"fid": 1.0, "per_class": {"cat": {"fid": 2.0}, "dog": {"fid": value}}}
    with pytest.raises(ValueError, match=r"a/b: fid gave no finite number for figures\.per_class\.dog\.fid"):
        write_result(tmp_path, Measurement("a/b", "fid", figures, {}, {}))
    assert not list(tmp_path.rglob("*"))


def test_what_does_not_exist_is_written_and_shown_as_none(tmp_path: Path) -> None:
    written = write_result(tmp_path, Measurement("a", "kid", {"kid": 0.5, "kid_sd_over_subsets": None}, {}, {}))
    assert read_results(tmp_path) == [written]
    assert "kid sd over subsets: none" in written.summary()


def test_of_two_results_the_later_counts_also_where_the_clock_was_set_back(tmp_path, monkeypatch):
    """The report shows the newest of repeated runs."""

    class SetBack(results.datetime):
        @classmethod
        def now(cls, tz=None):
            return results.datetime(2020, 1, 1, tzinfo=tz)

    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "zZ-of-somebody-else.json").write_text("{}")
    measured = [results.Measurement("cats", "fid", {"fid": number}, {}, {}) for number in (1.0, 2.0, 3.0)]
    results.write_result(tmp_path, measured[0])
    monkeypatch.setattr(results, "datetime", SetBack)
    for measurement in measured[1:]:
        results.write_result(tmp_path, measurement)
    kept = results.read_results(tmp_path)
    assert [result.figures["fid"] for result in kept] == [1.0, 2.0, 3.0]
    assert [result.created for result in kept[1:]] == ["2020-01-01T00:00:00+00:00"] * 2, "as the clock had it"


def test_a_result_of_the_last_moment_that_a_date_can_name_stops_no_other(tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "99991231T235959999999Z-x.json").write_text("{}")
    written = results.write_result(tmp_path, results.Measurement("cats", "fid", {"fid": 1.0}, {}, {}))
    assert written.run.startswith(written.created[:10].replace("-", ""))


def test_a_folder_of_results_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The regression: pathlib's globs pass over it, and the report lacked its results without a word."""
    kept = write_result(tmp_path, Measurement("a", "fid", {"fid": 1.0}, {}, {}))
    lost = write_result(tmp_path, Measurement("b", "fid", {"fid": 2.0}, {}, {}))
    assert lost.path is not None
    scandir = os.scandir

    def forbidden(path: str | Path = ".") -> object:
        if str(path).endswith("b"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    left_out: dict[Path, str] = {}
    assert read_results(tmp_path, left_out) == [kept]
    assert left_out.keys() == {lost.path.parent}
    (note,) = build_report([kept], "r", left_out={"b": left_out[lost.path.parent]}).notes
    # the regression: it was called a file that is not a whole result
    assert (
        note == "Left out: b is a folder that cannot be listed (Permission denied); mend its permissions, or the disk."
    )
    assert "Permission denied" in caplog.text
    assert read_results(tmp_path / "none") == []
