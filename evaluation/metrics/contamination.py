"""Near copies between two sets: pictures of one that the other has too, equal, alike by hash, or alike by features.

Equal pictures are found by the digests of their pixels, small changes (another size, another compression, a mirror) by
the difference hash, and what a network sees alike by the cosine of its features. Reads pictures and features; writes
nothing. A near copy by features can be another photo of the same thing: look at the pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..markdown import one_line
from ..pictures.labelled_images import LabelledImages
from ..pictures.perceptual import MAX_DIFFERENT_BITS, bit_count, hash_and_mirrored
from ..pictures.threads import in_threads
from ..progress import Progress
from ..results import Measurement
from .features import ImageFeatures, check_comparable

BITS = (
    0,
    MAX_DIFFERENT_BITS,
    8,
)  # of 64, at which copies are counted; the last are near
TOLERANCE = 4.0  # mean difference of the grey copies, 0..255, as Verify Dataset's
COSINES = (0.90, 0.95, 0.98)  # at which near copies are counted
CHANCE = 0.001  # share of the reference whose own nearest other picture may be nearer than what is called near
MAX_FLOOR = 0.999  # of the reference's copies of itself that no hash sees, a quantile must not make copies vanish
MAX_PAIRS = 24  # on the sheet and in a result
_BLOCK = 4_000_000  # comparisons at once: 32 MB


@dataclass(frozen=True, eq=False)
class Nearest:
    """Of each picture of the first set the nearest of the second.

    Args:
        index: int64 [N], its number in the second set; -1 where none is near.
        value: float64 [N]: differing bits (64 where none is near), or the cosine.
    """

    index: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Hashes:
    """bits uint64 [N], mirrored uint64 [N] of the picture seen in a mirror, grey and mirrored_grey uint8 [N,256]."""

    bits: np.ndarray
    mirrored: np.ndarray
    grey: np.ndarray
    mirrored_grey: np.ndarray


def hash_pictures(images: LabelledImages, progress: Progress | None = None) -> Hashes:
    """The difference hash of every picture, as it is and mirrored.

    Args:
        progress: called with (done, total) from the calling thread; what it raises stops the work.
    """

    def both(i: int) -> tuple[int, int, np.ndarray, np.ndarray]:
        plain, mirrored = hash_and_mirrored(images.read(i))
        return plain.bits, mirrored.bits, plain.grey.reshape(-1), mirrored.grey.reshape(-1)

    bits, mirrored, grey, mirrored_grey = zip(*in_threads(both, len(images), progress), strict=True)
    return Hashes(np.array(bits, np.uint64), np.array(mirrored, np.uint64), np.stack(grey), np.stack(mirrored_grey))


def nearest_by_hash(first: Hashes, second: Hashes, progress: Progress | None = None) -> Nearest:
    """The nearest by differing bits, of the mirrored as of the plain picture, that the grey copies confirm.

    Up to the last of BITS may differ, and the grey copies by TOLERANCE in the mean: what is flat has few bits that
    mean something, and its grey copy tells it from others.
    """
    index = np.full(len(first.bits), -1, dtype=np.int64)
    value = np.full(len(first.bits), 64.0)
    for rows, columns, bits in _near_pairs(first, second, progress):
        order = np.lexsort((columns, bits, rows))  # of each row the fewest bits first, of equal ones the first picture
        nearest_of, places = np.unique(rows[order], return_index=True)
        columns, bits = columns[order][places], bits[order][places]
        nearer = bits < value[nearest_of]
        value[nearest_of[nearer]], index[nearest_of[nearer]] = bits[nearer], columns[nearer]
    return Nearest(index, value)


def repeats_by_hash(hashes: Hashes, progress: Progress | None = None) -> np.ndarray:
    """bool [N]: pictures with a near copy by hash before them in their own set, equal ones included."""
    repeats = np.zeros(len(hashes.bits), dtype=bool)
    for rows, columns, _ in _near_pairs(hashes, hashes, progress):
        repeats[rows[columns < rows]] = True
    return repeats


def _near_pairs(
    first: Hashes, second: Hashes, progress: Progress | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Block by block the pairs [pairs] that hash and grey copies confirm: rows, columns, and their differing bits."""
    step = max(1, _BLOCK // len(second.bits))
    for start in range(0, len(first.bits), step):
        for bits, grey in ((second.bits, second.grey), (second.mirrored, second.mirrored_grey)):
            different = bit_count(first.bits[start : start + step, None] ^ bits[None, :])  # [rows, M]
            near, columns = np.nonzero(different <= BITS[-1])
            confirmed = _grey_gaps(first.grey, near + start, grey, columns) <= TOLERANCE
            near, columns = near[confirmed], columns[confirmed]
            yield near + start, columns, different[near, columns]
        if progress is not None:
            progress(min(start + step, len(first.bits)), len(first.bits))


def _grey_gaps(first: np.ndarray, rows: np.ndarray, second: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Mean differences of pairs of grey copies [pairs], a few thousand pairs at a time."""
    gaps = np.empty(len(rows))
    for start in range(0, len(rows), 4096):
        part = slice(start, start + 4096)
        pair = first[rows[part]].astype(np.int16) - second[columns[part]]
        gaps[part] = np.abs(pair).mean(axis=1)
    return gaps


def nearest_by_features(first: np.ndarray, second: np.ndarray | None, progress: Progress | None = None) -> Nearest:
    """The nearest by the cosine of features [N,d] and [M,d]; a picture without features (all 0) is near to none.

    Args:
        second: None compares the first set with itself, each picture with all others.
    """
    x = _unit(first)
    y = x if second is None else _unit(second)
    index, value = np.empty(len(x), dtype=np.int64), np.empty(len(x))
    step = max(1, _BLOCK // len(y))
    for start in range(0, len(x), step):
        cosines = x[start : start + step] @ y.T  # [rows, M]
        rows = np.arange(len(cosines))
        if second is None:
            cosines[rows, start + rows] = -1
        index[start : start + step] = best = cosines.argmax(axis=1)
        value[start : start + step] = cosines[rows, best]
        if progress is not None:
            progress(min(start + step, len(x)), len(x))
    return Nearest(index, value)


def _unit(features: np.ndarray) -> np.ndarray:
    """Rows of length 1, float32."""
    x = np.asarray(features, dtype=np.float32)
    unit: np.ndarray = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return unit


@dataclass(frozen=True, eq=False)
class Copies:
    """What two sets share.

    Args:
        equal: pictures of the first that are in the second, pixel by pixel.
        by_hash: the nearest of each by hash.
        by_features: likewise; None where no features were given.
        cosine: from which on a pair is called near by features, and not below `floor`.
        floor: the cosine that of the reference's pictures, its own copies left out, a share of CHANCE has to another
            one of the reference: what is common between different pictures by this network says nothing; 0 without
            features, and at most MAX_FLOOR.
        features, reference_features: float32 [N,d] and [M,d], rows of length 1; None where no features were given.
    """

    equal: int
    by_hash: Nearest
    by_features: Nearest | None
    cosine: float
    floor: float = 0.0
    features: np.ndarray | None = None
    reference_features: np.ndarray | None = None

    def hash_counts(self) -> dict[str, int]:
        """Up to how many differing bits -> pictures of the first set."""
        return {str(bits): int((self.by_hash.value <= bits).sum()) for bits in BITS}

    def cosine_counts(self) -> dict[str, int]:
        """From which cosine on -> pictures of the first set."""
        if self.by_features is None:
            return {}
        return {f"{c:g}": int((self.by_features.value >= c).sum()) for c in sorted({*COSINES, self.cosine})}

    def near_by_features(self) -> np.ndarray:
        """bool [N]: from the cosine and the floor on."""
        assert self.by_features is not None
        near: np.ndarray = self.by_features.value >= max(self.cosine, self.floor)
        return near

    def near(self) -> np.ndarray:
        """Numbers of the first set's pictures with a near copy, by hash or by features, the nearest first."""
        by_hash = self.by_hash.value <= BITS[-1]
        score = np.where(by_hash, 2 - self.by_hash.value / 64, 0.0)
        if self.by_features is not None:
            score = np.maximum(score, np.where(self.near_by_features(), self.by_features.value, 0.0))
        order = np.argsort(-score, kind="stable")
        near: np.ndarray = order[score[order] > 0]
        return near

    def partner(self, i: int) -> int:
        """The second set's picture nearest to picture `i`: by hash where the hash is sure, else by features."""
        if self.by_hash.value[i] <= BITS[-1] or self.by_features is None:
            return int(self.by_hash.index[i])
        return int(self.by_features.index[i])

    def cosine_of(self, i: int, partner: int) -> float | None:
        """The cosine of picture `i` and that picture of the second set; None where no features were given."""
        if self.features is None or self.reference_features is None:
            return None
        return float(self.features[i] @ self.reference_features[partner])

    def warnings(self) -> tuple[str, ...]:
        """That of this network's cosine so much is common that fewer pairs count than were asked for."""
        if self.by_features is None or self.floor <= self.cosine:
            return ()
        return (
            f"different pictures of the reference are alike up to cosine {self.floor:.3f}: copies less alike, from the "
            f"{self.cosine:g} that was asked for on, are not counted; take a network that tells them apart",
        )


def find_copies(
    images: LabelledImages,
    reference: LabelledImages,
    features: ImageFeatures | None = None,
    reference_features: ImageFeatures | None = None,
    cosine: float = COSINES[1],
    progress: Progress | None = None,
) -> Copies:
    """Which pictures of `images` have a near copy in `reference`.

    Args:
        features, reference_features: of these very sets, by one network; both or none.
        progress: called with (done, total); what it raises stops the work.

    Raises:
        ValueError: only one has features, or they are of other pictures or went another way.
    """
    if (features is None) != (reference_features is None):
        raise ValueError("only one of the sets has features; expected both or none; connect Image Features to both")
    for data, of_set in ((images, features), (reference, reference_features)):
        if of_set is not None and of_set.content_key != data.content_key:
            raise ValueError(
                f"the features are of {of_set.name}, the pictures of {data.name}; expected those of the same set; "
                "connect Image Features to the same pictures"
            )
    if features is not None and reference_features is not None:
        check_comparable(features, reference_features)
    reference_digests = np.unique(reference.pixel_digests(progress))
    equal = int(np.isin(images.pixel_digests(progress), reference_digests).sum())
    reference_hashes = hash_pictures(reference, progress)
    by_hash = nearest_by_hash(hash_pictures(images, progress), reference_hashes, progress)
    if features is None or reference_features is None:
        return Copies(equal, by_hash, None, cosine)
    by_features = nearest_by_features(features.features, reference_features.features, progress)
    floor = common_cosine(reference_features.features, reference_hashes, progress)
    units = _unit(features.features), _unit(reference_features.features)
    return Copies(equal, by_hash, by_features, cosine, floor, *units)


def common_cosine(features: np.ndarray, hashes: Hashes, progress: Progress | None = None) -> float:
    """The floor of Copies: below it are all but CHANCE of a set's pictures, as far as they are no copies by hash."""
    once = ~repeats_by_hash(hashes, progress)
    among_itself = nearest_by_features(features[once], None, progress).value
    return float(np.clip(np.quantile(among_itself, 1 - CHANCE), 0, MAX_FLOOR))


def pairs_of(copies: Copies, images: LabelledImages, reference: LabelledImages) -> list[dict[str, Any]]:
    """The nearest pairs, MAX_PAIRS at most, as a result and a sheet have them."""
    pairs = []
    for i in map(int, copies.near()[:MAX_PAIRS]):
        partner = copies.partner(i)
        bits = int(copies.by_hash.value[i])
        pairs.append(
            {
                "index": i,
                "reference_index": partner,
                "picture": images.describe(i),
                "reference_picture": reference.describe(partner),
                "bits": bits if bits <= BITS[-1] else None,
                "cosine": copies.cosine_of(i, partner),
            }
        )
    return pairs


def copies_measurement(
    name: str,
    copies: Copies,
    images: LabelledImages,
    reference: LabelledImages,
    features: ImageFeatures | None,
) -> Measurement:
    """The counts and the nearest pairs as a result."""
    figures = {
        "equal": copies.equal,
        "near": len(copies.near()),
        "by_hash": copies.hash_counts(),
        "near_by_hash": int((copies.by_hash.value <= BITS[-1]).sum()),
        "by_features": copies.cosine_counts(),
        "near_by_features": None if copies.by_features is None else int(copies.near_by_features().sum()),
        "floor": copies.floor,
        "pairs": pairs_of(copies, images, reference),
    }
    inputs = {"images": images.summary(), "reference": reference.summary()}
    settings = {
        "hash": f"up to {BITS[-1]} of 64 bits differ, plain or mirrored, grey copies by {TOLERANCE:g} of 255 at most",
        "cosine": copies.cosine,
        **({} if features is None else features.settings()),
    }
    warnings = (*copies.warnings(), *(() if features is None else features.warnings()))
    return Measurement(name, "contamination", figures, inputs, settings, warnings)


def copies_table(copies: Copies, images: LabelledImages, reference: LabelledImages) -> str:
    """Markdown: counts at each threshold, and the nearest pairs by name."""
    lines = [
        f"{one_line(images.name)} ({len(images):,}) against {one_line(reference.name)} ({len(reference):,})",
        "",
        "| near copies | pictures |",
        "|---|---|",
        f"| equal, pixel by pixel | {copies.equal:,} |",
    ]
    lines += [f"| hash: up to {bits} of 64 bits | {count:,} |" for bits, count in copies.hash_counts().items()]
    lines += [f"| features: cosine from {cosine} on | {count:,} |" for cosine, count in copies.cosine_counts().items()]
    if copies.by_features is not None:
        among = f"{100 * (1 - CHANCE):g} % of the reference among itself, its copies left out"
        floor = f"near by features: {copies.cosine:g}, and above {among}"
        lines.append(f"| {floor} ({copies.floor:.3f}) | {int(copies.near_by_features().sum()):,} |")
    pairs = pairs_of(copies, images, reference)
    if pairs:
        lines += ["", "| picture | is like | bits | cosine |", "|---|---|---|---|"]
    for pair in pairs:
        bits = "" if pair["bits"] is None else pair["bits"]
        cosine = "" if pair["cosine"] is None else f"{pair['cosine']:.3f}"
        lines.append(f"| {one_line(pair['picture'])} | {one_line(pair['reference_picture'])} | {bits} | {cosine} |")
    return "\n".join(lines)


def sheet_pictures(
    pairs: Sequence[dict[str, Any]], images: LabelledImages, reference: LabelledImages
) -> tuple[list[np.ndarray], list[str]]:
    """Pictures and captions of the pairs, each beside its partner, for pictures/sheets.py."""
    pictures: list[np.ndarray] = []
    captions = []
    for pair in pairs:
        pictures += [images.read(pair["index"]), reference.read(pair["reference_index"])]
        said = "" if pair["bits"] is None else f"{pair['bits']} bits"
        said = ", ".join(filter(None, [said, "" if pair["cosine"] is None else f"cos {pair['cosine']:.2f}"]))
        captions += [said, reference.class_names[reference.labels[pair["reference_index"]]]]
    return pictures, captions
