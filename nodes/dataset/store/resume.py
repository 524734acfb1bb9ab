"""What dataset.json is to say of a set that is made or resumed, checked against the set that is there.

Reads the set; writes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ....evaluation.files import is_there
from ....evaluation.pictures.manifest import DESCRIPTION, MANIFEST, REJECTION_LOG
from .description import Description, SetSpec, read_description
from .identity import as_json, differences, plan_classes, plan_differences, refuse


def new_or_resumed(root: Path, spec: SetSpec) -> Description:
    """The description of the set in `root` as `spec` makes it or goes on with it.

    Raises:
        OtherSettings: the set there has pictures and another identity; the message shows the difference.
        ValueError: its dataset.json is damaged.
    """
    identity, plan = as_json({**spec.identity, "encoding": spec.encoding.identity()}), as_json(spec.plan)
    if not is_there(root / DESCRIPTION):
        description = replace(Description.new(root.name, identity), licence=spec.licence)
    else:
        description = read_description(root)
        if _has_pictures(root):
            changes = differences(description.identity, identity)
            refuse(root.name, changes + plan_differences(description.plan, plan))
        else:  # nothing came of the first run, so its settings bind nobody
            description = replace(description, classes=(), identity=identity)
    description = replace(
        description, plan=plan, provenance=spec.provenance, encoding=spec.encoding, copies=spec.copies
    )
    return description.with_classes(plan_classes(plan) if spec.classes is None else spec.classes)


def _has_pictures(root: Path) -> bool:
    files = (root / MANIFEST, root / REJECTION_LOG)
    return any(is_there(path) and path.stat().st_size > 0 for path in files)
