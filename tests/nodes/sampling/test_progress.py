from __future__ import annotations

from hyponet.nodes.sampling.progress import Throughput


def throughput(total, *times):
    clock = iter(times)
    return Throughput(total, lambda: next(clock))


def test_line_shows_done_speed_and_time_left():
    assert throughput(400, 0.0, 4.0).line(12) == "12 of 400 images, 3.0 images/s, 2 min 9 s left"
    assert throughput(10, 0.0, 30.0).line(2.5) == "2 of 10 images, 12.0 s an image, 1 min 30 s left"


def test_nothing_is_promised_before_the_first_step():
    assert throughput(400, 0.0, 4.0).line(0) == "0 of 400 images"
