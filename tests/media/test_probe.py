import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from framefleet.errors import InputError
from framefleet.media.audio.clips import decode_clips, plan_sound
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Gap
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import FrameRequest, PixelView
from tests.conftest import full
from tests.media.make import make_audio, make_video, number_of
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


@pytest.mark.full
def test_the_clock_begins_at_the_first_frame(tmp_path):
    late = [Fraction(7, 2) + Fraction(i, 25) for i in range(25)]
    info = probe(make_video(tmp_path / "late.mp4", times=late, audio="aac", audio_s=4.5))
    assert info.start == Fraction(7, 2)
    assert info.duration_s == 1.0
    assert info.audio is not None
    assert info.audio.start_s == pytest.approx(-3.5, abs=0.03)
    assert info.audio.duration_s == pytest.approx(4.5, abs=0.05)


@pytest.mark.full
@pytest.mark.parametrize("name", ["long.mkv", "long.mp4", "long.ts"])
def test_the_last_picture_stands_while_the_sound_goes_on(tmp_path, name):
    path = make_video(tmp_path / name, frames=25, audio="aac", audio_s=6)
    info = probe(path)
    assert info.duration_s == pytest.approx(6, abs=0.05)
    assert info.pictures_s == 1.0
    assert info.audio is not None
    assert info.audio.duration_s == pytest.approx(6, abs=0.05)
    samples = plan_samples(info.duration_s, 2, pictures_s=info.pictures_s)
    pieces = [piece for _, piece in decode_orders(info, [FrameRequest(samples, PixelView(160))])]
    assert [number_of(piece.rgb) for piece in pieces] == [0, 12, *[24] * (len(samples) - 2)]
    assert [sample.held for sample in samples] == [False, False, *[True] * (len(samples) - 2)]
    assert len(samples) in {12, 13}


@pytest.mark.full
@pytest.mark.parametrize("name", ["usual.mkv", "usual.mp4", "usual.ts"])
def test_sound_that_is_a_little_longer_is_not_waited_for(tmp_path, name):
    info = probe(make_video(tmp_path / name, frames=25, audio="aac", audio_s=1.9))
    assert (info.duration_s, info.pictures_s) == (1.0, None)


@pytest.mark.full
def test_pictures_that_are_missing_are_not_held(tmp_path):
    """The index knows of pictures up to 4 s, and the sound lies before them."""
    path = make_video(
        tmp_path / "cut.mp4", frames=100, audio="aac", audio_s=6, container_options={"movflags": "faststart"}
    )
    with av.open(str(path)) as container:
        place = [packet.pos for packet in container.demux(video=0) if packet.size][50]
    path.write_bytes(path.read_bytes()[:place])
    info = probe(path)
    pieces = [
        piece for _, piece in decode_orders(info, [FrameRequest(plan_samples(info.duration_s, 2), PixelView(160))])
    ]
    assert info.duration_from == "header"
    assert len(pieces) >= 8
    assert all(isinstance(piece, Gap) for piece in pieces[5:])


@pytest.mark.full
def test_lengths_say_where_they_are_from(tmp_path):
    mp4 = make_video(tmp_path / "a.mp4", frames=25, audio="aac")
    assert (probe(mp4).duration_from, probe(mp4).audio.duration_from) == ("index", "index")
    assert probe(make_video(tmp_path / "a.ts", frames=25)).duration_from == "counted"
    cut = make_video(tmp_path / "a.mkv", frames=100)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    assert probe(cut).duration_from == "header"


@pytest.mark.full
@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.aac", "aac")])
def test_raw_sound_is_counted_where_the_bit_rate_says_nothing(tmp_path, name, codec):
    """A minute of silence, then a noise: by the first frames' bit rate it would be hours."""
    path = tmp_path / name
    noise = np.random.default_rng(1).integers(-9000, 9000, 48_000).astype(np.int16)
    wave = np.concatenate([np.zeros(20 * 48_000, np.int16), noise])
    options = {"write_xing": "0", "id3v2_version": "0"} if codec == "libmp3lame" else {}
    with av.open(str(path), "w", options=options) as out:
        stream = out.add_stream(codec, rate=48_000, layout="mono", options={"q": "4"} if options else {})
        for at in range(0, len(wave), 960):
            frame = av.AudioFrame.from_ndarray(wave[None, at : at + 960], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, at, Fraction(1, 48_000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    info = probe(path)
    assert info.duration_s == pytest.approx(21, abs=0.1)
    assert (info.duration_from, info.is_estimated) == ("counted", False)
    (clip,) = decode_clips(info, plan_sound(info, 600))
    assert not clip.gaps
    assert clip.span.length_s == pytest.approx(21, abs=0.1)


def with_xing(path, frames=None, count=None):
    data = bytearray(path.read_bytes())
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    if frames is not None:
        data[at : at + 4] = frames.to_bytes(4)
    if count is not None:
        data[at + 4 : at + 8] = count.to_bytes(4)
    path.write_bytes(data)
    return path


@pytest.mark.full
@pytest.mark.parametrize("frames", [20, 5000])
def test_a_header_that_lies_about_the_frames_of_a_whole_file_is_not_believed(tmp_path, frames):
    right = probe(make_audio(tmp_path / "a.mp3", codec="libmp3lame", seconds=6))
    info = probe(with_xing(tmp_path / "a.mp3", frames=frames))
    assert info.duration_s == pytest.approx(right.duration_s, abs=0.05)
    (clip,) = decode_clips(info, plan_sound(info, 600))
    assert not clip.gaps


def test_a_cut_mp3_keeps_the_length_that_its_header_promised(tmp_path):
    path = make_audio(tmp_path / "a.mp3", codec="libmp3lame", seconds=6)
    right = probe(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    info = probe(path)
    assert info.duration_s == pytest.approx(right.duration_s, abs=0.05)
    assert info.audio.duration_from == "header"
    (clip,) = decode_clips(info, plan_sound(info, 600))
    assert "before the duration in the file's header" in clip.gaps[0].error


@pytest.mark.parametrize("factor", [0.5, 10])
def test_a_whole_matroska_is_as_long_as_its_packets(tmp_path, factor):
    path = make_video(tmp_path / "a.mkv", frames=50)
    data = bytearray(path.read_bytes())
    at = data.find(b"\x44\x89\x88") + 3
    data[at : at + 8] = struct.pack(">d", 2000 * factor)

    path.write_bytes(data)
    info = probe(path)
    assert (info.duration_s, info.duration_from) == (2.0, "index")


@pytest.mark.parametrize("factor", [0.5, 10])
def test_an_mp4_is_as_long_as_its_index(tmp_path, factor):
    path = make_video(tmp_path / "a.mp4", frames=50, audio="aac")
    right = probe(path)
    data = bytearray(path.read_bytes())
    for box in (b"mvhd", b"mdhd", b"tkhd"):
        at = data.find(box)
        while at >= 0:
            place = at + (24 if box == b"tkhd" else 20)
            length = int.from_bytes(data[place : place + 4])
            data[place : place + 4] = round(length * factor).to_bytes(4)
            at = data.find(box, at + 4)
    path.write_bytes(data)
    assert probe(path).duration_s == pytest.approx(right.duration_s, abs=0.001)


@pytest.mark.full
@pytest.mark.parametrize("name", ["short.mkv", *full("short.mp4", "short.ts", "short.webm")])
def test_sound_that_ends_long_before_the_pictures(tmp_path, name):
    codec = {"short.webm": "libvpx-vp9"}.get(name, "libx264")
    audio = {"short.webm": "libopus"}.get(name, "aac")
    info = probe(make_video(tmp_path / name, frames=200, fps=5, codec=codec, audio=audio, audio_s=1.5))
    assert info.duration_s == pytest.approx(40, abs=0.01)
    assert info.audio.duration_s == pytest.approx(1.5, abs=0.08)


@pytest.mark.full
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
    assert "its sound uses a codec that cannot be decoded here; convert it" in deaf.soundless
    assert "its video uses a codec that cannot be decoded here; convert it" in blind.pictureless
    assert (silent.soundless, alone.pictureless) == ("no audio stream", "no video stream")
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


@pytest.mark.parametrize("cut", [False, True])
def test_an_avi_that_is_all_there_is_as_long_as_its_packets(tmp_path, cut):
    """Of one that was cut, the header alone knows how long it was."""
    path = make_video(tmp_path / "v.avi", frames=50, codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    for at in (data.find(b"avih") + 8 + 16, data.find(b"strh") + 8 + 32):  # frames, by the file and by its stream
        data[at : at + 4] = (5000).to_bytes(4, "little")
    path.write_bytes(data[: len(data) // 2] if cut else data)
    media = probe(path)
    assert (media.duration_s, media.duration_from) == ((200.0, "header") if cut else (2.0, "index"))
