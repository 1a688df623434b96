"""Subtitles say what was said, when it was said, to the readers of their formats."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.outputs.export.formats import FORMATS, export
from framefleet.outputs.export.subtitles import LEAST_MS, cues, word_cues
from framefleet.outputs.export.text import clean
from framefleet.results.query.cues import cues_of
from framefleet.schema.document import Document
from framefleet.schema.speech import Segment, Transcription, Word
from tests.outputs.export.documents import documents, says
from tests.results.make import make_document

pysubs2 = pytest.importorskip("pysubs2")
webvtt = pytest.importorskip("webvtt")

JOINER = "\u2060"


def written(document: Document, form: str, **more: Any) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{form}"
        export(document, FORMATS[form], path, stem="clip", **more)
        return path.read_text("utf-8")


def read(text: str, form: str) -> list[Any]:
    return list(pysubs2.SSAFile.from_string(text, format_=form))


def letters(text: str) -> str:
    """Without spaces, line breaks, and what was put in place of markup."""
    for mark, there in (("‹", "<"), ("｛", "{"), ("｝", "}"), ("→", "-->"), (JOINER, "")):
        text = text.replace(mark, there)
    return "".join(text.split())


def spoken(document: Document) -> str:
    """All that was said: the words of each segment, or its text where there are none."""
    assert document.transcription is not None
    in_order = sorted(document.transcription.segments, key=lambda segment: segment.start_s)
    words = ["".join(word.word for word in segment.words) for segment in in_order]
    said = [word if clean(word) else segment.text for word, segment in zip(words, in_order, strict=True)]
    return letters(clean(" ".join(said)))


@pytest.mark.full
@pytest.mark.parametrize("form", ["srt", "ass"])
@given(document=documents())
def test_what_was_said_comes_back_from_pysubs2(document: Document, form: str) -> None:
    found = read(written(document, form), form)
    assert letters("".join(event.plaintext for event in found)) == spoken(document)
    assert all(0 <= event.start < event.end for event in found)
    assert [event.start for event in found] == sorted(event.start for event in found)


@given(document=documents())
def test_what_was_said_comes_back_from_webvtt(document: Document) -> None:
    from html import unescape

    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.vtt"
        export(document, FORMATS["vtt"], path, stem="clip")
        found = list(webvtt.read(str(path)))
    assert letters("".join(unescape(caption.raw_text) for caption in found)) == spoken(document)
    begun = [caption.start_in_seconds for caption in found]
    assert begun == sorted(begun)
    assert all(caption.start < caption.end for caption in found)


def test_an_srt_file_looks_as_srt_files_do() -> None:
    assert written(says((0.5, 2.25, "Hello."), (3661.0, 3662.5, "Bye.")), "srt") == (
        "1\n00:00:00,500 --> 00:00:02,250\nHello.\n\n2\n01:01:01,000 --> 01:01:02,500\nBye.\n\n"
    )


@pytest.mark.parametrize(
    ("form", "text", "there"),
    [
        ("srt", "<i>soft</i>", "‹i>soft‹/i>"),
        ("srt", "3 < 4", "3 < 4"),
        ("srt", "{\\an8}up", f"｛\\{JOINER}an8｝up"),
        ("vtt", "a --> b <c> & d", "a --&gt; b &lt;c&gt; &amp; d"),
        ("ass", "{\\an8}up", f"｛\\{JOINER}an8｝up"),
    ],
)
def test_nothing_said_is_taken_for_markup(form: str, text: str, there: str) -> None:
    assert there in written(says((0, 1, text)), form)


def test_nothing_said_is_an_empty_file_that_its_readers_take() -> None:
    silent = says()
    assert written(silent, "srt") == ""
    assert written(silent, "vtt").strip() == "WEBVTT"
    assert read(written(silent, "ass"), "ass") == []


def test_one_is_shown_at_a_time_and_none_is_without_length() -> None:
    found = cues(says((5, 9, "later"), (1, 6, "first"), (2, 2, "at once"), (-3, -2, "before")))
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in found] == [
        (0, LEAST_MS, "before"),
        (1000, 2000, "first"),
        (2000, 3000, "at once"),
        (5000, 9000, "later"),
    ]


LONG = "This is a picture of a smiling woman who has been to space and of a man who is standing in a field at night."


@pytest.mark.parametrize("form", ["srt", "vtt", "ass"])
@pytest.mark.parametrize("timed", [True, False])
def test_what_is_long_is_cut_into_short_lines_as_it_is_drawn(form: str, timed: bool) -> None:
    words = [Word(n * 0.5, n * 0.5 + 0.4, f" {word}", 0.9) for n, word in enumerate(LONG.split())]
    segment = Segment(0.0, 12.0, LONG, -0.1, 0.0, words if timed else [])
    document = replace(make_document(), transcription=Transcription("en", "", [segment]))
    found = read(written(document, form), form)
    assert [event.plaintext for event in found] == [cue.text for cue in cues_of(document.transcription)]
    assert len(found) > 1
    assert all(len(line) <= 42 for event in found for line in event.plaintext.split("\n"))
    assert all(event.plaintext.count("\n") <= 1 and event.end - event.start <= 7000 for event in found)
    if timed:
        assert {event.start for event in found} <= {n * 500 for n in range(len(words))}


@pytest.mark.parametrize(("audio_s", "start_ms"), [(-0.5, 1500), (0.5, 1000)])
def test_a_players_clock_begins_with_the_earliest_stream(audio_s: float, start_ms: int) -> None:
    document = says((1.0, 2.0, "Hello."))
    assert document.video.audio is not None
    audio = replace(document.video.audio, start_s=audio_s)
    [cue] = cues(replace(document, video=replace(document.video, audio=audio)))
    assert cue.start_ms == start_ms


WORDS = [Word(1.0, 1.4, " It", 0.9), Word(1.4, 1.6, "'s", 0.9), Word(1.7, 2.0, " {here}", 0.9)]


def two_words() -> Document:
    segment = Segment(1.0, 2.0, "It's {here}", -0.1, 0.0, WORDS)
    return replace(make_document(), transcription=Transcription("en", "", [segment]))


def test_words_are_karaoke_in_ass() -> None:
    [event] = read(written(two_words(), "ass", words=True), "ass")
    assert event.text == "{\\k40}It{\\k30}'s{\\k30} ｛here｝"
    assert event.plaintext == "It's ｛here｝"


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_words_are_cues_elsewhere(form: str) -> None:
    found = read(written(two_words(), form, words=True), form)
    assert [(event.start, event.end) for event in found] == [(1000, 1400), (1400, 1700), (1700, 2000)]
    assert [event.plaintext for event in found][:2] == ["It", "'s"]


spoken_times = st.sampled_from([-2.0, 0.0, 0.0, 0.5, 0.5, 0.504, 1.0, 3.0, 9.0]) | st.floats(-1, 20)


@st.composite
def any_words(draw: st.DrawFn) -> Document:
    """Words of any times: none, the same, over one another, from behind; in the order that they are in the document."""
    found, count = [], 0
    for begun in sorted(draw(st.lists(spoken_times, max_size=4))):
        times = draw(st.lists(st.tuples(spoken_times, spoken_times), max_size=8))
        words = [Word(start, end, f" w{count + n}", 0.9) for n, (start, end) in enumerate(times)]
        found.append(Segment(begun, draw(spoken_times), f"s{count}", -0.1, 0.0, words))
        count += len(words) + 1
    return replace(make_document(), transcription=Transcription("en", "", found))


@given(any_words(), st.booleans())
def test_no_cue_stands_on_another_whatever_the_times_of_words(document: Document, words: bool) -> None:
    found = (word_cues if words else cues)(document)
    assert all(cue.end_ms - cue.start_ms >= 10 for cue in found)
    assert all(here.end_ms <= there.start_ms for here, there in pairwise(found))
    assert letters("".join(cue.text for cue in found)) == spoken(document)


@given(st.lists(st.integers(0, 400).map(lambda n: n / 20), min_size=1, max_size=30).map(sorted))
def test_words_begin_when_the_document_says_or_as_soon_as_those_before_let_them(starts: list[float]) -> None:
    words = [Word(start, start, f" w{n}", 0.9) for n, start in enumerate(starts)]
    segment = Segment(starts[0], starts[-1], "", -0.1, 0.0, words)
    found = word_cues(replace(make_document(), transcription=Transcription("en", "", [segment])))
    assert [cue.text for cue in found] == [word.word.strip() for word in words]
    for cue, start in zip(found, starts, strict=True):
        before = sum(other == start for other in starts)
        assert 1000 * start <= cue.start_ms + 0.5 <= 1000 * start + LEAST_MS * before
    for cue, following in pairwise(found):
        if following.start_ms - cue.start_ms >= LEAST_MS:
            assert cue.end_ms - cue.start_ms >= LEAST_MS


def test_words_without_length_are_shown_one_after_the_other() -> None:
    words = [Word(0.0, 0.5, " One", 0.9), *(Word(0.5, 0.5, f" {word}", 0.9) for word in ("two", "three", "four"))]
    segment = Segment(0.0, 3.0, "", -0.1, 0.0, [*words, Word(2.5, 3.0, " five", 0.9)])
    found = word_cues(replace(make_document(), transcription=Transcription("en", "", [segment])))
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in found] == [
        (0, 500, "One"),
        (500, 600, "two"),
        (600, 700, "three"),
        (700, 2500, "four"),
        (2500, 3000, "five"),
    ]


@given(document=documents(), form=st.sampled_from(["srt", "vtt", "ass"]))
def test_words_too_have_times_that_can_be(document: Document, form: str) -> None:
    found = read(written(document, form, words=True), form)
    assert all(0 <= event.start < event.end for event in found)
    assert "\\k-" not in "".join(event.text for event in found)


def test_the_size_of_letters_goes_by_the_picture() -> None:
    document = says((0, 1, "x"))
    small = pysubs2.SSAFile.from_string(written(document, "ass"))
    assert (small.info["PlayResX"], small.info["PlayResY"]) == ("160", "120")
    assert small.styles["Default"].fontsize < 10
