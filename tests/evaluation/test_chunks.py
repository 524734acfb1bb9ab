from __future__ import annotations

from hyponet.evaluation.chunks import chunks


def test_chunks_keep_order_and_the_last_is_shorter():
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
