"""Files with a hole in them: what can be decoded is, and every hole is told."""

import random
from fractions import Fraction

import av
import pytest

from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Gap, Picture
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import FrameRequest, JpegView
from tests.media.make import make_video
from tests.media.test_decode import number, sampled

KINDS = {
    "h264.mp4": {"audio": "aac"},
    "h264.mkv": {},
    "hevc.mp4": {"codec": "libx265"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "h264.avi": {"options": {"bf": "0"}},
}


def packets_of(path):
    with av.open(str(path)) as container:
        return [(p.pos, p.size, p.pts) for p in container.demux(video=0) if p.size]


def spoil(path, first, last):
    """Noise over the packets `first` … `last` in the order of decoding; each keeps its container's framing."""
    noise = random.Random(4)
    data = bytearray(path.read_bytes())
    for pos, size, _ in packets_of(path)[first:last]:
        data[pos + 12 : pos + size - 4] = noise.randbytes(size - 16)
    path.write_bytes(data)


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_a_spoilt_stretch_is_a_gap_and_the_rest_is_there(tmp_path, kind):
    path = make_video(tmp_path / kind, frames=96, **KINDS[kind])
    spoil(path, 30, 34)
    got = sampled(path, 25)
    assert len(got) == 96
    gaps = {x.sample.index for x in got if isinstance(x, Gap)}
    right = {x.at.index for x in got if isinstance(x, Picture) and number(x) == x.at.index}
    assert gaps
    assert gaps <= set(range(24, 56))
    assert set(range(24)) | set(range(60, 96)) <= right
    assert all("\n" not in x.error for x in got if isinstance(x, Gap))


def test_an_older_frame_never_stands_in(tmp_path):
    """HEVC drops a damaged frame without a word; the one before it must not be taken for it."""
    path = make_video(tmp_path / "hevc.mp4", codec="libx265", frames=48)
    spoil(path, 26, 27)
    for picture in sampled(path, 25):
        if isinstance(picture, Picture):
            assert picture.at.pts_s == pytest.approx(picture.at.index / 25)


def test_damage_while_nothing_is_sampled_costs_nothing(tmp_path):
    path = make_video(tmp_path / "v.mp4", frames=96)
    spoil(path, 30, 31)
    assert all(isinstance(x, Picture) for x in sampled(path, 0.5))


@pytest.mark.full
@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv", "cut.avi"])
def test_what_a_cut_file_lacks_is_a_gap(tmp_path, name):
    codec = {"codec": "mpeg4"} if name.endswith("avi") else {}
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = make_video(tmp_path / name, frames=200, container_options=options, **codec)
    pos = packets_of(path)[100][0]
    path.write_bytes(path.read_bytes()[:pos])
    got = sampled(path, 5)
    assert len(got) == 40
    assert all(isinstance(x, Picture) and number(x) == 5 * x.at.index for x in got[:19])
    assert all(isinstance(x, Gap) for x in got[21:])
    assert "the file ends at" in got[-1].error


def test_a_damaged_beginning_is_a_gap_too(tmp_path):
    path = make_video(tmp_path / "v.mp4", frames=72)
    spoil(path, 0, 1)
    got = sampled(path, 25)
    assert len(got) == 72
    assert isinstance(got[0], Gap)
    assert all(isinstance(x, Picture) and number(x) == x.at.index for x in got[30:])


@pytest.mark.full
@pytest.mark.parametrize("name", ["hole.mkv", "hole.webm", "hole.ts"])
def test_a_hole_in_the_container_is_a_gap_where_no_packet_tells_of_it(tmp_path, name):
    codec = {"codec": "libvpx-vp9"} if name.endswith("webm") else {}
    path = make_video(tmp_path / name, frames=400, size=(320, 240), audio="libopus", **codec)
    packets = packets_of(path)
    data = bytearray(path.read_bytes())
    begin, end = packets[150][0] - 20, packets[190][0] - 5
    data[begin:end] = random.Random(3).randbytes(end - begin)
    path.write_bytes(data)
    got = sampled(path, 25)
    assert sum(isinstance(x, Gap) for x in got) >= 35
    older = [x for x in got if isinstance(x, Picture) and x.at.time_s - x.at.pts_s > 0.041]
    assert not older


@pytest.mark.full
@pytest.mark.parametrize("kind", ["h264.mp4", "hevc.mp4", "mpeg4.avi"])
def test_at_the_very_end_the_last_good_picture_stays(tmp_path, kind):
    """Files are cut there: no more than 0.13 s of pictures, or the last one of them, are no loss."""
    path = make_video(tmp_path / kind, frames=48, **KINDS[kind])
    spoil(path, 47, 48)
    media, lost = probe(path), []
    order = FrameRequest(plan_samples(media.duration_s, 25), JpegView(None, 90, None))
    got = [piece for _, piece in decode_orders(media, [order], on_end_lost=lambda *told: lost.append(told))]
    if kind != "hevc.mp4":  # whose decoder conceals it without a word
        ((from_s, why),) = lost
        assert 1.79 < from_s < 1.93
        assert why
    assert len(got) == 48
    assert all(isinstance(picture, Picture) for picture in got)
    assert all(picture.at.pts_s <= picture.at.time_s + 1e-6 for picture in got)
    assert got[-4].at.index == number(got[-4])


@pytest.mark.parametrize("options", [{"bf": "0"}, {"g": "1"}, {"bf": "3"}], ids=str)
def test_where_nothing_is_damaged_nothing_is_told(tmp_path, options):
    media, lost = probe(make_video(tmp_path / "v.mp4", frames=48, options=options)), []
    order = FrameRequest(plan_samples(media.duration_s, 25), JpegView(None, 90, None))
    for _ in decode_orders(media, [order], on_end_lost=lambda *told: lost.append(told)):
        pass
    assert lost == []


def test_more_than_the_very_end_is_a_gap(tmp_path):
    path = make_video(tmp_path / "h264.mp4", frames=48, options={"bf": "0"})
    spoil(path, 38, 48)
    gaps = [piece.sample.index for piece in sampled(path, 25) if isinstance(piece, Gap)]
    assert gaps[0] == 38
    assert len(gaps) >= 6


def test_the_last_of_few_pictures_a_second_may_be_damaged(tmp_path):
    """One picture that lasts 0.4 s."""
    path = make_video(tmp_path / "slow.mp4", frames=12, fps=Fraction(5, 2), options={"bf": "0"})
    spoil(path, 11, 12)
    assert all(isinstance(picture, Picture) for picture in sampled(path, 2.5))
