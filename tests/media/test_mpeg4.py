"""MPEG-4 with B-pictures, packed and with times that are not those of the pictures."""

from fractions import Fraction
from functools import partial

import av
import pytest
import simplejpeg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefleet.media.files.container import open_media
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Picture
from framefleet.media.video.codecs import mpeg4
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.packets import read_steps
from framefleet.media.video.request import FrameRequest, JpegView
from tests.media.data.generate import PACKED
from tests.media.make import make_video, number_of
from tests.media.plainly import orders_of, plainly, told
from tests.media.test_decode import number, sampled


def picture_type(packet):
    data = bytes(packet)
    return "IPBS"[data[data.index(b"\0\0\1\xb6") + 4] >> 6]


def misplace(path, to):
    """A copy in which each I- or P-picture has the time of the first B-picture behind it, and these those after it."""
    with av.open(str(path)) as source, av.open(str(to), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        groups = []
        for packet in source.demux(video=0):
            if packet.size and picture_type(packet) != "B":
                groups.append([packet])
            elif packet.size:
                groups[-1].append(packet)
        for group in groups:
            for packet, pts in zip(group, sorted(packet.pts for packet in group), strict=True):
                packet.pts, packet.stream = pts, stream
                out.mux(packet)
    return to


def times_of(path):
    with open_media(path) as container:
        video = container.streams.video[0]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet, _ in read_steps(container, video)]


def numbers_and_times(path):
    pictures = sampled(path, 25)
    assert all(isinstance(picture, Picture) for picture in pictures)
    return [(number(picture), picture.at.pts_s) for picture in pictures]


def test_no_packed_picture_is_lost_and_each_has_its_time():
    """As decoding gives them after `ffmpeg -i packed.avi -c copy -bsf:v mpeg4_unpack_bframes unpacked.avi`."""
    media = probe(PACKED)
    assert (media.start, media.duration_s) == (Fraction(3, 25), 1.24)
    assert numbers_and_times(PACKED) == [(n, round(n / 25, 6)) for n in range(31)]


def test_packed_pictures_are_decoded_sparsely_as_plainly():
    media = probe(PACKED)
    orders = orders_of(media)
    assert told(decode_orders(media, orders, threads=2)) == told(plainly(media, orders))


def test_keyframes_of_packed_pictures_are_those():
    media = probe(PACKED)
    order = FrameRequest(plan_samples(media.duration_s, 25), JpegView(None, 90))
    pieces = [piece for _, piece in decode_orders(media, [order], sampling="keyframes")]
    got = {(number_of(simplejpeg.decode_jpeg(piece.jpeg)), piece.at.pts_s) for piece in pieces}
    assert got == {(0, 0.0), (12, 0.48), (24, 0.96)}


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
def test_times_that_contradict_the_order_are_put_right(tmp_path, name):
    whole = make_video(tmp_path / name, codec="mpeg4", options={"bf": "2"})
    path = misplace(whole, tmp_path / f"misplaced.{name}")
    assert numbers_and_times(path) == [(n, n / 25) for n in range(50)]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["mp4", "mkv", "avi"]), st.integers(0, 4), st.integers(1, 20))
def test_right_times_stay_as_they_are(tmp_path, ending, b_frames, gop):
    options = {"bf": str(b_frames), "g": str(gop)}
    path = make_video(tmp_path / f"v.{ending}", codec="mpeg4", size=(64, 48), options=options)
    with av.open(str(path)) as container:
        stored = [(p.pts * p.time_base, bytes(p)) for p in container.demux(video=0) if p.size]
    assert times_of(path) == stored


@pytest.fixture
def vop():
    """Makes a packet with pictures that begin like those of these kinds, and have nothing else of them."""
    with open_media(PACKED) as container:
        yield partial(vop_of, container.streams.video[0])


def vop_of(stream, kind, key=False):
    packet = av.Packet(b"".join(b"\0\0\1\xb6" + bytes(["IPBS".index(k) << 6]) + b"x" * 30 for k in kind))
    packet.stream, packet.time_base, packet.is_keyframe = stream, stream.time_base, key
    return packet


def test_a_picture_whose_place_is_missing_takes_no_others(vop):
    """The hole has swallowed the empty packet that stood for B."""
    steps = [(vop("PB"), False), (vop("I", key=True), True), (vop("P"), False)]
    made = [(picture_type(packet), packet.is_keyframe) for packet, _ in mpeg4._unpacked(steps)]
    assert made == [("P", False), ("I", True), ("P", False)]


def test_a_keyframe_stays_one_where_pictures_move_on_by_a_packet(vop):
    steps = [(vop("PB"), False), (vop("I", key=True), False), (vop("P"), False)]
    made = [(picture_type(packet), packet.is_keyframe) for packet, _ in mpeg4._unpacked(steps)]
    assert made == [("P", False), ("B", False), ("I", True)]
