from pathlib import Path

import av
import numpy as np
import pytest
import simplejpeg
from av.video.reformatter import ColorRange, Colorspace

from framefleet.errors import UsageError
from framefleet.media.types import MediaInfo
from framefleet.media.video.encode import JpegEncoder, PixelEncoder, scaled_size
from framefleet.media.video.tone_mapping import PQ, flat
from framefleet.schema.document import Crop
from tests.media.odd import hlg, pq, to_bt2020

RGB = {
    "red": (220, 30, 30),
    "green": (30, 200, 40),
    "blue": (40, 40, 220),
    "white": (250, 250, 250),
    "black": (5, 5, 5),
}


def media_of(width, height, rotation=0):
    return MediaInfo(
        path=Path("v.mp4"), size_bytes=1, start=0, duration_s=1, width=width, height=height, rotation=rotation,
        fps=25, codec="h264", frame_count=25, audio=None,
    )  # fmt: skip


def frame_of(rgb, pix_fmt, colorspace, color_range):
    """The picture as a decoder would hand it on: in `pix_fmt`, tagged with the matrix and range it was coded in."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    return frame.reformat(format=pix_fmt, dst_colorspace=colorspace, dst_color_range=color_range)


def decoded(jpeg):
    return simplejpeg.decode_jpeg(jpeg).astype(int)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv444p", "yuv422p"])
@pytest.mark.parametrize("matrix", [Colorspace.ITU709, Colorspace.ITU601, Colorspace.BT2020])
@pytest.mark.parametrize("full", [ColorRange.MPEG, ColorRange.JPEG])
def test_colours_survive(pix_fmt, matrix, full):
    patches = np.concatenate([np.full((64, 32, 3), colour, np.uint8) for colour in RGB.values()], axis=1)
    frame = frame_of(patches, pix_fmt, matrix, full)
    media = media_of(frame.width, frame.height)
    picture = decoded(JpegEncoder(media, max_side=None, quality=95, crop=None).encode(frame))
    for place, colour in enumerate(RGB.values()):
        assert picture[32, 32 * place + 16] == pytest.approx(colour, abs=6)


LIGHT = {  # cd/m² of red, green and blue, and the sRGB code that shows it where 203 is white
    "dark": ((0.6, 0.6, 0.6), (13, 13, 13)),
    "grey": ((43.8, 43.8, 43.8), (128, 128, 128)),
    "red": ((145.0, 3.0, 3.0), (218, 33, 33)),
    "blue": ((5.0, 5.0, 145.0), (43, 43, 218)),
    "white": ((203.0, 203.0, 203.0), (243, 243, 243)),
    "lamp": ((2000.0, 2000.0, 2000.0), (255, 255, 255)),
}


def wide_frame(curve, characteristic, matrix=9, primaries=9):
    """Patches of LIGHT, 32 pixels wide, as 10-bit BT.2020 with that curve."""
    frame = av.VideoFrame(32 * len(LIGHT), 64, "yuv420p10le")
    codes = [curve(to_bt2020(np.array(light))) for light, _ in LIGHT.values()]
    luma = [code @ [0.2627, 0.6780, 0.0593] for code in codes]
    values = [
        [64 + 876 * y for y in luma],
        [512 + 896 * (code[2] - y) / 1.8814 for code, y in zip(codes, luma, strict=True)],
        [512 + 896 * (code[0] - y) / 1.4746 for code, y in zip(codes, luma, strict=True)],
    ]
    for plane, patches in zip(frame.planes, values, strict=True):
        line = np.zeros(plane.line_size // 2, np.uint16)
        filled = np.repeat(np.round(patches).astype(np.uint16), plane.width // len(LIGHT))
        line[: len(filled)] = filled
        plane.update(np.tile(line, plane.height).tobytes())
    frame.colorspace, frame.color_range = matrix, ColorRange.MPEG
    frame.color_primaries, frame.color_trc = primaries, characteristic
    return frame


@pytest.mark.parametrize(("curve", "characteristic"), [(pq, 16), (hlg, 18)])
@pytest.mark.parametrize("matrix", [9, 2, 10])  # BT.2020, untagged, and one that swscale refuses
@pytest.mark.parametrize("crop", [None, Crop(x=0, y=0, width=192, height=64)])
def test_high_dynamic_range_looks_as_it_was_meant(curve, characteristic, matrix, crop):
    frame = wide_frame(curve, characteristic, matrix)
    media = media_of(frame.width, frame.height)
    picture = decoded(JpegEncoder(media, max_side=None, quality=95, crop=crop).encode(frame))
    pixels = PixelEncoder(media, max_side=96).encode(frame).astype(int)
    for place, (name, (_, shown)) in enumerate(LIGHT.items()):
        lightest = 1000 if curve is hlg else 10_000
        if max(LIGHT[name][0]) <= lightest:
            assert picture[32, 32 * place + 16] == pytest.approx(shown, abs=6), name
            assert pixels[16, 16 * place + 8] == pytest.approx(shown, abs=6), name


def test_a_large_picture_is_flattened_as_a_small_one():
    codes = np.random.default_rng(1).integers(0, 65536, (700, 4, 3)).astype(np.uint16)
    assert np.array_equal(flat(codes, PQ)[600:], flat(codes[600:], PQ))


@pytest.mark.parametrize("matrix", [3, 8, 10, 14, 15, 200])
def test_a_matrix_that_nobody_can_read_is_no_fault(matrix):
    frame = frame_of(gradient(64, 48), "yuv420p", Colorspace.ITU601, ColorRange.MPEG)
    frame.colorspace = matrix
    media = media_of(64, 48)
    assert (
        np.abs(
            decoded(JpegEncoder(media, max_side=None, quality=95, crop=None).encode(frame)) - gradient(64, 48)
        ).mean()
        < 12
    )
    assert PixelEncoder(media, max_side=64).encode(frame).shape == (48, 64, 3)


def gradient(width, height):
    """Every pixel tells where it is: red runs to the right, green downwards."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([columns * 255 // width, rows * 255 // height, np.full_like(rows, 128)], axis=2).astype(np.uint8)


@pytest.mark.parametrize("size", [(160, 120), (161, 121), (33, 17), (2, 2), (1, 1)])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_turned_and_odd_pictures_keep_their_places(size, rotation, pix_fmt):
    coded = gradient(*size)
    upright = np.rot90(coded, rotation // 90)
    media = media_of(upright.shape[1], upright.shape[0], rotation)
    encoder = JpegEncoder(media, max_side=None, quality=95, crop=None)
    picture = decoded(encoder.encode(frame_of(coded, pix_fmt, Colorspace.ITU709, ColorRange.MPEG)))
    assert picture.shape == upright.shape
    assert np.abs(picture - upright).mean() < (6 if min(size) > 2 else 90)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_crop_is_cut_from_the_upright_picture(rotation):
    coded = gradient(160, 120)
    upright = np.rot90(coded, rotation // 90)
    media = media_of(upright.shape[1], upright.shape[0], rotation)
    encoder = JpegEncoder(media, max_side=None, quality=95, crop=Crop(x=11, y=7, width=51, height=33))
    picture = decoded(encoder.encode(frame_of(coded, "yuv420p", Colorspace.ITU709, ColorRange.MPEG)))
    assert picture.shape == (33, 51, 3)
    assert np.abs(picture - upright[7:40, 11:62]).mean() < 6


def test_scaling_keeps_the_proportions_of_the_crop():
    encoder = JpegEncoder(media_of(160, 120), max_side=40, quality=90, crop=Crop(x=0, y=0, width=160, height=60))
    frame = frame_of(gradient(160, 120), "yuv420p", Colorspace.ITU709, ColorRange.MPEG)
    assert decoded(encoder.encode(frame)).shape == (15, 40, 3)


def test_a_frame_of_another_size_is_brought_to_the_videos():
    encoder = JpegEncoder(media_of(160, 120), max_side=None, quality=90, crop=None)
    frame = frame_of(gradient(80, 64), "yuv420p", Colorspace.ITU709, ColorRange.MPEG)
    assert np.abs(decoded(encoder.encode(frame)) - gradient(160, 120)).mean() < 6


def test_a_crop_outside_the_picture_is_refused():
    with pytest.raises(UsageError, match="160x120"):
        JpegEncoder(media_of(160, 120), max_side=None, quality=90, crop=Crop(x=100, y=0, width=61, height=10))


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [((1920, 1080), 1280, (1280, 720)), ((640, 360), 1280, (640, 360)), ((1080, 1921), 1280, (720, 1280)),
     ((10_000, 3), 100, (100, 1)), ((640, 360), None, (640, 360))],
)  # fmt: skip
def test_scaled_size(size, longest, expected):
    assert scaled_size(*size, longest) == expected
