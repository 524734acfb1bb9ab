"""What a SAMPLER is called.

Reads nothing and writes nothing.
"""

from __future__ import annotations

from typing import Any

# functions of ComfyUI's that are not named after their sampler
_FUNCTIONS = {
    "dpm_adaptive_function": "dpm_adaptive",
    "dpm_fast_function": "dpm_fast",
    "sample_unipc": "uni_pc",
    "sample_unipc_bh2": "uni_pc_bh2",
}


def sampler_name(sampler: Any) -> str:
    """ComfyUI's name of a SAMPLER's method; one that is not of its own gets a name that says so.

    Args:
        sampler: a SAMPLER, or the name of one.
    """
    if isinstance(sampler, str):
        return sampler
    function = getattr(sampler, "sampler_function", type(sampler))
    name = str(getattr(function, "__name__", type(function).__name__))
    if str(getattr(function, "__module__", "")).split(".")[0] != "comfy":
        return f"custom {name}"
    return _FUNCTIONS.get(name, name.removeprefix("sample_"))
