"""The page of templates in a real Chromium: rows, strips, the map, the comparison, and the way to a report."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from framefleet.corpus.grouping import templates_of
from framefleet.outputs.templates.make import make_page
from framefleet.schema.document import Document
from tests.browser.conftest import Report
from tests.browser.test_layout import CONTRAST
from tests.corpus.make import corpus, made

Open = Callable[..., Report]
DOT = "R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="  # a GIF of one pixel, which an image may be too


@pytest.fixture
def open_page(open_file: Open, tmp_path: Path) -> Iterator[Open]:
    """`open_page(documents)`: their page, open. It asks the network for nothing."""
    pages: list[Report] = []

    def show(documents: dict[str, Document], *, frames: bool = True, **look: Any) -> Report:
        here = {str(tmp_path / path): document for path, document in documents.items()}
        path = tmp_path / "templates.html"
        make_page(templates_of(here), here, path, (lambda *_: [DOT] * 8) if frames else None)
        pages.append(open_file(path, height=900, **look))
        return pages[-1]

    yield show
    assert [url for page in pages for url in page.asked if not url.startswith(("file:", "data:"))] == []


def busy() -> dict[str, Document]:
    return corpus(4) | corpus(2, ("odd",))


def scrolled(page: Report) -> None:
    """Down to the end, so that all cards are there."""
    for cards in page.page.locator(".cards").all():
        cards.scroll_into_view_if_needed()
        cards.locator(".card").first.wait_for()


def test_each_template_is_a_row_of_its_videos(open_page: Open) -> None:
    page = open_page(busy())
    scrolled(page)
    assert page.text("#about").startswith("18 videos · 4 templates")
    rows = page.page.locator(".cluster")
    assert [row.locator(".card").count() for row in rows.all()][:4] == [4, 4, 4, 4]
    assert page.page.locator(".card").count() == 18
    assert page.page.locator(".card.typical").count() == 4
    assert "hook:" in page.text("#t1 .hook")
    assert page.page.locator("#t1 .differences li").count() >= 3


def test_a_card_has_frames_and_lanes_over_time(open_page: Open) -> None:
    page = open_page(busy())
    card = page.page.locator(".card", has_text="list00.mp4")
    scrolled(page)
    assert card.locator(".frames img").count() == 8
    cuts, texts, speech = (card.locator(f".lane rect.{kind}").count() for kind in ("cut", "text", "speech"))
    document = made("list", 0)
    assert cuts == len(document.scenes or ())
    assert document.text is not None
    assert texts == len(document.text.spans)
    assert speech >= 1
    strip = card.locator(".frames").bounding_box()
    first = card.locator(".lane rect.text").first.bounding_box()
    start = document.text.spans[0].start_s / document.video.duration_s
    assert first["x"] - strip["x"] == pytest.approx(start * strip["width"], abs=2)


def test_what_nobody_looked_for_is_hatched_and_not_empty(open_page: Open) -> None:
    documents = busy()
    path = next(path for path in documents if "talk00" in path)
    documents[path] = replace(documents[path], text=None)
    page = open_page(documents)
    scrolled(page)
    card = page.page.locator(".card", has_text="talk00.mp4")
    assert card.locator(".lane.unknown").get_attribute("title") == "text: not looked for"


def test_a_click_opens_the_report_where_there_is_one(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "list00_report.html").write_text("<title>the report</title>")
    page = open_page(busy())
    scrolled(page)
    assert page.page.locator("a.open").count() == 1
    assert page.page.locator("#map a").count() == 1
    page.page.locator(".card", has_text="list00.mp4").locator("a.open").click()
    page.page.wait_for_url("**/list00_report.html")
    assert page.page.title() == "the report"


def test_the_map_has_a_dot_for_each_video_and_alike_ones_lie_close(open_page: Open) -> None:
    page = open_page(busy())
    assert page.page.locator("#map circle").count() == 18
    places = page.page.locator("#map circle").evaluate_all(
        "dots => dots.map(d => [d.textContent, +d.getAttribute('cx'), +d.getAttribute('cy')])"
    )
    of = {text.split(".")[0]: (x, y) for text, x, y in places}

    def apart(a: str, b: str) -> float:
        return float(((of[a][0] - of[b][0]) ** 2 + (of[a][1] - of[b][1]) ** 2) ** 0.5)

    assert apart("slides00", "slides01") < apart("slides00", "montage00") / 3


def test_the_legend_leads_to_each_template(open_page: Open) -> None:
    page = open_page(busy())
    links = page.page.locator("#legend a")
    assert [link.inner_text() for link in links.all()] == ["t1", "t2", "t3", "t4", "one-off"]
    links.nth(3).focus()
    page.page.keyboard.press("Enter")
    page.page.wait_for_function("document.querySelector('#t4').getBoundingClientRect().top < innerHeight / 2")
    fill = page.page.locator("#map circle").evaluate_all("dots => [...new Set(dots.map(d => d.style.fill))]")
    dots = page.page.locator("#legend .dot").evaluate_all("dots => dots.map(d => d.style.background)")
    assert set(dots) == set(fill)


@pytest.mark.parametrize("width", [320, 400])
def test_figures_of_the_comparison_do_not_break_on_a_narrow_screen(open_page: Open, width: int) -> None:
    page = open_page(busy(), width=width)
    scrolled(page)
    for name in ("list00.mp4", "talk00.mp4"):
        page.page.locator(".card", has_text=name).get_by_role("button").click()
    heights = page.page.locator("#compared tbody .num, #compared thead th:last-child").evaluate_all(
        "cells => cells.map(cell => { const text = document.createRange(); text.selectNodeContents(cell);"
        " return text.getBoundingClientRect().height })"
    )
    assert heights
    assert max(heights) < 24, "more than one line"


def test_two_videos_are_compared_on_one_scale(open_page: Open) -> None:
    page = open_page(busy())
    scrolled(page)
    page.page.locator(".card", has_text="list00.mp4").get_by_role("button").click()
    assert "list00.mp4 is chosen" in page.text("#compared")
    page.page.locator(".card", has_text="talk00.mp4").get_by_role("button").click()
    assert page.page.locator("#compared .against").count() == 2
    rows = page.page.locator("#compared tbody tr")
    apart = [float(row.locator("td").last.inner_text()) for row in rows.all()]
    assert apart == sorted(apart, reverse=True)
    assert apart[0] > 1
    widths = [strip.bounding_box()["width"] for strip in page.page.locator("#compared .strip").all()]
    lengths = [made(kind, 0).video.duration_s for kind in ("list", "talk")]
    assert widths[0] / widths[1] == pytest.approx(lengths[0] / lengths[1], rel=0.02)
    page.page.locator(".card", has_text="slides00.mp4").get_by_role("button").click()
    assert "slides00.mp4" in page.text("#compared thead")
    assert "list00.mp4" not in page.text("#compared thead")
    assert page.page.locator("button[aria-pressed=true]").count() == 2


@pytest.mark.parametrize("width", [320, 400, 700, 1280, 2560])
def test_no_width_makes_the_page_scroll_sideways(open_page: Open, width: int) -> None:
    page = open_page(busy(), width=width)
    scrolled(page)
    for name in ("list00.mp4", "talk00.mp4"):
        page.page.locator(".card", has_text=name).get_by_role("button").click()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.page.locator("#map svg").bounding_box()["width"] > min(200, width / 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system_until_told(open_page: Open, scheme: str) -> None:
    page = open_page(busy(), scheme=scheme)

    def bright() -> bool:
        return bool(page.pixels(".map").mean() > 128)

    assert bright() is (scheme == "light")
    page.page.locator("#theme").click()
    page.until(lambda: bright() is (scheme == "dark"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(open_page: Open, scheme: str) -> None:
    page = open_page(busy(), scheme=scheme)
    for ink, grounds in {
        "--text": ("--bg", "--panel"),
        "--dim": ("--bg", "--panel"),
        "--accent": ("--bg", "--panel"),
    }.items():
        for ground in grounds:
            assert page.page.evaluate(CONTRAST, [ink, ground]) >= 4.5, (ink, ground)


def test_text_of_a_video_is_never_markup(open_page: Open) -> None:
    document = made("list", 0)
    assert document.text is not None
    evil = "<img src=x onerror=alert(1)></script><b>"
    spans = [replace(span, text=evil) for span in document.text.spans]
    hostile = replace(
        document, text=replace(document.text, spans=spans), video=replace(document.video, path=f"{evil}.mp4")
    )
    page = open_page(corpus(4) | {"out/evil_results.json": hostile})
    scrolled(page)
    assert page.page.locator("b, img[src=x]").count() == 0


def test_without_thumbnails_and_without_templates(open_page: Open) -> None:
    page = open_page(corpus(1, ("odd",)), frames=False)
    scrolled(page)
    assert "no thumbnails" in page.text(".card")
    assert "1 video · 0 templates · 1 one-off video" in page.text("#about")


def test_controls_have_names_and_are_reached_by_tab(open_page: Open) -> None:
    page = open_page(busy())
    scrolled(page)
    nameless = page.page.evaluate("""() => [...document.querySelectorAll("button, a")].filter(
      (one) => !one.getAttribute("aria-label") && !one.textContent.trim()).length""")
    assert nameless == 0
    page.page.evaluate("scrollTo(0, 0)")
    reached = set()
    for _ in range(30):
        page.page.keyboard.press("Tab")
        reached.add(page.page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert {"theme", "Compare"} <= reached


def test_printing_shows_all_cards(open_page: Open) -> None:
    page = open_page(busy())
    page.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.page.locator(".card").count() == 18
