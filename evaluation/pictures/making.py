"""How a set of ours came to be, in the words that its card, its Croissant file and a report's method share.

Reads and writes nothing: it is made of what dataset.json and the manifest say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .generated_mark import is_drawn
from .manifest import FAILED, PASSED

_TOOLS = {"hyponet": "HypoNet", "comfyui": "ComfyUI"}
_MAX_TEMPLATE = 200  # characters of it in a sentence; the whole is in dataset.json
_VERDICTS = {verdict: f'"check": "{verdict}"'.encode() for verdict in (PASSED, FAILED)}


@dataclass(frozen=True, slots=True)
class Making:
    """What made a set, and how its labels were checked.

    Args:
        name: of the set. pictures: how many it has.
        is_generated: whether a model made them all. is_mixed: of a merge, whether it made some of them.
        tools: programs with versions. models: names of the model files.
        seed, template: of its plan, of a merge each that differs. plan_sha256: of all of the plan.
        origins: the sets that it was merged from, or is a part of.
        passed, failed: verdicts of Check Labels.
        is_part: whether only some of its pictures are among those that name it; the numbers are of all.
    """

    name: str
    pictures: int
    is_generated: bool
    is_mixed: bool
    tools: tuple[str, ...]
    models: tuple[str, ...]
    seed: str
    template: str
    plan_sha256: str
    origins: tuple[str, ...]
    passed: int
    failed: int
    is_part: bool = False

    @classmethod
    def of_set(cls, name: str, description: Mapping[str, Any], pictures: int, passed: int, failed: int) -> Making:
        """Of the set called `name` out of the content of its dataset.json, which is checked already."""
        provenance, plan = description["provenance"], description["plan"]
        merged = provenance.get("merged") or []
        plans = _objects(plan, "merged") or [plan]
        files = [*(provenance.get("models") or []), *(file for origin in merged for file in _objects(origin, "models"))]
        versions = provenance.get("versions") or {}
        drawn = {is_drawn(provenance.get("settings") or {}, provenance.get("nodes") or {})}
        if merged:
            drawn = {drawn for origin in merged for drawn in _drawn(origin)}
        part_of = description["identity"].get("split_of")
        origins = [*(origin.get("name") for origin in merged), part_of]
        return cls(
            name=name,
            pictures=pictures,
            is_generated=drawn == {True},
            is_mixed=drawn == {True, False},
            tools=tuple(f"{tool} {versions[key]}" for key, tool in _TOOLS.items() if key in versions),
            models=tuple(dict.fromkeys(str(file.get("name", "")) for file in files if file.get("kind") != "input")),
            seed=_of_plans(plans, "seed"),
            template=_of_plans(plans, "template"),
            plan_sha256=hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest(),
            origins=tuple(dict.fromkeys(origin for origin in origins if isinstance(origin, str) and origin)),
            passed=passed,
            failed=failed,
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Making:
        """As a result file has it.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        return cls(
            name=str(content["name"]),
            pictures=int(content["pictures"]),
            is_generated=bool(content["is_generated"]),
            is_mixed=bool(content["is_mixed"]),
            tools=tuple(map(str, content["tools"])),
            models=tuple(map(str, content["models"])),
            seed=str(content["seed"]),
            template=str(content["template"]),
            plan_sha256=str(content["plan_sha256"]),
            origins=tuple(map(str, content["origins"])),
            passed=int(content["passed"]),
            failed=int(content["failed"]),
            is_part=bool(content["is_part"]),
        )

    def to_json(self) -> dict[str, Any]:
        """For a result file."""
        return asdict(self)

    @property
    def checked(self) -> int:
        """How many pictures Check Labels judged."""
        return self.passed + self.failed

    def made_by(self) -> str:
        """Which programs and which model files made the pictures, and after which plan."""
        tools, models = " in ".join(self.tools) or "HypoNet", ", ".join(self.models)
        parts = [f"Made by {tools} with {models or 'model files that were not recorded'}."]
        if self.is_mixed:
            parts.append("Some of the pictures were loaded from files instead.")
        elif not self.is_generated:
            parts = [f"Saved by {tools} from pictures that were loaded from files."]
        if self.template:
            long = len(self.template) > _MAX_TEMPLATE
            template = self.template[: _MAX_TEMPLATE - 3] + "..." if long else self.template
            parts.append(f'Plan: template "{template}", seed {self.seed}, sha256 {self.plan_sha256[:16]}.')
        if self.origins:
            parts.append(f"Out of {', '.join(self.origins)}.")
        return " ".join(parts)

    def labelling(self) -> str:
        """Where the labels come from, and how they were checked."""
        drawn = self.is_generated or self.is_mixed
        asked = "the class that its prompt asks for" if drawn else "the class of its item in the plan"
        verdict = "Check Labels judged none of them."
        if self.checked:
            verdict = (
                f"Check Labels, a classifier or CLIP, judged {self.checked:,} of {self.pictures:,}: {self.passed:,} "
                f"show their label, {self.failed:,} do not."
            )
        return f"The label of a picture is {asked}; no person labelled it. {verdict}"


def verdicts_in(lines: bytes) -> tuple[int, int]:
    """How many lines of a manifest say that Check Labels passed and failed their picture.

    The verdict stands there as `Record.to_json` spells it; inside a text its quotes would have backslashes.
    """
    return lines.count(_VERDICTS[PASSED]), lines.count(_VERDICTS[FAILED])


def _drawn(origin: Mapping[str, Any]) -> set[bool]:
    """Whether pictures of a merged set were drawn: yes, no, or both."""
    return {True, False} if origin.get("mixed") else {origin.get("generated") is not False}


def _of_plans(plans: Sequence[Mapping[str, Any]], key: str) -> str:
    return " | ".join(dict.fromkeys(str(plan[key]) for plan in plans if key in plan))


def _objects(content: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """The objects of a list that somebody may have edited."""
    entries = content.get(key)
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
