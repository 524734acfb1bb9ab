"""Plots become pictures of the stated size and SVG in the page's ink; labels without a glyph are escaped."""

from __future__ import annotations

import numpy as np

from hyponet.evaluation.plots import bar_chart, confusion_plot, label, line_chart, note, to_pixels, to_png, to_svg


def test_pictures_have_the_stated_size_and_something_on_white() -> None:
    pixels = to_pixels(bar_chart(["a", "b"], {"ours": [1.0, None], "thesis": [2.0, 3.0]}, "t", "%", (400, 300)))
    assert pixels.shape == (300, 400, 3)
    assert pixels.dtype == np.uint8
    assert pixels.min() < 128
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert to_png(note("nothing", (100, 50)))[:8] == b"\x89PNG\r\n\x1a\n"


def test_svg_takes_its_ink_from_the_page_and_names_what_is_drawn() -> None:
    svg = to_svg(line_chart({"blur": ([0, 1], [1.0, None])}, "A title", "strength", "FID", (400, 300)), "one")
    assert "currentColor" in svg
    assert "#010203" not in svg
    assert "A title" in svg
    assert "<?xml" not in svg


def test_the_same_plot_gives_the_same_svg() -> None:
    def draw() -> str:
        return to_svg(confusion_plot([[3, 1], [0, 4]], ["cat", "ship"], "t", (300, 300)), "salt")

    assert draw() == draw()
    assert "<image" not in draw()


def test_labels_that_no_font_can_show_are_escaped_and_dollars_are_no_formulas() -> None:
    assert label("cat") == "cat"
    assert label("$x^2$") == r"\$x^2\$"
    assert label("\U0001fae8") == r"\U0001fae8"  # an emoji of 2022 that no text font here has
    assert to_pixels(note("$\\frac{", (100, 50))).shape == (50, 100, 3)
