"""Near-duplicates by a perceptual hash: pictures that look the same though their bytes differ.

Reads and writes nothing. A picture's hash is its 8x8 brightness gradient (64 bits, the difference hash) and a 16x16
grey copy that confirms what the hash suspects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

_LARGE_GROUP = 256  # hashes that are compared each with each; a judgement
MAX_DIFFERENT_BITS = 3  # bits: of 4 bands of 16 bits, two hashes that differ in 3 bits share at least one whole band

_EVERY_2ND, _TWO_OF_4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_FOUR_OF_8, _ONE_OF_8 = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)


@dataclass(frozen=True, slots=True)
class PerceptualHash:
    """`bits`: uint64; `grey`: [16, 16] uint8."""

    bits: int
    grey: np.ndarray


def perceptual_hash(image: np.ndarray) -> PerceptualHash:
    """The hash of a picture, [H, W, 3] uint8."""
    return _hash(*_small_copies(image))


def hash_and_mirrored(image: np.ndarray) -> tuple[PerceptualHash, PerceptualHash]:
    """The hash of a picture, [H, W, 3] uint8, and of what a mirror shows of it."""
    small, grey = _small_copies(image)
    return _hash(small, grey), _hash(small[:, ::-1], grey[:, ::-1])


def _small_copies(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grey copies, int16 [8, 9] and uint8 [16, 16]."""
    grey = Image.fromarray(image).convert("L")
    small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return small, np.asarray(grey.resize((16, 16), Image.Resampling.BOX))


def _hash(small: np.ndarray, grey: np.ndarray) -> PerceptualHash:
    bits = np.packbits((small[:, 1:] > small[:, :-1]).reshape(-1)).view(">u8")[0]  # (8, 9) -> (64,) -> one uint64
    return PerceptualHash(int(bits), grey)


def near_duplicates(
    hashes: list[PerceptualHash], tolerance: float = 4.0, alive: Callable[[], None] | None = None
) -> list[tuple[int, int]]:
    """(earlier, later) for each picture that looks like an earlier one.

    Args:
        hashes: in the order in which the first of two stays.
        tolerance: mean difference of the grey copies, 0..255, up to which two pictures are alike.
        alive: called now and then; what it raises stops the work.
    """
    if len(hashes) < 2:
        return []
    bits = np.array([picture_hash.bits for picture_hash in hashes], dtype=np.uint64)
    greys = np.stack([picture_hash.grey.reshape(-1) for picture_hash in hashes]).astype(np.int16)
    first: dict[int, int] = {}

    def compare_alike(members: np.ndarray, rest: np.ndarray, width: int) -> None:
        """Compare members [M] of which the `width` bits in `rest` [M] are not known to be equal."""
        if alive is not None:
            alive()
        is_alike = bool((rest == rest[0]).all())  # dividing such a group again would give the same group, four times
        if len(members) <= _LARGE_GROUP or width % 4 or is_alike:
            _compare_group(members, bits, greys, tolerance, first)
            return
        # of four bands, two hashes that differ in 3 bits share one; many that share it (a plain sky) are divided again
        quarter = width // 4
        for band in range(4):
            keep = np.array([int(member) not in first for member in members])
            members, rest = members[keep], rest[keep]
            low = rest & _ones(quarter * band)
            others = low | (rest >> np.uint64(quarter * band) >> np.uint64(quarter) << np.uint64(quarter * band))
            values = (rest >> np.uint64(quarter * band)) & _ones(quarter)
            order = np.argsort(values, kind="stable")
            for group in np.split(order, np.flatnonzero(np.diff(values[order])) + 1):
                if len(group) > 1:
                    compare_alike(members[group], others[group], width - quarter)

    compare_alike(np.arange(len(bits)), bits, 64)
    return sorted((earlier, later) for later, earlier in first.items())


def _ones(count: int) -> np.ndarray:
    return np.array((1 << count) - 1, np.uint64)


def _compare_group(
    group: np.ndarray, bits: np.ndarray, greys: np.ndarray, tolerance: float, first: dict[int, int]
) -> None:
    """Compare each member with those before it that are no duplicates themselves."""
    stay = np.empty(len(group), dtype=np.int64)
    count = 0
    for later in map(int, group):
        if later in first:
            continue
        close = stay[:count][bit_count(bits[stay[:count]] ^ bits[later]) <= MAX_DIFFERENT_BITS]
        alike = close[np.abs(greys[close] - greys[later]).mean(axis=1) <= tolerance]  # (close, 256) -> (alike,)
        if len(alike):
            first[later] = int(alike[0])
        else:
            stay[count] = later
            count += 1


def bit_count(values: np.ndarray) -> np.ndarray:
    """How many bits of each uint64 are set, of any shape, as uint8; numpy has it from 2.0 on only."""
    # sums of neighbours of 1, 2 and 4 bits, then of the 8 bytes by a product (Warren, Hacker's Delight, 5-1)
    pairs = values - ((values >> np.uint64(1)) & _EVERY_2ND)
    fours = (pairs & _TWO_OF_4) + ((pairs >> np.uint64(2)) & _TWO_OF_4)
    octets = (fours + (fours >> np.uint64(4))) & _FOUR_OF_8
    counts: np.ndarray = ((octets * _ONE_OF_8) >> np.uint64(56)).astype(np.uint8)
    return counts
