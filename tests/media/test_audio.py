"""Clips follow each other without a gap and keep the video's clock, whatever the file does."""

import tracemalloc
from dataclasses import replace
from random import Random

import msgspec
import numpy as np
import pytest

from framefleet.errors import InputError
from framefleet.media.audio import clips
from framefleet.media.audio.chunks import RATE, plan_chunks
from framefleet.media.audio.clips import decode_clips, sound_span
from framefleet.media.audio.encode import ClipEncoder, encode_clip
from framefleet.media.files.probe import probe
from framefleet.media.types import Clip
from framefleet.timebase import Span
from tests.conftest import full
from tests.media.make import make_video
from tests.media.sound import bursts, damage, heard_at, make_sound, samples_of


def clips_of(path, max_chunk_s=900.0, **options):
    media = probe(path)
    span = sound_span(media)
    return list(decode_clips(media, plan_chunks(span.start_s, span.end_s, max_chunk_s), **options))


@pytest.mark.full
def test_clips_cover_everything_once(tmp_path):
    path = make_sound(tmp_path / "a.mkv", [(0, bursts(0, 20))])
    (whole,) = clips_of(path, format="flac")
    clips = clips_of(path, 6, format="flac")
    assert [clip.number for clip in clips] == [0, 1, 2, 3]
    assert [clip.span.start_s for clip in clips[1:]] == [clip.span.end_s for clip in clips[:-1]]
    assert np.array_equal(np.concatenate([samples_of(clip) for clip in clips]), samples_of(whole))


@pytest.mark.full
def test_every_cut_avoids_the_bursts_and_stays_near(tmp_path):
    clips = clips_of(make_sound(tmp_path / "a.mkv", [(0, bursts(0, 20))]), 6, format="flac")
    for clip, nominal in zip(clips[1:], (5, 10, 15), strict=True):  # a burst stands at each nominal cut
        assert abs(clip.span.start_s - nominal) <= 5 / 4
        assert 0.2 < clip.span.start_s % 1 < 0.9


@pytest.mark.full
def test_a_chunk_alone_is_cut_at_the_same_places(tmp_path):
    media = probe(make_sound(tmp_path / "a.mkv", [(0, bursts(0, 20))]))
    chunks = plan_chunks(0, media.audio.duration_s, 5)
    clips = list(decode_clips(media, chunks))
    for wanted in ([0], [3], [1, 3], [2, 0]):
        assert list(decode_clips(media, [chunks[k] for k in wanted])) == [clips[k] for k in sorted(wanted)]


@pytest.mark.full
@pytest.mark.parametrize("codec", ["libopus", *full("pcm_s16le", "flac", "aac", "libmp3lame")])
def test_codecs_keep_the_time(tmp_path, codec):
    path = make_sound(tmp_path / "a.mkv", [(0, bursts(0, 4.5))], codec=codec, video_from_s=0)
    assert heard_at(clips_of(path)) == pytest.approx([0, 1, 2, 3, 4], abs=0.03)


@pytest.mark.parametrize(("video_from_s", "sound_from_s"), [(0, 1.5), (1.5, 0), (2, 3.5), (3.5, 2)])
def test_sound_is_on_the_videos_clock(tmp_path, video_from_s, sound_from_s):
    wave = bursts(sound_from_s, sound_from_s + 3.4)
    path = make_sound(tmp_path / "a.mkv", [(sound_from_s, wave)], video_from_s=video_from_s)
    clips = clips_of(path, 1)
    assert clips[0].span.start_s == pytest.approx(sound_from_s - video_from_s, abs=0.002)
    said = [whole for whole in range(10) if sound_from_s <= whole < sound_from_s + 3.4]
    assert heard_at(clips) == pytest.approx([time - video_from_s for time in said], abs=0.03)


def test_missing_sound_is_silence_and_shifts_nothing(tmp_path):
    path = make_sound(tmp_path / "a.mkv", [(0, bursts(0, 2.5)), (7.5, bursts(7.5, 10))])
    (clip,) = clips_of(path)
    assert heard_at([clip]) == pytest.approx([0, 1, 2, 8, 9], abs=0.02)
    assert clip.gaps == ()  # the file leaves it out, nothing is damaged


@pytest.mark.full
@pytest.mark.parametrize(
    ("second_from_s", "expected"),
    [
        (3.5, [0, 1, 2, 3, 4, 5, 6, 7]),  # an overlap: heard once
        (90.5, [0, 1, 2, 3, 4, 5, 6, 7, 8]),  # no such time in this file: it follows on
    ],
)
def test_a_recording_put_together_of_two(tmp_path, second_from_s, expected):
    one = make_sound(tmp_path / "1.ts", [(0, bursts(0, 4.5))], codec="mp2")
    two = make_sound(tmp_path / "2.ts", [(second_from_s, bursts(second_from_s, second_from_s + 4))], codec="mp2")
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    media = probe(both)
    media = replace(media, audio=msgspec.structs.replace(media.audio, duration_s=8.5))
    clips = decode_clips(media, plan_chunks(0, 8.5, 900))
    assert heard_at(clips) == pytest.approx(expected, abs=0.05)


def test_timestamps_that_wander_do_not_tear_the_sound(tmp_path):
    tone = (np.sin(np.arange(960) * 2 * np.pi / 48) * 10_000).astype(np.int16)  # 1 kHz, whole periods
    wandering = [(k * 0.02 + (k % 3) * 0.001, tone) for k in range(200)]
    (clip,) = clips_of(make_sound(tmp_path / "a.mkv", wandering), format="flac")
    crossings = np.flatnonzero(np.diff((samples_of(clip)[200:-400] >= 0).astype(int)) > 0)
    assert set(np.diff(crossings)) <= {15, 16, 17}


def test_damage_is_silent_told_and_shifts_nothing(tmp_path):
    whole = make_sound(tmp_path / "a.mkv", [(0, bursts(0, 10))], codec="flac")
    path = damage(whole, tmp_path / "b.mkv", lambda t: 3.5 < t < 5.5)
    (clip,) = clips_of(path)
    assert heard_at([clip]) == pytest.approx([0, 1, 2, 3, 6, 7, 8, 9], abs=0.02)
    (gap,) = clip.gaps
    assert (gap.span.start_s, gap.span.end_s) == pytest.approx((3.5, 5.5), abs=0.25)
    assert "damaged" in gap.error


@pytest.mark.full
def test_damage_is_told_by_the_clips_that_it_lies_in_whichever_are_asked_for(tmp_path):
    whole = make_sound(tmp_path / "a.mkv", [(0, bursts(0, 20))], codec="flac")
    path = damage(whole, tmp_path / "b.mkv", lambda t: 2 < t < 3 or 7 < t < 13)
    clips = clips_of(path, 5)
    assert [len(clip.gaps) for clip in clips] == [1, 1, 1, 0]
    assert clips[1].gaps == clips[2].gaps
    media = probe(path)
    (third,) = decode_clips(media, plan_chunks(0, 20, 5)[2:3])
    assert third.gaps == clips[2].gaps


def test_sound_that_cannot_be_decoded_at_all(tmp_path):
    whole = make_sound(tmp_path / "a.mkv", [(0, bursts(0, 3))], codec="flac")
    with pytest.raises(InputError, match=r"b\.mkv: its sound cannot be decoded.*--no-speech"):
        clips_of(damage(whole, tmp_path / "b.mkv", lambda t: True))


@pytest.mark.full
@pytest.mark.parametrize(("ending", "codec"), [("ts", "mp2"), ("mkv", "aac"), ("mkv", "flac")])
def test_random_damage_is_never_more_than_damage(tmp_path, ending, codec):
    """Headers that lie within the stream, too: zero channels, absurd rates, times of another day."""
    whole = make_sound(tmp_path / f"a.{ending}", [(0, bursts(0, 6))], codec=codec)
    media, random = probe(whole), Random(7)
    span = sound_span(media)
    for _ in range(12):
        data = bytearray(whole.read_bytes())
        for _ in range(random.choice([5, 50, 500])):
            data[random.randrange(1024, len(data))] = random.randrange(256)
        broken = tmp_path / f"b.{ending}"
        broken.write_bytes(data)
        try:
            clips = list(decode_clips(replace(media, path=broken), plan_chunks(span.start_s, span.end_s, 2)))
        except InputError:
            continue
        assert len(clips) == len(plan_chunks(span.start_s, span.end_s, 2))
        assert clips[-1].span.end_s < span.end_s + 61


@pytest.mark.full
def test_a_file_cut_short_gives_what_there_is(tmp_path):
    path = make_sound(tmp_path / "a.mkv", [(0, bursts(0, 20))], video_from_s=0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    clips = clips_of(path, 5)
    assert len(clips) == 4
    assert [len(clip.gaps) for clip in clips] == [0, 0, 0, 1]
    assert heard_at(clips)[:8] == pytest.approx(range(8), abs=0.02)
    assert clips[-1].gaps[0].span.end_s == pytest.approx(20, abs=0.5)


def test_no_sound_is_no_clip(tmp_path):
    media = probe(make_video(tmp_path / "a.mp4", frames=5))
    assert sound_span(media).length_s == 0
    assert list(decode_clips(media, [])) == []


@pytest.mark.parametrize("format", [*full("opus"), "flac"])
@pytest.mark.parametrize("length", [1 * RATE, 3 * RATE - 123, 777])
def test_an_encoded_clip_keeps_length_and_time(format, length):
    samples = np.convolve(np.random.default_rng(2).normal(0, 3000, length), np.ones(8) / 8, "same").astype(np.int16)
    back = samples_of(Clip(0, Span(0, 1), encode_clip(samples, format), format))
    assert len(back) == length
    shifts = range(-60, 61)
    likeness = [np.dot(samples[100 : length - 100].astype(float), np.roll(back, s)[100 : length - 100]) for s in shifts]
    assert shifts[int(np.argmax(likeness))] == 0


def test_the_same_samples_make_the_same_bytes():
    assert encode_clip(bursts(0, 2, RATE), "opus") == encode_clip(bursts(0, 2, RATE), "opus")


@pytest.mark.full
def test_fifteen_minutes_fit_a_request():
    hiss = np.random.default_rng(3).normal(0, 6000, 20 * RATE).clip(-32768, 32767).astype(np.int16)
    assert len(encode_clip(hiss, "opus")) / 20 * 900 < 3_500_000


@pytest.mark.parametrize("format", ["opus", "flac"])
@pytest.mark.parametrize("piece", [160, 1024, RATE, 5 * RATE])
def test_a_clip_does_not_hang_on_the_pieces_it_comes_in(format, piece):
    samples = bursts(0, 3.3, RATE)
    encoder = ClipEncoder(format)
    for start in range(0, len(samples), piece):
        encoder.add(samples[start : start + piece])
    assert encoder.finish() == encode_clip(samples, format)


MINUTES = 30


@pytest.fixture
def long_and_silent(tmp_path, monkeypatch):
    media = probe(make_sound(tmp_path / "a.mkv", [(0, bursts(0, 1))]))

    def endless(media, span, on_gap):
        for _ in range(MINUTES * 60):
            yield np.zeros(RATE, np.int16)

    monkeypatch.setattr(clips, "read_sound", endless)
    monkeypatch.setattr(clips, "sound_span", lambda media: Span(0, MINUTES * 60))
    return media


@pytest.mark.full
def test_memory_holds_neither_the_file_nor_a_chunk(long_and_silent):
    chunks = plan_chunks(0, MINUTES * 60, 900)
    tracemalloc.start()
    number = sum(1 for _ in decode_clips(long_and_silent, chunks, format="flac"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == 2
    assert peak < 0.5 * 900 * RATE * 2  # samples of half a chunk; searching a cut takes 10 MB


def test_what_is_not_asked_for_is_not_encoded(long_and_silent, monkeypatch):
    encoded = []
    monkeypatch.setattr(ClipEncoder, "add", lambda self, samples: encoded.append(len(samples)))
    (clip,) = decode_clips(long_and_silent, plan_chunks(0, MINUTES * 60, 60)[17:18])
    assert sum(encoded) == round(clip.span.length_s * RATE)
