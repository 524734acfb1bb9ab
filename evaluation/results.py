"""One result, one JSON file: written by every training, test and metric run, read by the report.

Reads and writes `<folder>/<name>/<run>.json`; the nodes' folder is output/hyponet/results. A file is complete or
absent: it is written under a temporary name and renamed.

What the figures hold, by kind: training, test and comparison, see training/*_figures.py; fid, inception_score, kid,
precision_recall, diversity and distortion, see the module of that name in metrics/.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import PIL
import torch

from ..version import __version__
from .files import replacing
from .json_text import parse_json
from .plain_values import not_finite, plain

FORMAT = "hyponet.result"
VERSION = 1  # of the form of result files; a newer one is refused
logger = logging.getLogger("hyponet")
_STAMP = "%Y%m%dT%H%M%S%fZ"  # of a file's name, in UTC
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/|?*\\]+')


@dataclass(frozen=True)
class Result:
    """What one run measured, and everything needed to say where a figure came from.

    Args:
        name: the set, model or experiment that the figures describe; the row of the report's tables.
        kind: "training", "test", "fid", "inception_score", "kid", "precision_recall", "diversity", "distortion", ...
        run: stem of the file; begins with the UTC time, so that names sort by age. Where the clock was set back it is
            a moment after the result before.
        created: UTC time by the clock, ISO 8601.
        figures: numbers (None where one does not exist), lists and nested objects of them.
        inputs: what was measured: names, counts, content keys, model files.
        settings: conventions, seeds, sizes, hyper-parameters.
        versions: of Python, torch and the pack.
        warnings: what a reader has to know before using the figures.
    """

    name: str
    kind: str
    run: str
    created: str
    figures: dict[str, Any]
    inputs: dict[str, Any]
    settings: dict[str, Any]
    versions: dict[str, str]
    warnings: tuple[str, ...] = ()
    path: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that is in the file."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "kind": self.kind,
            "run": self.run,
            "created": self.created,
            "figures": self.figures,
            "inputs": self.inputs,
            "settings": self.settings,
            "versions": self.versions,
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """A few lines for people: the plain numbers and the missing ones, what they depend on, then the warnings."""
        lines = [f"{self.name}: {self.kind.replace('_', ' ')}"]
        if "convention" in self.settings:
            sides = [self.inputs[part] for part in ("features", "images", "reference") if part in self.inputs]
            counts = " against ".join(f"{side.get('count') or 'unknown'} ({side.get('name')})" for side in sides)
            size = f"{self.settings.get('size')} px first" if self.settings.get("size") else "own size"
            method = ", ".join(filter(None, [self.settings.get("network"), self.settings["convention"], size]))
            lines.append(f"{method}{f'; pictures: {counts}' if counts else ''}")
        reference = self.inputs.get("reference")
        if isinstance(reference, Mapping) and "shared" in reference:
            shared = reference["shared"]
            lines.append(f"pictures that are in {reference.get('name')} too: {'unknown' if shared is None else shared}")
        for key, value in self.figures.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                lines.append(f"{key.replace('_', ' ')}: {value:.6g}")
            elif value is None:
                lines.append(f"{key.replace('_', ' ')}: none")
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)


@dataclass(frozen=True)
class Measurement:
    """What a run measured, before it is a file; the fields are those of Result.

    Args:
        name: a relative path of plain parts when it is written; see file_name.
        kind: what was run, in lower case with underscores.
        figures: numbers, all finite, lists and objects of them, None where one does not exist; numpy and torch
            scalars and arrays are converted.
        inputs, settings: JSON values, converted likewise; NaN becomes null.
        warnings: what a reader has to know.
    """

    name: str
    kind: str
    figures: Mapping[str, Any]
    inputs: Mapping[str, Any]
    settings: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def file_name(name: str) -> str:
    """`name` with what file names forbid replaced, for a measurement that goes under the name of its set."""
    return _UNSAFE.sub("_", name).strip(" .") or "unnamed"


def write_result(folder: Path | str, measurement: Measurement) -> Result:
    """Write one result to `folder`/<its name>/<run>.json and return it.

    Args:
        folder: the folder of all results (output/hyponet/results); made if missing.
        measurement: what to write.

    Raises:
        ValueError: its name leads out of `folder`, a value has no JSON form, or a figure is not a finite number.
    """
    name, kind = measurement.name, measurement.kind
    target = _below(Path(folder), name)
    broken = not_finite(measurement.figures, "figures")
    if broken:
        raise ValueError(
            f"{name}: {kind.replace('_', ' ')} gave no finite number for {', '.join(broken[:5])}"
            f"{' and more' if len(broken) > 5 else ''}; expected finite numbers, and no result is written; look for "
            "pictures, features or weights with numbers that are none, and measure again"
        )
    now = datetime.now(timezone.utc)
    stamp = f"{_next_moment(target, now):{_STAMP}}"
    body = {
        "figures": plain(measurement.figures),
        "inputs": plain(measurement.inputs),
        "settings": plain(measurement.settings),
    }
    digest = hashlib.sha256(json.dumps([name, kind, body, stamp], sort_keys=True).encode()).hexdigest()[:8]
    result = Result(
        name=plain(name),
        kind=kind,
        run=f"{stamp}-{kind}-{digest}",
        created=now.isoformat(timespec="seconds"),
        versions=versions(),
        warnings=tuple(plain(warning) for warning in measurement.warnings),
        **body,
    )
    return write_again(replace(result, path=target / f"{result.run}.json"))


def write_again(result: Result) -> Result:
    """The result over its own file, as when something was counted for a run that is finished."""
    assert result.path is not None
    with replacing(result.path) as temporary:
        temporary.write_text(json.dumps(result.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return result


def _next_moment(folder: Path, now: datetime) -> datetime:
    """Now, or just after the newest result in `folder` where the clock was set back: of two, the later counts."""
    stamps = [path.name.partition("-")[0] for path in folder.glob("*Z-*.json")]
    for stamp in sorted(stamps, reverse=True):
        with contextlib.suppress(ValueError, OverflowError):  # a file of somebody else
            newest = datetime.strptime(stamp, _STAMP).replace(tzinfo=timezone.utc)
            return max(now, newest + timedelta(microseconds=1))
    return now


def read_result(path: Path | str) -> Result:
    """The result in one file.

    Raises:
        ValueError: the file is no result of this version; the message names it.
    """
    path = Path(path)
    try:
        data = plain(parse_json(path.read_text(encoding="utf-8")))  # its numbers may be infinite, its text no UTF-8
        if data["format"] != FORMAT or int(data["version"]) > VERSION:
            raise KeyError("format")
        return Result(
            name=str(data["name"]),
            kind=str(data["kind"]),
            run=str(data["run"]),
            created=str(data["created"]),
            figures=dict(data["figures"]),
            inputs=dict(data["inputs"]),
            settings=dict(data["settings"]),
            versions=dict(data["versions"]),
            warnings=tuple(str(warning) for warning in data.get("warnings", [])),
            path=path,
        )
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is not a result file of version {VERSION} ({type(error).__name__}: {error}); expected JSON with "
            f'"format": "{FORMAT}"; move it out of the results folder'
        ) from error


def read_results(folder: Path | str, left_out: dict[Path, str] | None = None) -> list[Result]:
    """Every result below `folder`, oldest first.

    A file that is none or cannot be read, and a folder that cannot be listed, are named in the log.

    Args:
        left_out: gets them, each with what is the matter and what to do, as the rest of a sentence.
    """
    results = []

    def leave_out(path: Path, error: Exception, why: str) -> None:
        logger.warning("%s", error)
        if left_out is not None:
            left_out[path] = why

    def unlisted(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            leave_out(Path(error.filename), error, _denied(error, "is a folder that cannot be listed"))

    files = (Path(parent, name) for parent, _, names in os.walk(folder, onerror=unlisted) for name in names)
    for path in sorted(path for path in files if path.suffix == ".json"):
        try:
            results.append(read_result(path))
        except ValueError as error:
            leave_out(path, error, "is not a whole result file; run its node again or move it away")
        except FileNotFoundError:  # somebody moved it away meanwhile
            continue
        except OSError as error:
            leave_out(path, error, _denied(error, "cannot be read"))
    return sorted(results, key=lambda result: result.run)


def _denied(error: OSError, what: str) -> str:
    return f"{what} ({error.strerror}); mend its permissions, or the disk"


def versions() -> dict[str, str]:
    """Versions that a figure can depend on."""
    return {
        "hyponet": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }


def _below(folder: Path, name: str) -> Path:
    parts = PurePosixPath(unicodedata.normalize("NFC", name)).parts if isinstance(name, str) else ()
    bad = (
        not parts or name.strip() == "" or any(part in ("/", "..") or set(part) & set('\0\\:<>"|?*') for part in parts)
    )
    target = folder.joinpath(*parts) if not bad else folder
    if bad or folder.resolve() not in target.resolve().parents:
        raise ValueError(
            f"the result's name is {repr(name)[:80]}; expected a relative path such as sd15-hyponet/32px; "
            "use letters, digits, spaces, '-', '_' and '.'"
        )
    return target
