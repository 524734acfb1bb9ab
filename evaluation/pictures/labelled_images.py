"""LabelledImages: pictures with class labels, read one at a time from wherever they lie.

Reads: a PictureSource (sources/). Writes: <cache>/<key>-pixels.u64, the digests of a set's pixels; small copies are
cache.py's. Every operation (select, limit, merge) gives a new value; pictures are decoded only when they are asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from ..progress import Progress
from ..unicode_names import composed
from .making import Making
from .pixels import (
    count_repeated,
    count_shared,
    known_digests,
    pixel_digest,
    store_digests,
    stored_digests,
)
from .threads import in_threads

HASHED_PER_TASK = 8  # pictures: threads stay within two row groups of a Parquet file, which it holds


class PictureSource(Protocol):
    """Where pictures come from. Safe to read from several threads at once."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> np.ndarray:
        """The picture as uint8 RGB [H,W,3]; raises decode.CorruptPicture naming it."""

    def digest(self, index: int) -> bytes:
        """A hash of the picture's bytes as they are stored."""

    def describe(self, index: int) -> str:
        """How messages and sheets name the picture."""


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """N labelled pictures.

    Args:
        name: how tables name the set.
        class_names: the classes, in the order of their label numbers.
        labels: int64 [N], each below len(class_names).
        source: where the pictures are.
        indices: int64 [N], the picture's index in the source.
        synthetic: bool [N], true for pictures known to be generated (our own sets).
        cache: folder for the small copies; None keeps them in memory alone.
        skipped: the names of pictures that were left out: corrupt, or of a kind that is not read.
        makings: of each of our own sets among them how it came to be.
    """

    name: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    source: PictureSource
    indices: np.ndarray
    synthetic: np.ndarray
    cache: Path | None = None
    skipped: tuple[str, ...] = ()
    makings: tuple[Making, ...] = ()
    # a list of none or one, since the class is frozen; replace() gives each new value an empty one of its own
    _pictures_key: list[str] = field(default_factory=list, init=False, repr=False)
    _pixels: list[np.ndarray] = field(default_factory=list, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, i: int) -> np.ndarray:
        """Picture `i` as uint8 RGB [H,W,3]."""
        source, index = self.origin(i)
        picture = source.read(index)
        digests = known_digests(source)
        if index not in digests:
            digests[index] = pixel_digest(picture)
        return picture

    def origin(self, i: int) -> tuple[PictureSource, int]:
        """The source that reads picture `i`, and the picture's index in it, also behind merged sets."""
        index = int(self.indices[i])
        return self.source.origin(index) if isinstance(self.source, JoinedPictures) else (self.source, index)

    def describe(self, i: int) -> str:
        """How messages name picture `i`."""
        return self.source.describe(int(self.indices[i]))

    @property
    def pictures_key(self) -> str:
        """A hash over the stored bytes of the pictures, in order; slow the first time, see hash_pictures."""
        return self.hash_pictures()

    def hash_pictures(self, progress: Progress | None = None) -> str:
        """`pictures_key`, made with progress: called before anything asks for a key, since it reads every byte once.

        Args:
            progress: called with (done, total) from the calling thread; what it raises stops the work.
        """
        if not self._pictures_key:
            total = hashlib.blake2b(digest_size=20)
            for digest in in_threads(self._digest, len(self), progress, HASHED_PER_TASK):
                total.update(digest)
            self._pictures_key.append(total.hexdigest())
        return self._pictures_key[0]

    def _digest(self, i: int) -> bytes:
        return self.source.digest(int(self.indices[i]))

    def pixel_digests(self, progress: Progress | None = None) -> np.ndarray:
        """uint64 [N]: equal pictures have equal digests, see pixels.py; slow where they were not decoded yet.

        Args:
            progress: called with (done, total) from the calling thread; what it raises stops the work.

        Raises:
            CorruptPicture: one cannot be decoded.
        """
        if not self._pixels:
            path = None if self.cache is None else self.cache / f"{self.hash_pictures(progress)}-pixels.u64"
            stored = None if path is None else stored_digests(path, len(self))
            if stored is None:
                stored = np.fromiter(in_threads(self._pixel_digest, len(self), progress), np.uint64, len(self))
                if path is not None:
                    store_digests(path, stored)
            self._pixels.append(stored)
        return self._pixels[0]

    def _pixel_digest(self, i: int) -> int:
        source, index = self.origin(i)
        if index not in known_digests(source):
            self.read(i)
        return known_digests(source)[index]

    @cached_property
    def content_key(self) -> str:
        """A hash over pictures, labels and class names: equal keys train and measure alike."""
        total = hashlib.blake2b(self.pictures_key.encode(), digest_size=20)
        total.update("\n".join(self.class_names).encode("utf-8", "surrogatepass"))
        total.update(np.ascontiguousarray(self.labels, dtype="<i8").tobytes())
        return total.hexdigest()

    def counts(self) -> dict[str, int]:
        """Pictures of each class."""
        numbers = np.bincount(self.labels, minlength=len(self.class_names))
        return {name: int(number) for name, number in zip(self.class_names, numbers, strict=True)}

    def summary(self) -> dict[str, object]:
        """What a result file says about the set; `repeated` and `generated_in_real` count pictures by their pixels."""
        pixels = self.pixel_digests()
        return {
            "name": self.name,
            "pictures": len(self),
            "synthetic": int(self.synthetic.sum()),
            "repeated": count_repeated(pixels),
            "generated_in_real": count_shared(pixels[self.synthetic], pixels[~self.synthetic]),
            "counts": self.counts(),
            "skipped": list(self.skipped),
            "content_key": self.content_key,
            "makings": [making.to_json() for making in self.makings],
        }

    def select(self, indices: Sequence[int] | np.ndarray) -> LabelledImages:
        """The pictures of these indices, in this order."""
        chosen = np.asarray(indices, dtype=np.int64)
        is_whole = len(np.unique(chosen)) == len(self)
        return replace(
            self,
            labels=self.labels[chosen],
            indices=self.indices[chosen],
            synthetic=self.synthetic[chosen],
            makings=self.makings if is_whole else tuple(replace(making, is_part=True) for making in self.makings),
        )

    def named(self, name: str) -> LabelledImages:
        """The same pictures under another name."""
        return replace(self, name=composed(name))


def labelled(
    name: str,
    class_names: Sequence[str],
    labels: Sequence[int] | np.ndarray,
    source: PictureSource,
    *,
    synthetic: bool = False,
    cache: Path | None = None,
) -> LabelledImages:
    """All pictures of `source` with these labels; names are composed, so that those of a Mac's folders equal others.

    Raises:
        ValueError: labels and pictures differ in number, a label has no class, a class name repeats, or there is none.
    """
    numbers = np.asarray(labels, dtype=np.int64)
    if len(numbers) != len(source):
        raise ValueError(f"{name} has {len(numbers)} labels; expected {len(source)}, one a picture; the set is damaged")
    if not len(numbers):
        raise ValueError(f"{name} has no pictures; expected at least one; check the folder and the split")
    classes = tuple(map(composed, class_names))
    if len(set(classes)) != len(classes):
        raise ValueError(f"{name} names a class twice; expected distinct class names; rename one")
    if numbers.min() < 0 or numbers.max() >= len(class_names):
        raise ValueError(
            f"{name} has labels from {numbers.min()} to {numbers.max()}; expected 0 to {len(class_names) - 1}"
        )
    return LabelledImages(
        name=composed(name),
        class_names=classes,
        labels=numbers,
        source=source,
        indices=np.arange(len(numbers), dtype=np.int64),
        synthetic=np.full(len(numbers), synthetic),
        cache=cache,
    )


def merged(parts: Sequence[LabelledImages], name: str) -> LabelledImages:
    """The parts one after another; classes are matched by name and keep the first part's order.

    Raises:
        ValueError: a part lacks a class of the first or has one more.
    """
    first = parts[0]
    labels = []
    for part in parts:
        if set(part.class_names) != set(first.class_names):
            raise ValueError(
                f"{part.name} has the classes {', '.join(part.class_names)}; expected those of {first.name}: "
                f"{', '.join(first.class_names)}; bring them together with Map Classes"
            )
        to_first = np.array([first.class_names.index(class_name) for class_name in part.class_names], dtype=np.int64)
        labels.append(to_first[part.labels])
    joined = labelled(name, first.class_names, np.concatenate(labels), JoinedPictures(tuple(parts)), cache=first.cache)
    skipped = tuple(name for part in parts for name in part.skipped)
    makings = tuple(dict.fromkeys(making for part in parts for making in part.makings))
    synthetic = np.concatenate([part.synthetic for part in parts])
    return replace(joined, synthetic=synthetic, skipped=skipped, makings=makings)


class JoinedPictures:
    """The pictures of several sets, one set after another."""

    def __init__(self, parts: tuple[LabelledImages, ...]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def _find(self, index: int) -> tuple[LabelledImages, int]:
        """The part that holds picture `index`, and the picture's index in the part."""
        number = int(np.searchsorted(self._ends, index, side="right"))
        return self._parts[number], index - (int(self._ends[number - 1]) if number else 0)

    def read(self, index: int) -> np.ndarray:
        """The picture as uint8 RGB [H,W,3], from the part that has it."""
        part, index_in_part = self._find(index)
        return part.read(index_in_part)

    def digest(self, index: int) -> bytes:
        """The part's hash of the picture."""
        part, index_in_part = self._find(index)
        return part.source.digest(int(part.indices[index_in_part]))

    def origin(self, index: int) -> tuple[PictureSource, int]:
        """See LabelledImages.origin."""
        part, index_in_part = self._find(index)
        return part.origin(index_in_part)

    def describe(self, index: int) -> str:
        """The part's name, and how it names the picture."""
        part, index_in_part = self._find(index)
        return f"{part.name}: {part.describe(index_in_part)}"
