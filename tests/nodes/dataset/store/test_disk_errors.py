"""The disk fails at every call of a set's life in turn: nothing is lost or replaced, and the message says where.

Of each place in the code from which writing, resuming, rejecting and verifying open, read, list, rename or sync a file,
the first call, one in the middle and the last are failed, with ten errors in turn; `benchmarks/disk_errors.py` fails
every call with each of them.
"""

from __future__ import annotations

import itertools
import shutil

import pytest

from ..failing_disk import ERRORS, PHASES, fail_once, go_on, make_stages, pictures, places_of, some_numbers


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    return make_stages(tmp_path_factory.mktemp("stages"))


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_nothing_is_lost_or_replaced_when_the_disk_fails(stages, tmp_path, phase):
    base = tmp_path / "base"
    places = places_of(phase, stages[phase], base)
    assert {"open", "read", "listdir", "scandir", "replace", "fsync"} - {kind for kind, *_ in places} <= {"listdir"}
    go_on(phase, base, pictures(base))
    shutil.rmtree(base)
    errors = itertools.cycle(ERRORS)
    said = [fail_once(phase, stages[phase], base, number, next(errors)) for number in some_numbers(places)]
    assert sum(map(bool, said)) > len(said) // 2
