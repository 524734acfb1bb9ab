from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hyponet.evaluation.pictures.perceptual import PerceptualHash, near_duplicates, perceptual_hash
from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import generate, item, open_set, picture


def test_a_whole_set_has_no_problems(pets):
    found = verify(DatasetStore.open(pets), duplicates=True)
    assert (found.checked, found.problems()) == (8, 0)


def test_each_kind_of_damage_is_told_apart(pets):
    (pets / "cat" / "000000.png").unlink()
    torn = pets / "cat" / "000001.png"
    torn.write_bytes(torn.read_bytes()[:90])
    Image.fromarray(picture("cat", 99)).save(pets / "cat" / "000002.png")
    (pets / "dog" / "extra.jpg").write_bytes(b"?")
    (pets / "dog" / "notes.txt").write_text("no picture")
    found = verify(DatasetStore.open(pets), duplicates=False)
    assert found.missing == [("cat", 0)]
    assert found.corrupt == [("cat", 1)]
    assert found.changed == [("cat", 2)]
    assert found.unlisted == ["dog/extra.jpg"]
    assert found.problems() == 4
    assert "| corrupt | 1 | cat 1 |" in found.report()


def test_near_duplicates_leave_the_first(tmp_path):
    with open_set(tmp_path) as store:
        generate(store)
        brighter = np.clip(picture("cat", 1).astype(int) + 2, 0, 255).astype(np.uint8)
        store.add(item("dog", 4), brighter)
        store.add(item("cat", 4), picture("cat", 1))
        found = verify(store, duplicates=True)
        assert found.near_duplicates == [(("cat", 1), ("cat", 4)), (("cat", 1), ("dog", 4))]
        mark_findings(store, found)
        assert store.counts() == {"cat": 4, "dog": 4}
        assert list(store.missing([("cat", 4), ("dog", 4)])) == [("cat", 4, 1), ("dog", 4, 1)]


@pytest.fixture(scope="module")
def photo():
    from skimage import data

    return np.ascontiguousarray(data.chelsea()[:256, :256])


def test_prints_survive_what_does_not_change_the_look(photo):
    import io

    squeezed = io.BytesIO()
    Image.fromarray(photo).save(squeezed, "JPEG", quality=80)
    alike = [
        np.asarray(Image.open(squeezed)),
        np.asarray(Image.fromarray(photo).resize((200, 200))),
        np.clip(photo.astype(int) + 2, 0, 255).astype(np.uint8),
    ]
    other = [photo[::-1], photo[:, ::-1], np.rot90(photo), 255 - photo]
    hashes = [perceptual_hash(np.ascontiguousarray(each)) for each in (photo, *alike, *other)]
    assert near_duplicates(hashes) == [(0, 1), (0, 2), (0, 3)]


def test_thousands_of_equal_pictures_are_found_in_one_pass():
    blank = perceptual_hash(np.zeros((16, 16, 3), np.uint8))
    assert len(near_duplicates([blank] * 3000)) == 2999


def test_pairs_equal_the_comparison_of_all_with_all():
    """Against the plain definition, two bits and three bits apart, on hashes that share bands by chance."""
    rng = np.random.default_rng(1)
    base = [perceptual_hash(rng.integers(0, 256, (32, 32, 3), np.uint8)) for _ in range(40)]
    from dataclasses import replace

    near = [replace(each, bits=each.bits ^ (1 << 3) ^ (1 << 40) ^ (1 << 63)) for each in base[:20]]
    far = [replace(each, bits=each.bits ^ 0b1111 << 8) for each in base[20:30]]
    hashes = base + near + far
    expected = [(i, 40 + i) for i in range(20)]
    assert near_duplicates(hashes) == expected


def test_pairs_among_many_with_a_plain_sky_equal_the_comparison_of_all_with_all():
    """A plain upper half gives all two equal bands. The peer is the definition: at most 3 bits, and alike in grey."""
    rng = np.random.default_rng(2)
    greys = rng.integers(0, 256, (500, 16, 16), np.uint8)
    hashes = [PerceptualHash(int(bits), grey) for bits, grey in zip(rng.integers(0, 2**32, 500), greys, strict=True)]
    near = [PerceptualHash(each.bits ^ (1 << 5) ^ (1 << 20) ^ (1 << 29), each.grey) for each in hashes[:60]]
    far = [PerceptualHash(each.bits ^ 0b1111, each.grey) for each in hashes[60:120]]
    everything = hashes + near + far
    bits = np.array([each.bits for each in everything], np.uint64)
    different = np.array([[(int(a) ^ int(b)).bit_count() for a in bits] for b in bits])
    flat = np.stack([each.grey.reshape(-1) for each in everything]).astype(int)
    expected = [
        (first, later)
        for first, later in zip(*np.nonzero(np.triu(different <= 3, 1)), strict=True)
        if np.abs(flat[first] - flat[later]).mean() <= 4
    ]
    calls = []
    assert near_duplicates(everything, alive=lambda: calls.append(1)) == expected
    assert len(expected) == 60
    assert len(calls) > 10, "an interrupt is looked for now and then"


def test_pictures_of_one_hash_are_compared_once():
    """The regression: a group that no band divides was divided again, and compared 64 times."""
    greys = np.random.default_rng(0).integers(0, 256, (300, 16, 16), np.uint8)
    calls = []
    assert near_duplicates([PerceptualHash(5, grey) for grey in greys], alive=lambda: calls.append(1)) == []
    assert len(calls) == 1
