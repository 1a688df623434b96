from fractions import Fraction

import av
import pytest

from framefleet.errors import InputError
from framefleet.media.probe import probe
from tests.media.make import make_audio, make_video
from tests.media.odd import disguise

CONTAINERS = {
    "h264.mp4": {"audio": "aac"},
    "h264.mov": {},
    "h264.mkv": {"audio": "libopus"},
    "h264.avi": {},
    "h264.ts": {"audio": "aac"},
    "hevc.mp4": {"codec": "libx265"},
    "vp9.webm": {"codec": "libvpx-vp9", "audio": "libopus"},
    "mpeg4.avi": {"codec": "mpeg4"},
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_format_tells_its_length_and_size(tmp_path, name):
    info = probe(make_video(tmp_path / name, frames=30, **CONTAINERS[name]))
    assert info.duration_s == pytest.approx(1.2, abs=0.002)
    assert (info.width, info.height, info.rotation) == (160, 120, 0)
    assert info.codec == name.split(".")[0]
    assert info.fps == pytest.approx(25)
    assert info.frame_count == 30
    assert (info.audio is not None) == ("audio" in CONTAINERS[name])


def test_the_clock_begins_at_the_first_frame(tmp_path):
    late = [Fraction(7, 2) + Fraction(i, 25) for i in range(25)]
    info = probe(make_video(tmp_path / "late.mp4", times=late, audio="aac", audio_s=4.5))
    assert info.start == Fraction(7, 2)
    assert info.duration_s == 1.0
    assert info.audio is not None
    assert info.audio.start_s == pytest.approx(-3.5, abs=0.03)
    assert info.audio.duration_s == pytest.approx(4.5, abs=0.05)


@pytest.mark.parametrize("name", ["long.mkv", "long.mp4"])
def test_the_duration_is_the_pictures_not_the_sounds(tmp_path, name):
    info = probe(make_video(tmp_path / name, frames=25, audio="aac", audio_s=6))
    assert info.duration_s == 1.0
    assert info.audio is not None
    assert info.audio.duration_s == pytest.approx(6, abs=0.05)


@pytest.mark.parametrize("name", ["short.mkv", "short.mp4", "short.ts", "short.webm"])
def test_sound_that_ends_long_before_the_pictures(tmp_path, name):
    codec = {"short.webm": "libvpx-vp9"}.get(name, "libx264")
    audio = {"short.webm": "libopus"}.get(name, "aac")
    info = probe(make_video(tmp_path / name, frames=200, fps=5, codec=codec, audio=audio, audio_s=1.5))
    assert info.duration_s == pytest.approx(40, abs=0.01)
    assert info.audio.duration_s == pytest.approx(1.5, abs=0.08)


def test_sound_whose_length_nobody_tells(tmp_path):
    """As browsers record it: neither a duration nor an index, so only the packets know."""
    options = {"live": "1"}
    path = make_video(tmp_path / "a.mkv", frames=200, fps=5, audio="flac", audio_s=1.5, container_options=options)
    info = probe(path)
    assert info.duration_s == pytest.approx(40, abs=0.01)
    assert info.audio.duration_s == pytest.approx(1.5, abs=0.05)


def test_the_last_pictures_count_though_they_are_stored_out_of_order(tmp_path):
    info = probe(make_video(tmp_path / "a.ts", frames=37, fps=10))
    assert info.duration_s == pytest.approx(3.7)


@pytest.mark.parametrize(("degrees", "upright"), [(90, (120, 160)), (-90, (120, 160)), (180, (160, 120))])
def test_sides_are_those_of_the_upright_picture(tmp_path, degrees, upright):
    info = probe(make_video(tmp_path / "turned.mp4", frames=5, rotation=degrees))
    assert (info.width, info.height) == upright
    assert info.rotation == degrees % 360


def test_odd_sides(tmp_path):
    info = probe(make_video(tmp_path / "odd.mkv", frames=5, size=(161, 121), pix_fmt="yuv444p"))
    assert (info.width, info.height) == (161, 121)


def test_sound_alone(tmp_path):
    info = probe(make_audio(tmp_path / "tone.mp4", seconds=2))
    assert not info.has_video
    assert info.audio is not None
    assert info.audio.codec == "aac"
    assert info.audio.duration_s == pytest.approx(2, abs=0.05)
    assert info.duration_s == pytest.approx(2, abs=0.05)


def test_what_cannot_be_decoded_is_told_apart_from_what_is_not_there(tmp_path):
    loud = {"codec": "mpeg4", "audio": "flac", "frames": 25}
    whole = probe(make_video(tmp_path / "whole.mkv", **loud))
    deaf = probe(disguise(make_video(tmp_path / "deaf.mkv", **loud), b"A_FLAC"))
    blind = probe(disguise(make_video(tmp_path / "blind.mkv", **loud), b"V_MPEG4"))
    silent = probe(make_video(tmp_path / "silent.mkv", codec="mpeg4", frames=25))
    alone = probe(make_audio(tmp_path / "alone.flac", codec="flac"))
    assert whole.pictureless is whole.soundless is deaf.pictureless is blind.soundless is None
    assert deaf.audio is None
    assert "its sound is of a codec that cannot be decoded here; convert it" in deaf.soundless
    assert "its pictures are of a codec that cannot be decoded here; convert it" in blind.pictureless
    assert (silent.soundless, alone.pictureless) == ("no audio stream", "no pictures in it")
    assert blind.duration_s == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav"])
def test_sound_in_a_wav_is_as_long_as_its_samples(tmp_path, codec):
    """The header's bytes a second, by which FFmpeg seeks in WAV, are far from the truth for ADPCM."""
    path = make_audio(tmp_path / "a.wav", seconds=9, codec=codec)
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples / 48_000 == pytest.approx(9, abs=0.1)
    assert probe(path).audio.duration_s == pytest.approx(samples / 48_000, abs=1e-5)


@pytest.mark.parametrize("faststart", [True, False])
def test_a_file_cut_short_keeps_the_length_it_promised_or_is_refused(tmp_path, faststart):
    options = {"movflags": "faststart"} if faststart else {}
    path = make_video(tmp_path / "cut.mp4", frames=100, container_options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    if faststart:
        assert probe(path).duration_s == pytest.approx(4.0, abs=0.05)
    else:
        with pytest.raises(InputError, match=r"cut\.mp4: damaged or incomplete"):
            probe(path)


def test_matroska_cut_short_keeps_the_length_it_promised(tmp_path):
    path = make_video(tmp_path / "cut.mkv", frames=100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert probe(path).duration_s == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize("name", ["a b & ü.mp4", "-y.mp4", "http:x.mp4", "100%25 #1.mp4", "concat:a|b.mp4"])
def test_any_name_is_a_name(tmp_path, monkeypatch, name):
    made = make_video(tmp_path / "made.mp4", frames=3)
    try:
        path = made.rename(tmp_path / name)
    except OSError:
        pytest.skip("this system has no such names")
    monkeypatch.chdir(tmp_path)
    assert probe(path.relative_to(tmp_path)).frame_count == 3
