"""Pictures as the display matrix has them: turned, mirrored, and what else it may say."""

import struct
from math import cos, radians, sin
from pathlib import Path

import av
import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from framefleet.analysis import notices, prepare
from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.orientation import Turn, turn_by
from framefleet.media.video.request import FrameRequest, JpegView, PixelView
from framefleet.schema.document import Crop
from tests.media.make import make_video

SIDES = (96, 64)
UPRIGHT = (1, 0, 0, 1)
# a, b, c, d of the matrix, and what numpy makes of the coded picture to be like it
MATRICES = {
    "as it is": (UPRIGHT, lambda p: p),
    "90": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "180": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "270": ((0, -1, 1, 0), lambda p: np.rot90(p, 1)),
    "left for right": ((-1, 0, 0, 1), np.fliplr),
    "upside down": ((1, 0, 0, -1), np.flipud),
    "transposed": ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
    "transposed the other way": ((0, -1, -1, 0), lambda p: np.rot90(p, 2).transpose(1, 0, 2)),
}


def corners() -> np.ndarray:
    """A picture of which each corner has a colour of its own."""
    picture = np.full((SIDES[1], SIDES[0], 3), 120, np.uint8)
    picture[:20, :30], picture[:20, -30:], picture[-20:, :30] = (200, 60, 60), (60, 200, 60), (60, 60, 200)
    return picture


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("turned") / "upright.mp4"
    return make_video(path, fps=5, frames=5, size=SIDES, pictures=[corners()] * 5, options={"crf": "10"})


def with_matrix(path: Path, to: Path, numbers: tuple[float, ...], box: bytes = b"tkhd") -> Path:
    """A copy whose header has that display matrix (ISO/IEC 14496-12, 8.2.2 and 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.find(box)
    place = at + 8 + (32 if data[at + 4] else 20) + (16 if box == b"tkhd" else 12)
    a, b, c, d = (round(number * 65536) for number in numbers)
    assert struct.unpack_from(">9i", data, place) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", data, place, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    to.write_bytes(data)
    return to


def seen(path: Path, view: PixelView | JpegView) -> np.ndarray:
    media = probe(path)
    (_, piece), *_ = decode_orders(media, [FrameRequest(plan_samples(media.duration_s, 1), view)])
    return piece.rgb if isinstance(view, PixelView) else simplejpeg.decode_jpeg(piece.jpeg)


@pytest.mark.parametrize("kind", MATRICES)
def test_pixels_are_what_the_matrix_makes_of_them(upright, tmp_path, kind):
    numbers, expected = MATRICES[kind]
    path = with_matrix(upright, tmp_path / "turned.mp4", numbers)
    assert np.array_equal(seen(path, PixelView(200)), expected(seen(upright, PixelView(200))))


@pytest.mark.parametrize("kind", MATRICES)
def test_jpegs_and_crops_are_of_the_upright_picture(upright, tmp_path, kind):
    numbers, expected = MATRICES[kind]
    path = with_matrix(upright, tmp_path / "turned.mp4", numbers)
    whole = expected(corners()).astype(int)
    assert np.abs(seen(path, JpegView(None, 95)).astype(int) - whole).mean() < 4
    crop = seen(path, JpegView(None, 95, Crop(x=4, y=8, width=40, height=30))).astype(int)
    assert np.abs(crop - whole[8:38, 4:44]).mean() < 4
    cut = Crop(x=4, y=8, width=40, height=30)
    assert np.array_equal(seen(path, PixelView(None, cut)), seen(path, PixelView(None))[8:38, 4:44])
    assert seen(path, PixelView(20, cut)).shape == (15, 20, 3)


@pytest.mark.parametrize("kind", MATRICES)
def test_a_turn_and_back(kind):
    numbers, expected = MATRICES[kind]
    turn, rest = turn_by(nine(*numbers))
    picture = corners()
    assert rest is None
    assert np.array_equal(turn.upright(picture), expected(picture))
    assert np.array_equal(turn.coded(turn.upright(picture)), picture)
    assert turn.size(SIDES) == turn.upright(picture).shape[1::-1]


def test_only_mirrored_files_are_read_anew(upright, tmp_path):
    for kind, (numbers, _) in MATRICES.items():
        media = probe(with_matrix(upright, tmp_path / f"{kind}.mp4", numbers))
        assert media.pictures_read_anew == (("mirrored",) if media.mirrored else ())
        assert media.mirrored == (kind not in {"as it is", "90", "180", "270"})


def test_the_matrix_of_the_movie_counts_with_that_of_the_track(upright, tmp_path):
    mirrored = with_matrix(upright, tmp_path / "mirrored.mp4", MATRICES["left for right"][0])
    media = probe(with_matrix(mirrored, tmp_path / "both.mp4", MATRICES["90"][0], box=b"mvhd"))
    assert (media.rotation, media.mirrored, media.width) == (270, True, SIDES[1])
    media = probe(with_matrix(upright, tmp_path / "movie.mp4", MATRICES["90"][0], box=b"mvhd"))
    assert (media.rotation, media.mirrored, media.width) == (270, False, SIDES[1])


def test_what_matroska_says_of_turning(upright, tmp_path):
    path = make_video(tmp_path / "turned.mkv", frames=3, size=SIDES, rotation=90)
    assert probe(path).rotation == 90


def test_what_the_stream_itself_says_of_turning(upright, tmp_path):
    """Display orientation of H.264 (ISO/IEC 14496-10, D.1.27), in a container that says nothing of it."""
    path = tmp_path / "said.ts"
    with av.open(str(upright)) as source, av.open(str(path), "w") as out:
        stream = source.streams.video[0]
        copy = out.add_stream_from_template(stream)
        filters = "h264_mp4toannexb,h264_metadata=display_orientation=insert:rotate=90:flip=horizontal"
        metadata = av.bitstream.BitStreamFilterContext(filters, stream)
        for packet in source.demux(stream):
            for changed in metadata.filter(packet if packet.size else None):
                changed.stream = copy
                out.mux(changed)
    media = probe(path)
    assert media.mirrored and media.rotation == 90


def nine(a: float, b: float, c: float, d: float) -> tuple[int, ...]:
    a, b, c, d = (round(number * 65536) for number in (a, b, c, d))
    return a, b, 0, c, d, 0, 0, 0, 1 << 30


@pytest.mark.parametrize(
    ("numbers", "turn", "said"),
    [
        (
            (cos(radians(45)), sin(radians(45)), -sin(radians(45)), cos(radians(45))),
            Turn(),
            "turns it by 45° clockwise",
        ),
        ((cos(0.1), -sin(0.1), sin(0.1), cos(0.1)), Turn(), "turns it by 5.73° counter-clockwise"),
        ((0, 2, -2, 0), Turn(270), "scales it by 2 × 2"),
        ((-1, 0, 0, 0.5), Turn(0, mirrored=True), "scales it by 1 × 0.5"),
        ((1, 0, 0.5, 1), Turn(), "shears it and scales it by 1 × 1.118"),
        ((0, 0, 0, 0), Turn(), "draws it on a line"),
        ((1, 0.00001, -0.00001, 1), Turn(), None),
    ],
)
def test_what_else_a_matrix_says(numbers, turn, said):
    assert turn_by(nine(*numbers)) == (turn, said)


@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=9, max_size=9))
def test_any_matrix_is_some_turn(numbers):
    turn, said = turn_by(tuple(numbers))
    assert turn.rotation in {0, 90, 180, 270}
    assert said is None or "\n" not in said


def test_what_is_left_undone_is_said_once(upright, tmp_path):
    media = with_matrix(upright, tmp_path / "slanted.mp4", (cos(0.1), sin(0.1), -sin(0.1), cos(0.1)))
    prepared = prepare(media, Options(stages=("objects", "scenes"), backend="local", output_dir=tmp_path), Fleet())
    assert [line for line in notices(prepared) if "matrix" in line] == [
        "the file's display matrix also turns it by 5.73° clockwise: not applied"
    ]
