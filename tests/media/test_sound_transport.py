"""Clips on their way: the range of bytes foreseen, each encoded once, and halves in the form of the whole."""

import numpy as np
import pytest

from framefleet.media.audio.chunks import RATE
from framefleet.media.audio.encode import encode_clip
from framefleet.media.transport import sound
from framefleet.media.transport.sound import FLAC, OPUS, SAMPLES, sent, sound_transport
from framefleet.media.types import Clip
from framefleet.protocol.envelope import SoundSamples
from framefleet.timebase import Span
from tests.conftest import full

NOISE = np.random.default_rng(1)


@pytest.mark.parametrize("transport", [*full(OPUS), FLAC])
@pytest.mark.parametrize("loudest", [0, 32_000])
def test_the_extremes_lie_within_the_forecast(transport, loudest):
    seconds = 60
    samples = NOISE.integers(-loudest, loudest + 1, seconds * RATE).astype(np.int16)
    low, high = transport.expected_bytes(seconds)
    assert low <= len(encode_clip(samples, transport.kind)) * 4 / 3 <= high


def test_the_first_form_that_a_backend_takes_is_the_one():
    assert sound_transport(("pixels", "samples", "flac")) is SAMPLES
    assert sound_transport(("jpeg_frames", "flac", "opus")) is FLAC
    assert sound_transport(("something new",)) is OPUS


def test_a_clip_is_encoded_once_for_all_who_want_it(monkeypatch):
    samples = NOISE.integers(-9, 9, RATE).astype(np.int16)
    clip = Clip(0, Span(0.0, 1.0), samples, "samples")
    encoded = []
    monkeypatch.setattr(sound, "encode_clip", lambda *asked: encoded.append(asked) or b"fLaC")
    assert SAMPLES.prepare(clip) is clip
    first, second = FLAC.prepare(clip), FLAC.prepare(clip)
    assert (first.audio, first.format, first.span) == (b"fLaC", "flac", clip.span)
    assert second.audio is first.audio
    assert len(encoded) == 1
    assert OPUS.prepare(first) is first, "what is encoded stays as it is"


def test_halves_of_samples_are_samples_and_lose_none(monkeypatch):
    samples = NOISE.integers(-9000, 9000, 30 * RATE).astype(np.int16)
    samples[14 * RATE : 15 * RATE] = 0
    whole = sent(Clip(0, Span(0.0, 30.0), samples, "samples"))
    monkeypatch.setattr(sound, "encode_clip", None)
    (first, before), (second, after) = SAMPLES.split(whole, "samples", Span(100.0, 130.0))
    assert isinstance(first, SoundSamples)
    assert isinstance(second, SoundSamples)
    assert np.array_equal(np.concatenate([first.samples, second.samples]), samples)
    assert before == Span(100.0, 100.0 + len(first.samples) / RATE)
    assert after == Span(before.end_s, 130.0)
    assert 114 <= before.end_s <= 115, "in the silence"
    assert SAMPLES.split(whole, "samples", Span(0.0, 9.0)) == []
