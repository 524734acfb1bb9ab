"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""`progress(done, total)`, called from time to time; it may raise to stop the work."""
