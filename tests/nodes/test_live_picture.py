from __future__ import annotations

import numpy as np

from hyponet.nodes.live_picture import SHARE, LivePicture


class Clock:
    """Stands still but for what is drawn."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_picture_is_drawn_at_once_then_once_a_second_and_at_the_end():
    clock = Clock()
    live = LivePicture(clock)
    drawn = []

    def draw(last=False):
        picture = live.draw(lambda: np.zeros((2, 3, 3), np.uint8), last=last)
        drawn.append(picture and picture.size)

    for step in range(5):
        clock.now = 100 + 0.4 * step
        draw()
    draw(last=True)
    assert drawn == [(3, 2), None, None, (3, 2), None, (3, 2)]


def test_drawing_takes_a_small_share_of_the_time():
    clock = Clock()
    live = LivePicture(clock)
    spent = 0

    def slow():
        nonlocal spent
        spent += 2
        clock.now += 2.0
        return np.zeros((1, 1, 3), np.uint8)

    while clock.now < 1100:
        live.draw(slow)
        clock.now += 0.5
    assert 0.5 * SHARE * 1000 < spent < 1.1 * SHARE * 1000
