"""What a generation asks about memory: whether it ran out, and to give back what a failed batch held."""

from __future__ import annotations

import comfy.model_management

from ...evaluation.memory_errors import is_out_of_memory


def out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: the device, or the machine, has no memory left."""
    device_error = comfy.model_management.OOM_EXCEPTION  # Exception itself on devices that have none of their own
    is_oom = getattr(comfy.model_management, "is_oom", None)  # 0.18; it also clears the state of the device's error
    if is_oom is not None and device_error is not Exception and is_oom(error):
        return True
    is_device_error = device_error is not Exception and isinstance(error, device_error)
    return is_device_error or is_out_of_memory(error)


def release_memory() -> None:
    """Give back what the failed batch held."""
    comfy.model_management.soft_empty_cache()
