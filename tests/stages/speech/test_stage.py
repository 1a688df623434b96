"""The stage packs a clip and believes only replies to it."""

import msgspec
import pytest

from framefleet.config.options import Options
from framefleet.errors import BadReplyError, OutOfMemoryError, RefusedError
from framefleet.fleet.backends.base import IN_PROCESS, JOB_QUEUE
from framefleet.media.types import Clip
from framefleet.protocol.whisper import WhisperRequest
from framefleet.stages.speech.skipped import NO_SPEECH, SentTime, Unsent
from framefleet.stages.speech.stage import SpeechStage
from framefleet.timebase import Span
from tests.stages.speech.test_merge import answer
from tests.stages.speech.test_plan import HOUR

STAGE = SpeechStage()
CLIP = Clip(3, Span(10.0, 15.5), b"OggS", "opus")


def test_pack():
    options = Options(language="de", task="translate", whisper_model="large-v3")
    parcel = STAGE.pack(CLIP, HOUR, options, JOB_QUEUE)
    assert parcel.request == WhisperRequest(
        model="large-v3", audio=b"OggS", format="opus", duration_s=5.5, language="de", task="translate"
    )
    assert parcel.facts == (SentTime(3, CLIP.span),)


def test_a_local_models_folder_is_not_told_to_it():
    assert STAGE.pack(CLIP, HOUR, Options(whisper_model="/models/small"), IN_PROCESS).request.model is None


def replied(*times, words=()):
    """A reply with a segment for each pair of times."""
    output = msgspec.to_builtins(answer(0, 1, ["x"] * len(times)).reply)
    for segment, (start_s, end_s) in zip(output["segments"], times, strict=True):
        segment |= {"start_s": start_s, "end_s": end_s, "words": []}
    for start_s, end_s in words:
        output["segments"][0]["words"].append({"start_s": start_s, "end_s": end_s, "word": " x", "probability": 0.5})
    return output


def parsed(output):
    return STAGE.parse((SentTime(3, CLIP.span),), output)


def test_times_a_little_outside_the_clip_are_drawn_in():
    reply = parsed(replied((-0.2, 2.0), (2.0, 5.9), words=[(-0.1, 0.5)]))
    assert [(s.start_s, s.end_s) for s in reply.segments] == [(0.0, 2.0), (2.0, 5.5)]
    assert reply.segments[0].words[0].start_s == 0.0


@pytest.mark.parametrize("times", [(0, 60), (-3, 1), (3, 2), (float("nan"), 1), (0, float("inf")), (100, 101)])
def test_times_of_something_else_are_refused(times):
    with pytest.raises(BadReplyError, match=r"5\.5 s"):
        parsed(replied(times))
    with pytest.raises(BadReplyError, match=r"5\.5 s"):
        parsed(replied((0, 5), words=[times]))


def test_a_reply_is_to_what_was_sent_and_not_to_what_was_cut_out():
    fact = SentTime(3, CLIP.span, (Unsent(11.0, 14.0, NO_SPEECH),))
    assert STAGE.parse((fact,), replied((0, 2.4))).segments[0].end_s == 2.4
    with pytest.raises(BadReplyError, match=r"2\.5 s"):
        STAGE.parse((fact,), replied((0, 5.0)))


@pytest.mark.parametrize("output", [None, "ok", [], {}, {"segments": None}])
def test_what_is_no_reply(output):
    with pytest.raises(BadReplyError):
        parsed(output)


def test_a_workers_error_is_raised():
    with pytest.raises(RefusedError, match="unsupported: no German"):
        parsed({"error": "unsupported: no German"})
    with pytest.raises(OutOfMemoryError):
        parsed({"error": "out_of_memory: CUDA"})
