"""Several orders on one decode; stretches side by side; and all equal to plain decoding."""

import random
from fractions import Fraction

import av
import numpy as np
import pytest
import simplejpeg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefleet.media.files.container import open_media
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Gap, Picture, Sample
from framefleet.media.video import decode, gop
from framefleet.media.video.codecs.h264 import units
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.encode import JpegEncoder
from framefleet.media.video.packets import read_steps
from framefleet.media.video.request import (
    FrameRequest,
    JpegView,
    Pixels,
    PixelView,
)
from framefleet.media.video.selective import SparseDecoder, Trust
from framefleet.media.video.sequential import open_video
from tests.conftest import full, full_but
from tests.media.make import make_video, number_of
from tests.media.plainly import orders_of, plainly, told, untouched
from tests.media.test_damage import packets_of, spoil

CLOSED = {"x265-params": "bframes=3:b-pyramid=1:keyint=24:log-level=none:open-gop=0"}
LAYERS = {"x265-params": "bframes=3:b-pyramid=1:keyint=24:log-level=none:open-gop=0:temporal-layers=3"}
OPEN_MPEG = {"g": "12", "bf": "2", "sc_threshold": "1000000000"}
KINDS = {
    "h264.mp4": {},
    "h264.mkv": {"audio": "aac"},
    "h264.ts": {"audio": "aac"},
    "h264.avi": {},
    "inorder.avi": {"options": {"bf": "0"}},
    "intra.mp4": {"options": {"g": "1", "bf": "0"}},
    "keyless.mp4": {"options": {"g": "1000"}},
    "open.mp4": {"options": {"x264-params": "open-gop=1:scenecut=0"}},
    "open.ts": {"options": {"x264-params": "open-gop=1:scenecut=0"}},
    "refresh.ts": {"options": {"x264-params": "intra-refresh=1:keyint=24"}},
    "open.mkv": {"options": {"x264-params": "open-gop=1:scenecut=0"}, "audio": "aac"},
    "openfields.ts": {"options": {"x264-params": "open-gop=1:scenecut=0:interlaced=1"}, "audio": "aac"},
    "interlaced.mp4": {"options": {"x264-params": "interlaced=1:tff=1"}},
    "hevc.mp4": {"codec": "libx265"},
    "hevc.ts": {"codec": "libx265"},
    "hevc.mkv": {"codec": "libx265", "audio": "aac"},
    "closed.mp4": {"codec": "libx265", "options": CLOSED},
    "layers.mp4": {"codec": "libx265", "options": LAYERS},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "hidden.webm": {
        "codec": "libvpx-vp9",
        "options": {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16"},
    },
    "vp8.webm": {"codec": "libvpx"},
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "12", "g": "24"}},
    "mpeg4.mp4": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg4.ts": {"codec": "mpeg4", "options": OPEN_MPEG, "audio": "aac"},
    "mpeg2.ts": {"codec": "mpeg2video", "options": OPEN_MPEG, "audio": "aac"},
    "mpeg2closed.ts": {"codec": "mpeg2video", "options": OPEN_MPEG | {"flags": "+cgop"}},
    "mpeg2fields.ts": {"codec": "mpeg2video", "options": OPEN_MPEG | {"flags": "+ildct+ilme"}},
    "mpeg1.mkv": {"codec": "mpeg1video", "options": OPEN_MPEG},
    "mjpeg.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "dnxhr.mov": {"codec": "dnxhd", "pix_fmt": "yuv422p", "size": (256, 120), "options": {"profile": "dnxhr_lb"}},
    "huffyuv.avi": {"codec": "huffyuv", "pix_fmt": "yuv422p"},
    "ffv1.mkv": {"codec": "ffv1"},
    "groups.mkv": {"codec": "ffv1", "options": {"g": "12"}},
    "vfr.mkv": {"times": [Fraction(i + i * i // 12, 25) for i in range(60)]},
    "late.mp4": {"times": [Fraction(7, 2) + Fraction(i, 25) for i in range(60)]},
    "tenbit.mp4": {"pix_fmt": "yuv420p10le"},
    "one.mp4": {"frames": 1},
}
FEW = ("h264.mp4", "open.ts", "hevc.mp4", "vp9.webm", "mpeg2.ts", "vfr.mkv", "one.mp4")


@pytest.fixture
def trusts(monkeypatch):
    """What the decoders learnt of each file that is decoded."""
    made = []
    monkeypatch.setattr(decode, "Trust", lambda: made.append(Trust()) or made[-1])
    return made


@pytest.mark.parametrize("kind", full_but(FEW, KINDS))
def test_all_is_equal_to_plain_decoding(tmp_path, kind, trusts):
    media = probe(make_video(tmp_path / kind, **({"frames": 60} | KINDS[kind])))
    orders = orders_of(media)
    assert told(decode_orders(media, orders, threads=2)) == told(plainly(media, orders))
    assert trusts[0].doubted == 0


@pytest.mark.parametrize(
    "kind", ["h264.mp4", "closed.mp4", *full("h264.mkv", "h264.ts", "inorder.avi", "vp9.webm", "av1.mp4")]
)
def test_closed_groups_are_decoded_side_by_side(tmp_path, kind, trusts):
    media = probe(make_video(tmp_path / kind, frames=60, **KINDS[kind]))
    list(decode_orders(media, orders_of(media), threads=2))
    assert trusts[0].stretches == 3


OPEN = [
    "open.mp4",
    "open.ts",
    "open.mkv",
    "openfields.ts",
    "hevc.mp4",
    "hevc.ts",
    "hevc.mkv",
    "mpeg4.ts",
    "mpeg4.mp4",
    "mpeg2.ts",
    "mpeg2fields.ts",
    "mpeg1.mkv",
]


@pytest.mark.parametrize("kind", full_but(("open.mp4",), OPEN))
def test_open_groups_are_decoded_side_by_side_and_are_those_of_the_whole(tmp_path, kind, trusts):
    media = probe(make_video(tmp_path / kind, **({"pictures": moving(60), "frames": 60} | KINDS[kind])))
    for rate in ("25", "3", "0.9"):
        orders = orders_of(media, [rate])
        assert told(decode_orders(media, orders, threads=3)) == told(untouched(media, orders))
    assert trusts[0].stretches > 2
    assert [trust.doubted for trust in trusts] == [0, 0, 0]


def test_what_leads_a_keyframe_is_decoded_with_the_group_before_only_where_it_is_wanted(tmp_path, recorders):
    options = {"x264-params": "open-gop=1:scenecut=0:keyint=24:b-adapt=0"}
    media = probe(make_video(tmp_path / "v.mp4", frames=60, options=options, pictures=moving(60)))
    with open_media(media.path) as container:
        steps = [packet for packet, _ in read_steps(container, container.streams.video[0])]
    key = next(n for n, packet in enumerate(steps) if packet.is_keyframe and n)
    tick, at = steps[0].time_base, steps[key].pts
    leads = [packet.pts for packet in steps[key + 1 :] if packet.pts < at]
    assert len(leads) == 3
    for wanted, decoded in [(at, 1), (min(leads), key)]:
        recorders.clear()
        time = wanted * tick - media.start
        list(decode_orders(media, [FrameRequest([Sample(0, time)], JpegView(None, 90))], threads=1))
        assert decoded <= len(recorders[0].sent) <= decoded + 4


@pytest.mark.full
def test_a_recording_that_begins_in_the_middle_of_an_open_group(tmp_path, trusts):
    path = make_video(tmp_path / "v.ts", frames=90, pictures=moving(90), **KINDS["openfields.ts"])
    begin = next(pos for n, (pos, key) in enumerate(places_of(path)) if key and n > 20)
    data = path.read_bytes()
    path.write_bytes(data[: 3 * 188] + data[begin:])
    media = probe(path)
    orders = orders_of(media, ["25"])
    right = told(untouched(media, orders))
    assert "gap" not in {t[3] for t in right}
    assert told(decode_orders(media, orders, threads=3)) == right
    assert trusts[0].doubted == 0


def places_of(path):
    with av.open(str(path)) as container:
        return [(packet.pos, packet.is_keyframe) for packet in container.demux(video=0) if packet.size]


@pytest.mark.full
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fps=st.sampled_from([Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(50)]),
    gop=st.integers(1, 40),
    b_frames=st.integers(0, 7),
    pyramid=st.sampled_from(["none", "strict", "normal"]),
    refs=st.integers(1, 5),
    rate=st.sampled_from(["0.7", "1", "4", "25"]),
    is_open=st.integers(0, 1),
    fields=st.integers(0, 1),
    container=st.sampled_from(["mp4", "ts", "mkv"]),
)
def test_whatever_the_encoder_does_all_is_equal(
    tmp_path, fps, gop, b_frames, pyramid, refs, rate, is_open, fields, container
):
    options = {"g": str(gop), "bf": str(b_frames), "b-pyramid": pyramid, "refs": str(refs), "preset": "veryfast"}
    options["x264-params"] = f"scenecut=0:open-gop={is_open}:interlaced={fields}"
    path = tmp_path / f"v.{container}"
    media = probe(make_video(path, frames=60, fps=fps, options=options, pictures=moving(60)))
    orders = orders_of(media, [rate])
    assert told(decode_orders(media, orders, threads=2)) == told(untouched(media, orders))


def moving(count):
    """Pictures of which each is best told from those near it, so that encoders refer to many."""
    noise = np.random.default_rng(1).integers(0, 255, (120, 160 + 3 * count, 3), dtype=np.uint8)
    return [np.ascontiguousarray(noise[:, 3 * i : 3 * i + 160]) for i in range(count)]


@pytest.mark.full
@pytest.mark.parametrize(
    "kind",
    full_but(
        ("h264.mp4", "closed.mp4", "av1.mp4"),
        (
            *("h264.mp4", "h264.ts", "closed.mp4", "vp9.webm", "av1.mp4", "intra.mp4", "mjpeg.avi", "prores.mov"),
            *("ffv1.mkv", "open.mp4", "open.ts", "hevc.mp4", "mpeg2.ts", "openfields.ts"),
        ),
    ),
)
def test_damage_costs_the_same_pictures_as_in_plain_decoding(tmp_path, kind):
    path = make_video(tmp_path / kind, frames=96, pictures=moving(96), **KINDS[kind])
    begin = random.Random(kind).randrange(20, 60)
    first = next(n for n, (_, size, _) in enumerate(packets_of(path)) if n >= begin and size > 40)
    spoil(path, first, first + 1)
    media = probe(path)
    orders = orders_of(media, ["25"])
    gaps = [{t[1] for t in told(run(media, orders)) if t[3] == "gap"} for run in (decode_orders, plainly)]
    assert gaps[0] == gaps[1]


def test_pieces_come_in_the_order_of_time(tmp_path):
    media = probe(make_video(tmp_path / "v.mp4", frames=75))
    orders = [
        FrameRequest(plan_samples(media.duration_s, 1), JpegView(80, 90)),
        FrameRequest(plan_samples(media.duration_s, 5), PixelView(40)),
    ]
    pieces = list(decode_orders(media, orders, threads=2))
    assert [(piece.at.time_s, number) for number, piece in pieces] == sorted(
        (sample.time_s, number) for number, order in enumerate(orders) for sample in order.samples
    )
    for number, piece in pieces:
        at = round(piece.at.time_s * 25)
        if number == 0:
            assert isinstance(piece, Picture)
            assert number_of(simplejpeg.decode_jpeg(piece.jpeg)) == at
        else:
            assert isinstance(piece, Pixels)
            assert piece.rgb.shape == (30, 40, 3)
            assert number_of(piece.rgb) == at


def test_equal_views_of_a_frame_are_encoded_once(tmp_path, monkeypatch):
    encoded = []
    encode = JpegEncoder.encode
    monkeypatch.setattr(JpegEncoder, "encode", lambda self, frame: encoded.append(frame.pts) or encode(self, frame))
    media = probe(make_video(tmp_path / "v.mp4", frames=50))
    orders = [FrameRequest(plan_samples(media.duration_s, rate), JpegView(None, 90)) for rate in ("5", "1", "100")]
    assert len(list(decode_orders(media, orders))) == 10 + 2 + 200
    assert len(encoded) == 50


def test_pixels_are_never_enlarged(tmp_path):
    media = probe(make_video(tmp_path / "v.mp4", frames=3))
    ((_, piece),) = decode_orders(media, [FrameRequest(plan_samples(media.duration_s, 1), PixelView(1000))])
    assert piece.rgb.shape == (120, 160, 3)


def test_no_orders_are_no_pieces(tmp_path):
    media = probe(make_video(tmp_path / "v.mp4", frames=3))
    assert list(decode_orders(media, [])) == []


@pytest.mark.parametrize("limit", [10, 30])
def test_a_group_too_long_to_hold_is_decoded_plainly_to_the_end(tmp_path, monkeypatch, trusts, limit):
    monkeypatch.setattr(gop, "MAX_PACKETS", limit)
    path = make_video(tmp_path / "v.mp4", frames=100, options={"x264-params": "scenecut=0:keyint=24"})
    media = probe(path)
    orders = orders_of(media, ["5"])
    assert told(decode_orders(media, orders)) == told(plainly(media, orders))
    assert trusts[0].stretches == (0 if limit == 10 else 4)


@pytest.mark.full
def test_a_file_damaged_all_over_is_decoded_plainly_in_one_go(tmp_path, trusts):
    path = make_video(tmp_path / "v.mp4", frames=200, options={"g": "8", "bf": "0"})
    for first in range(1, 200, 8):
        spoil(path, first, first + 1)
    media = probe(path)
    orders = orders_of(media, ["25"])
    gaps = [{t[1] for t in told(run(media, orders)) if t[3] == "gap"} for run in (decode_orders, plainly)]
    assert gaps[0] == gaps[1]
    assert trusts[0].stretches < 20


class Recorder:
    """Stands in for a stream, and keeps what its decoder is sent."""

    def __init__(self, video):
        self._video = video
        self.sent = []
        self.codec_context = self
        self.time_base = video.time_base
        self.extradata = video.codec_context.extradata

    def decode(self, packet):
        if packet is not None:
            self.sent.append((packet.pts, bytes(packet)))
        return self._video.codec_context.decode(packet)

    def flush_buffers(self):
        self._video.codec_context.flush_buffers()

    def __setattr__(self, name, value):
        if name == "skip_frame":
            self._video.codec_context.skip_frame = value
        else:
            object.__setattr__(self, name, value)


@pytest.fixture
def recorders(monkeypatch):
    made = []
    make = SparseDecoder.__init__

    def init(self, *args, **options):
        make(self, *args, **options)
        self._video = Recorder(self._video)
        made.append(self._video)

    monkeypatch.setattr(SparseDecoder, "__init__", init)
    return made


def test_only_what_wanted_pictures_need_is_decoded(tmp_path, recorders):
    media = probe(make_video(tmp_path / "v.mp4", frames=96))
    list(decode_orders(media, [FrameRequest(plan_samples(media.duration_s, "0.5"), JpegView(None, 90))], threads=1))
    sent = recorders[0].sent
    assert len(sent) < 10  # frame 0 alone of the first group, and frame 50 of the third, which begins at 48
    assert [pts // 3600 for pts, _ in sent if pts % (50 * 3600) == 0] == [0, 50]


@pytest.mark.parametrize("kind", ["mjpeg.mov", "mjpeg.avi", "prores.mov", "dnxhr.mov", "huffyuv.avi"])
def test_of_pictures_that_are_all_keyframes_only_those_wanted_are_decoded(tmp_path, kind, recorders):
    media = probe(make_video(tmp_path / kind, frames=60, **KINDS[kind]))
    ((_, first), (_, second)) = decode_orders(
        media, [FrameRequest(plan_samples(media.duration_s, "0.5"), PixelView(160))]
    )
    assert [number_of(piece.rgb) for piece in (first, second)] == [0, 50]
    assert sum(len(recorder.sent) for recorder in recorders) == 2


def is_reference(packet):
    return any(unit[0] & 31 in (1, 5) and unit[0] & 0x60 for unit in units(packet, annex_b=False))


@pytest.mark.parametrize("pyramid", ["normal", "strict", "none"])
def test_b_pictures_to_which_nothing_wanted_leads_back_are_left_out(tmp_path, recorders, pyramid):
    options = {"b-pyramid": pyramid, "x264-params": "b-adapt=0:scenecut=0:ref=1", "g": "48"}
    media = probe(make_video(tmp_path / "v.mp4", frames=48, options=options, pictures=moving(48)))
    wanted = [sample for sample in plan_samples(media.duration_s, 25) if sample.index == 32]
    ((_, piece),) = decode_orders(media, [FrameRequest(wanted, JpegView(None, 90))], threads=1)
    assert isinstance(piece, Picture)
    sent = recorders[0].sent
    assert len(sent) > 2 * 9
    whole = [pts // 3600 for pts, data in sent if len(data) > 100 and is_reference(data)]
    assert whole == [0, 4, 8, 12, 16, 20, 24, 28, 32]


def keyframes(path):
    with open_media(path) as container:
        video = open_video(probe(path), container, threads=1)
        return [
            float(p.pts * p.time_base - probe(path).start) for p, _ in read_steps(container, video) if p.is_keyframe
        ]


@pytest.mark.parametrize(
    "kind",
    [
        *("h264.mp4", "one.mp4"),
        *full("h264.ts", "open.mp4", "hevc.mp4", "vp9.webm", "av1.mp4", "mpeg4.avi", "interlaced.mp4"),
    ],
)
def test_keyframe_sampling_gives_the_nearest_keyframe(tmp_path, kind):
    path = make_video(tmp_path / kind, **({"frames": 75} | KINDS[kind]))
    media = probe(path)
    order = FrameRequest(plan_samples(media.duration_s, 4), JpegView(None, 90))
    pieces = [piece for _, piece in decode_orders(media, [order], sampling="keyframes")]
    keys = keyframes(path)
    assert [piece.at.index for piece in pieces] == [sample.index for sample in order.samples]
    for piece in pieces:
        assert piece.at.pts_s == pytest.approx(min(keys, key=lambda key: abs(key - piece.at.time_s)), abs=1e-3)
        assert number_of(simplejpeg.decode_jpeg(piece.jpeg)) == round(piece.at.pts_s * 25)


@pytest.mark.parametrize("sampling", ["exact", "keyframes"])
@pytest.mark.parametrize("kind", ["h264.mp4", "open.mp4", "mpeg4.avi"])
def test_keyframes_are_told_as_they_come_by(tmp_path, kind, sampling):
    path = make_video(tmp_path / kind, **({"frames": 75} | KINDS[kind]))
    media, told = probe(path), []
    list(decode_orders(media, orders_of(media, ["4"]), sampling=sampling, on_keyframe=told.append))
    assert told == pytest.approx(keyframes(path), abs=1e-6)
    assert len(told) > 1


def test_a_damaged_keyframe_is_a_gap(tmp_path):
    path = make_video(tmp_path / "v.mp4", frames=75)
    spoil(path, 24, 25)
    media = probe(path)
    order = FrameRequest(plan_samples(media.duration_s, 25), JpegView(None, 90))
    pieces = [piece for _, piece in decode_orders(media, [order], sampling="keyframes")]
    assert {p.sample.index for p in pieces if isinstance(p, Gap)} == set(range(13, 37))


def test_stopping_early_ends_the_threads(tmp_path):
    import threading

    media = probe(make_video(tmp_path / "v.mp4", frames=100))
    pieces = decode_orders(media, orders_of(media, ["25"]), threads=2)
    next(pieces)
    pieces.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.mark.full
def test_bright_wide_and_large_pictures_come_through(tmp_path):
    """4K, 10 bits, BT.2020 with PQ: converted by its matrix, its tones left as they are."""
    path = tmp_path / "hdr.mp4"
    make_video(path, frames=2, size=(3840, 2160), pix_fmt="yuv420p10le", colour=(9, 1), options={"color_trc": "16"})
    media = probe(path)
    pieces = dict(decode_orders(media, orders_of(media, ["1", "1"])))
    assert simplejpeg.decode_jpeg_header(pieces[0].jpeg)[:2] == (2160, 3840)
    assert pieces[1].rgb.shape == (56, 100, 3)
    assert number_of(pieces[1].rgb) == 0
