"""The Report node on a real server, and its page in a real Chromium: light, dark, print, and nothing from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyponet.tests.evaluation.accuracy_figures import accuracy_entry, write_test

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def page_file(comfy) -> Path:
    """A report over results on disk, found by their names."""
    results = comfy.output / "hyponet" / "results"
    for seed, accuracy in enumerate((0.70, 0.72, 0.74)):
        tests = [
            accuracy_entry(name, accuracy, count)
            for name, count in (("CIFAR-10 test", 5000), ("ImageNet validation", 900), ("STL-10 test", 4000))
        ]
        write_test(results, "report-test/sd15-hyponet", tests, {"seed": seed})
    (results / "report-test" / "sd15-hyponet" / "torn.json").write_text('{"format": "hypo')
    out = comfy.run(
        {
            "report": {
                "class_type": "HypoNetWriteReport",
                "inputs": {"name": "tests/page", "title": "A page", "results": "report-test/*", "thesis_rows": ""},
            },
            "charts": {"class_type": "PreviewImage", "inputs": {"images": ["report", 1]}},
            "confusion": {"class_type": "PreviewImage", "inputs": {"images": ["report", 3]}},
        }
    )
    assert ": 4 figures from 3 results" in out["report"]["text"][0]  # three test sets and their average
    assert "What was measured" in out["report"]["text"][0]
    assert "Where each figure comes from" not in out["report"]["text"][0], "the page and `markdown` have the sources"
    assert out["report"]["hyponet_report"] == [
        {"filename": "report.html", "subfolder": "hyponet/reports/tests/page", "type": "output"}
    ]
    assert len(out["charts"]["images"]) == 4
    assert len(out["confusion"]["images"]) == 3
    return comfy.output / "hyponet" / "reports" / "tests" / "page" / "report.html"


def test_the_page_in_chromium(page_file: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            grounds = {}
            for scheme in ("light", "dark"):
                page = browser.new_page(color_scheme=scheme, viewport={"width": 1100, "height": 900})
                said: list[str] = []
                asked: list[str] = []
                page.on("console", lambda message, said=said: said.append(message.text))
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.goto(page_file.as_uri())
                assert said == []
                assert asked == [page_file.as_uri()]
                grounds[scheme] = page.evaluate(
                    "['body', 'figure text'].map(s => { const c = getComputedStyle(document.querySelector(s));"
                    " return s == 'body' ? c.backgroundColor : c.fill })"
                )
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert grounds == {
                "light": ["rgb(255, 255, 255)", "rgb(29, 35, 43)"],
                "dark": ["rgb(20, 24, 29)", "rgb(230, 234, 240)"],
            }
            page.emulate_media(media="print")
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            row = page.locator("tr", has_text="72.00").first.inner_text()
            # mean and standard deviation of 70, 72, 74 are 72 and 2; 74.42 is Table 5-9's
            assert row.startswith("HypoNet")
            assert "\u00b1 2.00 (3 seeds)" in row
            assert "74.42" in row
            note = page.locator("li, p", has_text="Left out:").first.inner_text()
            assert "report-test/sd15-hyponet/torn.json is not a whole result file" in note
            page.emulate_media(media="screen")
            page.set_viewport_size({"width": 390, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a phone would scroll sideways"
        finally:
            browser.close()
