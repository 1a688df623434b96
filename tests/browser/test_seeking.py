"""Every way to a time leads there."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest

from framefleet.cli.output.format import clock
from framefleet.schema.document import Document
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.text import TextResult, TextSpan
from tests.browser.conftest import PAINTED, Report
from tests.browser.documents import SIZE, bare, of_video, said, seen, square, squares, with_scenes
from tests.media.make import make_video

Open = Callable[..., Report]
BOX = (40.0, 60.0, 100.0, 140.0)


def full() -> Document:
    """Something of every kind."""
    document = bare(
        detections=seen([("cat", 0.9, BOX)], [("cat", 0.8, BOX)], [("dog", 0.7, BOX)], [("cat", 0.7, BOX)]),
        transcription=said((0.4, "The café is open"), (2.2, "and the cat sleeps")),
        sounds=Sounds(0.3, [SoundEvent("Purr", 1, 1.5, 2.5, 0.9, 0.8)]),
        text=TextResult([TextSpan("Menu du jour", 3.0, 4.0, BOX, 0.9, 1)], 4, 0, 0),
    )
    return with_scenes(document, 1.7, 3.1)


@pytest.fixture(params=["video", "no video"])
def report(request: pytest.FixtureRequest, open_report: Open, tmp_path: Path) -> Report:
    """With a video to be played, and without one: the page's own clock takes its place."""
    video = squares(tmp_path / "clip.mp4", [BOX] * 4) if request.param == "video" else None
    return open_report(full(), video)


def test_a_click_on_the_timeline_a_word_a_scene_a_search_result(report: Report) -> None:
    page = report.page
    report.seek(3.4)
    page.locator(".word", has_text="café").click()
    report.at(0.6)
    page.locator("#tab-scenes").click()
    page.locator(".shot").nth(2).click()
    report.at(3.1)  # no picture of it was looked at
    page.locator(".shot").nth(1).click()
    report.at(2.0)  # its first one, where boxes are
    page.locator("#query").fill("sleep")
    page.locator(".hit").first.click()
    report.at(2.8)


def test_the_keyboard_alone(report: Report) -> None:
    page = report.page
    for key, seconds in (
        (".", 1.0),
        (".", 2.0),
        (",", 1.0),
        ("]", 2.0),
        ("]", 3.1),
        ("[", 2.0),
        ("Shift+ArrowLeft", 1.0),
    ):
        page.keyboard.press(key)
        report.at(seconds)
    for key, seconds in (
        ("End", 3.99),
        ("Home", 0.0),
        ("l", 3.99),
        ("j", 0.0),
        ("ArrowRight", 3.99),
        ("ArrowLeft", 0.0),
    ):
        page.keyboard.press(key)
        report.at(seconds)
    page.keyboard.press("/")
    page.keyboard.type("jour")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    report.at(3.0)
    page.keyboard.press("Escape")
    assert page.locator("#found").is_hidden()


def test_a_keyframe_that_served_several_samples_is_one_step(open_report: Open) -> None:
    document = bare(detections=seen(*[[("cat", 0.9, BOX)]] * 4))
    pts_s = (0.0, 0.0, 2.5, 2.5)
    detections = [msgspec.structs.replace(d, pts_s=at) for d, at in zip(document.detections or (), pts_s, strict=True)]
    config = msgspec.structs.replace(document.config, sampling="keyframes")
    report = open_report(msgspec.structs.replace(document, detections=detections, config=config))
    assert "2 samples · 2 boxes" in report.text("#about")
    report.page.keyboard.press(".")
    report.at(2.5)
    assert "Sample 2 of 2" in report.text("#now")
    report.page.keyboard.press(",")
    report.at(0.0)


def test_a_link_leads_to_a_time(report: Report) -> None:
    page = report.page
    report.seek(2.5)
    report.until(lambda: "#t=2.5" in page.evaluate("location.hash"), "the time in the address")
    page.evaluate("location.hash = '#t=1.25'")
    report.at(1.25)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    report.at(1.25)
    page.evaluate("location.hash = '#transcript'")
    report.until(lambda: page.evaluate("location.hash") == "#transcript")
    assert report.drawn["time"] == pytest.approx(1.25, abs=0.06)


def test_words_by_the_keyboard(report: Report) -> None:
    page = report.page
    page.locator("#said").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    report.at(0.8)  # "is": the first key enters at the word said now
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    report.at(2.2)


def test_search_finds_what_is_said_written_seen_and_heard(report: Report) -> None:
    page = report.page

    def found(query: str) -> list[str]:
        page.locator("#query").fill("")
        page.locator("#query").fill(query)
        return [" ".join(hit.split()) for hit in page.locator(".hit").all_inner_texts()]

    assert found("CAFE IS") == ["0:00.6 The café is open and the cat sleeps"]
    assert found("open and") == ["0:01.0 The café is open and the cat sleeps"]  # across two segments
    assert found("cat") == [
        "0:02.6 The café is open and the cat sleeps",
        "0:00.0 cat in 2 samples",
        "0:03.0 cat in 1 sample",
    ]
    assert found("purr") == ["0:01.5 Purr for 1 s"]
    assert found("menu") == ["0:03.0 Menu du jour"]
    assert found("nobody") == []
    assert "No matches" in report.text("#found")


def test_the_transcript_follows(report: Report) -> None:
    page = report.page
    report.seek(2.5)
    report.until(lambda: page.locator(".utterance.current").count() == 1)
    assert "cat sleeps" in report.text(".utterance.current")
    report.until(lambda: report.text(".word.current") == "the")
    report.seek(0.5)
    report.until(lambda: report.text(".word.current") == "The")


def test_playing_moves_boxes_playhead_and_words(report: Report) -> None:
    page = report.page
    before = page.locator("#playhead").evaluate("head => head.style.transform")
    page.keyboard.press("Space")
    report.until(lambda: report.drawn["time"] > 0.5, "half a second")
    page.keyboard.press("Space")
    assert page.locator("#playhead").evaluate("head => head.style.transform") != before
    assert page.locator("#play").get_attribute("aria-label") == "Play"


def test_zooming_and_panning(report: Report) -> None:
    page = report.page

    def shows(start: float, end: float) -> None:
        def right() -> bool:
            shown = [float(time.removeprefix("0:")) for time in report.text("#window").split(" – ")]
            return shown == pytest.approx([start, end], abs=0.11)  # a pixel is 4 ms, and a time is told to a tenth

        report.until(right, f"{start} to {end}")

    shows(0, 4)
    report.seek(2.0)
    page.keyboard.press("+")
    shows(1, 3)
    box = page.locator("#plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    shows(1.6, 2.4)
    page.keyboard.down("Shift")
    page.mouse.wheel(0, 3 * box["width"])
    page.keyboard.up("Shift")
    shows(3.2, 4)
    page.locator("#zoom-all").click()
    shows(0, 4)


def test_the_wheel_alone_scrolls_the_page_over_the_timeline_too(open_report: Open) -> None:
    report = open_report(full(), height=500)
    page = report.page
    page.keyboard.press("+")
    page.locator("#plot").scroll_into_view_if_needed()
    box = page.locator("#plot").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    for way in (-120, 120):
        shown, before = report.text("#window"), page.evaluate("scrollY")
        page.mouse.wheel(0, way)
        report.until(lambda way=way, before=before: (page.evaluate("scrollY") - before) * way > 0, "scrolling")
        assert report.text("#window") == shown


def brighter_side(report: Report) -> str:
    picture = report.pixels("#frame")
    middle = picture.shape[1] // 2
    left, right = (np.mean(half.min(axis=2) > 160) for half in (picture[:, :middle], picture[:, middle:]))
    return "left" if left > right else "right"


def test_sound_that_begins_before_the_picture(open_report: Open, tmp_path: Path) -> None:
    """Zero is the first picture here and the first of either in a player."""
    video = make_video(
        tmp_path / "late.mp4", size=(320, 180), audio="aac", audio_s=4.5, frames=30,
        times=[Fraction(1, 2) + Fraction(i, 10) for i in range(30)],
        pictures=[square(BOX if i < 10 else (200.0, 60.0, 260.0, 140.0)) for i in range(30)],
    )  # fmt: skip
    document = of_video(bare(detections=seen([("a", 0.9, BOX)], [("a", 0.9, BOX)], [])), video)
    assert document.video.audio is not None
    assert document.video.audio.start_s == pytest.approx(-0.5, abs=0.03)
    report = open_report(document, video, scheme="dark")
    for seconds, side in ((0.9, "left"), (1.1, "right"), (0.05, "left")):
        report.page.evaluate("seconds => { document.getElementById('video').currentTime = seconds }", seconds + 0.5)
        report.at(seconds)
        report.until(lambda side=side: brighter_side(report) == side, f"the square on the {side}")


@pytest.mark.parametrize("early", [0.008, 0.5])
def test_a_page_opens_at_the_first_picture_though_sound_begins_before_it(
    open_report: Open, tmp_path: Path, early: float
) -> None:
    start = Fraction(early).limit_denominator(1000)
    video = make_video(
        tmp_path / "late.mp4", size=SIZE, audio="aac", audio_s=4, frames=30,
        times=[start + Fraction(i, 10) for i in range(30)], pictures=[square(BOX)] * 30,
    )  # fmt: skip
    document = of_video(bare(detections=seen([("a", 0.9, BOX)], [("b", 0.9, BOX)])), video)
    assert document.video.audio is not None
    assert document.video.audio.start_s < -0.005
    report = open_report(document, video)
    for again in (False, True):
        if again:
            report.page.keyboard.press("End")
            report.until(lambda: report.drawn["time"] > 2)
            report.page.keyboard.press("Home")
        report.at(0, within=0.002)
        report.until(lambda: report.page.locator("video").evaluate("v => v.readyState >= 2 && !v.seeking"))
        assert report.drawn["boxes"] == 1
        assert "Sample 1 of 2" in report.text("#now")
        assert report.text("#time") == "0:00.0"


def test_what_stands_in_before_the_first_picture_is_the_first_scene(open_report: Open, tmp_path: Path) -> None:
    video = make_video(
        tmp_path / "old.mp4", codec="mpeg4", size=SIZE, audio="aac", audio_s=4, frames=30,
        times=[Fraction(1, 2) + Fraction(i, 10) for i in range(30)],
    )  # fmt: skip
    report = open_report(with_scenes(of_video(bare(detections=seen([])), video)), video)
    report.page.locator("#plot").click(position={"x": 2, "y": 10})
    report.until(lambda: report.drawn["time"] < -0.4)
    report.until(lambda: report.page.evaluate(PAINTED) > 0.9, "the first scene's still")


@pytest.mark.parametrize(
    "seconds",
    [0.0, -0.04, 0.04, 0.05, 0.25, 0.75, 5.94, 5.95, 5.96, 11.28, 59.97, 61.2, 3599.94, 3599.96, 3661.96, 7322.5],
)
def test_times_are_those_of_the_terminal(open_report: Open, seconds: float) -> None:
    video = msgspec.structs.replace(bare().video, duration_s=8000.0)
    report = open_report(bare(video=video, transcription=said((seconds, "here"))))
    assert report.text(".stamp") == clock(seconds).replace("-", "−")


def test_a_file_whose_clock_begins_late(open_report: Open, tmp_path: Path) -> None:
    video = make_video(
        tmp_path / "late.mkv", size=(320, 180), frames=30, times=[Fraction(5) + Fraction(i, 10) for i in range(30)],
        pictures=[square(BOX if i < 10 else (200.0, 60.0, 260.0, 140.0)) for i in range(30)], codec="libvpx-vp9",
    )  # fmt: skip
    document = of_video(bare(detections=seen([("a", 0.9, BOX)])), video)
    assert document.video.start_s == 5
    report = open_report(msgspec.structs.replace(document, cost=document.cost), video, scheme="dark")
    report.page.keyboard.press("Shift+ArrowRight")
    report.at(1.0)
    report.until(lambda: brighter_side(report) == "right", "the square on the right")
