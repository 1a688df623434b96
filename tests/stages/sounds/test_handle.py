"""The handler on a stand-in that hears loudness, on the real YAMNet where it is, and on what cannot be served."""

import json
import re
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from framefleet.config.options import Options
from framefleet.fleet.backends.base import IN_PROCESS
from framefleet.media.audio.clips import decode_clips
from framefleet.media.audio.encode import encode_clip
from framefleet.media.files.probe import probe
from framefleet.protocol.ast import AstRequest
from framefleet.protocol.envelope import to_input
from framefleet.stages.base import Answer
from framefleet.stages.sounds.stage import SoundsStage
from framefleet.stages.sounds.worker.engines import open_engine
from framefleet.stages.sounds.worker.engines.base import Slicing
from framefleet.stages.sounds.worker.handler import make_handler

from .yamnet import LOUD, REAL, real, stand_in

RATE = 16_000
HISS = np.random.default_rng(5).normal(0, 6000, RATE).astype(np.int16)
HUSH = np.zeros(2 * RATE, np.int16)
SOUND = encode_clip(np.concatenate([HUSH, HISS, HUSH]), "flac")  # loud from 2 to 3 of 5 seconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return stand_in(tmp_path_factory.mktemp("yamnet"))


@pytest.fixture(scope="module")
def handler(folder):
    return make_handler(open_engine(str(folder)))


def ask(handler, audio=SOUND, **fields):
    return handler({"input": {"schema_version": "1", "audio": audio, "format": "flac", "duration_s": 5.0, **fields}})


def test_what_is_loud_is_heard_where_it_is(handler):
    reply = ask(handler)
    loud = [piece for piece in reply["slices"] if piece["classes"]]
    assert [found["label"] for piece in loud for found in piece["classes"]] == [LOUD] * len(loud)
    assert all(piece["start_s"] < 3 and piece["end_s"] > 2 for piece in loud)
    assert any(2 <= piece["start_s"] + 0.49 <= 3 for piece in loud)
    assert (reply["slices"][0]["start_s"], reply["slices"][-1]["end_s"]) == (0.0, 5.0)
    assert (reply["slice_s"], reply["hop_s"], reply["model"], reply["max_batch"]) == (0.975, 0.48, "yamnet", None)
    assert reply["timing_ms"]["total"] >= reply["timing_ms"]["inference"] > 0


def test_as_many_classes_as_asked_for_best_first(handler):
    (first, *_) = ask(handler, top_k=3, threshold=0.0)["slices"]
    assert [found["class_id"] for found in first["classes"]] == [0, 1, 2]
    scores = [found["score"] for found in first["classes"]]
    assert scores == sorted(scores, reverse=True)


def test_a_denser_hop_gives_more_slices(handler):
    assert len(ask(handler, hop_s=0.25)["slices"]) == 18


def test_it_travels_as_json(handler):
    request = AstRequest(audio=SOUND, format="flac", duration_s=5.0)
    job = {"input": json.loads(msgspec.json.encode(request))}
    assert json.loads(json.dumps(handler(job), allow_nan=False))["slices"] == ask(handler)["slices"]


def test_no_sound_at_all(handler):
    assert ask(handler, b"", duration_s=0.0)["slices"] == []


def test_sound_shorter_than_a_slice(handler):
    (only,) = ask(handler, encode_clip(HISS[:1600], "flac"), duration_s=0.1)["slices"]
    assert (only["start_s"], only["end_s"]) == (0.0, 0.1)


def test_probe(handler):
    reply = handler({"input": {"probe": True}})
    assert (reply["schema_versions"], reply["model"]) == (["1"], "yamnet")
    assert len(reply["model_id"]) == 64


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"model": "ast"}, "model_mismatch: the request is for ast, but this worker runs yamnet"),
        ({"slice_s": 10}, "unsupported: slice_s 10"),
        ({"format": "mp3"}, "invalid_input: .*format"),
        ({"format": "opus"}, "invalid_input: .*the audio is not opus"),
        ({"audio": "!!"}, "invalid_input: .*audio"),
        ({"audio": b"rubbish"}, "invalid_input: "),
        ({"duration_s": 60.0}, "invalid_input: .*truncated"),
        ({"duration_s": 0.5}, "invalid_input: .*longer"),
        ({"schema_version": "2"}, "invalid_input: .*schema_version"),
        ({"hop_s": 0.0001}, "invalid_input: .*hop_s"),
        ({"top_k": 0}, "invalid_input: .*top_k"),
        ({"threshold": 2}, "invalid_input: .*threshold"),
    ],
)
def test_what_cannot_be_served_says_why(handler, fields, says):
    reply = ask(handler, **fields)
    assert list(reply) == ["error"]
    assert re.match(says, reply["error"])
    assert "\n" not in reply["error"]


@pytest.mark.parametrize("job", [{}, {"input": None}, {"input": []}, {"input": "audio"}, {"input": {}}])
def test_requests_of_the_wrong_shape(handler, job):
    assert handler(job)["error"].startswith("invalid_input: ")


def pretended(classify):
    named = {"model": "m", "model_id": "i", "device": "cuda:0", "gpu": "NVIDIA L4", "labels": ["a", "b"]}
    return make_handler(SimpleNamespace(settle=lambda *_: Slicing(1.0, 1.0), classify=classify, **named))


@pytest.mark.parametrize(
    ("error", "says"), [(MemoryError(), "out_of_memory: "), (KeyError("x\ny"), "internal: KeyError")]
)
def test_every_exception_is_answered(error, says):
    def fail(_slices):
        raise error

    assert ask(pretended(fail))["error"].startswith(says)


def test_a_models_odd_numbers_are_not_passed_on():
    reply = ask(pretended(lambda slices: np.tile(np.float32([np.nan, 0.5]), (len(slices), 1))))
    json.dumps(reply, allow_nan=False)
    assert {found["label"] for piece in reply["slices"] for found in piece["classes"]} == {"b"}


@pytest.mark.full
@real
@pytest.mark.parametrize("format", ["flac", "opus"])
def test_the_real_one_hears_who_speaks_and_who_does_not(sample, format):
    stage, options, media = SoundsStage(), Options(), probe(sample)
    handler = make_handler(open_engine(str(REAL)))
    answers = []
    for clip in decode_clips(media, stage.plan(media, options, IN_PROCESS), format=format):
        parcel = stage.pack(clip, media, options, IN_PROCESS)
        answers.append(Answer(parcel.facts, stage.parse(parcel.facts, handler({"input": to_input(parcel.request)}))))
    heard = stage.merge(media, options, answers)
    spoken = [event for event in heard.events if event.label == "Speech"]
    assert sum(event.end_s - event.start_s for event in spoken) > 15
    assert {event.label for event in heard.events if event.score > 0.5} <= {"Speech", "Silence", "Speech synthesizer"}
    (last,) = [event for event in heard.events if event.end_s > 24]
    assert last.label == "Silence"
