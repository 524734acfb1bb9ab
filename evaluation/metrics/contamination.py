"""Near copies between two sets: pictures of one that the other has too, equal, alike by hash, or alike by features.

Equal pictures are found by the digests of their pixels, small changes (another size, another compression, a mirror) by
the difference hash, and what a network sees alike by the cosine of its features. Reads pictures and features; writes
nothing. A near copy by features can be another photo of the same thing: look at the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pictures.labelled_images import LabelledImages
from ..progress import Progress
from .features import ImageFeatures, check_comparable
from .nearest import (
    BITS,
    Hashes,
    Nearest,
    hash_pictures,
    nearest_by_features,
    nearest_by_hash,
    repeats_by_hash,
    unit_rows,
)

COSINES = (0.90, 0.95, 0.98)  # at which near copies are counted
CHANCE = 0.001  # share of the reference whose own nearest other picture may be nearer than what is called near
MAX_FLOOR = 0.999  # of the reference's copies of itself that no hash sees, a quantile must not make copies vanish


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
    units = unit_rows(features.features), unit_rows(reference_features.features)
    return Copies(equal, by_hash, by_features, cosine, floor, *units)


def common_cosine(features: np.ndarray, hashes: Hashes, progress: Progress | None = None) -> float:
    """The floor of Copies: below it are all but CHANCE of a set's pictures, as far as they are no copies by hash."""
    once = ~repeats_by_hash(hashes, progress)
    among_itself = nearest_by_features(features[once], None, progress).value
    return float(np.clip(np.quantile(among_itself, 1 - CHANCE), 0, MAX_FLOOR))
