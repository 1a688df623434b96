"""What nobody says is not sent: which part of a clip is, what is said of the rest, and what becomes of it."""

import sys
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.config import Options
from framefleet.media.audio import decode_clips
from framefleet.media.audio_encode import encode_clip
from framefleet.media.info import Clip, ClipTime
from framefleet.media.probe import probe
from framefleet.stages.base import Answer
from framefleet.stages.speech import vad
from framefleet.stages.speech.listen import RATE, decode
from framefleet.stages.speech.merge import merge_speech
from framefleet.stages.speech.skipped import NO_SPEECH, SentTime, Skipped, joined
from framefleet.stages.speech.stage import SpeechStage
from framefleet.units import Span
from tests.stages.speech.test_merge import answer
from tests.stages.speech.test_plan import HOUR

STAGE = SpeechStage()
TONE = (8000 * np.sin(np.arange(RATE) * 0.3)).astype(np.int16)  # a second of what the detector here takes for speech


def loud(samples):
    """A detector for these tests: whatever is not silent is speech, second by second."""
    seconds = [k for k in range(0, len(samples), RATE) if np.abs(samples[k : k + RATE]).mean() > 0.05]
    return [(k, min(k + RATE, len(samples))) for k in seconds]


def clip(length_s, *spoken, start_s=100.0):
    samples = np.zeros(length_s * RATE, dtype=np.int16)
    for at in spoken:
        samples[at * RATE : (at + 1) * RATE] = TONE
    return Clip(2, Span(start_s, start_s + length_s), encode_clip(samples, "opus"), "opus")


@pytest.mark.parametrize("spoken", [(0,), (29,), (5, 75), (59, 60), (120,), (0, 149)])
def test_long_silence_at_the_ends_is_cut_off_and_accounted_for(spoken):
    whole = clip(150, *spoken)
    sent = vad.trim(whole, loud)
    assert sent.span.start_s == (100.0 if spoken[0] <= 30 else 100.0 + spoken[0] - 1)
    assert sent.span.end_s == (250.0 if spoken[-1] >= 119 else 100.0 + spoken[-1] + 2)
    ends = [(100.0, sent.span.start_s), (sent.span.end_s, 250.0)]
    skipped = getattr(sent, "skipped", ())
    assert [(s.start_s, s.end_s) for s in skipped] == [(a, b) for a, b in ends if a < b]
    assert {s.reason for s in skipped} <= {NO_SPEECH}
    assert len(loud(decode(sent.audio, "opus", sent.span.length_s))) >= len(spoken)


def test_a_clip_without_long_silence_at_its_ends_is_sent_as_it_is():
    whole = clip(90, 20, 70)
    assert vad.trim(whole, loud) is whole


def test_nobody_speaks():
    assert vad.trim(clip(70), loud) is None
    assert vad.trim(Clip(0, Span(0.0, 0.0), b"", "opus"), loud) is None


def test_what_cannot_be_decoded_is_for_the_worker_to_refuse():
    broken = Clip(0, Span(0.0, 5.0), b"OggS", "opus")
    assert vad.trim(broken, loud) is broken


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(1, 30)), max_size=5))
def test_the_span_is_that_of_looking_at_everything(stretches):
    second = 100  # samples: the blocks are what is tested, not their length
    samples = np.zeros(750 * second, dtype=np.float32)
    for start, length in stretches:
        samples[start * second : (start + length) * second] = 1

    def detect(part):
        at = np.flatnonzero(part)
        return [(int(k), int(k) + 1) for k in at]

    at = np.flatnonzero(samples)
    expected = (int(at[0]), int(at[-1]) + 1) if len(at) else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vad, "RATE", second)
        assert vad.spoken_span(samples, detect) == expected


def test_only_the_ends_are_looked_at():
    looked = []
    samples = np.ones(600 * RATE, dtype=np.float32)
    vad.spoken_span(samples, lambda part: looked.append(len(part)) or [(0, len(part))])
    assert len(looked) == 2


def test_the_detector_tells_speech_from_noise_and_music(sample):
    pytest.importorskip("faster_whisper")
    detect = vad.silero()
    media = probe(sample)
    (spoken,) = decode_clips(media, STAGE.plan(media, Options(), "runpod"), format="opus")
    assert STAGE.trim(spoken, Options(), "runpod") is spoken
    times = np.arange(20 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * times) for hertz in (262, 330, 392)) * 0.1
    noise = np.random.default_rng(1).normal(0, 0.02, 20 * RATE)
    for sound in (chord, noise, 0 * noise):
        heard = encode_clip((sound * 32767).astype(np.int16), "opus")
        assert vad.trim(Clip(0, Span(0.0, 20.0), heard, "opus"), detect) is None


def test_the_stage_looks_only_where_asking_costs(monkeypatch):
    monkeypatch.setattr(vad, "silero", lambda: loud)
    silent = clip(40)
    assert STAGE.trim(silent, Options(), "runpod") is None
    assert STAGE.trim(silent, Options(), "local") is silent
    monkeypatch.setattr(vad, "silero", lambda: None)  # faster-whisper is not installed
    assert STAGE.trim(silent, Options(), "runpod") is silent


def test_answers_found_with_and_without_a_look_are_not_taken_for_each_other():
    assert STAGE.identity(Options(), "runpod") != STAGE.identity(Options(), "local")


def test_what_was_skipped_is_in_the_transcription_whether_sent_in_part_or_not_at_all():
    trimmed = vad.trim(clip(150, 60), loud)
    parcel = STAGE.pack(trimmed, HOUR, Options(), "runpod")
    assert parcel.request.duration_s == trimmed.span.length_s == 3.0
    said = Answer(parcel.facts, answer(0, 3, ["yes"]).reply)
    silent = STAGE.nothing_said(clip(50, start_s=250.0))
    for answers in ([said, silent], [silent, said]):
        merged = merge_speech([remembered(one) for one in answers])
        assert merged.text == "yes"
        assert merged.language == "en"
        assert [(s.start_s, s.end_s) for s in merged.segments] == [(159.0, 162.0)]
        assert merged.skipped == [Skipped(100.0, 159.0, NO_SPEECH), Skipped(162.0, 300.0, NO_SPEECH)]


def test_halves_of_a_trimmed_clip_tell_of_its_ends_once():
    samples = np.tile(TONE, 20)
    cut = vad.TrimmedClip(0, Span(50.0, 70.0), encode_clip(samples, "opus"), "opus", (Skipped(0.0, 50.0, NO_SPEECH),))
    halves = STAGE.split(STAGE.pack(cut, HOUR, Options(), "runpod"))
    assert len(halves) == 2
    assert [s for half in halves for fact in half.facts for s in fact.skipped] == [Skipped(0.0, 50.0, NO_SPEECH)]


def test_facts_that_were_kept_before_anything_was_skipped_are_still_read():
    old = msgspec.json.encode(ClipTime(1, Span(0.0, 2.0)))
    assert msgspec.json.decode(old, type=STAGE.fact_type()) == SentTime(1, Span(0.0, 2.0))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12, unique=True).map(sorted), st.randoms())
def test_stretches_that_follow_each_other_are_one(edges, random):
    pieces = [Skipped(a, b, NO_SPEECH) for a, b in pairwise(edges)]
    assert joined(random.sample(pieces, len(pieces))) == [Skipped(edges[0], edges[-1], NO_SPEECH)]
    apart = pieces[::2]
    assert joined(random.sample(apart, len(apart))) == apart


def remembered(one):
    """The answer as the journal gives it back."""
    kept = msgspec.json.encode([(one.facts[0], one.reply)])
    ((fact, reply),) = msgspec.json.decode(kept, type=list[tuple[STAGE.fact_type(), STAGE.reply_type()]])
    return STAGE.restamp(Answer((fact,), reply), 7)


def test_without_faster_whisper_there_is_no_detector(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", None)
    assert vad.silero.__wrapped__() is None
