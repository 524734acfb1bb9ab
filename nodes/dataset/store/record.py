"""One line of a manifest: what is known of one picture. One fixed schema; no column is null.

Reads and writes nothing; `manifest.py` has the file.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from ...prompts.item import Item, Pick

GOOD = "ok"  # made, and no check is against it
KEPT = "kept"  # every try was rejected, the best one stays; exports leave it out unless asked

UNCHECKED, PASSED, FAILED = "unchecked", "passed", "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """One picture of a set.

    Args:
        file_name: relative to the set's folder, forward slashes.
        attempt: number of this try, from 0; the manifest's column is called `try`.
        sha256: of the whole file, hex.
        status: GOOD or KEPT.
        check: UNCHECKED, PASSED or FAILED by Check Labels.
        check_probability: of the label among the set's own classes, 0 before a check.
        check_predicted: the label that the check found, "" before a check.
    """

    file_name: str
    label: str
    rank: int
    attempt: int
    status: str
    prompt: str
    negative: str
    picks: tuple[Pick, ...]
    seed: int
    width: int
    height: int
    sha256: str
    check: str = UNCHECKED
    check_probability: float = 0.0
    check_predicted: str = ""

    def to_json(self) -> str:
        """One line of JSON without its line break; the first five keys stand first, so that a scan finds them."""
        # A list that is empty in every line would have no type for Arrow, and the schema would depend on the plan.
        picks = [{"slot": pick.slot, "option": pick.option, "source": pick.source} for pick in self.picks]
        return json.dumps(
            {
                "file_name": self.file_name,
                "label": self.label,
                "rank": self.rank,
                "try": self.attempt,
                "status": self.status,
                "prompt": self.prompt,
                "negative": self.negative,
                "picks": picks or [{"slot": "", "option": "", "source": ""}],
                "seed": self.seed,
                "width": self.width,
                "height": self.height,
                "sha256": self.sha256,
                "check": self.check,
                "check_probability": float(self.check_probability),
                "check_predicted": self.check_predicted,
            },
            ensure_ascii=False,
            allow_nan=False,
        )

    def to_bytes(self) -> bytes:
        """The line as it stands in a file; half a surrogate pair becomes JSON's own escape."""
        return (self.to_json() + "\n").encode("utf-8", "backslashreplace")

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Line:
        """The line that `data` says.

        Raises:
            ValueError: a key is missing or has another type.
        """
        try:
            picks = tuple(Pick(str(p["slot"]), str(p["option"]), str(p["source"])) for p in data["picks"])
            line = cls(
                file_name=_text(data["file_name"]),
                label=_text(data["label"]),
                rank=_count(data["rank"]),
                attempt=_count(data["try"]),
                status=_text(data["status"]),
                prompt=_text(data["prompt"]),
                negative=_text(data["negative"]),
                picks=tuple(pick for pick in picks if pick.slot),
                seed=_count(data["seed"]),
                width=_count(data["width"]),
                height=_count(data["height"]),
                sha256=_text(data["sha256"]),
                check=_text(data["check"]),
                check_probability=float(data["check_probability"]),
                check_predicted=_text(data["check_predicted"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"manifest line lacks or misspells {error}; expected the columns of this pack") from None
        parts = line.file_name.split("/")
        if len(parts) != 2 or any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
            raise ValueError(f"file_name is {line.file_name!a}; expected <class folder>/<file>")
        if not math.isfinite(line.check_probability):
            raise ValueError("check_probability is not finite; expected 0 to 1")
        return line

    @property
    def key(self) -> tuple[str, int]:
        return (self.label, self.rank)

    def item(self) -> Item:
        """The plan's item that this picture was made from."""
        return Item(self.label, self.rank, self.attempt, self.prompt, self.negative, self.picks, self.seed)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text that is {type(value).__name__}")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"a whole number that is {ascii(value)[:40]}")
    return value
