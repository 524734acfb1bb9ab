"""Names that Windows keeps for itself. Standard library only."""

from __future__ import annotations

# Microsoft, "Naming Files, Paths, and Namespaces"; the raised digits count as digits there
_DEVICES = {
    "con", "prn", "aux", "nul", "conin$", "conout$",
    *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789\u00b9\u00b2\u00b3"),
}  # fmt: skip


def is_device_name(name: str) -> bool:
    """Whether Windows takes a file of that name for a device, whatever its suffix: NUL, com1.txt, "aux .x"."""
    return name.split(".")[0].rstrip().casefold() in _DEVICES
