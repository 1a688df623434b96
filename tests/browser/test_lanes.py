"""What stands on the timeline, and what it says of what does not."""

from collections.abc import Callable

from msgspec.structs import replace

from framefleet.schema.document import FailureEntry
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.text import TextResult
from framefleet.timebase import Span
from tests.browser.conftest import Report
from tests.browser.documents import bare, said, seen

Open = Callable[..., Report]
BOX = (40.0, 60.0, 100.0, 140.0)


def lanes(report: Report) -> list[str]:
    return [" ".join(name.split()) for name in report.page.locator(".rowname").all_text_contents()]


def test_what_was_looked_for_and_not_found_has_a_lane_and_what_was_not_has_none(open_report: Open) -> None:
    report = open_report(bare(detections=seen([], []), transcription=said(), sounds=Sounds(0.3, [])))
    assert lanes(report) == ["objects: nothing found", "speech: nothing found", "sounds: nothing found"]


def test_what_failed_has_a_lane(open_report: Open) -> None:
    failures = [
        FailureEntry(stage="text", error="no memory", attempts=1),
        FailureEntry(stage="objects", items=[0, 1], error="timed out", attempts=3),
        FailureEntry(stage="speech", span_s=Span(1.0, 2.0), error="timed out", attempts=3),
    ]
    report = open_report(bare(detections=seen(None, None), transcription=said((2.0, "Hello")), failures=failures))
    assert lanes(report) == ["objects: failed", "speech", "text: failed", "✕ objects", "✕ speech"]


def test_what_failed_in_part_may_have_been_there(open_report: Open) -> None:
    failures = [FailureEntry(stage="objects", items=[1], error="timed out", attempts=3)]
    report = open_report(bare(detections=seen([], None), failures=failures))
    assert lanes(report) == ["objects: nothing found; some requests failed", "✕ objects"]
    assert "No objects were found; some requests failed." in report.text("#filters")


def test_labels_that_are_filtered_out_are_not_called_missing(open_report: Open) -> None:
    report = open_report(bare(detections=seen([("car", 0.9, BOX)])))
    report.page.get_by_role("button", name="car 1").click()
    report.until(lambda: lanes(report) == ["objects: hidden by the filter"])


def test_the_keyboard_stays_on_a_label_that_is_shown_alone_and_with_all_again(open_report: Open) -> None:
    report = open_report(bare(detections=seen([(f"thing {i}", 0.9, BOX) for i in range(8)])))
    page = report.page

    def press(names: int, focus: str) -> None:
        page.keyboard.press("Enter")
        report.until(lambda: len(lanes(report)) == names, f"{names} names")
        assert page.evaluate("document.activeElement.textContent") == focus

    page.locator(".names").get_by_role("button", name="thing 2").focus()
    press(1, "thing 2")
    press(6, "thing 2")
    page.get_by_role("button", name="2 more objects").focus()
    press(8, "fewer objects")
    press(6, "2 more objects")


def test_a_document_of_nothing_says_so(open_report: Open) -> None:
    report = open_report(bare())
    assert lanes(report) == [": No stage ran."]


def test_a_row_tells_of_the_picture_on_screen_by_the_time_it_is_shown(open_report: Open) -> None:
    asked = seen([("car", 0.9, BOX)], [("car", 0.9, BOX), ("car", 0.8, BOX)])
    shown = [replace(one, pts_s=max(0.0, one.time_s - 0.3)) for one in asked]
    report = open_report(bare(detections=shown))
    plot = report.page.locator("#plot")
    plot.hover(position={"x": plot.bounding_box()["width"] / 2, "y": 34})
    assert "car: 2 in the sample at 0:00.7" in report.text("#hover")


def test_all_of_many_kinds_can_be_asked_for_and_put_away(open_report: Open) -> None:
    events = [SoundEvent(f"Sound {i}", i, 0.0, 4.0 - i / 10, 0.9, 0.8) for i in range(9)]
    report = open_report(bare(sounds=Sounds(0.3, events), text=TextResult([], 1, 0, 0)))
    assert lanes(report) == [*(f"♪ Sound {i}" for i in range(4)), "text: nothing found"]
    report.page.get_by_role("button", name="5 more sounds").click()
    assert len(lanes(report)) == 10
    report.page.get_by_role("button", name="fewer sounds").click()
    assert len(lanes(report)) == 5
