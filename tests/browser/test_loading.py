"""The page opens from disk, asks nothing of anybody, and says what it does not have."""

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from framefleet.outputs.report.make import make_report
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document, FailureEntry
from tests.browser.conftest import PAINTED, Report
from tests.browser.documents import bare, of_video, said, seen, squares, with_scenes
from tests.media.make import make_audio, make_video
from tests.results.make import make_document, write_document

Open = Callable[..., Report]
BOX = (40.0, 60.0, 100.0, 140.0)


def test_it_opens_without_a_complaint_and_asks_nobody_but_the_video(open_report: Open, tmp_path: Path) -> None:
    document = make_document()
    report = open_report(document, squares(tmp_path / "my clip #1 100%.mp4", [BOX, BOX]))
    report.until(lambda: report.page.locator("video").evaluate("video => video.readyState") >= 2)
    asked = {url.split(":")[0] for url in report.asked}
    assert asked == {"file"}
    assert any(url.endswith("my%20clip%20%231%20100%25.mp4") for url in report.asked)
    assert report.page.title() == "my clip #1 100%.mp4 – FrameFleet"
    for text in ("16 frames", "lost", "noise", "yolo11m on NVIDIA L4", "$0."):
        assert text.replace("16 frames", "1 frame") in report.text("#cards")


def test_the_policy_of_the_page_lets_nothing_else_run(open_report: Open) -> None:
    report = open_report(bare())
    ran = report.page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      return window.ran ?? false;
    }""")
    assert ran is False
    assert any("Content Security Policy" in line for line in report.complaints)
    report.complaints.clear()


def test_thumbnails_stand_in_the_list_of_scenes(open_report: Open, tmp_path: Path) -> None:
    document = with_scenes(bare(detections=seen([("a", 0.9, BOX)])), 1.0)
    report = open_report(document, squares(tmp_path / "clip.mp4", [BOX, (0.0, 0.0, 320.0, 180.0), BOX, BOX]))
    report.page.locator("#tab-scenes").click()
    images = report.page.locator(".shot img")
    report.until(lambda: images.count() == 2)
    assert not images.first.evaluate("image => image.draggable")  # dropped, it would be taken for the video
    assert images.evaluate_all("all => all.map(image => image.naturalWidth)") == [240, 240]


@pytest.mark.parametrize("audio", [None, "aac"])
def test_a_codec_that_browsers_do_not_play(open_report: Open, tmp_path: Path, audio: str | None) -> None:
    """With sound the browser plays that alone and calls it a success."""
    video = make_video(tmp_path / "old.mp4", codec="mpeg4", frames=50, size=(320, 180), audio=audio)
    document = with_scenes(bare(detections=seen([("a", 0.9, BOX)], [("a", 0.9, BOX)])))
    report = open_report(document, video)
    report.until(lambda: report.page.locator("#notice").is_visible(), "the notice")
    said_so = report.text("#notice")
    assert "mpeg4 in .mp4" in said_so
    assert "nor next to this report" not in said_so
    assert "framefleet render" in said_so
    assert "Thumbnails of the scenes are shown instead" in said_so
    report.until(lambda: report.drawn["boxes"] == 1)
    report.until(lambda: report.page.evaluate(PAINTED) > 0.9, "the thumbnail in place of the picture")
    report.page.keyboard.press(".")
    report.at(1.0)


def gone(report: Report) -> None:
    """Waits until the page says that there is no video, of which the browser complains too."""
    report.until(lambda: report.page.locator("#notice").is_visible(), "the notice")
    report.until(lambda: any("ERR_FILE_NOT_FOUND" in line for line in report.complaints), "the complaint")


def forgive(report: Report) -> None:
    report.complaints[:] = [line for line in report.complaints if "ERR_FILE_NOT_FOUND" not in line]


def moving(tmp_path: Path) -> tuple[Document, Path, Path]:
    """A report in a folder of its own, beside that of its video: the document, the page, the video."""
    (tmp_path / "out").mkdir()
    video = squares(tmp_path / "my clip.mp4", [BOX, BOX])
    document = of_video(bare(detections=seen([("a", 0.9, BOX)], [("b", 0.9, BOX)])), video)
    path = tmp_path / "out" / "clip_results.json"
    write_document(document, path)
    return document, make_report(document, path, video=video).path, video


def shows_the_video(report: Report) -> None:
    report.until(lambda: report.page.locator("video").evaluate("video => video.videoWidth") == 320, "the video")
    assert report.page.locator("#notice").is_hidden()


def test_a_video_that_was_put_beside_the_report_is_found(open_report: Open, tmp_path: Path) -> None:
    document, page, video = moving(tmp_path)
    (tmp_path / "elsewhere" / "x").mkdir(parents=True)
    video.rename(tmp_path / "elsewhere" / "x" / video.name)
    report = open_report(document, path=page.rename(tmp_path / "elsewhere" / "x" / "page.html"))
    shows_the_video(report)
    report.at(0)
    forgive(report)


def test_a_video_that_went_away_is_said_to_be_gone_and_can_be_chosen(open_report: Open, tmp_path: Path) -> None:
    document, page, video = moving(tmp_path)
    video = video.rename(tmp_path / "other name.mp4")
    report = open_report(document, path=page)
    gone(report)
    told = report.text("#notice")
    assert "nor next to this report" in told
    assert "render" not in told
    assert "cannot play" not in told
    report.page.keyboard.press(".")
    report.at(1.0)
    with report.page.expect_file_chooser() as choosing:
        report.page.get_by_role("button", name="Choose the video").click()
    choosing.value.set_files(video)
    shows_the_video(report)
    assert report.page.locator("#file").evaluate("file => file.files.length") == 0  # it can be chosen again
    report.at(1.0)  # where the page was
    report.until(lambda: report.page.locator("video").evaluate("v => v.currentTime") > 0.9)
    report.page.keyboard.press("Space")
    report.until(lambda: report.drawn["time"] > 1.2, "playing")
    forgive(report)


SPEECHLESS = """
  Object.defineProperty(MediaError.prototype, "message", { get: () => "" });
  Object.defineProperty(navigator, "userAgent", { get: () => "Version/18.0 Safari/605.1.15" });
"""


def test_where_a_browser_does_not_say_what_is_wrong_both_are_named(open_report: Open, tmp_path: Path) -> None:
    report = open_report(bare(), make_video(tmp_path / "old.mp4", codec="mpeg4", frames=5, size=(320, 180)))
    report.page.add_init_script(SPEECHLESS)
    report.page.reload()
    report.until(lambda: report.page.locator("#notice").is_visible(), "the notice")
    told = report.text("#notice")
    assert "nor next to this report, or this browser cannot play it (mpeg4 in .mp4)" in told
    assert "framefleet render" in told


NO_FRAMES = "HTMLVideoElement.prototype.requestVideoFrameCallback = () => 0"  # as of a page that nobody sees


def test_another_video_is_waited_for_as_long_as_the_first(open_report: Open, tmp_path: Path) -> None:
    videos = [squares(tmp_path / name, [BOX, BOX]) for name in ("one.mp4", "two.mp4")]
    report = open_report(bare(detections=seen([], [])))
    page = report.page
    page.add_init_script(NO_FRAMES)
    page.clock.install(time=0)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    page.clock.pause_at(60_000)
    for video in videos:
        page.locator("#file").set_input_files(video)
        report.until(lambda: page.evaluate("document.getElementById('video').readyState >= 2"), "the video")
        page.clock.run_for(600)
    page.keyboard.press(".")
    now = "document.getElementById('video').currentTime"
    assert page.evaluate(now) == 0  # nothing is asked of a video whose clock is not known
    page.clock.run_for(2000)
    report.until(lambda: page.evaluate(now) > 0.9, "the second picture")


DROP = """data => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], "dropped.mp4"));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
    document.getElementById("screen").dispatchEvent(event);
    if (!event.defaultPrevented) throw new Error(`${kind} was left to the browser`);
  }
}"""


def test_a_video_can_be_dropped_on_the_page(open_report: Open, tmp_path: Path) -> None:
    document, page, video = moving(tmp_path)
    video = video.rename(tmp_path / "other name.mp4")
    report = open_report(document, path=page)
    gone(report)
    report.page.evaluate(DROP, base64.b64encode(video.read_bytes()).decode())
    shows_the_video(report)
    forgive(report)


def test_nothing_at_all(open_report: Open) -> None:
    report = open_report(bare())
    assert "not found when this report was made" in report.text("#notice")
    assert "The speech stage did not run" in report.text("#said")
    assert "The objects stage did not run" in report.text("#filters")
    report.page.locator("#tab-scenes").click()
    assert "The scenes stage did not run" in report.text("#shots")
    report.page.keyboard.press("/")
    report.page.keyboard.type("anything")
    report.until(lambda: "No matches" in report.text("#found"))


def test_looked_for_and_not_found(open_report: Open) -> None:
    report = open_report(bare(detections=seen([], [], [], []), transcription=said()))
    assert "No speech was found" in report.text("#said")
    assert "No objects were found" in report.text("#filters")
    assert "0 boxes" in report.text("#now")


def test_what_failed_altogether_is_not_said_to_be_absent_or_unasked(open_report: Open) -> None:
    failures = [
        FailureEntry(stage="objects", items=[0, 1], error="the GPU was lost", attempts=3),
        FailureEntry(stage="speech", error="the service is down", attempts=3),
        FailureEntry(stage="scenes", error="no memory", attempts=1),
    ]
    report = open_report(bare(detections=seen(None, None), failures=failures))
    assert "Unknown: objects failed (the GPU was lost)." in report.text("#filters")
    assert report.text("#said") == "Unknown: speech failed (the service is down)."
    report.page.locator("#tab-scenes").click()
    assert report.text("#shots") == "Unknown: scenes failed (no memory)."
    assert "sample" not in report.text("#about")


def test_a_failure_says_how_often_it_was_asked_for_if_it_was(open_report: Open) -> None:
    failures = [
        FailureEntry(stage=name, error=f"{name} broke", attempts=n) for n, name in enumerate(("text", "objects"))
    ]
    report = open_report(bare(failures=[*failures, FailureEntry(stage="speech", error="speech broke", attempts=2)]))
    assert [" ".join(line.split()) for line in report.page.locator("#failures li").all_inner_texts()] == [
        "text everything text broke",
        "objects everything objects broke · 1 attempt",
        "speech everything speech broke · 2 attempts",
    ]


def test_sound_alone(open_report: Open, tmp_path: Path) -> None:
    audio = make_audio(tmp_path / "talk.m4a", seconds=3)
    report = open_report(bare(transcription=said((1.0, "Hello there"))), audio)
    assert "audio only" in report.text("#about")
    for selector in ("#now", "#filters", "#previous", "#next", ".tabs", "#full"):
        assert report.page.locator(selector).is_hidden(), selector
    assert report.page.locator("#mute").is_visible()
    assert report.text("#time") == "0:00.0"
    assert "a second" not in report.text("#made")
    assert "audio only and" not in report.text("#made")
    report.page.locator(".word", has_text="there").click()
    report.at(1.2)
    report.page.keyboard.press("Space")
    report.until(lambda: report.drawn["time"] > 1.5, "playing")
    assert report.page.locator("#notice").is_hidden()


def test_a_long_transcript_of_sound_alone_has_most_of_the_window(open_report: Open, tmp_path: Path) -> None:
    talk = said(*[(i / 40, "some words that are said") for i in range(100)])
    report = open_report(bare(transcription=talk), make_audio(tmp_path / "talk.m4a", seconds=3), height=720)
    box = report.page.locator("#transcript").bounding_box()
    assert box["height"] >= 0.6 * 720
    assert report.page.locator("#said").bounding_box()["height"] > 0.5 * 720
    assert report.page.locator("#said").evaluate("box => box.scrollHeight > box.clientHeight")


def test_the_bill_of_a_fleet(open_report: Open) -> None:
    document = make_document()
    stage = msgspec.structs.replace(
        document.cost.stages["objects"], usd=0.02, usd_estimated=0.015, usd_per_s=0.001, billed_s=20.0, execution_s=14.0
    )
    cost = msgspec.structs.replace(
        document.cost, usd=0.02, usd_all_runs=0.05, usd_estimated=0.015, stages={"objects": stage}
    )
    report = open_report(bare(cost=cost))
    bill = report.text("#bill")
    assert "$0.0200 billed in this run, $0.0500 in all runs" in bill
    assert "$0.0060 without execution" in bill  # six of twenty billed seconds without a job
    assert "$0.0150 estimated" in bill


@pytest.mark.parametrize("advice", [None, "raise the endpoint's max workers"])
def test_what_needed_most_time_is_told_apart_from_what_would_help(open_report: Open, advice: str | None) -> None:
    timing = msgspec.structs.replace(bare().timing, bottleneck="decode", advice=advice)
    report = open_report(bare(timing=timing))
    told = report.page.locator("#timing .advice p").all_inner_texts()
    assert told == (["Bottleneck: decoding the frames", advice] if advice else ["Bottleneck: decoding the frames"])


def test_the_sample_document_of_a_run_opens(open_report: Open, sample: Path, tmp_path: Path) -> None:
    """As the command leaves it, read back."""
    path = tmp_path / "again_results.json"
    write_document(of_video(make_document(), sample), path)
    report = open_report(read_document(path), sample, width=400)
    report.until(lambda: report.page.locator("video").evaluate("video => video.videoWidth") == 1280)
