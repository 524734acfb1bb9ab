from __future__ import annotations

import pytest

from hyponet.evaluation.progress import duration

DURATIONS = {
    0.2: "0 s",
    59.4: "59 s",
    59.6: "1 min 0 s",
    60: "1 min 0 s",
    185: "3 min 5 s",
    7_800: "2 h 10 min",
    11_520: "3 h 12 min",
    187_200: "2 d 4 h",
    273_600: "3 d 4 h",
}


@pytest.mark.parametrize(("seconds", "text"), DURATIONS.items())
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text
