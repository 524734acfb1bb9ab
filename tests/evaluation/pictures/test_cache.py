"""Small copies are made once, keyed by content; nothing half-made stays; corrupt pictures are named."""

from __future__ import annotations

import errno
import json
import os
import time

import numpy as np
import pytest
import torch

from hyponet.evaluation.pictures import cache
from hyponet.evaluation.pictures.cache import resized
from hyponet.evaluation.pictures.decode import CorruptPicture
from hyponet.evaluation.pictures.draws import limited
from hyponet.evaluation.pictures.labelled_images import labelled
from hyponet.evaluation.pictures.resize import resize

from ..sample_pictures import MemoryPictures, colours


class WithHoles(MemoryPictures):
    """Pictures of which some cannot be decoded."""

    def __init__(self, pictures, bad):
        super().__init__(pictures)
        self.bad = bad

    def read(self, index):
        if index in self.bad:
            raise CorruptPicture(f"picture {index} cannot be decoded")
        return super().read(index)


def holes(bad, folder=None, count=6):
    rng = np.random.default_rng(0)
    pictures = WithHoles(list(rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)), bad)
    return labelled("holes", ("a", "b"), np.arange(count) % 2, pictures, cache=folder)


def test_the_tensor_holds_every_picture_resized(tmp_path):
    data = colours(each=60, side=24, cache=tmp_path)  # more than one chunk
    small = resized(data, 16)
    assert small.shape == (180, 16, 16, 3)
    assert small.dtype == torch.uint8
    assert all(np.array_equal(small[i].numpy(), resize(data.read(i), 16)) for i in range(len(data)))


def test_the_second_time_no_picture_is_read(tmp_path):
    data = colours(cache=tmp_path)
    first = resized(data, 8)
    read = data.source.reads
    again = colours(cache=tmp_path)
    assert torch.equal(resized(again, 8), first)
    assert again.source.reads == 0
    assert read == len(data)


def test_another_filter_size_crop_or_picture_is_made_anew(tmp_path):
    data = colours(side=24, cache=tmp_path)
    resized(data, 8)
    resized(data, 8, "area")
    resized(data, 9)
    resized(data, 8, crop="centre crop")
    resized(colours(side=24, cache=tmp_path, seed=5), 8)
    assert len(list(tmp_path.glob("*.npy"))) == 5


def test_a_large_set_is_mapped_and_never_written_through(tmp_path, monkeypatch):
    data = colours(cache=tmp_path)
    expected = resized(data, 8).clone()
    monkeypatch.setattr(cache, "MAX_IN_MEMORY", 0)
    mapped = resized(data, 8)
    assert torch.equal(mapped, expected)
    mapped.zero_()
    assert torch.equal(resized(data, 8), expected)


def test_a_damaged_file_is_made_again(tmp_path):
    data = colours(cache=tmp_path)
    expected = resized(data, 8)
    (file,) = tmp_path.glob("*.npy")
    file.write_bytes(file.read_bytes()[:150])
    assert torch.equal(resized(colours(cache=tmp_path), 8), expected)


def test_a_stop_in_the_middle_leaves_no_file(tmp_path):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resized(colours(cache=tmp_path), 8, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_without_a_usable_folder_it_works_in_memory(tmp_path):
    (tmp_path / "file").write_text("in the way")
    data = colours(cache=tmp_path / "file")
    assert torch.equal(resized(data, 8), resized(colours(), 8))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["mkdir", "replace"])
def test_a_cache_that_cannot_be_written_only_warns(tmp_path, monkeypatch, caplog, number, call):
    """The verdict on corrupt pictures and the small copies can be made again; the run cannot wait for the disk."""
    folder = tmp_path / "cache"

    def fail(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, call, fail)
    assert cache.without_corrupt(holes({1, 4}, folder)).skipped == ("picture 1", "picture 4")
    assert torch.equal(resized(colours(cache=folder), 8), resized(colours(), 8))
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 2
    assert all(f"{folder} cannot be written ({os.strerror(number)})" in warning for warning in warnings)


@pytest.mark.parametrize("stored", [b"", b"[1, 4", b"[" * 100_000, b"{}", b"[1.5]", b"[-1]", b"[6]", b'["1"]', b"\xff"])
def test_a_damaged_verdict_is_made_again(tmp_path, caplog, stored):
    cache.without_corrupt(holes({1, 4}, tmp_path))
    (file,) = tmp_path.iterdir()
    file.write_bytes(stored)
    assert cache.without_corrupt(holes({1, 4}, tmp_path)).skipped == ("picture 1", "picture 4")
    assert "is made again" in caplog.text
    assert json.loads(file.read_text("utf-8")) == [1, 4]


def npy(shape: str, data: bytes = b"") -> bytes:
    """A file as NumPy's format 1.0 says it: magic, length of the header, header, numbers."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    "stored",
    [
        npy("(80000000000000,)"),  # 80 TB, before anything is read of them
        npy("(24, 8, 8, 3)", bytes(10)),
        npy("(24, 8, 8, 3)"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",  # a header of 4 GB
        b"PK\x03\x04 an .npz",
        b"",
    ],
)
def test_a_file_of_small_copies_that_states_what_it_is_not_is_made_again(tmp_path, stored):
    data = colours(cache=tmp_path)
    expected = resized(data, 8).clone()
    (file,) = tmp_path.glob("*.npy")
    file.write_bytes(stored)
    assert torch.equal(resized(colours(cache=tmp_path), 8), expected)


def test_progress_counts_every_picture():
    seen = []
    resized(colours(each=50), 4, progress=lambda done, total: seen.append((done, total)))
    assert steps(seen) == [(i, 150) for i in range(1, 151)]


def steps(seen):
    """What progress heard, without the calls while it waited for a slow picture."""
    return [(done, total) for done, total in dict.fromkeys(seen) if done]


class Slow(MemoryPictures):
    """Pictures on a slow disk."""

    def read(self, index):
        time.sleep(0.05)
        return super().read(index)

    def digest(self, index):
        self.reads += 1
        time.sleep(0.05)
        return super().digest(index)


STAGES = {
    "hashing": lambda data, stop: data.hash_pictures(stop),
    "downsampling": lambda data, stop: resized(data, 2, progress=stop),
    "looking for corrupt pictures": cache.without_corrupt,
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stop_waits_only_for_the_pictures_in_work(stage):
    def stop(done, total):
        raise KeyboardInterrupt

    pictures = Slow([np.zeros((2, 2, 3), np.uint8)] * 300)
    data = labelled("slow", ("a",), [0] * 300, pictures)
    with pytest.raises(KeyboardInterrupt):
        STAGES[stage](data, stop)
    # at most 8 threads, each done with one, two or three pictures when the first is noticed; a chunk was 128
    assert pictures.reads < 100


def test_a_corrupt_picture_stops_and_is_named(tmp_path):
    with pytest.raises(CorruptPicture, match="picture 3"):
        resized(holes({3}, tmp_path), 4)
    assert list(tmp_path.iterdir()) == []


def test_corrupt_pictures_are_left_out_and_listed(tmp_path):
    good = cache.without_corrupt(holes({1, 4}, tmp_path))
    assert good.skipped == ("picture 1", "picture 4")
    assert good.labels.tolist() == [0, 0, 1, 1]
    assert resized(good, 4).shape[0] == 4
    again = holes({1, 4}, tmp_path)
    assert cache.without_corrupt(again).skipped == good.skipped
    assert again.source.reads == 0, "the verdict is kept"
    with pytest.raises(CorruptPicture, match="none of the 6"):
        cache.without_corrupt(holes(set(range(6))))
    seen = []
    cache.without_corrupt(holes({1}), lambda done, total: seen.append((done, total)))
    assert steps(seen) == [(done, 6) for done in range(1, 7)], "every picture is reported"


def test_a_limit_takes_further_pictures_for_corrupt_ones(tmp_path):
    whole = holes(set(), tmp_path, count=40)
    assert cache.without_corrupt(whole, None, 5, seed=1).indices.tolist() == limited(whole, 5, seed=1).indices.tolist()
    assert whole.source.reads == 10, "what is not drawn is not decoded"
    longer = limited(whole, 6, seed=1)
    bad = {int(limited(whole, 5, seed=1).indices[0])}
    good = cache.without_corrupt(holes(bad, count=40), None, 5, seed=1)
    assert good.counts() == {"a": 5, "b": 5}
    assert good.skipped == tuple(f"picture {place}" for place in bad)
    assert set(good.indices.tolist()) < set(longer.indices.tolist()) - bad, "the next of the same draw"
    few = cache.without_corrupt(holes(set(range(36)), count=40), None, 5, seed=1)
    assert few.indices.tolist() == [36, 37, 38, 39], "all that can be decoded"
    assert len(few.skipped) == 36
