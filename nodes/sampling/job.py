"""One call of Generate Dataset: what was asked for, which items are missing, is there room, what comes back.

Reads and writes the set through `dataset.store`; knows nothing of ComfyUI.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from ...evaluation.pictures.decode import FILTERS, CorruptPicture, decode
from ...evaluation.pictures.tensors import to_image, to_uint8
from .. import checks
from ..dataset.store.encode import Encoding
from ..dataset.store.folders import DESCRIPTION
from ..dataset.store.names import check_set_name, parse_sizes
from ..dataset.store.store import DatasetRef, DatasetStore, read_revision
from ..graph import Upstream, model_parameters
from ..prompts.item import Item
from ..prompts.plan import Plan
from .settings import Settings

T = TypeVar("T")

_log = logging.getLogger("hyponet")

THUMBNAILS = 64  # an IMAGE output stays in ComfyUI's cache for as long as the graph does
_THUMBNAIL_SIDE = 256  # pixels
_BYTES_A_PIXEL = 1.6  # photos of 512x512 as PNG take 1.4
_RESERVE = 64 << 20

_seen: set[str] = set()  # sets that this process has had in hand: one that is gone now was deleted


@dataclass(frozen=True, slots=True)
class Request:
    """What the node's inputs ask for, checked."""

    plan: Plan
    name: str
    settings: Settings
    start_image: torch.Tensor | None
    encoding: Encoding
    copies: tuple[int, ...]
    copy_filter: str = "bicubic"

    @classmethod
    def read(cls, values: Mapping[str, Any], *, metadata: bool = True) -> Request:
        """From the node's inputs by name.

        Args:
            metadata: whether the server allows pictures to carry their graph.

        Raises:
            ValueError: a value is of the wrong kind; types and ranges of widgets are checked by the node's schema.
        """
        plan = values["plan"]
        if not isinstance(plan, Plan):
            raise ValueError(f"plan is {type(plan).__name__}; expected a plan; connect Dataset Plan")
        settings = Settings(**{field.name: values[field.name] for field in fields(Settings)})
        start = values.get("start_image")
        if start is not None and (not isinstance(start, torch.Tensor) or start.ndim != 4 or not len(start)):
            raise ValueError("start_image holds no pictures; expected an IMAGE [B, H, W, C]; connect Load Image")
        encoding = Encoding(format=values["image_format"], text=values["write_graph"] and metadata)
        name = check_set_name(values["name"].strip())
        sizes, _, filtered = values["small_copies"].partition(":")
        copy_filter = checks.choice(filtered.strip() or "bicubic", list(FILTERS), "the filter in small_copies")
        return cls(plan, name, settings, start, encoding, parse_sizes(sizes), copy_filter)


@dataclass(frozen=True, slots=True)
class Job:
    """A set as it is to be.

    Args:
        root: the set's folder; it has passed `paths.confine`.
        identity: what decides its pictures; see `DatasetStore.create_or_open`.
        provenance: what made it: models, nodes, versions, workflow.
    """

    root: Path
    request: Request
    identity: dict[str, Any]
    provenance: dict[str, Any]

    def is_begun(self) -> bool:
        """Whether there is a set of that name."""
        return (self.root / DESCRIPTION).exists()

    def open(self) -> DatasetStore:
        """The set, made if it is new, locked for this process.

        Raises:
            ValueError: it is there with another identity or other texts, or somebody else has it open.
        """
        store = DatasetStore.create_or_open(
            self.root.parent,
            self.root.name,
            plan=self.request.plan.to_json(),
            identity=self.identity,
            provenance=self.provenance,
            encoding=self.request.encoding,
            copies=self.request.copies,
            copy_filter=self.request.copy_filter,
        )
        _seen.add(str(self.root))
        return store

    def missing(self, store: DatasetStore) -> Iterator[Item]:
        """The items to be made, in the plan's order, looked up one by one: a plan may have millions."""
        return (self.request.plan.item(*key) for key in store.missing(self.request.plan.schedule()))

    def count_missing(self, store: DatasetStore) -> int:
        """How many there are."""
        return sum(1 for _ in store.missing(self.request.plan.schedule()))

    def prepare(self) -> int:
        """How many pictures are missing. Refuses what cannot work before a model is loaded, and makes no folder.

        Raises:
            ValueError: the set is there with other settings, or the disk is too small.
        """
        if self.is_begun():
            with self.open() as store:
                count = self.count_missing(store)
        else:
            count = len(self.request.plan)
        if count:
            check_space(self.root.parent, count, self.request.settings)
        return count


def fingerprint(path: Path) -> str:
    """Changes when a finished set has to be looked at again: its revision was raised, or it was deleted.

    A set's own first run must not change it, or everything downstream would run once more at the next queueing.
    """
    revision = read_revision(path)
    if revision < 0:
        return "deleted" if str(path) in _seen else "0"
    return str(revision)


def identity(request: Request, upstream: Upstream) -> dict[str, Any]:
    """What decides the pictures of a set, flat, so that a difference is shown by name; texts are the plan's."""
    refines = "refiner_model" in upstream.settings
    settings = request.settings.identity(starts=digest(request.start_image), refines=refines)
    return {**settings, **{f"graph.{key}": value for key, value in upstream.settings.items()}}


def provenance(
    request: Request, upstream: Upstream, versions: Mapping[str, str], workflow: Any, prompt: Any
) -> dict[str, Any]:
    """What made a set, for `dataset.json`, the data card and the pictures' own text."""
    settings = request.settings
    parameters: dict[str, Any] = {
        "Steps": settings.steps,
        "Sampler": settings.sampler,
        "Schedule type": settings.scheduler,
        "CFG scale": settings.cfg,
        **model_parameters(upstream.files),
    }
    return {
        "models": [asdict(file) for file in upstream.files],
        "settings": asdict(settings),
        "nodes": upstream.settings,
        "versions": dict(versions),
        "workflow": workflow,
        "prompt": prompt,
        "parameters": parameters,
    }


def digest(images: torch.Tensor | None) -> str:
    """sha256 of the uint8 pictures of an IMAGE (B, H, W, C), or "" for none."""
    if images is None:
        return ""
    pixels = to_uint8(images)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def check_space(folder: Path, images: int, settings: Settings) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        ValueError: less is free than `images` pictures take as PNG.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    needed = int(images * settings.width * settings.height * _BYTES_A_PIXEL) + _RESERVE
    if free < needed:
        raise ValueError(
            f"free space is {free / 1e9:.1f} GB; expected about {needed / 1e9:.1f} GB for {images:,} pictures of "
            f"{settings.width}x{settings.height}; free some, or plan fewer images (more can be added later)"
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What the node returns. `ui` is found in the server's history."""

    dataset: DatasetRef
    thumbnails: torch.Tensor
    ui: dict[str, list[Any]]


def finish(store: DatasetStore, plan: Plan, made: int, tiled: int, seconds: float, place: str) -> Done:
    """The outputs for a set that holds all of `plan`.

    Args:
        made: pictures made by this call.
        tiled: how many of them were decoded in tiles.
        place: the set's folder relative to output/, for the page to show its pictures.
    """
    chosen = spread(plan.schedule(), len(plan), THUMBNAILS)
    names = [f"{store.folder(label)}/{rank:06d}{store.encoding.suffix}" for label, rank in chosen]
    there = [name for name in names if (store.root / name).is_file()]
    summary: dict[str, Any] = {
        "name": store.name,
        "path": str(store.root),
        "images": len(store),
        "made": made,
        "seconds": round(seconds, 3),
        "counts": store.counts(),
        "decoded_in_tiles": tiled,
        "revision": store.ref().revision,
    }
    shown = [name.rpartition("/") for name in there]
    ui: dict[str, list[Any]] = {
        "hyponet": [summary],  # as all nodes of data sets do
        "hyponet_dataset": [summary],
        "text": [f"{store.name}: {len(store):,} images, {made:,} made in {seconds:.1f} s\n{store.root}"],
        "images": [{"filename": file, "subfolder": f"{place}/{folder}", "type": "output"} for folder, _, file in shown],
    }
    return Done(store.ref(), thumbnails([store.root / name for name in there]), ui)


def spread(values: Iterable[T], total: int, most: int) -> list[T]:
    """At most `most` of the `total` values, evenly spread, in order; never all of them in memory."""
    wanted = {index * total // most for index in range(most)} if total > most else range(total)
    return [value for index, value in enumerate(values) if index in wanted]


def thumbnails(paths: Sequence[Path]) -> torch.Tensor:
    """The pictures (B, H, W, 3) float in 0..1, no side longer than 256; one black pixel when there are none.

    A picture that cannot be read is left out: Verify Dataset, which mends it, stands behind this node.
    """
    rows = []
    for path in paths:
        try:
            small = Image.fromarray(decode(path, path.name))
        except CorruptPicture as problem:
            _log.warning("no thumbnail: %s", problem)
            continue
        if max(small.size) > _THUMBNAIL_SIDE:
            scale = _THUMBNAIL_SIDE / max(small.size)
            size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
            small = small.resize(size, Image.Resampling.BICUBIC)
        rows.append(np.asarray(small))
    return to_image(np.stack(rows)) if rows else torch.zeros(1, 1, 1, 3)
