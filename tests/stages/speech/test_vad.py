"""What nobody says is not sent: which part of a clip is, what is said of the rest, and what becomes of it."""

import functools
import sys
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.fleet.backends.base import CALLS, IN_PROCESS, JOB_QUEUE
from framefleet.media.audio.clips import decode_clips
from framefleet.media.files.probe import probe
from framefleet.media.transport.sound import FLAC, OPUS, SAMPLES
from framefleet.media.types import Clip, ClipTime
from framefleet.schema.speech import Skipped
from framefleet.stages.base import Answer, RequestBatch
from framefleet.stages.speech import vad
from framefleet.stages.speech.merge import merge_speech
from framefleet.stages.speech.skipped import (
    NO_SPEECH,
    SentTime,
    Unsent,
    joined,
)
from framefleet.stages.speech.stage import SpeechStage
from framefleet.timebase import Span
from framefleet.worker.waveform import RATE, as_waveform, decode
from tests.conftest import full
from tests.stages.speech.test_merge import answer
from tests.stages.speech.test_plan import HOUR

STAGE = SpeechStage()
NOTHING = np.zeros(0, dtype=np.int16)
TONE = (8000 * np.sin(np.arange(RATE) * 0.3)).astype(np.int16)  # a second of what the detector here takes for speech


def loud(samples):
    """A detector for these tests: whatever is not silent is speech, second by second."""
    seconds = [k for k in range(0, len(samples), RATE) if np.abs(samples[k : k + RATE]).mean() > 0.05]
    return [(k, min(k + RATE, len(samples))) for k in seconds]


@functools.cache
def clip(length_s, *spoken, start_s=100.0):
    samples = np.zeros(length_s * RATE, dtype=np.int16)
    for at in spoken:
        samples[at * RATE : (at + 1) * RATE] = TONE
    return Clip(2, Span(start_s, start_s + length_s), samples, "samples")


@pytest.mark.parametrize("spoken", [(0,), (29,), (5, 30, 55, 75), (59, 60), (120,), (0, 30, 60, 90, 120, 149)])
def test_long_silence_at_the_ends_is_cut_off_and_accounted_for(spoken):
    whole = clip(150, *spoken)
    sent = vad.trim(whole, loud)
    assert sent.span.start_s == (100.0 if spoken[0] <= 30 else 100.0 + spoken[0] - 1)
    assert sent.span.end_s == (250.0 if spoken[-1] >= 119 else 100.0 + spoken[-1] + 2)
    ends = [(100.0, sent.span.start_s), (sent.span.end_s, 250.0)]
    skipped = getattr(sent, "skipped", ())
    assert [(s.start_s, s.end_s) for s in skipped] == [(a, b) for a, b in ends if a < b]
    assert {s.reason for s in skipped} <= {NO_SPEECH}
    assert len(sent.audio) == round(sent.span.length_s * RATE)
    assert len(loud(as_waveform(sent.audio))) >= len(spoken)


def test_a_clip_without_long_silence_is_sent_as_it_is():
    whole = clip(90, 20, 45, 70)
    assert vad.trim(whole, loud) is whole


def test_nobody_speaks():
    assert vad.trim(clip(70), loud) is None
    assert vad.trim(Clip(0, Span(0.0, 0.0), NOTHING, "samples"), loud) is None


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(1, 30)), max_size=5))
def test_looking_block_by_block_misses_nothing(stretches):
    second = 100  # samples: the blocks are what is tested, not their length
    samples = np.zeros(750 * second, dtype=np.int16)
    for start, length in stretches:
        samples[start * second : (start + length) * second] = 1

    def detect(part):
        return [(int(k), int(k) + 1) for k in np.flatnonzero(part)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vad, "RATE", second)
        assert vad.spoken(samples, detect) == detect(samples)


def test_all_is_looked_at_once_and_never_more_than_a_minute_at_a_time():
    looked = []
    vad.spoken(np.ones(150 * RATE, dtype=np.int16), lambda part: looked.append(len(part) / RATE) or [])
    assert looked == [60, 60, 30]


@st.composite
def heard(draw):
    """Stretches of speech, in samples, and how long the clip is."""
    edges = sorted(draw(st.lists(st.integers(0, 900 * RATE), min_size=2, max_size=12, unique=True)))
    spoken = list(zip(edges[::2], edges[1::2], strict=False))
    return spoken, edges[-1] + draw(st.integers(0, 100 * RATE))


@given(heard())
def test_long_silences_are_cut_out_and_speech_with_its_margins_never(given_):
    spoken, length = given_
    cuts = vad.long_silences(spoken, length)
    margin = round(vad.KEPT_S * RATE)
    for start, end in cuts:
        assert 0 <= start < end <= length
        assert end - start > (vad.SHORTEST_CUT_S - 2 * vad.KEPT_S) * RATE - 1
        assert all(last + margin <= start or end <= first - margin for first, last in spoken)
    left = [(a, b) for a, b in vad._between(spoken, length) if b - a > vad.SHORTEST_CUT_S * RATE]
    assert len(left) == len(cuts)


@pytest.mark.parametrize(("pause_s", "cut"), [(29.9, []), (30.1, [(11, 39.1)])])
def test_a_pause_is_cut_out_from_30_s_on(pause_s, cut):
    later = round((10 + pause_s) * RATE)
    cuts = vad.long_silences([(0, 10 * RATE), (later, later + RATE)], later + RATE)
    assert cuts == [(round(start * RATE), round(end * RATE)) for start, end in cut]


def test_speech_over_a_blocks_border_is_not_parted():
    border = vad.BLOCK_S * RATE
    assert vad.long_silences([(border - 20 * RATE, border), (border, border + 20 * RATE)], 100 * RATE) == [
        (0, 39 * RATE)
    ]


@pytest.mark.parametrize("transport", [SAMPLES, FLAC, *full(OPUS)])  # Opus takes ten times as long to encode
def test_what_is_left_is_put_together_and_only_that_is_encoded(transport):
    samples = np.zeros(220 * RATE, dtype=np.int16)
    for at in (10, 80, 81, 200):
        samples[at * RATE : (at + 1) * RATE] = TONE
    whole = Clip(2, Span(100.0, 320.0), samples, "samples")
    sent = transport.prepare(vad.trim(whole, loud))
    assert (sent.number, sent.format, sent.span) == (2, transport.kind, whole.span)
    assert not whole.encoded
    assert sent.skipped == (Unsent(112.0, 179.0, NO_SPEECH), Unsent(183.0, 299.0, NO_SPEECH))
    parcel = STAGE.pack(sent, HOUR, Options(), JOB_QUEUE)
    assert parcel.request.duration_s == 12 + 4 + 21
    kept = np.concatenate([samples[a * RATE : b * RATE] for a, b in [(0, 12), (79, 83), (199, 220)]])
    left = decode(parcel.request.audio, parcel.request.format, parcel.request.duration_s)
    if transport is not OPUS:
        assert np.array_equal(left * 32768, kept)
    assert [start / RATE for start, _ in loud(left)] == [10, 13, 14, 17]


@pytest.mark.full
def test_the_detector_tells_speech_from_noise_and_music(sample):
    pytest.importorskip("faster_whisper")
    detect = vad.silero()
    media = probe(sample)
    (spoken,) = decode_clips(media, STAGE.plan(media, Options(), JOB_QUEUE), format="samples")
    assert STAGE.filter(spoken) is spoken
    times = np.arange(20 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * times) for hertz in (262, 330, 392)) * 0.1
    noise = np.random.default_rng(1).normal(0, 0.02, 20 * RATE)
    for sound in (chord, noise, 0 * noise):
        heard = Clip(0, Span(0.0, 20.0), (sound * 32767).astype(np.int16), "samples")
        assert vad.trim(heard, detect) is None


@pytest.mark.parametrize("backend", [JOB_QUEUE, CALLS, IN_PROCESS])
def test_the_stage_looks_first_wherever_it_asks(monkeypatch, backend):
    monkeypatch.setattr(vad, "silero", lambda: loud)
    silent = clip(40)
    prefilter = STAGE.prefilter(Options(), backend)
    assert isinstance(prefilter(silent), Answer)
    assert STAGE.prefilter(Options(vad=False), backend) is None
    monkeypatch.setattr(vad, "silero", lambda: None)  # faster-whisper is not installed
    assert prefilter(silent) is silent


@pytest.mark.parametrize("backend", [JOB_QUEUE, IN_PROCESS])
def test_answers_found_with_and_without_a_look_are_not_taken_for_each_other(backend):
    assert STAGE.identity(Options(), backend) != STAGE.identity(Options(vad=False), backend)


def test_what_was_skipped_is_in_the_transcription_whether_sent_in_part_or_not_at_all(monkeypatch):
    trimmed = vad.trim(clip(150, 60), loud)
    parcel = STAGE.pack(trimmed, HOUR, Options(), JOB_QUEUE)
    assert parcel.request.duration_s == trimmed.span.length_s == 3.0
    said = Answer(parcel.facts, answer(0, 3, ["yes"]).reply)
    monkeypatch.setattr(vad, "silero", lambda: loud)
    silent = STAGE.filter(clip(50, start_s=250.0))
    for answers in ([said, silent], [silent, said]):
        merged = merge_speech([remembered(one) for one in answers])
        assert merged.text == "yes"
        assert merged.language == "en"
        assert [(s.start_s, s.end_s) for s in merged.segments] == [(159.0, 162.0)]
        assert merged.skipped == [Skipped(100.0, 159.0, NO_SPEECH), Skipped(162.0, 300.0, NO_SPEECH)]


@pytest.mark.full
@pytest.mark.parametrize("transport", [SAMPLES, FLAC, OPUS])
def test_halves_of_a_clip_with_cuts_lie_where_they_were(transport):
    """Each half is heard second by second, halved once more, and told on the video's clock."""
    spoken = (60, 66, 70, 74, 80, 150, 155, 160, 168, 175, 290, 296)
    sent = transport.prepare(vad.trim(clip(340, *spoken), loud))
    whole = STAGE.pack(sent, HOUR, Options(), JOB_QUEUE)
    parcels = [quarter for half in STAGE.split(whole) for quarter in STAGE.split(half)]
    assert len(parcels) == 4
    answers = []
    for parcel in parcels:
        (fact,) = parcel.facts
        assert parcel.request.duration_s == pytest.approx(fact.sent_s, abs=1e-5)
        starts = [start / RATE for start, _ in loud(decode(parcel.request.audio, parcel.request.format, fact.sent_s))]
        reply = replace(answer(0, 1, ["x"] * len(starts)).reply)
        for k, start_s in enumerate(starts):
            reply.segments[k] = replace(
                reply.segments[k], start_s=start_s, end_s=min(start_s + 1, fact.sent_s), words=[]
            )
        answers.append(remembered(Answer(parcel.facts, reply)))
    merged = merge_speech(answers)
    assert merged.skipped == [Skipped(gone.start_s, gone.end_s, gone.reason) for gone in whole.facts[0].skipped]
    heard_s = [segment.start_s - 100 for segment in merged.segments]
    # a detector that counts whole seconds from a half's own start is up to a second early
    assert {min(spoken, key=lambda at: abs(at - start_s)) for start_s in heard_s} == set(spoken)
    assert all(min(abs(at - start_s) for at in spoken) <= 1 for start_s in heard_s)


def test_a_clip_too_short_to_be_halved_stays_as_it_is():
    parcel = STAGE.pack(vad.trim(clip(340, 2, 300), loud), HOUR, Options(), JOB_QUEUE)
    short = replace(parcel.facts[0], span=Span(100.0, 104.0))
    assert STAGE.split(RequestBatch(parcel.request, (short,))) == [RequestBatch(parcel.request, (short,))]


def test_facts_that_were_kept_before_anything_was_skipped_are_still_read():
    old = msgspec.json.encode(ClipTime(1, Span(0.0, 2.0)))
    fact = msgspec.json.decode(old, type=STAGE.fact_type())
    assert fact == SentTime(1, Span(0.0, 2.0))
    assert (fact.kept, fact.sent_s) == ([fact.span], 2.0)


def test_facts_that_were_kept_when_only_ends_were_cut_off_mean_what_they_meant():
    ends = [Unsent(0.0, 40.000063, NO_SPEECH), Unsent(70.5, 900.25, NO_SPEECH)]
    old = msgspec.json.encode({"index": 1, "span": {"start_s": 40.000063, "end_s": 70.5}, "skipped": ends})
    fact = msgspec.json.decode(old, type=STAGE.fact_type())
    assert fact.kept == [Span(40.000063, 70.5)]


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12, unique=True).map(sorted), st.randoms())
def test_stretches_that_follow_each_other_are_one(edges, random):
    pieces = [Unsent(a, b, NO_SPEECH) for a, b in pairwise(edges)]
    assert joined(random.sample(pieces, len(pieces))) == [Unsent(edges[0], edges[-1], NO_SPEECH)]
    apart = pieces[::2]
    assert joined(random.sample(apart, len(apart))) == apart


def remembered(one):
    """The answer as the journal gives it back."""
    kept = msgspec.json.encode([(one.facts[0], one.reply)])
    ((fact, reply),) = msgspec.json.decode(kept, type=list[tuple[STAGE.fact_type(), STAGE.reply_type()]])
    return STAGE.reindex(Answer((fact,), reply), 7)


def test_without_faster_whisper_there_is_no_detector(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", None)
    assert vad.silero.__wrapped__() is None
