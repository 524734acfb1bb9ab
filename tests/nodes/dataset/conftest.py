"""The set that most tests of the dataset room begin with."""

from __future__ import annotations

import pytest

from .sample_sets import generate, open_set


@pytest.fixture
def pets(tmp_path):
    """A closed set of two classes, four pictures each."""
    with open_set(tmp_path) as store:
        generate(store)
    return store.root
