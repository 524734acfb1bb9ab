"""Names of Windows' devices, as Microsoft's "Naming Files, Paths, and Namespaces" lists them."""

from __future__ import annotations

import pytest

from hyponet.evaluation.file_names import is_device_name


@pytest.mark.parametrize("name", ["NUL", "con", "Aux.txt", "nul.tar.gz", "COM1", "lpt9.png", "COM\u00b2", "prn .x"])
def test_devices_with_any_suffix_and_case(name):
    assert is_device_name(name)


@pytest.mark.parametrize("name", ["", "null", "cons", "com", "com10", "a.nul", ".con", "aux-1", "lpt"])
def test_others(name):
    assert not is_device_name(name)
