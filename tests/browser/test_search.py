"""The page finds what `framefleet show` finds."""

from collections.abc import Callable

import msgspec
import pytest

from framefleet.results.query.search import said as shown_said
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.schema.text import TextResult, TextSpan
from tests.browser.conftest import Report
from tests.browser.documents import bare, said, seen, tracked

Open = Callable[..., Report]
BOX = (40.0, 60.0, 100.0, 140.0)
TALK = (
    (0.0, "She had her dinner, there."),
    (1.2, "Don’t look at the camera."),
    (2.4, "Here is twenty-five Straße, ΛΌΓΟΣ!"),
    (3.2, "我们 走 吧 ปลา"),
)


def hits(report: Report, query: str, kind: str = "said") -> list[str]:
    page = report.page
    page.locator("#query").fill("")
    page.locator("#query").fill(query)
    page.wait_for_selector("#found:not([hidden])")
    return [" ".join(hit.split()) for hit in page.locator(f"#found [aria-label={kind}] .hit").all_inner_texts()]


def wordless(transcription: Transcription) -> Transcription:
    segments = [msgspec.structs.replace(segment, words=[]) for segment in transcription.segments]
    return msgspec.structs.replace(transcription, segments=segments)


def cut_up(transcription: Transcription) -> Transcription:
    """As models cut words that they do not know: a piece without a space before it goes on with the one before."""

    def pieces(word: Word) -> list[Word]:
        return [msgspec.structs.replace(word, word=word.word[:3]), msgspec.structs.replace(word, word=word.word[3:])]

    def cut(segment: Segment) -> Segment:
        return msgspec.structs.replace(segment, words=[piece for word in segment.words for piece in pieces(word)])

    return msgspec.structs.replace(transcription, segments=[cut(segment) for segment in transcription.segments])


@pytest.mark.parametrize("made", [said(*TALK), wordless(said(*TALK)), cut_up(said(*TALK))], ids=["", "wordless", "cut"])
def test_words_are_found_whatever_stands_between_them(open_report: Open, made: Transcription) -> None:
    document = bare(transcription=made)
    report = open_report(document)
    for query in (
        "her dinner there", "HER dinner—there!", "dont", "don't look", "camera here is", "twenty five strasse", "λογος",
        "们走", "ปล", "dinner here", "inner", "the re",
    ):  # fmt: skip
        assert len(hits(report, query)) == len(shown_said(document, query)), query
    assert "camera. Here" in hits(report, "camera here")[0]


def test_the_last_word_may_be_unfinished(open_report: Open) -> None:
    report = open_report(bare(transcription=said(*TALK)))
    assert len(hits(report, "her din")) == 1
    assert hits(report, "he din") == []


def test_where_no_words_are_told_segments_are_counted(open_report: Open) -> None:
    report = open_report(bare(transcription=wordless(said(*TALK))))
    assert report.text("#said-count") == "4 segments"


def test_a_track_is_found_by_its_number(open_report: Open) -> None:
    things = [("person", 0.9, BOX), ("dog", 0.8, BOX)]
    detections = seen([things[0]], things, things, things)
    report = open_report(bare(detections=detections, tracks=tracked(detections, [(0, 0), (1, 0)], [(1, 1), (3, 1)])))
    assert hits(report, "person #1", "tracks") == ["0:00.0 person #1 in 2 samples, until 0:01.0"]
    assert hits(report, "#2", "tracks") == ["0:01.0 dog #2 in 2 samples, until 0:03.0"]
    assert hits(report, "dog #1", "tracks") == []
    assert hits(report, "#3", "tracks") == []
    report.page.locator("#query").fill("#2")
    report.page.keyboard.press("Enter")
    report.at(1.0)


def test_what_looks_like_a_track_is_looked_for_everywhere(open_report: Open) -> None:
    detections = seen([], [("room", 0.9, BOX)])
    text = TextResult([TextSpan("Room #1", 2.0, 3.0, BOX, 0.9, 1), TextSpan("Room #3", 3.0, 4.0, BOX, 0.9, 1)], 4, 0, 0)
    report = open_report(
        bare(
            detections=detections,
            tracks=tracked(detections, [(1, 0)]),
            transcription=said(*TALK, (3.9, "room #3")),
            text=text,
        )
    )
    assert hits(report, "Room #3", "written") == ["0:03.0 Room #3"]
    assert len(hits(report, "Room #3", "said")) == 1
    assert hits(report, "Room #1", "written") == ["0:02.0 Room #1"]
    report.page.keyboard.press("Enter")
    report.at(1.0)  # the track comes first


def test_what_is_written_is_found_over_lost_spaces(open_report: Open) -> None:
    spans = [TextSpan("FreshBread, daily", 0.0, 4.0, BOX, 0.9, 1)]
    report = open_report(bare(text=TextResult(spans, 4, 0, 0)))
    assert hits(report, "fresh bread", "written") == ["0:00.0 FreshBread, daily"]
    assert report.text("#found mark") == "FreshBread"


def test_enter_goes_there_and_back_to_the_player(open_report: Open) -> None:
    report = open_report(bare(transcription=said(*TALK)))
    hits(report, "camera")
    report.page.keyboard.press("Enter")
    report.at(2.0)
    assert report.page.locator("#found").is_hidden()
    report.page.keyboard.press("Space")
    report.until(lambda: report.drawn["time"] > 2.1, "playing")
