"""Speech, a hundred seconds of a chord, speech: whole runs, in which nobody is asked about the chord."""

import wave
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framefleet import analyze
from framefleet.config.options import Options
from framefleet.fleet.backends.base import IN_PROCESS
from framefleet.media.audio.clips import decode_clips
from framefleet.media.files.probe import probe
from framefleet.schema.document import Document
from framefleet.stages.speech.stage import SpeechStage
from framefleet.stages.speech.worker import model
from framefleet.worker.waveform import RATE, decode
from tests.cli.conftest import WORKER
from tests.conftest import ROOT
from tests.fleet.openai_service import serving

pytestmark = pytest.mark.full

pytest.importorskip("faster_whisper")

CHORD_S, TALK_S = 100, 12


@pytest.fixture(autouse=True)
def speech_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_STAGES", "speech")


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """What is said in the sample, 24 s of int16."""
    media = probe(ROOT / "samples" / "sample.mp4")
    (clip,) = decode_clips(media, SpeechStage().plan(media, Options(), IN_PROCESS), format="flac")
    return (decode(clip.audio, "flac", clip.span.length_s) * 32768).astype(np.int16)


def chord(length_s: int) -> np.ndarray:
    times = np.arange(length_s * RATE) / RATE
    return (sum(np.sin(2 * np.pi * hertz * times) for hertz in (262, 330, 392)) * 3000).astype(np.int16)


def sound(path: Path, *parts: np.ndarray) -> Path:
    content = BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.concatenate(parts).tobytes())
    path.write_bytes(content.getvalue())
    return path


@pytest.fixture
def parted(tmp_path: Path, talk: np.ndarray) -> Path:
    first, second = talk[: TALK_S * RATE], talk[TALK_S * RATE : 2 * TALK_S * RATE]
    return sound(tmp_path / "parted.wav", first, chord(CHORD_S), second)


class Hears:
    """A whisper worker that hears a word in every second of what it is sent, all of them as one sentence."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(job["input"])
        length_s = job["input"]["duration_s"]
        words = [
            {"start_s": at + 0.1, "end_s": at + 0.6, "word": f" w{at}", "probability": 0.9}
            for at in range(int(length_s))
        ]
        text = "".join(word["word"] for word in words)
        segment = {"start_s": 0.0, "end_s": length_s, "text": text, "avg_logprob": -0.1, "no_speech_prob": 0.0}
        return WORKER | {"language": "en", "language_probability": 1.0, "segments": [segment | {"words": words}]}


@pytest.fixture
def hears(emulate: Any, monkeypatch: pytest.MonkeyPatch) -> Hears:
    worker = Hears()
    for name, value in emulate(whisper=worker).environ.items():
        monkeypatch.setenv(name, value)
    return worker


def check(document: Document) -> None:
    """One stretch is skipped, which is the chord but for a second or two beside speech, and nothing lies in it."""
    said = document.transcription
    assert said is not None
    (skipped,) = said.skipped
    assert skipped.reason == "no speech"
    assert TALK_S <= skipped.start_s <= TALK_S + 3
    assert TALK_S + CHORD_S - 3 <= skipped.end_s <= TALK_S + CHORD_S
    assert len(said.segments) == 2
    for piece in [*said.segments, *(word for segment in said.segments for word in segment.words)]:
        assert piece.end_s <= skipped.start_s + 0.001 or piece.start_s >= skipped.end_s - 0.001
    assert document.failures == []


@pytest.mark.parametrize("task", ["transcribe", "translate"])
def test_an_endpoint_is_sent_what_is_spoken_alone(parted: Path, hears: Hears, task: str) -> None:
    document = analyze(parted, task=task)
    check(document)
    (asked,) = hears.asked
    assert asked["task"] == task
    assert 2 * TALK_S <= asked["duration_s"] <= 2 * TALK_S + 6
    said = document.transcription.text.split()
    assert said == [f"w{at}" for at in range(int(asked["duration_s"]))]
    assert document.transcription.segments[-1].end_s == pytest.approx(2 * TALK_S + CHORD_S, abs=0.01)
    again = analyze(parted, task=task)
    assert again.transcription == document.transcription
    assert len(hears.asked) == 1


def test_all_is_sent_where_that_is_wished_for(parted: Path, hears: Hears) -> None:
    document = analyze(parted, vad=False)
    assert hears.asked[0]["duration_s"] == 2 * TALK_S + CHORD_S
    assert document.transcription.skipped == []
    assert len(document.transcription.segments) == 1


def test_a_transcription_api_is_sent_the_same(parted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: Any) -> tuple[int, dict[str, Any]]:
        words = [
            {"word": word, "start": at, "end": at + 1} for word, at in (("Well", 3.0), ("then", 4.0), ("yes", 20.0))
        ]
        segment = {"start": 3.0, "end": 30.0, "text": " Well, then. Yes.", "avg_logprob": -0.1, "no_speech_prob": 0.0}
        return 200, {"language": "english", "text": segment["text"], "segments": [segment], "words": words}

    with serving() as service:
        service.answer = answer
        monkeypatch.setenv("FRAMEFLEET_WHISPER_API", service.url)
        document = analyze(parted)
    check(document)
    assert document.transcription.text == "Well, then. Yes."
    assert document.transcription.segments[0].start_s == 3.0


@pytest.mark.parametrize("quiet", [chord(40), np.zeros(40 * RATE, dtype=np.int16)], ids=["music", "silence"])
def test_no_model_is_loaded_here_where_nobody_speaks(
    tmp_path: Path, quiet: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "open_model", lambda *_, **__: pytest.fail("a model was loaded"))
    document = analyze(sound(tmp_path / "quiet.wav", quiet), backend="local")
    (skipped,) = document.transcription.skipped
    assert (skipped.start_s, skipped.end_s, skipped.reason) == (0.0, 40.0, "no speech")
    assert document.transcription.segments == []
    assert document.failures == []


def test_here_too_what_is_skipped_is_told_and_what_is_said_lies_where_it_was(tmp_path: Path, talk: np.ndarray) -> None:
    document = analyze(sound(tmp_path / "late.wav", chord(50), talk[: 5 * RATE]), backend="local")
    (skipped,) = document.transcription.skipped
    assert skipped.start_s == 0.0
    assert 47 <= skipped.end_s <= 50
    assert "woman" in document.transcription.text
    words = [word for segment in document.transcription.segments for word in segment.words]
    assert all(49 <= word.start_s <= word.end_s <= 55 for word in words)
