"""What Whisper invents where nobody speaks is left out, and what is said many times is not."""

from framefleet.media.types import ClipTime
from framefleet.protocol.whisper import WhisperReply, WhisperSegment, WhisperWord
from framefleet.stages.base import Answer
from framefleet.stages.speech.merge import merge_speech, without_inventions
from framefleet.stages.speech.skipped import SentTime
from framefleet.timebase import Span


def segment(text: str, logprob: float = -0.2, silent: float = 0.9, length: float = 0.0, **more: bool) -> WhisperSegment:
    words = [WhisperWord(n / 9, n / 9 + length, f" {word}", 0.9) for n, word in enumerate(text.split())]
    return WhisperSegment(0.0, 30.0, text, logprob, silent, words, **more)


def left(*segments: WhisperSegment) -> list[str]:
    reply = WhisperReply(
        model="m", model_id="id", device="cpu", language="en", language_probability=0.9, segments=list(segments)
    )
    return [one.text for one in without_inventions(reply).segments]


LOOP = "I'm sorry, " * 20


def test_loops_over_noise_are_left_out() -> None:
    assert left(segment(LOOP)) == []
    assert left(*[segment("I'm going to take a look at you,", silent=0.99)] * 9) == []  # a loop in many segments


def test_what_is_said_many_times_stays() -> None:
    assert left(segment(LOOP, silent=0.2)) == [LOOP]
    assert left(segment(LOOP, length=0.1)) == [LOOP]


def test_one_word_of_silence_is_left_out() -> None:
    assert left(segment(" You", -0.7, 0.94), segment(" You", -0.7, 0.94), segment(" ...")) == []
    assert left(segment("You", -0.7, 0.3), segment("Thank you", -0.7, 0.94)) == ["You", "Thank you"]


def test_what_the_worker_doubts_is_left_out() -> None:
    assert left(segment("push the button", silent=0.1, doubtful=True)) == []


def test_with_voice_activity_detection_nothing_is_left_out_and_the_doubt_is_told() -> None:
    reply = WhisperReply(
        model="m",
        model_id="id",
        device="cpu",
        language="en",
        language_probability=0.9,
        segments=[segment(LOOP, doubtful=True), segment("Hello", language="de")],  # type: ignore[arg-type]
    )
    answer = Answer((SentTime(0, Span(0.0, 30.0)),), reply)
    merged = merge_speech([answer])
    assert [one.doubtful is True for one in merged.segments] == [True, False]
    assert [one.language for one in merged.segments] == [None, "de"]
    assert merge_speech([answer], vad=False).text == "Hello"
    assert isinstance(answer.facts[0], ClipTime)
