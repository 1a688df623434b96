"""The real Whisper base: it guards what is used of faster-whisper against newer versions."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from framefleet.protocol.whisper import WhisperRequest
from framefleet.stages.speech.worker.model import Engine, open_model
from framefleet.stages.speech.worker.passages import Transcript, transcribed
from framefleet.worker.waveform import RATE, Waveform

pytestmark = pytest.mark.full

ENGLISH = "Good morning, ladies and gentlemen. The train to the city leaves in five minutes from this platform."
GERMAN = "Guten Morgen, meine Damen und Herren. Der Zug in die Stadt fährt in fünf Minuten von diesem Bahnsteig ab."


def spoken(text: str, voice: str) -> Waveform:
    """The text, spoken by espeak-ng."""
    try:
        raw = subprocess.run(["espeak-ng", "-v", voice, "--stdout", text], capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("espeak-ng is not installed")
    samples = np.frombuffer(raw[44 : len(raw) // 2 * 2], np.int16).astype(np.float32) / 32768
    times = np.arange(int(len(samples) * RATE / 22_050)) * 22_050 / RATE
    return np.interp(times, np.arange(len(samples)), samples).astype(np.float32)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    from framefleet.install_hints import cache_folder

    folder = cache_folder() / "models" / "whisper-base"
    if not (folder / "model.bin").is_file():
        pytest.skip("Whisper base was not fetched")
    return open_model(str(folder), name="base", threads=2)


def heard(engine: Engine, audio: Waveform, **fields: object) -> Transcript:
    request = WhisperRequest(audio=b"", format="wav", duration_s=len(audio) / RATE, **fields)  # type: ignore[arg-type]
    return transcribed(engine, request, audio)


def test_two_languages_in_one_clip_stay_two(engine: Engine) -> None:
    quiet = np.zeros(RATE, np.float32)
    english, german = spoken(ENGLISH, "en"), spoken(GERMAN, "de")
    first = np.resize(np.concatenate([english, quiet]), 30 * RATE)
    both = heard(engine, np.concatenate([first, german]), vad_filter=False)
    languages = [segment.language for segment in both.segments]
    assert (languages[0], languages[-1]) == ("en", "de")
    assert both.language == "en"
    assert both.probability > 0.5
    assert "Stadt" in both.segments[-1].text + both.segments[-2].text


def test_a_language_that_is_given_is_used_for_all(engine: Engine) -> None:
    said = heard(engine, spoken(GERMAN, "de"), language="de")
    assert (said.language, said.probability) == ("de", 1.0)
    assert {segment.language for segment in said.segments} == {None}
    assert engine.window() is None


def test_it_translates(engine: Engine) -> None:
    said = " ".join(segment.text for segment in heard(engine, spoken(GERMAN, "de"), task="translate").segments)
    assert {"train", "minutes"} <= set(said.lower().replace(",", " ").replace(".", " ").split())


def test_what_is_said_many_times_stays(engine: Engine) -> None:
    (segment, *_) = said = heard(engine, spoken("no, " * 24, "en")).segments
    assert not segment.doubtful
    assert 15 <= sum(one.text.lower().count("no") for one in said) <= 30


def test_what_is_drawn_is_the_same_each_time_a_model_is_loaded(whisper_base: Path) -> None:
    audio = spoken(ENGLISH, "en")
    asked = {"language": "en", "task": "transcribe", "vad_filter": False, "beam_size": 5, "temperature": 0.8}
    engines = [open_model(str(whisper_base), threads=2) for _ in range(2)]
    texts = [[[piece.text for piece in each.transcribe(audio, **asked)[0]] for _ in range(2)] for each in engines]
    assert texts[0] == texts[1]


def test_the_default_model_is_base(whisper_base: Path) -> None:
    from framefleet.config.options import Options
    from framefleet.stages.speech.stage import SpeechStage

    reply = SpeechStage().open_handler(Options())({"input": {"probe": True}})
    assert (reply["model"], reply["features"]) == ("base", ["words"])
