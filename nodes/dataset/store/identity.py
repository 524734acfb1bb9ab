"""What one set holds a single value of, and how the difference to other settings is shown.

Reads and writes nothing. A plan's counts, shards, order and list of classes are a schedule: they may change, so that
more images or classes extend a set. What decides an item (templates, wildcards, seeds) may not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

_SCHEDULE = ("images_per_class", "order", "shard")
_NO_PART = ("count", "synset")
_MAX_CHANGES = 8  # differences that an error lists; a judgement
_NOTHING = object()  # in the place of a setting that only one side has; JSON's null is a value


class OtherSettings(ValueError):
    """A set of that name exists and was made with other settings."""


def as_json(data: Any) -> Any:
    """`data` as JSON gives it back, so that tuples and lists compare equal."""
    return json.loads(json.dumps(data))


def differences(existing: Mapping[str, Any], requested: Mapping[str, Any]) -> list[str]:
    """One text a setting that differs, sorted by its name."""
    old, new = dict(_flat(existing)), dict(_flat(requested))
    return [
        f"{key}: {_shown(old, key)} there, {_shown(new, key)} now"
        for key in sorted(old.keys() | new.keys())
        if old.get(key, _NOTHING) != new.get(key, _NOTHING)
    ]


def plan_differences(existing: Mapping[str, Any], requested: Mapping[str, Any]) -> list[str]:
    """What makes the same item come out otherwise; classes and wildcards that only one plan has do not.

    A merge of different sets has their plans under `merged`, which are compared in pairs.
    """
    if not existing or not requested:
        return []
    ours, theirs = existing.get("merged"), requested.get("merged")
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [change for pair in zip(ours, theirs, strict=True) for change in plan_differences(*pair)]
    old, new = _deciding(existing), _deciding(requested)
    for part in ("class", "wildcards"):
        shared = old[part].keys() & new[part].keys()
        old[part], new[part] = ({key: plan[part][key] for key in shared} for plan in (old, new))
    return differences({"plan": old}, {"plan": new})


def refuse(name: str, changes: list[str]) -> None:
    """Raise OtherSettings if there are changes, showing the first of them."""
    if not changes:
        return
    examples = "; ".join(changes[:_MAX_CHANGES])
    remaining = f"; and {len(changes) - _MAX_CHANGES} more" if len(changes) > _MAX_CHANGES else ""
    raise OtherSettings(
        f"data set {name!r} was made with other settings ({examples}{remaining}); nothing was changed; "
        "expected the same settings to resume it; choose another name for the new ones"
    )


def plan_classes(plan: Mapping[str, Any]) -> dict[str, str]:
    """label -> WordNet id of the plan's classes, "" when unknown."""
    return {str(spec["name"]): str(spec.get("synset") or "") for spec in plan.get("classes") or ()}


def _deciding(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan without its schedule; classes as name -> class, so that they compare in any order."""
    settings = {key: value for key, value in plan.items() if key not in (*_SCHEDULE, "classes", "wildcards")}
    classes = {
        spec["name"]: {key: value for key, value in spec.items() if key not in _NO_PART}
        for spec in plan.get("classes") or ()
    }
    wildcards = plan.get("wildcards")
    return {**settings, "class": classes, "wildcards": wildcards if isinstance(wildcards, dict) else {}}


def _flat(data: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, data


def _shown(values: dict[str, Any], key: str) -> str:
    if key not in values:
        return "nothing"
    text = json.dumps(values[key])
    if len(text) <= 60:
        return text
    return f"{text[:40]}... (hash {hashlib.sha256(text.encode()).hexdigest()[:6]})"
