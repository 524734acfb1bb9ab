"""Values of any kind as those that JSON has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch


def plain(value: Any) -> Any:
    """`value` as JSON values only; a number that is not finite becomes None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # a file's name need not be UTF-8
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return plain(value.name)
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise ValueError(f"a figure is {type(value).__name__}; expected numbers, text, lists or objects; convert it first")


def not_finite(value: Any, place: str) -> list[str]:
    """The places of the numbers below `value` that are not finite, such as figures.per_class.cat.fid."""
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return not_finite(value.tolist(), place)
    if isinstance(value, Mapping):
        return [key_path for key, item in value.items() for key_path in not_finite(item, f"{place}.{plain(str(key))}")]
    if isinstance(value, (list, tuple)):
        return [key_path for i, item in enumerate(value) for key_path in not_finite(item, f"{place}[{i}]")]
    return [place] if isinstance(value, (float, np.floating)) and not math.isfinite(value) else []
