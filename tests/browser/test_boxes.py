"""Boxes stand where and when the document says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framefleet.results.query.filters import choose
from framefleet.schema.objects import Detection
from framefleet.schema.text import TextResult, TextSpan
from tests.browser.conftest import Report
from tests.browser.documents import SIZE, Box, bare, seen, squares, tracked, with_scenes

Open = Callable[..., Report]
LEFT: Box = (40.0, 60.0, 100.0, 140.0)
RIGHT: Box = (200.0, 60.0, 260.0, 140.0)
NEAR = 0.01  # shares of the picture: three pixels of it
COLOURS = """() => {
  const canvas = document.getElementById("overlay"), [w, h] = [canvas.width, canvas.height];
  const data = canvas.getContext("2d").getImageData(0, 0, w, h).data, found = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 255) found.add(`rgb(${[...data.slice(i, i + 3)].join(", ")})`);
  }
  return [...found];
}"""


WHITE = """() => {
  const canvas = document.getElementById("overlay"), [w, h] = [canvas.width, canvas.height];
  const copy = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const data = copy.getImageData(0, 0, w, h).data;
  let plain = 0;
  for (let i = 0; i < data.length; i += 4) {
    plain += data[i] === 255 && data[i + 1] === 255 && data[i + 2] === 255 && data[i + 3] === 255;
  }
  return plain;
}"""


def shares(box: Box) -> Box:
    return (box[0] / SIZE[0], box[1] / SIZE[1], box[2] / SIZE[0], box[3] / SIZE[1])


def white(report: Report) -> Box:
    """Where the video itself shows its square, the boxes put away."""
    report.page.evaluate("document.getElementById('overlay').style.opacity = 0")
    picture = report.pixels("#frame")
    report.page.evaluate("document.getElementById('overlay').style.opacity = 1")
    rows, columns = np.where(picture.min(axis=2) > 160)
    height, width = picture.shape[:2]
    return columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height


@pytest.mark.parametrize(
    ("name", "codec"), [("clip.mp4", "libx264"), ("clip.webm", "libvpx-vp9"), ("clip.webm", "libvpx")]
)
def test_a_box_is_around_what_the_video_shows(open_report: Open, tmp_path: Path, name: str, codec: str) -> None:
    video = squares(tmp_path / name, [LEFT, RIGHT, LEFT, RIGHT], codec=codec)
    document = bare(detections=seen(*[[("square", 0.9, box)] for box in (LEFT, RIGHT, LEFT, RIGHT)]))
    report = open_report(document, video, scheme="dark")  # whose round corners are no white
    for seconds, box in ((0.5, LEFT), (1.5, RIGHT), (3.5, RIGHT), (2.5, LEFT)):
        report.seek(seconds)
        assert report.outline() == pytest.approx(shares(box), abs=NEAR)
        assert white(report) == pytest.approx(shares(box), abs=NEAR)


def test_a_box_moves_along_its_track_and_holds_where_that_ends(open_report: Open) -> None:
    detections = seen([("car", 0.9, LEFT)], [("car", 0.9, RIGHT)], [("car", 0.9, LEFT)], [("car", 0.9, RIGHT)])
    report = open_report(bare(detections=detections, tracks=tracked(detections, [(0, 0), (1, 0)])))
    report.seek(0.5)
    middle = tuple((a + b) / 2 for a, b in zip(LEFT, RIGHT, strict=True))
    assert report.outline() == pytest.approx(shares(middle), abs=NEAR)  # type: ignore[arg-type]
    assert "moving along its track" in report.text("#now")
    report.seek(1.9)
    assert report.outline() == pytest.approx(shares(RIGHT), abs=NEAR)
    assert "holding until the next sample" in report.text("#now")


def test_boxes_hold_where_samples_are_too_far_apart_to_guess_the_way(open_report: Open) -> None:
    near, far = seen([("car", 0.9, LEFT)], [("car", 0.9, RIGHT)])
    detections = [near, Detection(1, 3.0, 3.0, far.objects)]
    report = open_report(bare(detections=detections, tracks=tracked(detections, [(0, 0), (1, 0)])))
    report.seek(1.5)
    assert report.outline() == pytest.approx(shares(LEFT), abs=NEAR)


def test_boxes_end_at_a_cut(open_report: Open) -> None:
    detections = seen([("car", 0.9, LEFT)], [("car", 0.9, RIGHT)], [], [])
    document = bare(detections=detections, tracks=tracked(detections, [(0, 0), (1, 0)]))
    report = open_report(with_scenes(document, 0.6))
    report.seek(0.5)
    assert report.outline() == pytest.approx(shares(LEFT), abs=NEAR)  # no way leads over the cut
    report.seek(0.8)
    assert report.drawn["state"] == "cut"
    assert report.drawn["boxes"] == 0
    report.seek(1.2)
    assert report.outline() == pytest.approx(shares(RIGHT), abs=NEAR)


def test_pictures_that_nobody_answered_have_no_boxes_and_say_so(open_report: Open) -> None:
    report = open_report(bare(detections=seen([("car", 0.9, LEFT)], None, [], [])))
    report.seek(1.5)
    assert report.drawn["state"] == "unanswered"
    assert "no answer" in report.text("#now")


def test_labels_and_confidence_choose_what_is_drawn(open_report: Open) -> None:
    report = open_report(bare(detections=seen([("car", 0.9, LEFT), ("dog", 0.6, RIGHT), ("car", 0.2, RIGHT)])))
    page = report.page
    assert report.drawn["boxes"] == 3
    page.get_by_role("button", name="car 2").click()
    report.until(lambda: report.drawn["boxes"] == 1)
    assert report.outline() == pytest.approx(shares(RIGHT), abs=NEAR)
    page.get_by_role("button", name="all", exact=True).click()
    report.until(lambda: report.drawn["boxes"] == 3)
    page.locator("#least").fill("0.5")
    report.until(lambda: report.drawn["boxes"] == 2)
    page.locator("#least").fill("0.7")
    report.until(lambda: report.drawn["boxes"] == 1)
    page.get_by_role("button", name="none", exact=True).click()
    report.until(lambda: report.drawn["boxes"] == 0)


@pytest.mark.parametrize("confidence", [0.995, 0.29, 0.2849, 0.2851, 0.5, 0.4999, 1.0])
def test_the_slider_lets_through_what_the_command_lets_through(open_report: Open, confidence: float) -> None:
    document = bare(detections=seen([("car", confidence, LEFT)]))
    report = open_report(document)
    for least in (0.28, 0.29, 0.5, 0.99, 1.0):
        report.page.locator("#least").fill(str(least))
        left = len((choose(document, None, least).detections or [])[0].objects or [])
        report.until(lambda left=left: report.drawn["boxes"] == left, f"{left} of {confidence} at {least}")


def test_what_the_filter_hides_is_told_from_what_is_not_there(open_report: Open) -> None:
    report = open_report(bare(detections=seen([("car", 0.9, LEFT), ("dog", 0.6, RIGHT)], [], [], [])))
    page = report.page
    now = lambda: report.text("#now").partition(": ")[2]  # noqa: E731
    assert now() == "2 boxes, holding until the next sample."
    assert report.text(".left") == "2 of 2 boxes"
    page.locator("#least").fill("0.7")
    report.until(lambda: now() == "1 box, holding until the next sample; 1 more hidden by the filter.")
    report.until(lambda: report.text(".left") == "1 of 2 boxes")
    page.get_by_role("button", name="none", exact=True).click()
    report.until(lambda: now() == "2 boxes, hidden by the filter.")
    report.seek(1.5)
    assert now() == "0 boxes."


def test_how_boxes_go_on_is_the_same_from_one_picture_to_the_next(open_report: Open) -> None:
    detections = seen([("car", 0.9, LEFT)], [("car", 0.9, RIGHT)], [("car", 0.9, LEFT)], [("car", 0.9, LEFT)])
    document = bare(detections=detections, tracks=tracked(detections, [(0, 0), (1, 0)], [(2, 0), (3, 0)]))
    report = open_report(with_scenes(document, 1.5))
    for key, seconds, told in (
        ("Home", 0, "moving along its track"),
        (".", 1, "holding until the cut"),
        (".", 2, "moving along its track"),
        (".", 3, "holding until the end"),
        ("End", 3.99, "holding until the end"),
        ("Home", 0, "moving along its track"),
    ):
        report.page.keyboard.press(key)
        report.at(seconds)
        assert told in report.text("#now")


def test_a_click_on_a_box_tells_when_its_track_is_seen(open_report: Open) -> None:
    detections = seen([("car", 0.9, LEFT)], [("car", 0.9, LEFT)], [], [("car", 0.9, LEFT), ("dog", 0.8, RIGHT)])
    document = bare(detections=detections, tracks=tracked(detections, [(0, 0), (1, 0), (3, 0)]))
    report = open_report(document)
    page = report.page
    frame = page.locator("#overlay").bounding_box()

    def click(x: float, y: float) -> None:
        page.locator("#overlay").click(position={"x": x / SIZE[0] * frame["width"], "y": y / SIZE[1] * frame["height"]})

    click(LEFT[0], 100)  # on its line
    report.until(lambda: page.locator("#picked").is_visible())
    assert "car #1 0:00.0 – 0:03.0, in 3 samples" in " ".join(report.text("#picked").split())
    for _ in range(2):
        page.get_by_role("button", name="next sighting").click()
    report.at(3.0)
    click(RIGHT[0] + 4, RIGHT[1] - 4)  # on the name of a thing without a track
    report.until(lambda: "dog" in report.text("#picked"))
    click(LEFT[0] + 20, 100)  # inside is the picture
    report.until(lambda: report.drawn["time"] > 3.1, "playing")


def test_written_text_is_told_at_its_box(open_report: Open) -> None:
    open_text = TextResult([TextSpan("Menu du jour", 0.0, 4.0, LEFT, 0.9, 1)], 4, 0, 0)
    report = open_report(bare(detections=seen([]), text=open_text))
    page = report.page
    assert page.evaluate(WHITE) > 500  # the plate that it stands on
    page.get_by_role("button", name="text").click()
    report.until(lambda: page.evaluate(WHITE) == 0)


def test_the_name_of_a_label_on_the_timeline_shows_it_alone(open_report: Open) -> None:
    report = open_report(bare(detections=seen([("car", 0.9, LEFT), ("dog", 0.6, RIGHT)])))
    name = report.page.locator("button.rowname", has_text="dog")
    name.click()
    report.until(lambda: report.drawn["boxes"] == 1)
    assert report.page.get_by_role("button", name="car 1").get_attribute("aria-pressed") == "false"
    name.click()
    report.until(lambda: report.drawn["boxes"] == 2)


def test_a_label_has_one_colour_on_the_picture_in_the_filters_and_on_the_timeline(open_report: Open) -> None:
    report = open_report(bare(detections=seen([("dog", 0.9, LEFT)], [("dog", 0.9, LEFT)], [], [])))
    chip = report.page.locator(".chip .dot").evaluate("dot => getComputedStyle(dot).backgroundColor")
    mark = report.page.locator(".rowname i").first.evaluate("mark => getComputedStyle(mark).backgroundColor")
    pixels = report.page.evaluate(COLOURS)
    assert chip == mark
    assert chip in pixels  # the tag is filled with it


def test_of_a_hundred_thousand_boxes_the_surest_are_drawn_and_the_rest_counted(open_report: Open) -> None:
    many = [
        ("leaf", 0.9 - i * 1e-6, (float(i % 300), float(i % 170), i % 300 + 8.0, i % 170 + 8.0)) for i in range(100_000)
    ]
    report = open_report(bare(detections=seen(many, [], [], [])))
    report.seek(0.5)
    assert report.drawn["boxes"] == 1000
    assert "99 000 with lower confidence are not drawn" in report.text("#now").replace("\u202f", " ")
