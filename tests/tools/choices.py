"""What is said of a value that is in no fixed list: by the node on 0.3.75, by the server before it runs from 0.8 on."""

from __future__ import annotations

from headless.client import Rejected, RunFailed

REFUSED = (RunFailed, Rejected)


def no_choice(widget: str, value: str) -> str:
    """A pattern that fits either message."""
    return rf"{widget} is '{value}'; expected one of: |Value not in list: {widget}: '{value}' not in "
