"""The reader of serialised objects gives what Python's own gives for plain data, and runs nothing."""

from __future__ import annotations

import os
import pickle
import subprocess

import numpy as np
import pytest

from hyponet.evaluation.pictures.sources.plain_objects import read_plain

# CIFAR-10's batches were written by Python 2 with protocol 2: its strings are the instructions U and T, which Python 3
# never writes. This one is made by hand in the same shape: {'labels': [6, 9], 'data': a 2x3 array of uint8}.
PYTHON_2_BATCH = (
    b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(K\x06K\x09eU\x04dataq\x04cnumpy.core.multiarray\n_reconstruct\nq\x05"
    b"cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x08U\x02u1K\x00K\x01\x87Rq\x09"
    b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T\x06\x00\x00\x00\x01\x02\x03\x04\x05\x06tbu."
)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_data_comes_back(protocol):
    data = {
        "text": "caf\u00e9",
        "bytes": b"\x00\xff" * 200,
        "numbers": [0, 255, 256, 65_536, -1, 2**40, -(2**70), 1.5],
        "nested": {"tuple": (1, "two", [3.0], None, True, False), "empty": [(), {}, []]},
    }
    assert read_plain(pickle.dumps(data, protocol), "file") == data


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_of_bytes_come_back(protocol):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    back = read_plain(pickle.dumps({"data": array}, protocol), "file")["data"]
    assert back.dtype == np.uint8
    assert np.array_equal(back, array)


def test_python_2_batches_are_read_as_python_reads_them():
    expected = pickle.loads(PYTHON_2_BATCH, encoding="bytes")
    ours = read_plain(PYTHON_2_BATCH, "data_batch_1")
    assert ours["labels"] == expected[b"labels"] == [6, 9]
    assert np.array_equal(ours["data"], expected[b"data"])


class Runs:
    def __reduce__(self):
        return os.mkdir, ("ran",)


class Shell:
    def __reduce__(self):
        return subprocess.Popen, (["touch", "ran"],)


class Evaluates:
    def __reduce__(self):
        return eval, ("__import__('os').mkdir('ran')",)


@pytest.mark.parametrize("hostile", [Runs(), Shell(), Evaluates(), np.arange(3.0), np.array([Runs()], dtype=object)])
@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
def test_nothing_else_is_built_and_nothing_runs(hostile, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="data_batch_1"):
        read_plain(pickle.dumps({"data": hostile}, protocol), "data_batch_1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 1, 5, 20, 60, 120, len(PYTHON_2_BATCH) - 1])
def test_a_file_cut_short_is_an_error(length):
    with pytest.raises(ValueError, match=r"damaged|cannot be read"):
        read_plain(PYTHON_2_BATCH[:length], "data_batch_1")


def test_random_damage_is_an_error_or_data_but_never_anything_else():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        broken = bytearray(PYTHON_2_BATCH)
        for place in rng.integers(0, len(broken), 3):
            broken[place] = rng.integers(0, 256)
        try:
            value = read_plain(bytes(broken), "file")
        except ValueError:
            continue
        assert isinstance(value, (dict, list, tuple, str, bytes, int, float, np.ndarray, type(None)))


def test_a_few_bytes_cannot_ask_for_endless_work():
    # ten nested levels, each mentioning the one below a hundred times: 100^10 if it were copied
    value = []
    for _ in range(10):
        value = [value] * 100
    assert len(read_plain(pickle.dumps(value, 2), "file")) == 100
