"""A decoder that begins in the middle knows what was said at the beginning: the same pictures as from there."""

from fractions import Fraction
from functools import partial
from io import BytesIO

import av
import numpy as np
import pytest
from av.packet import Packet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefleet.media.files.container import open_media
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.video.codecs.nal import Framing, number_of_set, record_units
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.parameter_sets import ParameterSets
from framefleet.media.video.request import FrameRequest, JpegView, PixelView
from framefleet.outputs.render.options import RenderOptions
from framefleet.outputs.render.reader import Shots
from framefleet.stages.scenes.watcher import SceneWatcher
from tests.media.data.generate import OLD_X264
from tests.media.make import make_video
from tests.media.plainly import orders_of, plainly, told, untouched


def waves(count):
    """Smooth pictures that move, of which encoders predict whole blocks from what is around them."""
    y, x = np.mgrid[0:120, 0:160]
    made = []
    for i in range(count):
        channels = np.sin((x + 3 * i) / 17) * np.cos(y / 13), np.sin((y + 2 * i) / 11), np.cos((x - y + i) / 19)
        made.append((128 + 100 * np.stack(channels, -1)).astype(np.uint8))
    return made


# Of what FFmpeg decodes by x264's build, this stays whole where a new x264's pictures are decoded as an old one's; what
# else it does so has to come from an old one itself.
LOSSLESS = {"qp": "0", "x264-params": "scenecut=0:bframes=3"}
KINDS = {
    "lossless": {"options": LOSSLESS},
    "lossless, open groups": {"options": LOSSLESS | {"x264-params": "scenecut=0:open-gop=1:bframes=3"}},
    "lossless, fields": {"options": LOSSLESS | {"x264-params": "scenecut=0:interlaced=1"}},
    "lossless, no CABAC": {"options": LOSSLESS | {"coder": "vlc"}},
    "4:4:4, no CABAC": {"pix_fmt": "yuv444p", "options": {"coder": "vlc"}},
    "4:4:4, small transforms": {"pix_fmt": "yuv444p", "options": {"x264-params": "8x8dct=0:scenecut=0"}},
    "4:2:0": {},
    "4:2:2": {"pix_fmt": "yuv422p"},
    "fields": {"options": {"x264-params": "interlaced=1"}},
}
FRAMES = waves(36)


def made_by(path, build, *, gop=8, **kind):
    """A video whose first packet tells of that build of x264; the pictures are whatever a decoder makes of it."""
    options = {"g": str(gop), "keyint_min": str(gop)} | kind.pop("options", {})
    make_video(path, frames=36, pictures=FRAMES, options=options, **kind)
    data = path.read_bytes()
    at = data.index(b"x264 - core ") + 12
    path.write_bytes(data[:at] + f"{build:03}".encode() + data[at + 3 :])
    return path


@pytest.mark.full
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(KINDS)),
    build=st.sampled_from([1, 33, 34, 144, 148, 150, 151, 164]),
    container=st.sampled_from(["mp4", "mkv", "ts", "mov"]),
    gop=st.integers(3, 20),
    threads=st.sampled_from([1, 2, 4, 8]),
    rate=st.sampled_from(["3", "12.5", "25"]),
)
def test_pictures_of_any_build_are_those_of_decoding_from_the_beginning(
    tmp_path, kind, build, container, gop, threads, rate
):
    media = probe(made_by(tmp_path / f"v.{container}", build, gop=gop, **KINDS[kind]))
    orders = orders_of(media, [rate])
    right = told(untouched(media, orders))
    assert told(decode_orders(media, orders, threads=threads)) == right
    assert told(plainly(media, orders)) == right


@pytest.mark.full
@pytest.mark.parametrize("kind", ["lossless", "lossless, open groups", "lossless, fields"])
def test_without_it_there_would_be_others(tmp_path, kind, monkeypatch):
    media = probe(made_by(tmp_path / "v.mp4", 148, **KINDS[kind]))
    orders = [FrameRequest(plan_samples(media.duration_s, 25)[20:], JpegView(None, 90))]
    right = told(untouched(media, orders))
    assert told(decode_orders(media, orders)) == right
    monkeypatch.setattr(ParameterSets, "hear", lambda self, packet: packet)
    assert told(decode_orders(media, orders)) != right


@pytest.mark.full
@pytest.mark.parametrize("container", ["mp4", "mkv", "ts", "mov", "flv"])
@pytest.mark.parametrize("threads", [1, 2, 4, 8])
def test_a_video_of_2015_is_the_same_in_any_container(tmp_path, container, threads):
    path = tmp_path / f"v.{container}"
    with av.open(str(OLD_X264)) as source, av.open(str(path), "w") as out:
        copy = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    media = probe(path)
    orders = orders_of(media, ["10"])
    right = told(untouched(media, orders))
    assert len(right) == 103
    assert "gap" not in {t[3] for t in right}
    for _ in range(10 if container == "mp4" else 2):
        assert told(decode_orders(media, orders, threads=threads)) == right


def test_its_only_cut_is_found(tmp_path):
    media = probe(OLD_X264)
    marks = []
    watcher = SceneWatcher(media, marks)
    order = FrameRequest(plan_samples(media.duration_s, 5), PixelView(96))
    for _, piece in decode_orders(media, [order], threads=4, on_keyframe=marks.append):
        watcher.see(piece)
    assert [scene.span.start_s for scene in watcher.finish()] == [0, pytest.approx(5.2, abs=0.01)]


@pytest.mark.full
@pytest.mark.parametrize("kind", ["lossless", "lossless, fields"])
def test_keyframes_alone_know_it_too(tmp_path, kind):
    media = probe(made_by(tmp_path / "v.mp4", 148, **KINDS[kind]))
    order = FrameRequest(plan_samples(media.duration_s, 5), JpegView(None, 90))
    pieces = told(decode_orders(media, [order], sampling="keyframes"))
    right = {t[2]: t[3] for t in told(untouched(media, orders_of(media, ["25"])))}
    assert len({t[2] for t in pieces}) > 2
    assert all(right[t[2]] == t[3] for t in pieces)


def test_what_is_drawn_from_the_middle_knows_it_too(tmp_path):
    media = probe(made_by(tmp_path / "v.mp4", 148, **KINDS["lossless"]))

    def planes(start):
        with open_media(media.path) as container:
            shots = Shots(media, container, RenderOptions(start=Fraction(start)))
            return [(time + shots.start, frame.to_ndarray().tobytes()) for time, frame in shots]

    from_the_middle = planes(1)
    assert from_the_middle == [shot for shot in planes(0) if shot[0] >= 1]
    assert len(from_the_middle) == 11


@pytest.mark.full
def test_only_what_hangs_on_the_build_is_read_anew(tmp_path):
    assert probe(OLD_X264).pictures_read_anew == ("old x264",)
    for kind, build, anew in [
        ("lossless", 150, True),
        ("lossless", 151, False),
        ("4:4:4, no CABAC", 148, True),
        ("4:2:0", 148, False),
        ("4:2:2", 34, False),
        ("4:2:0", 33, True),
    ]:
        media = probe(made_by(tmp_path / "v.mp4", build, **KINDS[kind]))
        assert media.pictures_read_anew == (("old x264",) if anew else ())
        assert media.sound_read_anew == ()


def encoded(codec, options, begin):
    """Packets with start codes, their parameter sets at each keyframe, times from `begin` on, 25 a second."""
    context = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt, context.time_base = 160, 120, "yuv420p", Fraction(1, 25)
    context.framerate = Fraction(25)
    context.options = options
    packets = []
    for number, picture in enumerate(FRAMES):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = begin + number, Fraction(1, 25)
        packets += context.encode(frame)
    return packets + context.encode(None)


def said_once(path, codec, *options, edit):
    """A transport stream of several encoders' pictures one after the other, each saying its parameter sets but once.

    `edit` changes what each packet says, given whether it is an encoder's first."""
    with av.open(str(path), "w", format="mpegts") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for place, each in enumerate(options):
            for number, packet in enumerate(encoded(codec, each, place * len(FRAMES))):
                data = edit(bytes(packet), first=number == 0)
                made = Packet(len(data))
                made.update(data)
                made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
                made.is_keyframe, made.stream = packet.is_keyframe, stream
                out.mux(made)
    return path


def without_sets(codec, data, *, first):
    if first:
        return data
    framing = Framing(codec, 0)
    units = (unit for unit in framing.units(data) if number_of_set(codec, framing.kind(unit), unit) is None)
    return b"".join(map(framing.framed, units))


X264 = {"preset": "veryfast", "g": "8", "bf": "2", "x264-params": "scenecut=0:repeat-headers=1"}
OTHER_X264 = X264 | {"coder": "vlc", "qp": "35", "refs": "1"}
X265 = {"preset": "ultrafast", "x265-params": "keyint=8:min-keyint=8:repeat-headers=1:log-level=none:qp=20"}
OTHER_X265 = {"preset": "medium", "x265-params": "keyint=8:repeat-headers=1:log-level=none:qp=40:ctu=16:bframes=0"}


@pytest.mark.full
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", [X264]),
        ("libx264", [X264, OTHER_X264]),
        ("libx264", [OTHER_X264, X264, OTHER_X264]),
        ("libx265", [X265]),
        ("libx265", [X265, OTHER_X265]),
    ],
)
@pytest.mark.parametrize("threads", [1, 3])
def test_parameter_sets_that_came_but_once_are_known_from_then_on(tmp_path, codec, options, threads):
    edit = partial(without_sets, {"libx264": "h264", "libx265": "hevc"}[codec])
    media = probe(said_once(tmp_path / "v.ts", codec, *options, edit=edit))
    orders = orders_of(media, ["25"])
    right = told(untouched(media, orders))
    assert len(right) == len(FRAMES) * len(options)
    assert "gap" not in {t[3] for t in right}
    assert told(decode_orders(media, orders, threads=threads)) == right
    assert "gap" not in {t[3] for t in told(decode_orders(media, orders, sampling="keyframes"))}


def box(kind, content):
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def in_band(path):
    """The same MP4, its parameter sets in the first keyframe and no longer in its header (`avc3` for `avc1`)."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        first = next(packet for packet in container.demux(video) if packet.size)
        record, place, size = video.codec_context.extradata, first.pos, first.size
    sets = b"".join(len(unit).to_bytes(4, "big") + unit for unit in record_units("h264", record))
    data = path.read_bytes()
    # The sets take the place of x264's words, of which there are enough.
    head = data[place : place + size]
    words = 4 + int.from_bytes(head[:4], "big")
    filler = words - len(sets) - 4
    assert head[4] == 6
    assert filler > 0
    head = sets + filler.to_bytes(4, "big") + b"\x0c" + b"\xff" * (filler - 2) + b"\x80" + head[words:]
    empty = record[:5] + b"\xe0\x00"
    data = data[:place] + head + data[place + size :]
    free = len(record) - len(empty)
    old, new = box(b"avcC", record), box(b"avcC", empty) + box(b"free", bytes(free - 8))
    assert data.count(old) == 1
    assert len(old) == len(new)
    data = data.replace(old, new)
    path.write_bytes(data.replace(b"avc1\0\0\0\0", b"avc3\0\0\0\0"))
    return path


@pytest.mark.parametrize("threads", [1, 4])
def test_an_mp4_whose_header_has_no_parameter_sets(tmp_path, threads):
    path = make_video(tmp_path / "v.mp4", frames=36, pictures=FRAMES, options={"g": "8"})
    right = told(untouched(probe(path), orders_of(probe(path), ["25"])))
    media = probe(in_band(path))
    orders = orders_of(media, ["25"])
    assert told(untouched(media, orders)) == right
    assert told(decode_orders(media, orders, threads=threads)) == right
    with open_media(path) as container:
        shots = list(Shots(media, container, RenderOptions(start=Fraction(1))))
    assert len(shots) == 11


def by_xvid(data, *, first):
    """MPEG-4 whose encoder names itself once, as an old XviD, of which FFmpeg knows how it went beyond the edges."""
    pieces = data.split(b"\0\0\1")
    named = [piece for piece in pieces if piece[:1] != b"\xb2"]
    if first:
        picture = next(place for place, piece in enumerate(named) if piece[:1] in {b"\xb6", b"\xb3"})
        named.insert(picture, b"\xb2XviD0003")
    return b"\0\0\1".join(named)


def test_the_encoder_of_mpeg4_that_names_itself_but_once(tmp_path):
    options = {"g": "6", "bf": "0", "qscale": "3", "flags": "+mv4"}
    media = probe(said_once(tmp_path / "v.ts", "mpeg4", options, edit=by_xvid))
    orders = orders_of(media, ["25"])
    assert told(decode_orders(media, orders, threads=3)) == told(untouched(media, orders))


def headers(codec, *packets, extradata=b""):
    """What keyframes with these contents say, once they were heard."""
    said = ParameterSets(codec, extradata)
    made = []
    with av.open(BytesIO(), "w", format="mpegts") as out:
        stream = out.add_stream("mpeg4")
        for data in packets:
            packet = Packet(len(data))
            packet.update(data)
            packet.is_keyframe, packet.stream, packet.time_base = True, stream, Fraction(1, 25)
            made.append(bytes(said.hear(packet)))
    return made


VOL, USER, VOP = b"\0\0\1\x20layer", b"\0\0\1\xb2XviD0050", b"\0\0\1\xb6picture"
SEQUENCE, EXTENSION, I_PICTURE = b"\0\0\1\xb3matrix", b"\0\0\1\xb5more", b"\0\0\1\0picture"


def test_headers_that_came_but_once_are_said_again():
    assert headers("mpeg4", VOL + USER + VOP, VOP, VOL + VOP) == [VOL + USER + VOP, VOL + USER + VOP, USER + VOL + VOP]
    assert headers("mpeg2video", SEQUENCE + EXTENSION + I_PICTURE, I_PICTURE)[1] == SEQUENCE + EXTENSION + I_PICTURE


def test_what_the_header_says_is_not_said_again():
    assert headers("mpeg4", VOL + USER + VOP, VOP, extradata=VOL + USER)[1] == VOP
    assert headers("mpeg2video", SEQUENCE + I_PICTURE, I_PICTURE, extradata=SEQUENCE)[1] == I_PICTURE


def test_what_changes_and_changes_back_is_said_again():
    other = SEQUENCE + b"2"
    got = headers("mpeg2video", other + I_PICTURE, SEQUENCE + I_PICTURE, I_PICTURE, extradata=SEQUENCE)
    assert got[2] == SEQUENCE + I_PICTURE


def test_a_palette_is_handed_on(tmp_path):
    """Of AVI with a palette the first packet alone brings it."""
    path = tmp_path / "v.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("rawvideo", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        colours = np.random.default_rng(2).integers(0, 255, (256, 4), dtype=np.uint8)
        for number, picture in enumerate(FRAMES[:6]):
            places = np.ascontiguousarray(picture[:48, :64, 0])
            frame = av.VideoFrame.from_ndarray((places, colours), format="pal8")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    media = probe(path)
    orders = orders_of(media, ["5"])
    right = told(untouched(media, orders))
    assert len({t[3] for t in right}) == 6
    assert told(decode_orders(media, orders, threads=3)) == right
    assert media.pictures_read_anew == ("palette",)
