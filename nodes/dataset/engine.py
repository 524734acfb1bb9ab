"""What the dataset nodes need of ComfyUI: folders, the graph behind a picture, and what a node shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from comfy_execution.graph_utils import ExecutionBlocker  # the module that custom nodes are to import it from

from ...evaluation.pictures.manifest import DESCRIPTION
from .. import paths
from ..engine import versions
from ..graph import upstream_of
from ..missing_names import naming_what_exists
from ..prompts.plan import Plan
from ..upstream import Upstream, sampler_parameters
from .beyond_plan import plan_or_none
from .open import create_or_open
from .split import PARTS
from .store import fingerprint
from .store.description import Copies, SetSpec
from .store.encode import Encoding
from .store.folders import REJECTS, SHEETS, WORK
from .store.names import check_set_name
from .store.provenance import Provenance
from .store.store import DatasetRef, DatasetStore
from .store.writable_store import WritableStore

NO_SETS = "(no sets yet)"
NO_SET_CHOSEN = "no data set is chosen; expected one of output/datasets; run Generate Dataset first"
MAKERS = ("HypoNetGenerateDataset", "HypoNetSaveToDataset", "HypoNetMergeDatasets")


def names_of_sets() -> list[str]:
    """Every set in the folders that may be read, by its path below its folder; one entry says that there is none."""
    return _existing_sets() or [NO_SETS]


def _existing_sets() -> list[str]:
    names = []
    for base in _bases():
        for pattern in (f"*/{DESCRIPTION}", f"*/*/{DESCRIPTION}"):
            names += [path.parent.relative_to(base).as_posix() for path in base.glob(pattern)]
    sidecars = tuple(f".{kind}" for kind in (WORK, SHEETS, REJECTS))
    return sorted({name for name in names if not name.endswith(sidecars)})


def find_set(name: str) -> DatasetRef:
    """The set called `name`.

    Raises:
        ValueError: `name` is no plain relative path, none was chosen, or the folder is no set of ours.
        FileNotFoundError: there is none; the message lists the folders searched.
    """
    if name == NO_SETS:
        raise ValueError(NO_SET_CHOSEN)
    with naming_sets(name):
        path = paths.confine_any(_bases(), name, what="data set name")
    return DatasetStore.open(path).ref()


def naming_sets(name: str) -> AbstractContextManager[None]:
    """Around the opening of a set: the error that there is none says which there are, and which workflow makes it."""
    return naming_what_exists(name, _existing_sets, *MAKERS)


def plan_of(store: DatasetStore) -> Plan | ExecutionBlocker:
    """The plan in dataset.json; of a merge of different sets, which has none, a blocker that says so downstream."""
    plan = plan_or_none(store)
    if plan is None:
        return ExecutionBlocker(f"data set {store.name!r} has no one plan: it was merged from different sets")
    return plan


def find_sets(names: str) -> list[DatasetRef]:
    """The sets named one a line."""
    return [find_set(line.strip()) for line in names.splitlines() if line.strip()]


def set_fingerprint(name: str | None) -> str | float:
    """Changes when a set that is loaded by name has other pictures; NaN for one that comes through a link.

    NaN never equals itself, so that the node runs. Never raises, which would run it for ever.
    """
    if not isinstance(name, str):
        return float("nan")
    try:
        return fingerprint.set_fingerprint(paths.confine_any(_bases(), name))
    except (ValueError, OSError):
        return "none"


def changes_fingerprint(*names: str | None) -> str | float:
    """For nodes that write sets of these names: changes when others changed pictures of one; NaN as above.

    Never raises.
    """
    if not all(isinstance(name, str) for name in names):
        return float("nan")
    numbers = []
    for name in names:
        try:
            numbers.append(fingerprint.changes_by_others(paths.confine(paths.datasets_dir(), str(name).strip())))
        except ValueError:
            numbers.append(0)
    return " ".join(map(str, numbers))


def merge_fingerprint(more_sets: str | None, name: str | None) -> str | float:
    """The same for a merge, which also has the sets named in `more_sets`, one a line, to look at."""
    if not isinstance(more_sets, str) or not isinstance(name, str):
        return float("nan")
    named = [set_fingerprint(line.strip()) for line in more_sets.splitlines()]
    return " ".join(map(str, [changes_fingerprint(name), *named]))


def split_fingerprint(name: str | None) -> str | float:
    """The same for the parts of a split; with an empty name, which takes that of a set not known here, of any set."""
    if isinstance(name, str) and not name.strip():
        return str(fingerprint.changes_of_any_set())
    return changes_fingerprint(*(None if name is None else f"{name.strip()}-{part}" for part in PARTS))


def set_path(name: str) -> Path:
    """Where the set called `name` is written: below output/datasets and nowhere else."""
    path = paths.confine(paths.datasets_dir(), name, what="data set name")
    check_set_name(path.name)
    return path


def upstream(hidden: Any, start: str) -> Upstream:
    """Nodes, widgets and model files that made the pictures at the input `start`, but not what changes by batch.

    What stands behind Plan Batch is the plan's, which is compared by itself.
    """
    whole = upstream_of(hidden, [start], ends=("HypoNetPlanBatch",))
    return Upstream({key: value for key, value in whole.settings.items() if _is_same_for_all(key)}, whole.files)


def _is_same_for_all(key: str) -> bool:
    """Whether a setting, "Class.widget", is one of the whole set and not of one batch."""
    return key.rpartition(".")[2] not in ("seed", "noise_seed", "batch_number", "filename_prefix")


def own_ref(ref: DatasetRef) -> DatasetRef:
    """`ref` if it is a set that may be changed: below output/datasets.

    Raises:
        ValueError: it lies in a folder that is only read.
    """
    if not is_own(ref):
        raise ValueError(
            f"data set {ref.name!r} lies in {ref.path.parent}, which is only read; expected one in output/datasets; "
            "merge or copy it there to change it"
        )
    return ref


def is_own(ref: DatasetRef) -> bool:
    """Whether the set lies below output/datasets."""
    base = paths.datasets_dir().resolve()
    return base in ref.path.resolve().parents


@contextmanager
def create_or_open_set(
    name: str, plan: Plan, hidden: Any, encoding: Encoding, copies: Copies, upstream: Upstream
) -> Iterator[WritableStore]:
    """The set `name` below output/datasets, made or resumed, open for writing."""
    path = set_path(name)
    provenance = Provenance.of_graph(
        upstream,
        versions(),
        prompt=hidden.prompt,
        workflow=(hidden.extra_pnginfo or {}).get("workflow"),
        parameters=sampler_parameters(upstream.settings),
    )
    spec = SetSpec(plan.to_json(), upstream.settings, provenance, encoding=encoding, copies=copies)
    with create_or_open(path.parent, path.name, spec) as store:
        yield store


def facts(store: DatasetStore) -> dict[str, Any]:
    """Counts and folder of a set, for the history."""
    return {"name": store.name, "path": str(store.root), "images": len(store), "classes": store.counts()}


def _bases() -> list[Path]:
    """The folders that sets are read from: output/datasets and those of extra_model_paths.yaml."""
    return [paths.datasets_dir(), *paths.model_folders(paths.DATASETS)]
