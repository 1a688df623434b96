"""The stage asks for all of the sound, packs a clip, and believes only replies to it."""

import msgspec
import numpy as np
import pytest

from framefleet.config.options import Options
from framefleet.errors import BadReplyError, OutOfMemoryError, SetupError
from framefleet.fleet.backends.base import IN_PROCESS, JOB_QUEUE
from framefleet.media.audio.encode import encode_clip
from framefleet.media.types import Clip, ClipTime
from framefleet.protocol.ast import AstRequest
from framefleet.stages.base import Answer
from framefleet.stages.sounds.stage import SoundsStage
from framefleet.stages.sounds.worker.engines import open_engine
from framefleet.stages.speech.stage import SpeechStage
from framefleet.timebase import Span
from tests.stages.speech.test_plan import HOUR, media

from .test_merge import answer

STAGE = SoundsStage()
CLIP = Clip(3, Span(10.0, 15.5), b"OggS", "opus")
FACTS = (ClipTime(3, CLIP.span),)


@pytest.mark.parametrize("backend", [JOB_QUEUE, IN_PROCESS])
def test_it_asks_for_the_clips_that_speech_asks_for(backend):
    chunks = STAGE.plan(HOUR, Options(), backend)
    assert [chunk.span for chunk in chunks] == [chunk.span for chunk in SpeechStage().plan(HOUR, Options(), backend)]
    assert (chunks[0].span.start_s, chunks[-1].span.end_s) == (-0.5, 3599.5)


def test_no_sound_no_work_and_it_says_so():
    silent = media(None)
    assert STAGE.plan(silent, Options(), JOB_QUEUE) == []
    heard = STAGE.merge(silent, Options(), [])
    assert heard.events == []
    assert [(piece.start_s, piece.end_s, piece.reason) for piece in heard.skipped] == [(0.0, 3600, "no audio stream")]


def test_pack():
    parcel = STAGE.pack(CLIP, HOUR, Options(), JOB_QUEUE)
    assert parcel.request == AstRequest(audio=b"OggS", format="opus", duration_s=5.5, top_k=10, threshold=0.3)
    assert parcel.facts == FACTS


def test_a_clip_that_is_too_large_is_halved():
    sound = encode_clip(np.random.default_rng(1).normal(0, 900, 12 * 16_000).astype(np.int16), "flac")
    parcel = STAGE.pack(Clip(3, Span(10.0, 22.0), sound, "flac"), HOUR, Options(), IN_PROCESS)
    first, second = STAGE.split(parcel)
    assert first.facts[0].span.start_s == 10.0
    assert first.facts[0].span.end_s == second.facts[0].span.start_s
    assert second.facts[0].span.end_s == 22.0
    assert first.request.format == "opus"
    assert first.request.duration_s == pytest.approx(first.facts[0].span.length_s)
    assert STAGE.split(STAGE.pack(CLIP, HOUR, Options(), IN_PROCESS))[0].facts == FACTS


def replied(*times, score=0.5):
    """A reply with a slice for each pair of times."""
    output = msgspec.to_builtins(answer(0, 1, [{"Dog": score}] * len(times)).reply)
    for piece, (start_s, end_s) in zip(output["slices"], times, strict=True):
        piece |= {"start_s": start_s, "end_s": end_s}
    return output


def test_times_a_little_outside_the_clip_are_drawn_in():
    reply = STAGE.parse(FACTS, replied((0.0, 3.0), (2.0, 5.9)))
    assert [(piece.start_s, piece.end_s) for piece in reply.slices] == [(0.0, 3.0), (2.0, 5.5)]
    assert STAGE.count(reply) == 1


@pytest.mark.parametrize(
    "times",
    [
        [],
        [(0, 3)],
        [(0, 2), (4, 5.5)],
        [(0, 60)],
        [(-3, 5.5)],
        [(3, 2), (2, 5.5)],
        [(float("nan"), 5.5)],
        [(0, float("inf"))],
        [(0, float("nan"))],
    ],
)
def test_what_was_not_listened_to_is_no_answer(times):
    with pytest.raises(BadReplyError, match=r"the worker returned .*slice"):
        STAGE.parse(FACTS, replied(*times))


@pytest.mark.parametrize("score", [-0.1, 1.5, float("nan")])
def test_scores_that_are_none(score):
    with pytest.raises(BadReplyError, match="score"):
        STAGE.parse(FACTS, replied((0, 5.5), score=score))


@pytest.mark.parametrize("output", [None, "ok", [], {}, {"slices": None}])
def test_what_is_no_reply(output):
    with pytest.raises(BadReplyError):
        STAGE.parse(FACTS, output)


def test_a_workers_error_is_raised():
    with pytest.raises(OutOfMemoryError):
        STAGE.parse(FACTS, {"error": "out_of_memory: CUDA"})


def test_an_answer_kept_from_another_run():
    kept = STAGE.reindex(Answer(FACTS, answer(0, 5.5, [{"Dog": 0.9}]).reply), 7)
    assert kept.facts == (ClipTime(7, CLIP.span),)
    encoded = msgspec.json.encode(kept.reply)
    assert msgspec.json.decode(encoded, type=STAGE.reply_type()) == kept.reply


def test_another_threshold_is_another_answer(monkeypatch):
    before = STAGE.identity(Options(), IN_PROCESS)
    monkeypatch.setattr("framefleet.stages.sounds.stage._threshold", lambda options: 0.5)
    assert STAGE.identity(Options(), IN_PROCESS) != before


def test_without_the_model_the_stage_says_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path))
    with pytest.raises(SetupError, match=r"-m framefleet\.models\.fetch"):
        STAGE.open_handler(Options())


@pytest.mark.parametrize("model", [None, "MIT/ast-finetuned-audioset-10-10-0.4593"])
def test_a_models_bare_name_is_not_downloaded(model):
    with pytest.raises(SetupError, match="folder"):
        open_engine(model, "ast")
