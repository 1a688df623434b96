"""When sound is silent for words: from the word before to the word after, and half a second at the least."""

from fractions import Fraction

import numpy as np
import pytest
from av.audio.frame import AudioFrame

from framefleet.errors import UsageError
from framefleet.outputs.render.silence import hushed, silences
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.timebase import Span

TALK = [
    (1.0, 1.2, " My"),
    (1.2, 1.6, " name"),
    (3.0, 3.4, " is"),
    (3.4, 3.9, " Ada,"),
    (3.9, 4.0, " and"),
    (9, 9.5, " Ada"),
]


def transcription(words: list[tuple[float, float, str]] = TALK) -> Transcription:
    said = [Word(start, end, word, 0.9) for start, end, word in words]
    text = "".join(word.word for word in said)
    return Transcription("en", text, [Segment(said[0].start_s, said[-1].end_s, text, -0.1, 0.0, said)])


def test_from_the_end_of_the_word_before_to_the_start_of_the_word_after() -> None:
    assert silences(transcription(), ["name"]) == [Span(0.7, 3.0)]


def test_half_a_second_on_each_side_where_words_are_close() -> None:
    first, second = silences(transcription(), ["ada"])
    assert (first.start_s, first.end_s) == pytest.approx((2.9, 4.4))
    assert (second.start_s, second.end_s) == (4.0, 10.0)


def test_words_that_belong_together() -> None:
    assert silences(transcription(), ["my name"]) == [Span(0.5, 3.0)]


def test_a_segment_without_words_is_silent_as_a_whole() -> None:
    spans = silences(Transcription("en", "", [Segment(2.0, 5.0, "I am Ada.", -0.1, 0.0)]), ["Ada"])
    assert spans == [Span(1.5, 5.5)]


@pytest.mark.parametrize("said", [None, transcription()])
def test_words_that_are_never_said_are_refused(said: Transcription | None) -> None:
    with pytest.raises(UsageError) as raised:
        silences(said, ["Ada" if said is None else "Grace"])
    assert raised.value.code == "unknown_words"


def test_samples_in_a_span_are_zero_and_no_others() -> None:
    frame = AudioFrame.from_ndarray(np.ones((2, 1000), np.float32), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 1000, 2000, Fraction(1, 1000)
    quiet = hushed(frame, [Span(1.0, 2.1), Span(2.5, 2.75)])
    heard = quiet.to_ndarray()
    assert (quiet.pts, quiet.sample_rate, quiet.time_base) == (2000, 1000, frame.time_base)
    assert not heard[:, :100].any()
    assert heard[:, 101:499].all()
    assert not heard[:, 500:750].any()
    assert heard[:, 751:].all()
