"""Printed, or saved as a PDF, the page has all that was said and all scenes, whatever is in sight on the screen."""

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from msgspec.structs import replace

from tests.browser.conftest import Report
from tests.browser.documents import bare, said, seen, with_scenes

Open = Callable[..., Report]
BOX = (40.0, 60.0, 100.0, 140.0)


def printed(report: Report) -> list[str]:
    """The text of each page, as it is laid out; spaces aside."""
    pypdf = pytest.importorskip("pypdf", reason="needs pypdf: scripts/test sets it up")
    pages = pypdf.PdfReader(BytesIO(report.page.pdf(format="A4"))).pages
    return ["".join(page.extract_text().split()) for page in pages]


@pytest.mark.parametrize("tab", ["#tab-transcript", "#tab-scenes"])
@pytest.mark.parametrize("width", [400, 1280, 2200])
def test_all_is_on_paper(open_report: Open, tab: str, width: int) -> None:
    talk = said(*((number / 5, f"Sentence number {number}.") for number in range(200)))
    document = bare(detections=seen(*[[("cat", 0.9, BOX)]] * 40), transcription=talk)
    document = replace(document, video=replace(document.video, path="my talk.mp4", duration_s=40.0))
    report = open_report(with_scenes(document, *map(float, range(1, 40))), width=width)
    if report.page.locator(tab).is_visible():
        report.page.locator(tab).click()
    pages = printed(report)
    whole = "".join(pages)
    assert pages[0].startswith("mytalk.mp4")
    assert {int(number) for number in re.findall(r"Sentencenumber(\d+)\.", whole)} == set(range(200))
    assert whole.count("seencat") == 40, "the scenes with what is in them"
    for heading in ("Timeline", "Timing", "Cost", "Provenance"):
        assert heading in whole


def test_paper_is_light_and_the_screen_is_as_it_was_then(open_report: Open) -> None:
    report = open_report(bare(transcription=said((0.0, "Hello."))), scheme="dark")
    before = report.pixels("#plot").mean()
    shown: list[str] = []
    report.page.expose_function("shown", lambda colour: shown.append(colour))  # noqa: PLW0108
    report.page.evaluate(
        """() => addEventListener("beforeprint", () =>
             shown(getComputedStyle(document.querySelector(".card")).backgroundColor))"""
    )
    report.page.pdf()
    report.until(lambda: shown == ["rgb(255, 255, 255)"])
    assert report.page.evaluate("document.documentElement.dataset.theme") is None
    assert abs(report.pixels("#plot").mean() - before) < 1
