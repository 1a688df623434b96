"""The stage asks for all of the sound, believes only replies to it, and keeps voices out of its result."""

import base64
from typing import Any

import msgspec
import numpy as np
import pytest

from framefleet.config.options import Options
from framefleet.errors import BadReplyError, OutOfMemoryError, SetupError
from framefleet.fleet.backends.base import IN_PROCESS, JOB_QUEUE
from framefleet.media.audio.encode import encode_clip
from framefleet.media.types import Clip, ClipTime
from framefleet.protocol.envelope import SoundSamples
from framefleet.protocol.speakers import HeardVoice, SpeakersReply, SpeakersRequest, VoiceTurn
from framefleet.protocol.whisper import WhisperRequest
from framefleet.schema.speakers import Speaker
from framefleet.stages.base import Answer, Remembering
from framefleet.stages.speakers.spec import spans
from framefleet.stages.speakers.stage import SpeakersStage, merge_speakers
from framefleet.stages.speakers.worker.engine import Voice
from framefleet.stages.speakers.worker.handler import beside, make_handler
from framefleet.stages.speech.stage import SpeechStage
from framefleet.timebase import Span
from framefleet.worker.serving import RequestHandler
from tests.stages.speech.test_plan import HOUR, media

from . import centre

STAGE = SpeakersStage()
CLIP = Clip(3, Span(10.0, 15.5), b"OggS", "opus")
FACTS = (ClipTime(3, CLIP.span),)
SHORT = msgspec.structs.replace(HOUR.audio, duration_s=60.0) if HOUR.audio else None


def packed(person: int) -> bytes:
    return centre(person).astype("<f2").tobytes()


def reply(*voices: tuple[int, float, float]) -> SpeakersReply:
    heard = [HeardVoice(packed(who), [VoiceTurn(start_s, end_s)]) for who, start_s, end_s in voices]
    return SpeakersReply(model="fake", model_id="f00d", device="cpu", voices=heard)


@pytest.mark.parametrize("backend", [JOB_QUEUE, IN_PROCESS])
def test_it_asks_for_the_clips_that_speech_asks_for(backend: Any) -> None:
    chunks = STAGE.plan(HOUR, Options(), backend)
    assert [chunk.span for chunk in chunks] == [chunk.span for chunk in SpeechStage().plan(HOUR, Options(), backend)]


def test_how_many_speak_in_a_part_is_at_most_how_many_speak() -> None:
    def asked(speakers: Any, whole: bool) -> tuple[int | None, int | None]:
        request = STAGE.pack(CLIP, media(SHORT) if whole else HOUR, Options(speakers=speakers), JOB_QUEUE).request
        return request.number, request.most

    assert [asked("auto", True), asked(True, False), asked(3, False), asked(3, True)] == [
        (None, None), (None, None), (None, 3), (3, 3),
    ]  # fmt: skip


def test_halves_of_the_whole_sound_are_parts() -> None:
    sound = np.zeros(60 * 16_000, np.int16)
    whole = Clip(0, Span(0.0, 60.0), sound, "samples")
    parcel = STAGE.pack(whole, media(SHORT), Options(speakers=3), IN_PROCESS)
    assert parcel.request.number == 3
    assert [(half.request.number, half.request.most) for half in STAGE.split(parcel)] == [(None, 3), (None, 3)]


def test_only_a_number_that_is_given_makes_another_answer() -> None:
    auto, named, three = (
        STAGE.identity(options, IN_PROCESS)
        for options in (Options(), Options(speaker_names=(("S1", "Ada"),)), Options(speakers=3))
    )
    assert auto == named != three


def test_a_worker_that_only_transcribes_refuses_the_request() -> None:
    request = msgspec.to_builtins(STAGE.pack(CLIP, HOUR, Options(), JOB_QUEUE).request)
    with pytest.raises(msgspec.ValidationError, match="task"):
        msgspec.convert(request, WhisperRequest)
    assert msgspec.convert(request, SpeakersRequest).audio == b"OggS"


def test_a_reply_comes_back_over_the_wire_with_its_turns_within_the_clip() -> None:
    parsed = STAGE.parse(FACTS, msgspec.to_builtins(reply((1, 0.0, 2.0), (2, 3.0, 5.9))))
    assert [turn for voice in parsed.voices for turn in voice.turns] == [VoiceTurn(0.0, 2.0), VoiceTurn(3.0, 5.5)]
    assert parsed.voices[0].centre == packed(1)


@pytest.mark.parametrize(
    "voice",
    [
        {"centre": base64.b64encode(packed(1)[:-2]).decode(), "turns": []},
        {"centre": base64.b64encode(bytes(512)).decode(), "turns": []},
        {"centre": base64.b64encode(np.full(256, np.nan, "<f2").tobytes()).decode(), "turns": []},
        {"centre": base64.b64encode(packed(1)).decode(), "turns": [{"start_s": 2.0, "end_s": 1.0}]},
        {"centre": base64.b64encode(packed(1)).decode(), "turns": [{"start_s": 2.0, "end_s": 9.0}]},
        {"centre": base64.b64encode(packed(1)).decode(), "turns": [{"start_s": -1.0, "end_s": 1.0}]},
        {"centre": base64.b64encode(packed(1)).decode(), "turns": [{"start_s": 0.0, "end_s": 0.1}] * 200},
    ],
)
def test_what_is_no_voice_or_of_another_clip_is_refused(voice: dict[str, Any]) -> None:
    with pytest.raises(BadReplyError):
        STAGE.parse(FACTS, msgspec.to_builtins(reply()) | {"voices": [voice]})


def test_a_workers_error_is_raised_as_such() -> None:
    with pytest.raises(OutOfMemoryError):
        STAGE.parse(FACTS, {"error": "out_of_memory: send shorter clips"})


def test_answers_become_people_on_the_videos_clock_and_the_result_has_no_voice() -> None:
    answers = [
        Answer((ClipTime(1, Span(300.0, 600.0)),), reply((2, 0.0, 9.0), (1, 10.0, 20.0))),
        Answer((ClipTime(0, Span(0.0, 300.0)),), reply((1, 5.0, 15.0), (2, 20.0, 30.0))),
    ]
    assert isinstance(STAGE, Remembering)
    recalled = STAGE.recall(merge_speakers(answers), None, Options(speaker_names=(("S2", "Grace"),)), whole=True)
    assert [(one.id, one.name, one.first_s, one.talk_s, one.turns) for one in recalled.result] == [
        ("S1", None, 5.0, 20.0, [(5.0, 15.0), (310.0, 320.0)]),
        ("S2", "Grace", 20.0, 19.0, [(20.0, 30.0), (300.0, 309.0)]),
    ]
    assert not any(hasattr(one, "centre") for one in recalled.result)
    again = STAGE.recall(merge_speakers(answers[::-1]), recalled.kept, Options(), whole=True)
    assert again.result == recalled.result


def test_spans_are_turns_labelled_with_who_speaks() -> None:
    speaker = Speaker(id="S1", name="Ada", first_s=1.0, talk_s=3.0, certain=True, turns=[(1.0, 2.0), (4.0, 6.0)])
    assert [(span.start_s, span.end_s, span.label) for span in spans([speaker])] == [
        (1.0, 2.0, "Ada"),
        (4.0, 6.0, "Ada"),
    ]


def test_without_the_models_it_says_how_to_get_them(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path))
    assert "framefleet.models.fetch speakers" in (STAGE.missing(Options()) or "")
    with pytest.raises(SetupError):
        STAGE.open_handler(Options())


class Engine:
    """One that hears one person all the time, or nobody in no sound."""

    model, model_id, device, gpu = "fake", "f00d", "cpu", None

    def voices(self, audio: Any, *, number: int | None = None, most: int | None = None) -> list[Voice]:
        return [Voice(centre(1), [(0.0, len(audio) / 16_000)])] * (number or 1) if len(audio) else []


def test_the_handler_answers_requests_and_probes_and_explains_what_it_cannot_do() -> None:
    handler = make_handler(Engine())  # type: ignore[arg-type]
    sound = encode_clip(np.zeros(16_000, np.int16), "flac")
    asked = {"task": "speakers", "audio": base64.b64encode(sound).decode(), "format": "flac", "duration_s": 1.0}
    parsed = STAGE.parse((ClipTime(0, Span(0.0, 1.0)),), handler({"input": asked | {"number": 2}}))
    assert [voice.turns for voice in parsed.voices] == [[VoiceTurn(0.0, 1.0)]] * 2
    assert handler({"input": {"probe": True}})["model"] == "fake"
    assert handler({"input": asked | {"model": "other"}})["error"].startswith("model_mismatch")
    assert handler({"input": asked | {"task": "transcribe"}})["error"].startswith("invalid_input")


def test_the_whisper_image_answers_both_told_apart_by_the_task() -> None:
    asked: list[Any] = []

    class Transcribes(RequestHandler):
        def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
            asked.append(job)
            return {"segments": []}

        def answer(self, request: msgspec.Struct) -> dict[str, Any]:
            return self({"input": request})

    handler = beside(Transcribes(), Engine())  # type: ignore[arg-type]
    sound = SoundSamples(np.zeros(16_000, np.int16))
    ours = SpeakersRequest(audio=sound, format="samples", duration_s=1.0)
    theirs = WhisperRequest(audio=sound, format="samples", duration_s=1.0)
    assert "voices" in handler.answer(ours) and "segments" in handler.answer(theirs)
    assert "error" in handler({"input": {"task": "speakers"}})
    for other in ({"input": {"task": "transcribe"}}, {"input": {"probe": True}}, {"input": None}, {}):
        assert handler(other) == {"segments": []}
    assert len(asked) == 5
