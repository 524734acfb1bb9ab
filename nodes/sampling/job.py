"""One call of Generate Dataset: what was asked for, which items are missing, is there room, what comes back.

Reads and writes the set through `dataset.store`; knows nothing of ComfyUI.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from ...evaluation.pictures.manifest import DESCRIPTION
from ...evaluation.pictures.tensors import to_uint8
from ..dataset.beyond_plan import beyond_plan_text
from ..dataset.open import create_or_open
from ..dataset.store.description import Copies, SetSpec, read_revision
from ..dataset.store.encode import Encoding
from ..dataset.store.fingerprint import changes_by_others, lacks_pictures
from ..dataset.store.provenance import Provenance
from ..dataset.store.store import DatasetRef, DatasetStore
from ..dataset.store.writable_store import WritableStore
from ..prompts.item import Item
from ..prompts.plan import Plan
from ..upstream import Upstream
from .options import GRAPH_INPUTS, GraphInputs
from .samplers import sampler_name
from .settings import SamplingSettings, replaced_settings

T = TypeVar("T")

logger = logging.getLogger("hyponet")

_STILL_KNOWN = ("steps", "sampler")  # of a graph's SIGMAS and SAMPLER
MAX_SHOWN = 64  # pictures that the page shows of a set; a judgement
_BYTES_PER_PIXEL = 1.6  # photos of 512x512 as PNG take 1.4
_RESERVE_BYTES = 64 << 20  # for manifest, card and whatever else writes to the disk meanwhile

# Sets that this process has opened, by path. ComfyUI asks for a fingerprint before each run and skips the node while it
# stays the same; a folder that is not there says nothing by itself: before the first run it is not made yet, later it
# was deleted and has to be made again. Only somebody who remembers can tell the two apart, so this does, and a set that
# is deleted while the server is down costs nothing: the server's cache is empty then too.
_opened: set[str] = set()


@dataclass(frozen=True, slots=True)
class Request:
    """What the inputs of Generate Dataset ask for, checked; `nodes.read_request` reads it."""

    plan: Plan
    name: str
    settings: SamplingSettings
    start_image: torch.Tensor | None  # (S, H, W, C)
    encoding: Encoding
    copies: Copies
    remakes_deleted: bool = True  # pictures that were deleted by hand; else they are left out
    given: GraphInputs = field(default_factory=GraphInputs)

    def __post_init__(self) -> None:
        denoise = self.settings.denoise
        if denoise < 1.0 and self.start_image is None:
            raise ValueError(
                f"denoise is {denoise:g} without a start image; expected 1; connect a start image or set it to 1"
            )


@dataclass(frozen=True, slots=True)
class GenerationJob:
    """A request together with the set that it fills.

    Args:
        root: the set's folder; it has passed `paths.confine`.
        identity: what decides its pictures; see `SetSpec`.
        provenance: what made it: models, nodes, versions, workflow.
    """

    root: Path
    request: Request
    identity: dict[str, Any]
    provenance: Provenance

    def exists(self) -> bool:
        """Whether there is a set of that name."""
        return (self.root / DESCRIPTION).exists()

    @contextmanager
    def open(self) -> Iterator[WritableStore]:
        """The set, made if it is new, locked for this process.

        Raises:
            ValueError: it is there with another identity or other texts, or somebody else has it open.
        """
        spec = SetSpec(
            self.request.plan.to_json(),
            self.identity,
            self.provenance,
            encoding=self.request.encoding,
            copies=self.request.copies,
        )
        with create_or_open(self.root.parent, self.root.name, spec) as store:
            _opened.add(str(self.root))
            yield store

    def missing(self, store: DatasetStore) -> Iterator[Item]:
        """The items to be made, in the plan's order, looked up one by one: a plan may have millions."""
        return (self.request.plan.item(*key) for key in self._missing(store))

    def count_missing(self, store: DatasetStore) -> int:
        """How many there are."""
        return sum(1 for _ in self._missing(store))

    def _missing(self, store: DatasetStore) -> Iterator[tuple[str, int, int]]:
        return store.missing(self.request.plan.schedule(), include_deleted=self.request.remakes_deleted)

    def prepare(self) -> int:
        """How many pictures are missing. Refuses what cannot work before a model is loaded, and makes no folder.

        Raises:
            ValueError: the set is there with other settings, or the disk is too small.
        """
        if self.exists():
            with self.open() as store:
                count = self.count_missing(store)
                if self.request.remakes_deleted:
                    scheduled = set(self.request.plan.schedule()) if (gone := store.deleted()) else set()
                    count += sum(key in scheduled for key in gone)
        else:
            count = len(self.request.plan)
        if count:
            check_space(self.root.parent, count, self.request.settings)
        return count


def fingerprint(path: Path) -> str:
    """Changes when a finished set has to be looked at again: marked, or its pictures were deleted or overwritten.

    A set's own run must not change it, or everything downstream would run once more at the next queueing: its first
    one does not, and the one that finds deleted pictures raises the revision by one, which is told here beforehand.
    """
    revision = read_revision(path)
    if revision < 0:
        return "deleted" if str(path) in _opened else "0"
    changes = changes_by_others(path)
    return f"{revision + lacks_pictures(path)}{f':{changes}' if changes else ''}"


def identity(request: Request, upstream: Upstream) -> dict[str, Any]:
    """What decides the pictures of a set, flat, so that a difference is shown by name; texts are the plan's."""
    connected = _connected(request, upstream)
    settings = request.settings.identity(start_image=digest(request.start_image), connected=connected)
    return {**settings, **{f"graph.{key}": value for key, value in upstream.settings.items()}}


def provenance(
    request: Request, upstream: Upstream, versions: Mapping[str, str], workflow: Any, prompt: Any
) -> Provenance:
    """What made a set, for `dataset.json`, the data card and the pictures' own text."""
    settings, sampler, sigmas = asdict(request.settings), request.given.sampler, request.given.sigmas
    if sampler is not None:
        settings["sampler"] = sampler_name(sampler)
    if sigmas is not None:
        settings |= {"steps": len(sigmas) - 1, "sigmas": [round(float(level), 6) for level in sigmas]}
    replaced = replaced_settings(_connected(request, upstream)) - set(_STILL_KNOWN)
    settings = {name: value for name, value in settings.items() if name not in replaced}
    titles = {"steps": "Steps", "sampler": "Sampler", "scheduler": "Schedule type", "cfg": "CFG scale"}
    parameters = {text: settings[name] for name, text in titles.items() if name in settings}
    if request.settings.guidance >= 0:
        parameters["Distilled CFG Scale"] = request.settings.guidance  # as readers of FLUX's pictures know it
    return Provenance.of_graph(upstream, versions, prompt, workflow, parameters, settings)


def _connected(request: Request, upstream: Upstream) -> set[str]:
    """The sockets that have something: the graph's inputs by what they gave, the models, which come late, by links."""
    return request.given.names() | (upstream.settings.keys() - set(GRAPH_INPUTS))


def digest(images: torch.Tensor | None) -> str:
    """sha256 of the uint8 pictures of an IMAGE (B, H, W, C), or "" for none."""
    if images is None:
        return ""
    pixels = to_uint8(images)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def check_space(folder: Path, images: int, settings: SamplingSettings) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        ValueError: less is free than `images` pictures take as PNG.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    needed = int(images * settings.width * settings.height * _BYTES_PER_PIXEL) + _RESERVE_BYTES
    if free < needed:
        raise ValueError(
            f"free space is {free / 1e9:.1f} GB; expected about {needed / 1e9:.1f} GB for {images:,} pictures of "
            f"{settings.width}x{settings.height}; free some, or plan fewer images (more can be added later)"
        )


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What one call did.

    Args:
        created: pictures made by it.
        tiled: how many of them were decoded in tiles.
        seconds: from opening the set on.
        deleted: pictures that were found to be deleted by hand.
        warnings: of what was found to be wrong with the models, and did not stop it.
    """

    created: int
    tiled: int
    seconds: float
    deleted: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the node returns. `ui` is found in the server's history."""

    dataset: DatasetRef
    ui: dict[str, list[Any]]


def standing(store: DatasetStore, plan: Plan) -> str:
    """How many of the plan's pictures are on the disk, one line, such as "pets: 12 of 40 images are there"."""
    present = len(plan) - store.count_absent(plan.schedule(), include_deleted=True)
    return f"{store.name}: {present:,} of {len(plan):,} images are there"


def make_outputs(store: WritableStore, request: Request, run: RunSummary, subfolder: str) -> Outputs:
    """The outputs for a set that holds all of the request's plan.

    Args:
        subfolder: the set's folder relative to output/, for the page to show its pictures.
    """
    plan = request.plan
    done = f"{standing(store, plan)}; {run.created:,} made in {run.seconds:.1f} s"
    sample = evenly_spaced(plan.schedule(), len(plan), MAX_SHOWN)
    names = [f"{store.class_folder(label)}/{rank:06d}{store.encoding.suffix}" for label, rank in sample]
    names = [name for name in names if (store.root / name).is_file()]
    summary: dict[str, Any] = {
        "name": store.name,
        "path": str(store.root),
        "images": len(store),
        "made": run.created,
        "deleted": run.deleted,
        "missing": store.count_absent(plan.schedule(), include_deleted=request.remakes_deleted),
        "seconds": round(run.seconds, 3),
        "counts": store.counts(),
        "decoded_in_tiles": run.tiled,
        "revision": store.ref().revision,
    }
    files = [name.rpartition("/") for name in names]
    ui: dict[str, list[Any]] = {
        "hyponet": [summary],  # as all nodes of data sets do
        "hyponet_dataset": [summary],
        "text": ["\n".join([done, str(store.root), *_found(store, request, run)])],
        "images": [
            {"filename": file, "subfolder": f"{subfolder}/{folder}", "type": "output"} for folder, _, file in files
        ],
    }
    return Outputs(store.ref(), ui)


def _found(store: WritableStore, request: Request, run: RunSummary) -> list[str]:
    """Lines on what was found that neither the plan nor the manifest says."""
    lines = []
    if run.deleted:
        fate = "made again" if request.remakes_deleted else "left out, as rejected ones are"
        lines.append(f"Pictures that had been deleted by hand and were {fate}: {run.deleted:,}.")
    if text := beyond_plan_text(store, request.plan):
        lines.append(text)
    if text := store.found_text():
        lines.append(text)
    return [*lines, *(f"warning: {warning}" for warning in run.warnings)]


def evenly_spaced(values: Iterable[T], total: int, limit: int) -> list[T]:
    """At most `limit` of the `total` values, evenly spaced, in order; never all of them in memory."""
    indices = {index * total // limit for index in range(limit)} if total > limit else range(total)
    return [value for index, value in enumerate(values) if index in indices]
