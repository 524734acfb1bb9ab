"""What a generation asks about memory: whether it ran out, and to give back what a failed batch held."""

from __future__ import annotations

import comfy.model_management


def out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: the device, or the machine, has no memory left."""
    device_error = comfy.model_management.OOM_EXCEPTION  # Exception itself on devices that have none of their own
    is_oom = getattr(comfy.model_management, "is_oom", None)  # 0.18; it also clears the state of the device's error
    if is_oom is not None and device_error is not Exception and is_oom(error):
        return True
    if isinstance(error, MemoryError) or (device_error is not Exception and isinstance(error, device_error)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


def release_memory() -> None:
    """Give back what the failed batch held."""
    comfy.model_management.soft_empty_cache()
