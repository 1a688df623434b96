from fractions import Fraction

import av
import pytest
import simplejpeg

from framefleet.media.files.probe import probe
from framefleet.media.sampling import pick, plan_samples
from framefleet.media.types import Gap, Picture
from framefleet.media.video.decode import decode_pictures
from framefleet.media.video.encode import JpegEncoder
from tests.conftest import full, full_but
from tests.media.make import make_video, number_of

NTSC = Fraction(30_000, 1001)
UNEVEN = [Fraction(i + i * i // 12, 25) for i in range(40)]
KINDS = {
    "cfr.mp4": {"audio": "aac"},
    "ntsc.mp4": {"fps": NTSC},
    "vfr.mp4": {"times": UNEVEN},
    "vfr.mkv": {"times": UNEVEN},
    "late.mp4": {"times": [Fraction(7, 2) + Fraction(i, 25) for i in range(40)], "audio": "aac"},
    "late.mkv": {"times": [Fraction(7, 2) + Fraction(i, 25) for i in range(40)]},
    "h264.ts": {"audio": "aac"},
    "h264.avi": {},
    "h264.mov": {},
    "hevc.mp4": {"codec": "libx265"},
    "vp9.webm": {"codec": "libvpx-vp9", "audio": "libopus"},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "tenbit.mp4": {"pix_fmt": "yuv420p10le"},
    "odd.mkv": {"size": (161, 121), "pix_fmt": "yuv444p"},
    "keyless.mp4": {"options": {"g": "1000"}},
}


def sampled(path, fps, *, samples=None, **options):
    media = probe(path)
    samples = plan_samples(media.duration_s, fps) if samples is None else samples
    options = {"max_side": None, "jpeg_quality": 90, "crop": None} | options
    got = list(decode_pictures(media, samples, **options))
    assert [x.at.index if isinstance(x, Picture) else x.sample.index for x in got] == [s.index for s in samples]
    return got


def number(picture):
    return number_of(simplejpeg.decode_jpeg(picture.jpeg))


@pytest.mark.parametrize("fps", ["0.5", *full("2"), "29.97"])
@pytest.mark.parametrize("kind", full_but(("cfr.mp4", "vfr.mp4", "late.mkv", "keyless.mp4"), KINDS))
def test_each_sample_is_the_frame_on_screen(tmp_path, kind, fps):
    options = {"frames": 40, "fps": 25} | KINDS[kind]
    times = options.get("times") or [Fraction(i) / options["fps"] for i in range(40)]
    got = sampled(make_video(tmp_path / kind, **options), fps)
    # Containers count time in ticks, Matroska in milliseconds: a sample that falls on a boundary may be on either side.
    tick = Fraction(1, 1000)
    for picture in got:
        assert isinstance(picture, Picture)
        begun = [time - times[0] for time in times]
        at = Fraction(picture.at.index) / Fraction(fps)
        assert number(picture) in {pick(begun, at - tick), pick(begun, at), pick(begun, at + tick)}
        assert picture.at.pts_s == pytest.approx(float(begun[number(picture)]), abs=0.001)
        assert picture.at.time_s == pytest.approx(float(at), abs=1e-6)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_turned_pictures_come_upright(tmp_path, degrees):
    import numpy as np

    from tests.media.make import picture_of

    coded = [np.ascontiguousarray(np.rot90(picture_of(i, *size_before(degrees)), -degrees // 90)) for i in range(10)]
    got = sampled(make_video(tmp_path / "t.mp4", frames=10, rotation=degrees, pictures=coded), 25)
    assert [number(picture) for picture in got] == list(range(10))
    assert simplejpeg.decode_jpeg_header(got[0].jpeg)[:2] == size_before(degrees)[::-1]


def size_before(degrees):
    return (160, 120) if degrees % 180 == 0 else (120, 160)


def test_pictures_are_scaled(tmp_path):
    got = sampled(make_video(tmp_path / "v.mp4", frames=5), 25, max_side=80)
    assert simplejpeg.decode_jpeg_header(got[0].jpeg)[:2] == (60, 80)
    assert [number(picture) for picture in got] == [0, 1, 2, 3, 4]


def test_a_frame_that_serves_many_samples_is_encoded_once(tmp_path, monkeypatch):
    encoded = []
    encode = JpegEncoder.encode
    monkeypatch.setattr(JpegEncoder, "encode", lambda self, frame: encoded.append(frame.pts) or encode(self, frame))
    got = sampled(make_video(tmp_path / "v.mp4", frames=5), 200)
    assert len(got) == 40
    assert len(encoded) == 5


def test_only_wanted_pictures_are_made_and_the_rest_of_the_file_is_left(tmp_path, monkeypatch):
    path = make_video(tmp_path / "v.mp4", frames=400)
    wanted = [s for s in plan_samples(16, 25) if s.index in {3, 30}]
    packets = []
    from framefleet.media.video import decode

    read = decode.read_steps
    monkeypatch.setattr(decode, "read_steps", lambda *a: (packets.append(1) or p for p in read(*a)))
    assert [number(p) for p in sampled(path, 25, samples=wanted)] == [3, 30]
    assert len(packets) < 100


def test_frames_that_an_edit_list_hides_are_not_shown(tmp_path):
    """Begun at the 11th frame without encoding again: MP4 keeps the frames before it, to be decoded but not shown."""
    whole, cut = make_video(tmp_path / "whole.mp4", frames=40, options={"bf": "0", "g": "100"}), tmp_path / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as out:
        old = source.streams.video[0]
        new = out.add_stream_from_template(old)
        for packet in source.demux(old):
            if packet.dts is None:
                continue
            packet.pts -= 10 * 3600
            packet.dts -= 10 * 3600
            packet.stream = new
            out.mux(packet)
    assert probe(cut).duration_s == pytest.approx(1.2)
    got = sampled(cut, 25)
    assert [number(picture) for picture in got] == list(range(10, 40))
    assert got[0].at.pts_s == 0


def test_the_size_may_change_on_the_way(tmp_path):
    sizes = {0: (160, 120), 10: (320, 200)}
    parts = [
        make_video(tmp_path / f"{first}.ts", times=[Fraction(first + i, 25) for i in range(10)], size=size)
        for first, size in sizes.items()
    ]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    media = probe(parts[0])
    with av.open(str(joined)) as container:
        assert {(f.width, f.height) for f in container.decode(video=0)} == {(160, 120), (320, 200)}
    got = sampled(joined, 25)
    assert {simplejpeg.decode_jpeg_header(p.jpeg)[:2] for p in got if isinstance(p, Picture)} == {(120, 160)}
    assert not any(isinstance(p, Gap) for p in got[:10])
    assert media.width == 160
