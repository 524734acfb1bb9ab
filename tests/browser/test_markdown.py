"""web/js/markdown.js in a real page: what it reads, and that no element comes of what others wrote."""

from __future__ import annotations

import os

import pytest

from hyponet.tools.workflows.editor import editor

CHROMIUM = os.environ.get("HYPONET_CHROMIUM", "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: the page is not tested; install it and run again"),
]


@pytest.fixture(scope="module")
def page(comfy):
    with editor(comfy.url, CHROMIUM) as opened:
        yield opened.page


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("a\nb\n\nc", [{"kind": "lines", "lines": ["a", "b"]}, {"kind": "lines", "lines": ["c"]}]),
        ("## Plan", [{"kind": "heading", "level": 2, "text": "Plan"}]),
        (
            "- one\n  - two",
            [{"kind": "list", "items": [{"depth": 0, "text": "one"}, {"depth": 1, "text": "two"}]}],
        ),
        (
            "| a | b |\n|---|--:|\n| x \\| y | 1 |\n| z |\nend",
            [
                {
                    "kind": "table",
                    "head": ["a", "b"],
                    "alignment": ["", "right"],
                    "rows": [["x \\| y", "1"], ["z", ""]],
                },
                {"kind": "lines", "lines": ["end"]},
            ],
        ),
        ("```\n| no |\n|---|\n```", [{"kind": "code", "text": "| no |\n|---|"}]),
        ("{a|b} of a __color__", [{"kind": "lines", "lines": ["{a|b} of a __color__"]}]),
    ],
)
def test_markdown_is_parsed(page, text, blocks):
    """By hand, after the few forms that the module's head names."""
    assert (
        page.evaluate("async (text) => (await import('/extensions/hyponet/js/markdown.js')).parse(text)", text)
        == blocks
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**x** `y` 2 ** 3", "<p><strong>x</strong> <code>y</code> 2 ** 3</p>"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>"),
        ("a &lt;b> c", "<p>a &lt;b&gt; c</p>"),
        ("warning: few", '<p class="warning">warning: few</p>'),
    ],
)
def test_markdown_makes_no_element_of_what_others_wrote(page, text, html):
    draw = """async (text) => { const {draw} = await import('/extensions/hyponet/js/markdown.js');
        const box = document.createElement('div'); box.append(draw(text)); return box.innerHTML; }"""
    assert page.evaluate(draw, text) == html
