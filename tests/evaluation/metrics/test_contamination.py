"""Copies that were planted in another set are found, and a set of other pictures has none."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from PIL import Image

from hyponet.evaluation.metrics.contamination import MAX_FLOOR, find_copies
from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.copies_result import copies_measurement, copies_table, pairs_of, sheet_pictures
from hyponet.evaluation.metrics.features import ImageFeatures
from hyponet.evaluation.metrics.nearest import Hashes, nearest_by_features, nearest_by_hash
from hyponet.evaluation.pictures.labelled_images import labelled
from hyponet.evaluation.pictures.perceptual import bit_count

from ..sample_pictures import MemoryPictures

SIDE = 64


def crops(count, seed):
    """Crops of two photographs, [64,64,3]: real texture, each another place."""
    draw = np.random.default_rng(seed)
    photos = [skimage.data.chelsea(), skimage.data.coffee()]
    pictures = []
    for number in range(count):
        photo = photos[number % 2]
        top, left = (int(draw.integers(0, size - 160)) for size in photo.shape[:2])
        pictures.append(np.asarray(Image.fromarray(photo[top : top + 160, left : left + 160]).resize((SIDE, SIDE))))
    return pictures


def a_set(pictures, name):
    return labelled(name, ("cat", "coffee"), np.arange(len(pictures)) % 2, MemoryPictures(pictures))


def jpeg(picture):
    packed = io.BytesIO()
    Image.fromarray(picture).save(packed, "JPEG", quality=50)
    return np.asarray(Image.open(packed).convert("RGB"))


def test_equal_resized_compressed_and_mirrored_copies_are_found_by_hash():
    reference = a_set(crops(30, 0), "test")
    planted = {
        3: reference.read(7),
        5: np.asarray(Image.fromarray(reference.read(8)).resize((96, 96), Image.Resampling.BICUBIC)),
        11: jpeg(reference.read(21)),
        12: np.ascontiguousarray(reference.read(2)[:, ::-1]),
    }
    made = a_set([planted.get(i, picture) for i, picture in enumerate(crops(40, 1))], "made")
    copies = find_copies(made, reference)
    assert copies.equal == 1
    assert {i: copies.by_hash.index[i] for i in planted} == {3: 7, 5: 8, 11: 21, 12: 2}
    near = set(map(int, copies.near()))
    assert set(planted) <= near
    assert len(near) <= len(planted) + 2, "crops of one photograph can lie on each other; most do not"
    assert copies.near()[0] in planted
    assert copies.hash_counts()["0"] <= copies.hash_counts()["3"] <= copies.hash_counts()["8"]
    pairs = pairs_of(copies, made, reference)
    pictures, captions = sheet_pictures(pairs, made, reference)
    assert len(pictures) == len(captions) == 2 * len(pairs)
    assert "| equal, pixel by pixel | 1 |" in copies_table(copies, made, reference)


def test_bits_are_counted_as_python_counts_them():
    values = np.random.default_rng(0).integers(0, 2**64, (40, 5), dtype=np.uint64)
    values[0, :2] = 0, 2**64 - 1
    assert bit_count(values).tolist() == [[int(value).bit_count() for value in row] for row in values]


def test_flat_pictures_of_other_colours_are_no_copies():
    """A flat picture's hash is 0 whatever its colour: the grey copies tell them apart."""
    flat = [np.full((8, 8, 3), value, np.uint8) for value in (0, 60, 120, 180)]
    others = [np.full((8, 8, 3), value, np.uint8) for value in (30, 90, 150, 240)]
    assert len(find_copies(a_set(flat, "one"), a_set(others, "other")).near()) == 0
    assert len(find_copies(a_set(flat, "one"), a_set([*others[:3], flat[2]], "other")).near()) == 1


def test_what_is_common_among_the_reference_by_a_network_is_no_copy():
    """All features point nearly one way, as those of a classifier of few classes: only a nearer pair is a copy."""
    first, second = a_set(crops(6, 8), "made"), a_set(crops(40, 9), "test")
    draw = np.random.default_rng(1)
    x, y = (1 + 0.1 * draw.normal(size=(count, 64)) for count in (6, 40))
    x[3] = y[7] + 1e-4
    copies = find_copies(first, second, features_of(first, x), features_of(second, y))
    assert copies.cosine_counts()["0.98"] == 6
    assert list(copies.near()) == [3]
    others = [np.delete(y, i, 0) for i in range(40)]
    among = [max(np.dot(y[i], z) / np.linalg.norm(y[i]) / np.linalg.norm(z) for z in others[i]) for i in range(40)]
    assert copies.floor == pytest.approx(np.quantile(among, 0.999), abs=1e-5)


def test_blocks_change_nothing_and_cosines_are_numpys(monkeypatch):
    draw = np.random.default_rng(3)
    x, y = draw.normal(size=(50, 20)).astype(np.float32), draw.normal(size=(33, 20)).astype(np.float32)
    cosines = (x / np.linalg.norm(x, axis=1)[:, None]) @ (y / np.linalg.norm(y, axis=1)[:, None]).T
    whole = nearest_by_features(x, y)
    assert np.array_equal(whole.index, cosines.argmax(1))
    assert whole.value == pytest.approx(cosines.max(1), abs=1e-6)
    first, second = a_set(crops(20, 4), "one"), a_set(crops(20, 5), "other")
    hashed = find_copies(first, second).by_hash
    monkeypatch.setattr("hyponet.evaluation.metrics.nearest._BLOCK", 60)
    assert np.array_equal(nearest_by_features(x, y).index, whole.index)
    again = find_copies(first, second).by_hash
    assert np.array_equal(again.index, hashed.index)
    assert np.array_equal(again.value, hashed.value)
    assert nearest_by_features(np.zeros((1, 20)), y).value[0] == 0


def features_of(data, values):
    return ImageFeatures(
        data.name, data.class_names, data.labels, values, values, "net", "w", Preparation(), data.content_key
    )


def test_features_find_what_the_hash_does_not_and_must_be_of_these_sets():
    first, second = a_set(crops(6, 6), "made"), a_set(crops(5, 7), "test")
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(6, 64)).astype(np.float32), draw.normal(size=(5, 64)).astype(np.float32)
    x[2] = 3 * y[4]  # the cosines of others are within 0.5
    ours, theirs = features_of(first, x), features_of(second, y)
    copies = find_copies(first, second, ours, theirs)
    assert list(copies.near()) == [2]
    assert copies.partner(2) == 4
    assert copies.cosine_counts() == {"0.9": 1, "0.95": 1, "0.98": 1}
    figures = copies_measurement("made", copies, first, second, ours).figures
    assert (figures["near"], figures["near_by_features"], figures["pairs"][0]["bits"]) == (1, 1, None)
    with pytest.raises(ValueError, match="only one of the sets has features"):
        find_copies(first, second, ours)
    with pytest.raises(ValueError, match="features are of test, the pictures of made"):
        find_copies(first, second, theirs, ours)
    with pytest.raises(ValueError, match="prepared differently"):
        find_copies(first, second, ours, replace(theirs, network="other"))


def test_a_reference_with_pictures_twice_hides_no_copy():
    """By hand: different pictures' features are orthogonal; without its repeats, the floor is chance's alone."""
    pictures = crops(40, 9)
    pictures[11], pictures[12] = pictures[3], jpeg(pictures[4])
    first, second = a_set(crops(6, 8), "made"), a_set(pictures, "test")
    y = np.eye(40, 64, dtype=np.float32)
    y[11], y[12] = y[3], y[4] + 0.02 * y[20]
    x = np.eye(6, 64, k=50, dtype=np.float32)
    x[2] = y[7] + 0.1 * x[0]  # cosine 1 / sqrt(1.01), .995
    copies = find_copies(first, second, features_of(first, x), features_of(second, y))
    assert copies.floor < 0.1
    assert list(copies.near()) == [2]
    assert copies.warnings() == ()


def test_copies_of_itself_that_no_hash_sees_leave_equal_features_near_and_are_told():
    first, second = a_set(crops(6, 8), "made"), a_set(crops(40, 9), "test")
    y = np.eye(40, 64, dtype=np.float32)
    y[30:] = y[29]
    x = np.eye(6, 64, k=50, dtype=np.float32)
    x[2] = y[7]
    copies = find_copies(first, second, features_of(first, x), features_of(second, y))
    assert copies.floor == MAX_FLOOR
    assert list(copies.near()) == [2]
    (warning,) = copies_measurement("made", copies, first, second, None).warnings
    assert warning.startswith("different pictures of the reference are alike up to cosine 0.999")


def test_a_pair_has_its_own_cosine():
    """The partner by hash has cosine .6 by hand, another picture of the reference 1."""
    first, second = a_set(crops(6, 6), "made"), a_set([*crops(4, 7), crops(6, 6)[2]], "test")
    x, y = np.eye(6, 64, dtype=np.float32), np.eye(5, 64, k=20, dtype=np.float32)
    y[4], y[1] = 0.6 * x[2] + 0.8 * x[5], x[2]
    (pair,) = pairs_of(find_copies(first, second, features_of(first, x), features_of(second, y)), first, second)
    assert (pair["reference_index"], pair["bits"]) == (4, 0)
    assert pair["cosine"] == pytest.approx(0.6)


@pytest.mark.parametrize("seed", range(10))
def test_the_nearest_by_hash_is_that_of_a_plain_loop(seed):
    """Many alike pictures, as white product shots: hashes of a few differing bits, grey copies near or far."""
    draw = np.random.default_rng(seed)

    def some(count):
        bits = [draw.integers(0, 2**12, count).astype(np.uint64) for _ in range(2)]
        return Hashes(*bits, *(np.repeat(draw.integers(0, 9, (count, 1)), 256, 1).astype(np.uint8) for _ in range(2)))

    first, second = some(40), some(30)
    found = nearest_by_hash(first, second)
    for i in range(40):
        best = (64, -1)
        for bits, grey in ((second.bits, second.grey), (second.mirrored, second.mirrored_grey)):
            for j in range(30):
                different = (int(first.bits[i]) ^ int(bits[j])).bit_count()
                gap = abs(int(first.grey[i, 0]) - int(grey[j, 0]))
                if different <= 8 and gap <= 4 and different < best[0]:
                    best = (different, j)
        assert (found.value[i], found.index[i]) == best
