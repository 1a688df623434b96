"""Readable at every width, in dark and light, and with the keyboard alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from framefleet.schema.document import Document
from tests.browser.conftest import Report
from tests.browser.documents import bare, said, seen, squares, with_scenes
from tests.results.make import make_document

Open = Callable[..., Report]
BOX = (40.0, 60.0, 100.0, 140.0)


def busy() -> Document:
    """Thirty labels, many words, scenes, failures."""
    many = [(f"thing number {i}", 0.9 - i / 100, BOX) for i in range(30)]
    document = bare(
        detections=seen(many, many, many, many),
        transcription=said(*[(i / 10, "some words that are said") for i in range(40)]),
        failures=make_document().failures,
    )
    return with_scenes(document, 1.0, 2.0, 3.0)


@pytest.mark.parametrize("width", [320, 400, 700, 1280, 2560])
def test_no_width_makes_the_page_scroll_sideways(open_report: Open, tmp_path: Path, width: int) -> None:
    report = open_report(busy(), squares(tmp_path / "clip.mp4", [BOX] * 4), width=width)
    assert report.page.evaluate("document.documentElement.scrollWidth") <= width
    for selector in ("#frame", "#plot", "#said", "#cards"):
        box = report.page.locator(selector).bounding_box()
        assert box["width"] > min(200, width / 2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system_until_told(open_report: Open, scheme: str) -> None:
    report = open_report(busy(), scheme=scheme)

    def bright() -> bool:
        return bool(report.pixels(".card >> nth=0").mean() > 128)

    def plot_bright() -> bool:
        return bool(report.pixels("#plot")[:, :, :].mean() > 110)

    assert bright() is (scheme == "light")
    report.page.locator("#theme").click()
    report.until(lambda: bright() is (scheme == "dark"))
    report.until(lambda: plot_bright() is (scheme == "dark"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(open_report: Open, scheme: str) -> None:
    """WCAG's 4.5 for what is written in the text's, the faint and the accent's colours."""
    report = open_report(busy(), scheme=scheme)
    for ink, grounds in {
        "--text": ("--bg", "--panel", "--accent-soft", "--mark", "--bad-soft"),
        "--dim": ("--bg", "--panel", "--accent-soft"),
        "--accent": ("--panel", "--raised"),
        "--bad": ("--bad-soft",),
        "--on-band": ("--speech", "--text-band", "--scene-even", "--scene-odd"),
    }.items():
        for ground in grounds:
            assert report.page.evaluate(CONTRAST, [ink, ground]) >= 4.5, (ink, ground)


CONTRAST = """names => {
  const luminance = (name) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255);
    probe.remove();
    const [r, g, b] = parts.map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = names.map(luminance);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def test_everything_can_be_reached_by_tab_and_shows_that_it_is(open_report: Open) -> None:
    report = open_report(busy())
    page = report.page
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring in {"solid", "auto"} or reached[-1] == ""
    for name in ("query", "theme", "help", "play", "speed", "least", "tab-transcript", "said", "plot", "zoom-in"):
        assert name in reached, name
    assert len([name for name in reached if name == "word"]) == 0  # one stop for the transcript, not one a word


def test_the_help_opens_and_closes(open_report: Open) -> None:
    report = open_report(busy())
    page = report.page
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    for sign in ("#3?", "in italics", "dashed", "a bar's height"):
        assert sign in report.text("#keys")
    page.keyboard.press(".")
    assert report.drawn["time"] == 0  # what is under the dialog stays as it is
    page.keyboard.press("Escape")
    assert page.locator("#keys").is_hidden()


def test_controls_have_names(open_report: Open) -> None:
    report = open_report(busy())
    nameless = report.page.evaluate("""() => {
      const named = (one) => one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length;
      const controls = [...document.querySelectorAll("button, input, select, [role=slider], [tabindex='0']")];
      return controls.filter((one) => !named(one)).map((one) => one.outerHTML);
    }""")
    assert nameless == []
