"""The lines of `metadata.jsonl`, the manifest of our own sets: one JSON object, the record of one picture, a line.

Also how the files of a set are called. Reads and writes no files.
This is the only parser: a line that cannot be used whole is damaged for every reader alike.
Blank lines, CRLF, a byte order mark, further columns and whole numbers written as 0.0 are no damage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..unicode_names import composed

MANIFEST = "metadata.jsonl"
REJECTION_LOG = "rejected.jsonl"  # beside it: the attempts that were rejected
DESCRIPTION = "dataset.json"
FORMAT = "hyponet.dataset"
VERSION = 2  # of dataset.json; a set of another version is refused

GOOD = "ok"  # made, and no check is against it
FALLBACK = "fallback"  # every attempt was rejected, the best one stays; exports leave it out unless asked
UNCHECKED, PASSED, FAILED = "unchecked", "passed", "failed"

MAX_RANK = 100_000_000  # the index of a set takes two bytes for every rank up to the highest
MAX_ATTEMPT = 32_000  # fits those two bytes
MAX_WHOLE = 2**64 - 1  # ComfyUI's highest seed, and more than any side of a picture

# how pictures of our sets are written -> the suffix of their files
SUFFIX_OF = {"png": ".png", "webp lossless": ".webp", "webp": ".webp", "jpeg": ".jpg"}
SUFFIXES = tuple(dict.fromkeys(SUFFIX_OF.values()))

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Notepad and PowerShell 5 write one in front
_LONGEST_TOKEN = len("-Infinity")  # of JSON as Python writes it, texts aside


class PickedOption(NamedTuple):
    """One choice that went into a prompt: which slot, what was picked, and the wildcard file that it came from."""

    slot: str
    option: str
    source: str


@dataclass(frozen=True, slots=True)
class Record:
    """One picture of a set. One fixed schema; no column is null.

    Args:
        file_name: <class folder>/<file>, relative to the set's folder.
        attempt: number of this attempt at the item, from 0.
        sha256: of the whole file, hex.
        status: GOOD or FALLBACK.
        check: UNCHECKED, PASSED or FAILED by Check Labels.
        check_probability: of the label among the set's own classes, 0 before a check.
        check_predicted: the label that the check saw, "" before a check.
        extra: columns that a user added; they are carried along.
    """

    file_name: str
    label: str
    rank: int
    attempt: int
    status: str
    prompt: str
    negative: str
    picks: tuple[PickedOption, ...]
    seed: int
    width: int
    height: int
    sha256: str
    check: str = UNCHECKED
    check_probability: float = 0.0
    check_predicted: str = ""
    extra: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> tuple[str, int]:
        """(label, rank): which item of the plan the picture shows."""
        return (self.label, self.rank)

    def head(self) -> Head:
        """What an index needs of it."""
        file_name = self.file_name.encode("utf-8", "surrogatepass")
        return (self.label, self.rank, self.attempt, self.status == FALLBACK, file_name, self.check)

    def columns(self) -> dict[str, Any]:
        """The line as a JSON object, its columns in the order of the file."""
        # a list that is empty in every line would have no type for Arrow, and the schema would depend on the plan
        picks = self.picks or (PickedOption("", "", ""),)
        return {
            "file_name": self.file_name,
            "label": self.label,
            "rank": self.rank,
            "attempt": self.attempt,
            "status": self.status,
            "prompt": self.prompt,
            "negative": self.negative,
            "picks": [{"slot": pick.slot, "option": pick.option, "source": pick.source} for pick in picks],
            "seed": self.seed,
            "width": self.width,
            "height": self.height,
            "sha256": self.sha256,
            "check": self.check,
            "check_probability": _probability(self.check_probability),
            "check_predicted": self.check_predicted,
            **self.extra,
        }

    def to_json(self) -> str:
        """One line of JSON without its line break.

        A NaN or an infinity in a column of the user's goes back as it came; in ours there is none.
        """
        return json.dumps(self.columns(), ensure_ascii=False)

    def to_bytes(self) -> bytes:
        """The line as it stands in a file; half a surrogate pair becomes JSON's own escape."""
        return (self.to_json() + "\n").encode("utf-8", "backslashreplace")

    @classmethod
    def from_columns(cls, columns: object) -> Record:
        """The record that a JSON object says.

        Raises:
            ValueError: a column is missing or holds what no reader can use.
        """
        if not isinstance(columns, dict):
            raise ValueError("is no JSON object")
        try:
            record = cls(
                file_name=_text(columns, "file_name"),
                label=_text(columns, "label"),
                rank=_whole(columns, "rank", MAX_RANK),
                attempt=_whole(columns, "attempt", MAX_ATTEMPT),
                status=_one_of(columns, "status", (GOOD, FALLBACK)),
                prompt=_text(columns, "prompt"),
                negative=_text(columns, "negative"),
                picks=_picks(columns["picks"]),
                seed=_whole(columns, "seed"),
                width=_whole(columns, "width"),
                height=_whole(columns, "height"),
                sha256=_text(columns, "sha256"),
                check=_one_of(columns, "check", (UNCHECKED, PASSED, FAILED)),
                check_probability=_probability(columns["check_probability"]),
                check_predicted=_text(columns, "check_predicted"),
                extra={name: value for name, value in columns.items() if name not in _COLUMNS},
            )
        except KeyError as error:
            raise ValueError(f"has no column {error}") from None
        parts = record.file_name.split("/")
        if len(parts) != 2 or any(part in ("", ".", "..") or set(part) & set("\\:\0") for part in parts):
            raise ValueError(f"has the file_name {record.file_name[:80]!r}; expected <class folder>/<file>")
        return record


_COLUMNS = frozenset(Record.__dataclass_fields__) - {"extra"}


def parse(line: bytes) -> Record:
    """The record of one line, with or without its line break.

    Raises:
        ValueError: the line cannot be used whole; the message says what is wrong with it and goes on from
            "line 3 of metadata.jsonl ...".
    """
    return Record.from_columns(columns_of(line))


def misplaced(record: Record, folders: Mapping[str, str]) -> str:
    """What is wrong with a record's label and file_name, "" for nothing; it goes on from "line 3 of ...".

    A picture lies in its class's folder and is called by its rank. Else a line could stand for a class that the set
    does not have, or for the picture of another item.

    Args:
        folders: label -> class folder, as dataset.json has them.
    """
    folder = folders.get(record.label)
    if folder is None:
        return f"has the label {record.label[:80]!r}, which {DESCRIPTION} does not know"
    start, name = composed(f"{folder}/{record.rank:06d}."), composed(record.file_name)
    if not name.startswith(start) or not name.endswith(SUFFIXES):
        return f"has the file_name {record.file_name[:80]!r}; expected {start!r} and one of {', '.join(SUFFIXES)}"
    return ""


def columns_of(line: bytes) -> dict[str, Any]:
    """The JSON object of one line, whatever its columns are: image folders of others have such files too.

    Raises:
        ValueError: there is none, as `parse` says it.
    """
    try:
        columns = json.loads(line.removeprefix(_BYTE_ORDER_MARK).decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("is no UTF-8") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"is no JSON ({error})") from None
    if not isinstance(columns, dict):
        raise ValueError("is no JSON object")
    return columns


def is_torn(line: bytes) -> bool:
    """Whether a last line without its line break is the beginning of one, as a crash leaves it behind.

    Whole JSON is none, usable or not: an editor stripped its line break. Neither is what breaks off before its end, or
    begins unlike our lines: that is damage, which nobody cuts off. Zeros at the end come from a loss of power.
    """
    line = line.removeprefix(_BYTE_ORDER_MARK).rstrip(b"\0")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        text = line[: error.start].decode("utf-8")
    try:
        json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        at_the_end = error.msg.startswith("Unterminated string") or error.pos >= len(text) - _LONGEST_TOKEN
        return not text or (text.startswith("{") and at_the_end)
    except (ValueError, RecursionError):  # too long a number, too deep: damage
        return False
    return False


def is_blank(line: bytes) -> bool:
    """Whether a line holds nothing: it is skipped, as every reader of JSON lines does."""
    return not line.removeprefix(_BYTE_ORDER_MARK).strip()


Head = tuple[str, int, int, bool, bytes, str]
"""What an index needs of a line: label, rank, attempt, whether the status is FALLBACK, file_name in UTF-8, check."""


def _text(columns: dict[str, Any], name: str) -> str:
    value = columns[name]
    if not isinstance(value, str):
        raise ValueError(f"has the {name} {repr(value)[:40]}; expected a text")
    return value


def _one_of(columns: dict[str, Any], name: str, options: tuple[str, ...]) -> str:
    value = columns[name]
    if value not in options:
        raise ValueError(f"has the {name} {repr(value)[:40]}; expected {' or '.join(options)}")
    return str(value)


def _whole(columns: dict[str, Any], name: str, limit: int = MAX_WHOLE) -> int:
    """A whole number; 3.0 is one, as pandas writes it after a join."""
    value = columns[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
        raise ValueError(f"has the {name} {repr(value)[:40]}; expected a whole number from 0 up to {limit}")
    return value


def _probability(value: object) -> float:
    # comparing refuses a NaN, and takes a whole number of any length, which float() and math.isfinite do not
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"has the check_probability {repr(value)[:40]}; expected 0 to 1")
    return float(value)


def _picks(entries: object) -> tuple[PickedOption, ...]:
    try:
        picks = [PickedOption(entry["slot"], entry["option"], entry["source"]) for entry in entries]  # type: ignore[attr-defined]
    except (KeyError, TypeError):
        raise ValueError("has picks without slot, option and source") from None
    if not all(isinstance(part, str) for pick in picks for part in pick):
        raise ValueError("has a pick that is no text")
    return tuple(pick for pick in picks if pick.slot)
