"""Windows that are transcribed again: in another language, or because they are loops."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from framefleet.protocol.whisper import WhisperRequest, WhisperSegment, WhisperWord
from framefleet.stages.speech.worker.languages import LanguageWindow
from framefleet.stages.speech.worker.loops import is_said, without_echo
from framefleet.stages.speech.worker.model import Engine
from framefleet.stages.speech.worker.passages import Transcript, transcribed
from framefleet.worker.waveform import RATE

MINUTE = np.zeros(60 * RATE, np.float32)


def piece(text: str, start: float = 0.0, end: float = 2.0, seek: int = 0, **measures: Any) -> SimpleNamespace:
    words = text.split()
    step = (end - start) / max(1, len(words))
    measures = {"avg_logprob": -0.3, "no_speech_prob": 0.1} | measures
    timed = [
        SimpleNamespace(start=start + n * step, end=start + (n + 1) * step, word=f" {word}", probability=0.9)
        for n, word in enumerate(words)
    ]
    return SimpleNamespace(start=start, end=end, text=f" {text}", words=timed, seek=seek, **measures)


class Listener:
    """A stand-in for faster-whisper: `answer` gets what it is asked, and gives windows with their pieces."""

    def __init__(self, answer: Callable[..., list[tuple[LanguageWindow | None, list[SimpleNamespace]]]]) -> None:
        self._answer = answer
        self.asked: list[dict[str, Any]] = []
        self.window: LanguageWindow | None = None

    def transcribe(self, audio: Any, **asked: Any) -> Any:
        self.asked.append(asked | {"seconds": len(audio) / RATE})
        windows = self._answer(**self.asked[-1])

        def pieces() -> Any:
            for window, found in windows:
                for one in found:
                    self.window = window
                    yield one

        return pieces(), SimpleNamespace(language=asked["language"] or "", language_probability=1.0)

    def hear(self, **fields: Any) -> Transcript:
        engine = Engine(
            self.transcribe, "m", "id", "cpu", None, frozenset({"en", "es", "el"}), True, lambda: self.window
        )
        request = WhisperRequest(audio=b"", format="wav", duration_s=60.0, **fields)
        return transcribed(engine, request, MINUTE)


def test_each_segment_has_the_language_of_its_window() -> None:
    listener = Listener(
        lambda **_: [
            (LanguageWindow("en", 0.9), [piece("good morning", 0, 20)]),
            (LanguageWindow("es", 0.8), [piece("buenos días", 30, 35, seek=3000)]),
        ]
    )
    heard = listener.hear()
    assert [segment.language for segment in heard.segments] == ["en", "es"]
    assert (heard.language, heard.probability) == ("en", 0.9)
    assert len(listener.asked) == 1


def test_a_guess_is_transcribed_again_in_the_language_of_the_others() -> None:
    def answer(language: str | None, seconds: float, **_: Any) -> Any:
        if language == "es":
            assert seconds == pytest.approx(3.4)
            return [(None, [piece("buenos días", 0.2, 3.2)])]
        return [
            (LanguageWindow("el", 0.3, guessed=True), [piece("Ονο μενάχια", 5, 8)]),
            (LanguageWindow("es", 0.9), [piece("vamos a la playa", 30, 40, seek=3000)]),
        ]

    heard = Listener(answer).hear()
    assert [(s.text.strip(), s.language) for s in heard.segments] == [
        ("buenos días", "es"),
        ("vamos a la playa", "es"),
    ]
    assert (heard.segments[0].start_s, heard.segments[0].end_s) == (5.0, 8.0)
    assert heard.segments[0].words[0].start_s == 5.0
    assert heard.language == "es"
    assert 0.5 < heard.probability < 0.9


def test_several_languages_in_one_window_are_told_apart() -> None:
    def answer(seconds: float, **_: Any) -> Any:
        mixed = [piece("good morning", 0, 5), piece("gluten morgan", 7, 12), piece("so", 12, 13)]
        alone = {5.2: [], 5.4: [(LanguageWindow("de", 0.9), [piece("guten Morgen", 0.2, 5.2)])]}
        return alone.get(round(seconds, 1), [(LanguageWindow("en", 0.4, guessed=True), mixed)])

    heard = Listener(answer).hear()
    assert [(s.text.strip(), s.start_s, s.language) for s in heard.segments] == [
        ("good morning", 0.0, "en"),
        ("guten Morgen", 7.0, "de"),
        ("so", 12.0, "en"),
    ]


def test_a_segments_own_language_must_be_clear() -> None:
    def answer(seconds: float, **_: Any) -> Any:
        if seconds < 10:
            return [(LanguageWindow("th", 0.6), [piece("ต้อง", 0.2, 5.2)])]
        return [(LanguageWindow("en", 0.4, guessed=True), [piece("good morning", 0, 5), piece("goodbye", 7, 12)])]

    assert [segment.language for segment in Listener(answer).hear().segments] == ["en", "en"]


def test_if_no_window_is_sure_the_doubt_shows() -> None:
    listener = Listener(lambda **_: [(LanguageWindow("el", 0.3, guessed=True), [piece("Ονο μενάχια")])])
    heard = listener.hear()
    assert (heard.language, heard.probability) == ("el", 0.3)
    assert len(listener.asked) == 1


def test_a_language_that_is_given_is_not_told_of_each_segment() -> None:
    heard = Listener(lambda **_: [(None, [piece("good morning")])]).hear(language="en")
    assert heard.segments[0].language is None
    assert (heard.language, heard.probability) == ("en", 1.0)


def test_a_loop_is_heard_again_at_a_higher_temperature() -> None:
    def answer(temperature: float, **_: Any) -> Any:
        text = {0.0: "I'm sorry, " * 20, 0.4: "I'm sorry, " * 9, 0.8: "The train leaves now"}[temperature]
        return [(None, [piece(text)])]

    listener = Listener(answer)
    (segment,) = listener.hear(language="en").segments
    assert segment.text.strip() == "The train leaves now"
    assert [asked["temperature"] for asked in listener.asked] == [0.0, 0.4, 0.8]


def test_a_loop_in_many_segments_is_one_too() -> None:
    def answer(temperature: float, **_: Any) -> Any:
        texts = ["The train leaves now"] if temperature else ["I'm sorry, I am so sorry"] * 9
        return [(None, [piece(text, n, n + 1, seek=5) for n, text in enumerate(texts)])]

    assert [segment.text.strip() for segment in Listener(answer).hear(language="en").segments] == [
        "The train leaves now"
    ]


def test_a_loop_that_is_another_each_time_is_doubtful() -> None:
    texts = {0.0: "I don't know, ", 0.4: "oh, ", 0.8: "push, "}
    heard = Listener(lambda temperature, **_: [(None, [piece(texts[temperature] * 20)])]).hear(language="en")
    assert [segment.doubtful for segment in heard.segments] == [True]


def test_what_was_said_many_times_stays() -> None:
    heard = Listener(lambda temperature, **_: [(None, [piece("no, " * 24)])]).hear(language="en")
    (segment,) = heard.segments
    assert not segment.doubtful
    assert segment.text.count("no") == 24


def test_a_loop_in_which_nothing_is_heard_again_is_left_out() -> None:
    heard = Listener(lambda temperature, **_: [] if temperature else [(None, [piece("I'm sorry, " * 20)])])
    assert heard.hear(language="en").segments == []


def said(text: str, *durations: float) -> WhisperSegment:
    words = [
        WhisperWord(n, n + length, f" {word}", 0.9)
        for n, (word, length) in enumerate(zip(text.split(), durations, strict=False))
    ]
    return WhisperSegment(0.0, 9.0, f" {text}", -0.1, 0.1, words)


def test_the_words_decide_whether_a_loop_was_said() -> None:
    loop = [said("no no no")]
    assert is_said(loop, [[said("No, no!")], [said("no no no no")]])
    assert not is_said(loop, [[said("no no")], [said("push the button")]])
    assert not is_said(loop, [[said("no no")], []])
    assert not is_said(loop, [])


def test_words_without_time_are_an_echo() -> None:
    assert without_echo(said("no no no", 0.3, 0.2, 0.0)).text == " no no"
    assert without_echo(said("no no", 0.0, 0.0)) == said("no no", 0.0, 0.0)
    assert without_echo(said("no no", 0.3, 0.2)) == said("no no", 0.3, 0.2)


def test_the_words_to_expect_are_told_to_the_model() -> None:
    listener = Listener(lambda **_: [])
    listener.hear(words=["ComfyUI", "FrameFleet"])
    listener.hear()
    assert [asked.get("hotwords") for asked in listener.asked] == ["ComfyUI, FrameFleet", None]
