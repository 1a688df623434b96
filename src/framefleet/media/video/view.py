"""Conversion of frames to requested views: once per view, however many samples a frame serves."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from heapq import merge
from typing import NamedTuple

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framefleet.media.types import (
    Gap,
    MediaInfo,
    Picture,
    PictureTime,
    Sample,
)
from framefleet.media.video.encode import JpegEncoder, PixelEncoder
from framefleet.media.video.request import (
    FrameRequest,
    JpegView,
    Pixels,
    PixelView,
)
from framefleet.timebase import seconds

View = JpegView | PixelView


class Want(NamedTuple):
    """One sample of one request."""

    time: Fraction
    order: int
    view: View
    sample: Sample


def wants_of(orders: Sequence[FrameRequest]) -> Iterator[Want]:
    """Yield all samples of all requests in order of time; at the same time, in order of the requests."""
    return merge(*(_wants(number, order) for number, order in enumerate(orders)), key=lambda want: want[:2])


def _wants(number: int, order: FrameRequest) -> Iterator[Want]:
    return (Want(sample.time, number, order.view, sample) for sample in order.samples)


class Views:
    """A converter of frames to pieces, with a cache for the samples that share the last frame."""

    def __init__(self, media: MediaInfo, views: Iterable[View]) -> None:
        """Check the crops. Raises `UsageError` if one does not lie within the frame."""
        self._encoders = {view: _encoder(media, view) for view in views}
        self._shown_at: Fraction | None = None
        self._made: dict[View, bytes | NDArray[np.uint8]] = {}

    def piece(self, want: Want, time: Fraction, frame: VideoFrame | str) -> Picture | Pixels | Gap:
        """Return the piece for `want`, from the frame shown from `time` on or the reason why there is none."""
        if isinstance(frame, str):
            return Gap(want.sample, frame)
        if time != self._shown_at:
            self._shown_at, self._made = time, {}
        if want.view not in self._made:
            self._made[want.view] = self._encoders[want.view].encode(frame)
        made = self._made[want.view]
        at = PictureTime(want.sample.index, want.sample.time_s, seconds(time))
        return Picture(at, made) if isinstance(made, bytes) else Pixels(at, made)


def _encoder(media: MediaInfo, view: View) -> JpegEncoder | PixelEncoder:
    if isinstance(view, JpegView):
        return JpegEncoder(media, max_side=view.max_side, quality=view.quality, crop=view.crop)
    return PixelEncoder(media, max_side=view.max_side, crop=view.crop)
