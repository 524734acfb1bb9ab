"""Whether a file of the set is there, the disk does not tell: that is no absence, and is said as it is."""

from __future__ import annotations

import errno
import os

import pytest

from hyponet.evaluation.files import is_there
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import assert_whole, generate, open_set

# of the first three pathlib says that the file is not there (up to Python 3.13), of all of them from 3.14 on
UNTOLD = (errno.ELOOP, errno.ENOTDIR, errno.EBADF, errno.EACCES, errno.EIO, errno.ESTALE)


@pytest.fixture
def untold(monkeypatch):
    """untold(name, number): from now on nobody is told whether a file of that name is there."""

    def fail(name, number):
        stat = os.stat

        def failing(path, *arguments, **options):
            if isinstance(path, (str, os.PathLike)) and os.path.basename(path) == name:
                raise OSError(number, os.strerror(number), str(path))
            return stat(path, *arguments, **options)

        monkeypatch.setattr(os, "stat", failing)

    return fail


@pytest.mark.parametrize("number", UNTOLD, ids=errno.errorcode.get)
@pytest.mark.parametrize("name", ["dataset.json", "metadata.jsonl", "rejected.jsonl"])
def test_a_file_of_which_the_disk_does_not_tell_is_not_taken_for_none(pets, untold, monkeypatch, name, number):
    """The regression: the set was called one of somebody else, or cut, and what was rejected counted as never made."""
    with open_for_writing(pets) as store:
        mark(store, {("cat", 1): Mark("by hand")})
    before = {path: path.read_bytes() for path in pets.rglob("*") if path.is_file()}
    untold(name, number)
    with pytest.raises(OSError, match=name), open_set(pets.parent) as store:
        generate(store)
    if name != "dataset.json":  # which is opened without a question
        with pytest.raises(OSError, match=name):
            DatasetStore.open(pets)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in pets.rglob("*") if path.is_file()} == before
    with open_set(pets.parent) as store:
        assert generate(store) == 1
    assert_whole(pets)


def test_what_is_there_and_what_is_not_is_told(tmp_path):
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "none" / "file")
