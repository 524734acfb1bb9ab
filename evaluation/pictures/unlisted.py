"""Pictures in the class folders of one of our sets that no line of its manifest names.

A crash leaves some, and a manifest that was cut, in a line or between two, looks like that of a smaller set. Reads and
writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from .manifest import MANIFEST, MAX_RANK, SUFFIXES

# Killed, a process leaves one for each thread of its writer; without power, those of the last seconds, since lines are
# synced every five. A judgement: with less a fast set is refused after that, with more a short cut is not seen.
_LEFT_BY_A_CRASH = 64
_SHOWN = 3


def rank_in_name(name: str) -> int:
    """The rank that a file in a class folder is called by, as our sets call their pictures; -1 for other names."""
    stem, suffix = os.path.splitext(name)
    if suffix not in SUFFIXES or len(stem) > len(str(MAX_RANK)) or not (stem.isascii() and stem.isdecimal()):
        return -1
    return int(stem) if stem == f"{int(stem):06d}" else -1


def refuse_lost_lines(name: str, unlisted: Sequence[str], listed: int, noted: int) -> None:
    """For what adds to the set `name`, or makes something else of it.

    Args:
        unlisted: pictures in its class folders that no line names.
        listed: pictures that a line names.
        noted: so many there were at least when the set was written last, by dataset.json.

    Raises:
        ValueError: there are unlisted ones, and lines are gone; or they are more than a crash leaves behind.
    """
    expected = "none" if listed < noted else f"at most {_LEFT_BY_A_CRASH}, as a crash leaves them"
    if len(unlisted) > (0 if listed < noted else _LEFT_BY_A_CRASH):
        lost = f", and {listed:,} lines, though there were {noted:,}" if listed < noted else ""
        raise ValueError(
            f"data set {name!r} has {len(unlisted):,} pictures that no line of {MANIFEST} names "
            f"({', '.join(unlisted[:_SHOWN])}{', ...' if len(unlisted) > _SHOWN else ''}){lost}; expected {expected}; "
            f"nothing was changed; {MANIFEST} may have been cut: put it back from a copy; or run Verify Dataset, which "
            "moves these pictures beside the set, so that Generate Dataset makes them anew"
        )


def unlisted_text(unlisted: Sequence[str]) -> str:
    """What a node says of so few that a crash may have left them; "" where there are none."""
    if not unlisted:
        return ""
    ellipsis = ", ..." if len(unlisted) > _SHOWN else ""
    return (
        f"{len(unlisted):,} pictures lie in the class folders that no line of {MANIFEST} names "
        f"({', '.join(unlisted[:_SHOWN])}{ellipsis}), as a crash or a cut leaves them; they do not count. Put the "
        "lines back from a copy, or run Generate Dataset, which makes them anew and keeps what looks otherwise."
    )
