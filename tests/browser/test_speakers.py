"""Who speaks, on the page: a lane and a colour each, names in the transcript, which can be written over and saved."""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from framefleet.schema.document import Document
from framefleet.schema.speakers import Speaker
from tests.browser.conftest import Report
from tests.browser.documents import bare, said

Open = Callable[..., Report]


def talk(*names: str | None) -> Document:
    """Each speaker says one thing, a second each."""
    speakers = [
        Speaker(id=f"S{n + 1}", name=name, first_s=float(n), talk_s=0.9, certain=True, turns=[(float(n), n + 0.9)])
        for n, name in enumerate(names)
    ]
    heard = said(*((float(n), f"Words of {n}") for n in range(len(names))))
    segments = [replace(segment, speaker=f"S{n + 1}") for n, segment in enumerate(heard.segments)]
    return bare(transcription=replace(heard, segments=segments), speakers=speakers)


def lanes(report: Report) -> list[str]:
    return [" ".join(name.split()) for name in report.page.locator(".rowname").all_text_contents()]


def test_each_speaker_has_a_row_and_a_colour_and_stands_over_what_they_say(open_report: Open) -> None:
    report = open_report(talk("Ada", None))
    assert lanes(report) == ["speech", "Ada", "S2"]
    assert report.page.locator(".who").all_text_contents() == ["Ada", "S2"]
    colour = "element => getComputedStyle(element).backgroundColor"
    marks = [mark.evaluate(colour) for mark in report.page.locator(".names .mark").all()[1:]]
    assert len(set(marks)) == 2
    assert [mark.evaluate(colour) for mark in report.page.locator(".who .mark").all()] == marks


def test_names_are_written_over_and_saved_to_a_file_that_name_reads(open_report: Open, tmp_path: Path) -> None:
    report = open_report(talk("Ada", None))
    report.page.get_by_label("Name of S2").fill("Grace <b>")
    report.until(lambda: lanes(report) == ["speech", "Ada", "Grace <b>"])
    assert report.page.locator(".who").all_text_contents() == ["Ada", "Grace <b>"]
    with report.page.expect_download() as saving:
        report.page.get_by_role("button", name="Save names").click()
    assert saving.value.suggested_filename == "clip_speakers.txt"
    saving.value.save_as(tmp_path / "names.txt")
    assert (tmp_path / "names.txt").read_text(encoding="utf-8") == "S1=Ada\nS2=Grace <b>\n"


def test_without_speakers_there_is_nothing_of_them(open_report: Open) -> None:
    report = open_report(bare(transcription=said((0.0, "Hello")), speakers=None))
    assert not report.page.locator("#speakers").is_visible()
    assert lanes(report) == ["speech"]
    nobody = open_report(bare(transcription=said((0.0, "Hello")), speakers=[]))
    assert lanes(nobody) == ["speech", "speakers: nothing found"]
