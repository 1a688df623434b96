"""What is said in any channel is heard, and the mix of an ordinary recording is FFmpeg's, sample for sample."""

import wave
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.media.audio.channels import Mixer
from framefleet.media.audio.chunks import RATE
from framefleet.media.audio.clips import sound_span
from framefleet.media.audio.stream import read_sound
from framefleet.media.files.probe import probe
from tests.conftest import full
from tests.media.sound import Wave, bursts, plainly_decoded

SECONDS = 6


def talk(*seconds: int) -> Wave:
    """A burst at the beginning of each of these seconds, 16 kHz."""
    spoken = bursts(0, SECONDS, RATE)
    return np.where(np.isin(np.arange(len(spoken)) // RATE, seconds), spoken, 0).astype(np.int16)


def hiss(seed: int, loud: int = 300) -> Wave:
    return np.random.default_rng(seed).normal(0, loud, SECONDS * RATE).astype(np.int16)


SILENCE = np.zeros(SECONDS * RATE, np.int16)
EVER = tuple(range(SECONDS))


def record(path: Path, channels: list[Wave], layout: str | None = None, codec: str = "flac") -> Path:
    """The channels as one file; a layout of None has no names, as recorders write it."""
    if layout is None:
        with wave.open(str(path), "wb") as out:
            out.setparams((len(channels), 2, RATE, 0, "NONE", ""))
            out.writeframes(np.stack(channels, 1).astype("<i2").tobytes())
        return path
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=RATE, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.stack(channels, 1).reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.pts = RATE, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def heard(path: Path, channel: str | None = None, told: list[bool] | None = None) -> Wave:
    media = replace(probe(path), audio_channel=channel)
    on_mended = None if told is None else lambda: told.append(True)
    return np.concatenate(list(read_sound(media, sound_span(media), lambda gap: None, on_mended)))


def said(samples: Wave, least: int = 400) -> tuple[int, ...]:
    """The seconds in which a burst is heard."""
    return tuple(
        k for k in range(SECONDS) if np.abs(samples[k * RATE : k * RATE + RATE // 10].astype(int)).max() > least
    )


def test_channels_that_are_opposite_do_not_cancel_out(tmp_path):
    told = []
    samples = heard(record(tmp_path / "a.flac", [talk(*EVER), -talk(*EVER)], "stereo"), told=told)
    assert said(samples, 12_000) == EVER
    assert told == [True]


@pytest.mark.parametrize("gain", [1, 0.7, 0.5])
def test_nor_where_one_is_weaker_or_there_is_noise(tmp_path, gain):
    left, right = talk(*EVER) + hiss(1), (-gain * talk(*EVER)).astype(np.int16) + hiss(2)
    assert said(heard(record(tmp_path / "a.flac", [left, right], "stereo")), 5000) == EVER


def test_opposite_for_a_part_of_the_time_only(tmp_path):
    left = hiss(1, 5000)
    right = left.copy()
    right[2 * RATE : 4 * RATE] *= -1
    samples = heard(record(tmp_path / "a.flac", [left, right], "stereo"))
    level = np.sqrt(np.square(samples.astype(float)).reshape(-1, RATE // 4).mean(1))
    late = {8, 9, 10, 16, 17}  # quarters of a second: a block may begin before the change, and then it fades in
    assert all(level[k] > 4500 for k in range(SECONDS * 4) if k not in late)


def test_what_changes_the_mix_fades_in():
    rate = 48_000
    tone = (np.sin(np.arange(2 * rate) * 2 * np.pi * 200 / rate) * 8000).astype(np.int16)
    right = np.concatenate([tone[:rate], -tone[rate:]])
    mixer, mixed = Mixer(None), []
    for at in range(0, 2 * rate, rate // 2):
        frames = []
        for k in range(at, at + rate // 2, 960):
            frame = av.AudioFrame.from_ndarray(np.stack([tone, right])[:, k : k + 960], format="s16p", layout="stereo")
            frame.sample_rate, frame.pts = rate, k
            frames.append(frame)
        mixed += [frame.to_ndarray().astype(float).mean(0) for frame in mixer.heard(frames)]
    steps = np.abs(np.diff(np.concatenate(mixed)))
    assert steps[10:].max() < 8000 * 2 * np.pi * 200 / rate * 2


def test_a_dead_channel_and_a_speaker_a_side_are_in_the_mix(tmp_path):
    dead = record(tmp_path / "dead.flac", [SILENCE, talk(*EVER)], "stereo")
    telephone = record(tmp_path / "telephone.flac", [talk(0, 2, 4) + hiss(1), talk(1, 3, 5) + hiss(2)], "stereo")
    for path in (dead, telephone):
        assert said(heard(path), 5000) == EVER
        assert np.array_equal(heard(path), plainly_decoded(path))


@pytest.mark.full
@pytest.mark.parametrize("which", range(6))
def test_speech_in_any_channel_of_5_1(tmp_path, which):
    channels = [talk(*EVER) if k == which else SILENCE for k in range(6)]
    path = record(tmp_path / "a.flac", channels, "5.1")
    assert said(heard(path), 1500) == EVER
    assert np.array_equal(heard(path), plainly_decoded(path)) == (which != 3)  # all but the low-frequency effects


@pytest.mark.full
@pytest.mark.parametrize("count", [2, 3, *full(4, 6, 8, 16)])
def test_channels_without_names_are_all_heard(tmp_path, count):
    for which in {0, 2, count // 2, count - 1} - {count}:
        channels = [talk(*EVER) if k == which else hiss(k, 20) for k in range(count)]
        assert said(heard(record(tmp_path / "a.wav", channels))) == EVER, which


def test_named_channels_that_ffmpeg_leaves_out(tmp_path):
    layout = "hexadecagonal"
    names = [channel.name for channel in av.AudioLayout(layout).channels]
    channels = [talk(*EVER) if name == "TFC" else SILENCE for name in names]
    path = record(tmp_path / "a.mkv", channels, layout, "pcm_s16le")
    assert said(heard(path)) == EVER


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("left", (0, 2)), ("right", (1, 3, 4)), ("mix", (0, 1, 2, 3, 4)), ("loudest", (0, 1, 2, 3, 4))],
)
def test_the_channel_that_was_asked_for(tmp_path, channel, expected):
    path = record(tmp_path / "a.flac", [talk(0, 2), talk(1, 3, 4)], "stereo")
    assert said(heard(path, channel), 5000) == expected


def test_a_side_of_5_1_is_its_front_and_of_one_channel_that_one(tmp_path):
    surround = record(tmp_path / "a.flac", [talk(k) for k in range(6)], "5.1")
    assert [said(heard(surround, side), 9000) for side in ("left", "right")] == [(0,), (1,)]
    mono = record(tmp_path / "b.flac", [talk(*EVER)], "mono")
    for side in ("left", "right", "mix", "loudest"):
        assert np.array_equal(heard(mono, side), heard(mono))


def test_mix_means_the_plain_mix(tmp_path):
    told = []
    path = record(tmp_path / "a.flac", [talk(*EVER), -talk(*EVER)], "stereo")
    assert not heard(path, "mix", told).any() and told == []


@pytest.mark.parametrize("kind", ["u8", "s16", "s32", "flt", "dbl", "u8p", "s16p", "s32p", "fltp", "dblp"])
def test_every_format_of_samples(kind):
    dtype = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}[kind.rstrip("p")]
    full, middle = (1, 0) if "f" in dtype or dtype[1:] == "8" else (2 ** (8 * int(dtype[1]) - 1), 0)
    full, middle = (128, 128) if dtype == "u1" else (full, middle)
    tone = np.sin(np.arange(4800) / 7) * 0.5
    both = (np.stack([tone, -tone]) * full + middle).astype(dtype)
    frame = av.AudioFrame.from_ndarray(
        both if kind.endswith("p") else both.T.reshape(1, -1), format=kind, layout="stereo"
    )
    frame.sample_rate, frame.pts = 48_000, 7
    (made,) = Mixer(None).heard([frame])
    assert (made.format.name, made.layout.name, made.sample_rate, made.pts) == (kind, "stereo", 48_000, 7)
    turned = made.to_ndarray()
    turned = turned if kind.endswith("p") else turned.reshape(-1, 2).T
    left, right = (turned.astype(float) - middle) / full
    assert np.allclose(left, right, atol=0.02)
    assert np.allclose(np.abs(left), np.abs(tone), atol=0.02)


@given(st.floats(0, 1), st.integers(0, 3))
def test_ordinary_stereo_is_never_touched(share, seed):
    """Whatever two channels have in common, as long as they are not each other's opposite."""
    random = np.random.default_rng(seed)
    common, left, right = random.normal(0, 3000, (3, 24_000))
    both = np.stack([share * common + (1 - share) * left, share * common + (1 - share) * right]).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(both, format="s16p", layout="stereo")
    frame.sample_rate = 48_000
    (made,) = Mixer(None).heard([frame])
    assert made is frame
