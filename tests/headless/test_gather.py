"""A sweep's report says in a few words what each result holds."""

from __future__ import annotations

from headless.gather import numbers, summary

KID = {"kind": "kid", "name": "cats", "figures": {"kid": 0.25, "kid_sd_over_subsets": None, "exact": True}}


def test_a_figure_that_a_result_does_not_have_is_named():
    assert summary(KID) == "kid of cats: kid 0.25, kid_sd_over_subsets none"


def test_a_table_for_programs_has_the_numbers_alone():
    nested = {"fid": 12.5, "per_class": {"cat": {"fid": None, "count": 3}}, "losses": [0.5, 0.25]}
    assert list(numbers(nested)) == [("fid", 12.5), ("per_class/cat/count", 3)]
