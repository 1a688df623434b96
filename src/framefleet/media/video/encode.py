"""Conversion of a decoded frame to JPEG or to an array: upright, cropped, scaled."""

from typing import TYPE_CHECKING

import numpy as np
import simplejpeg
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from framefleet.errors import UsageError
from framefleet.media.types import MediaInfo
from framefleet.media.video.planes import pixels
from framefleet.media.video.tone_mapping import ToneMapper, matrix_of
from framefleet.schema.document import Crop

if TYPE_CHECKING:
    from framefleet.media.video.orientation import Plane


def scaled_size(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """Return width and height with the longer side at most `max_side`, in proportion; never enlarged."""
    longer = max(width, height)
    if max_side is None or longer <= max_side:
        return width, height
    return max(1, round(width * max_side / longer)), max(1, round(height * max_side / longer))


class _Encoder:
    """The common part of both conversions.

    High dynamic range is mapped to standard range (`tone_mapping`). Pixels are not made square. Interlaced frames are
    not deinterlaced. A frame of another size than the video's first is stretched to that size, so that boxes keep their
    meaning in pixels of `media`.
    """

    def __init__(self, media: MediaInfo, max_side: int | None, crop: Crop | None) -> None:
        """Check `crop`. Raises `UsageError` if it does not lie within the frame."""
        self._turn = media.turn
        self._coded = self._turn.size((media.width, media.height))
        self._window = _window(media, crop)
        size = (crop.width, crop.height) if crop else (media.width, media.height)
        self._size = self._turn.size(scaled_size(*size, max_side))
        self._cut, self._scale = VideoReformatter(), VideoReformatter()
        self._flattener = ToneMapper()

    def _cropped(self, frame: VideoFrame) -> VideoFrame:
        source = self._flattener.flatten(frame, *self._coded)
        rgb = self._cut.reformat(
            source,
            *self._coded,
            format="rgb24",
            src_colorspace=matrix_of(source),
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        picture = self._turn.upright(rgb.to_ndarray().astype(np.uint8, copy=False))[self._window]
        return VideoFrame.from_ndarray(np.ascontiguousarray(self._turn.coded(picture)), format="rgb24")


class JpegEncoder(_Encoder):
    """A converter of one video's frames to JPEG, 4:2:0, with one pass of swscale each (two with a crop).

    JFIF means BT.601 at full range, so that is what swscale converts to, from the matrix and range of the frame's tags
    (FFmpeg's default for a frame without tags: BT.601, limited).
    """

    def __init__(self, media: MediaInfo, *, max_side: int | None, quality: int, crop: Crop | None) -> None:
        super().__init__(media, max_side, crop)
        self._quality = quality

    def encode(self, frame: VideoFrame) -> bytes:
        """Return the frame as a JFIF file."""
        width, height = self._size
        source = self._cropped(frame) if self._window else self._flattener.flatten(frame, width, height)
        scaled = self._scale.reformat(
            source,
            width,
            height,
            format="yuv420p",
            src_colorspace=matrix_of(source),
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        planes = [np.ascontiguousarray(self._turn.upright(pixels(plane))) for plane in scaled.planes]
        jpeg: bytes = simplejpeg.encode_jpeg_yuv_planes(*planes, quality=self._quality)
        return jpeg


class PixelEncoder(_Encoder):
    """A converter of one video's frames to upright RGB arrays, scaled by swscale in one pass (two with a crop)."""

    def __init__(self, media: MediaInfo, *, max_side: int | None, crop: Crop | None = None) -> None:
        super().__init__(media, max_side, crop)

    def encode(self, frame: VideoFrame) -> "Plane":
        """Return the frame in RGB, of shape (height, width, 3)."""
        width, height = self._size
        if self._window:
            source = self._cropped(frame)
        else:
            source = self._flattener.flatten(frame, width, height, Interpolation.AREA)
        rgb = self._scale.reformat(
            source,
            width,
            height,
            format="rgb24",
            src_colorspace=matrix_of(source),
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.AREA,
            threads=1,
        )
        return np.ascontiguousarray(self._turn.upright(rgb.to_ndarray().astype(np.uint8, copy=False)))


def _window(media: MediaInfo, crop: Crop | None) -> tuple[slice, slice] | None:
    if crop is None:
        return None
    if crop.x + crop.width > media.width or crop.y + crop.height > media.height:
        raise UsageError(
            f"--crop {crop.x},{crop.y},{crop.width},{crop.height}: {media.path} is {media.width}x{media.height} pixels",
            hint="pass a rectangle within the frame",
        )
    return slice(crop.y, crop.y + crop.height), slice(crop.x, crop.x + crop.width)
