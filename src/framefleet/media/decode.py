"""Sampled pictures of a video, in one pass, in the order of time, in memory that does not grow with its length."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Literal, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from framefleet.config import Crop
from framefleet.errors import InputError
from framefleet.media.container import (
    MAX_PIXELS,
    demuxed,
    frame_length,
    open_media,
    packet_end,
    reason_of,
    video_stream,
)
from framefleet.media.info import Gap, MediaInfo, Picture, Sample
from framefleet.media.order import JpegView, Order, Pixels
from framefleet.media.promised import Promised
from framefleet.media.sample import on_screen
from framefleet.media.view import Views, wants_of

_MAX_THREADS = 16  # FFmpeg's own limit where it chooses; each holds a frame
_MAX_READ_ERRORS = 100  # in a row, with nothing read between them
_FRAMING_BYTES = 1024  # between packets of Matroska lie some ten, some more where a cluster begins
_ROUNDING = Fraction(1, 1000)  # Matroska's clock

Event = tuple[Fraction, VideoFrame | str]
"""From this time on the video's clock a frame is on screen, or, for the reason told, none that can be trusted."""


Piece = tuple[int, Picture | Pixels | Gap]
"""A piece of the order with that number, counted from 0."""


def decode_orders(
    media: MediaInfo,
    orders: Sequence[Order],
    *,
    sampling: Literal["exact", "keyframes"] = "exact",
    threads: int | None = None,
) -> Iterator[Piece]:
    """One decode for all `orders`: one piece for each sample of each, all in the order of time.

    A frame that serves several samples, or several orders of the same view, is converted once; frames that serve none
    are not converted. A frame that is damaged, or that the file promised and the decoder never gave, is a `Gap`, never
    an older frame in its place. Reads no further than the last sample needs.
    Raises `InputError` if the file cannot be opened any more, `UsageError` if a crop lies outside the picture.
    """
    del sampling, threads  # plain decoding is exact, and chooses its threads itself
    views = Views(media, {order.view for order in orders})
    with open_media(media.path) as container:
        for want, time, frame in on_screen(_events(media, container), wants_of(orders)):
            yield want.order, views.piece(want, time, frame)


def decode_pictures(
    media: MediaInfo,
    samples: Sequence[Sample],
    *,
    max_side: int | None,
    jpeg_quality: int,
    crop: Crop | None,
) -> Iterator[Picture | Gap]:
    """`decode_orders` for one order of JPEG pictures."""
    order = Order(samples, JpegView(max_side, jpeg_quality, crop))
    for _, piece in decode_orders(media, [order]):
        assert not isinstance(piece, Pixels)
        yield piece


def _events(media: MediaInfo, container: InputContainer) -> Iterator[Event]:
    """What is on screen from when on, ascending, from 0 to the end that the file promises."""
    video = video_stream(container)
    if video is None or video.time_base is None:
        raise InputError(f"{media.path}: its pictures are gone; it changed since it was probed")
    # Frame threads, also on one core: FFmpeg's H.264 decoder tells of damage in time only with them.
    video.thread_type = "AUTO"
    video.thread_count = min(_MAX_THREADS, (os.cpu_count() or 1) + 1)
    video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    now = Fraction(0)
    yield now, "no picture before this time can be decoded"
    # AVI has no presentation times. FFmpeg works them out for MPEG-4; for other codecs only the order is right.
    only_order = container.format.name == "avi" and media.codec != "mpeg4"
    decoding = _Decoding(video, only_order=only_order)
    for pts, frame in decoding.run(container):
        time = pts * video.time_base - media.start
        if time >= now:
            now = time
            yield time, frame
    end = decoding.end - media.start
    if end + _ROUNDING < Fraction(media.duration_s):
        yield max(now, end), f"the file ends at {float(end):.3f} s; its header promises {media.duration_s:.3f} s"


class _Decoding:
    """Frames in the order of time, and in their places those that the packets promised and the decoder never gave.

    What is predicted from a damaged frame is taken as the decoder gives it, as players do.
    """

    def __init__(self, video: VideoStream, *, only_order: bool) -> None:
        self._video = video
        self._only_order = only_order
        self._promised = Promised()
        self._newest: int | None = None  # of the packets, in presentation
        self._damaged: set[int] = set()
        self._error = "the decoder gave no picture"
        self.end = Fraction(0)  # of the last packet, in the file's own time

    def run(self, container: InputContainer) -> Iterator[tuple[int, VideoFrame | str]]:
        for packet, after_hole in _packets(container, self._video):
            if after_hole and self._newest is not None:
                self._promised.add(self._newest + round(self._frame_ticks()))  # unknown frames, which never come
            self._note(packet)
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                frames = []
                self._error = f"the picture cannot be decoded ({reason_of(error)})"
                if self._only_order:
                    yield from self._next_lost()
            for frame in frames:
                yield from self._placed(frame)
            yield from ((pts, self._error) for pts in self._promised.overdue())
        yield from ((pts, self._error) for pts in self._promised.rest())

    def _note(self, packet: "Packet[VideoStream]") -> None:
        end = packet_end(packet)
        if end is None or packet.pts is None:
            return
        self.end = max(self.end, end)
        self._promised.add(packet.pts)
        self._newest = packet.pts if self._newest is None else max(self._newest, packet.pts)
        if packet.is_corrupt:
            self._damaged.add(packet.pts)

    def _placed(self, frame: VideoFrame) -> Iterator[tuple[int, VideoFrame | str]]:
        pts = self._promised.first() if self._only_order else frame.pts
        if pts is None:
            return
        for lost in self._promised.came(pts, frame.duration or self._frame_ticks()):
            yield lost, self._error
        broken = frame.is_corrupt or pts in self._damaged
        self._damaged.discard(pts)
        yield pts, "the picture is damaged in the file" if broken else frame

    def _next_lost(self) -> Iterator[tuple[int, str]]:
        pts = self._promised.first()
        if pts is not None:
            self._promised.drop_first()
            yield pts, self._error

    def _frame_ticks(self) -> float:
        assert self._video.time_base is not None
        return float(frame_length(self._video) / self._video.time_base)


def _packets(container: InputContainer, video: VideoStream) -> Iterator[tuple["Packet[VideoStream]", bool]]:
    """All packets that can be read, passing over what cannot, then the one that flushes the decoder.

    True stands with a packet before which bytes were passed over. FFmpeg's readers of Matroska and MPEG-TS say nothing
    when they lose a stretch of the file, but packets of all streams lie there one behind the other. Taking a hole to
    be where there is none does no harm, as long as the next frame comes when the one before it ends.
    """
    dense = container.format.name.startswith(("matroska", "mpegts"))
    failures, behind = 0, 0
    hole: int | None = None  # where in the file a hole begins that no packet of the video has passed yet
    while failures < _MAX_READ_ERRORS:
        try:
            for packet in demuxed(container.demux() if dense else container.demux(video)):
                failures = 0
                if dense and packet.pos is not None:
                    if 0 < behind < packet.pos - _FRAMING_BYTES:
                        hole = behind
                    behind = max(behind, packet.pos + packet.size * 9 // 8)  # MPEG-TS: 4 to 16 bytes in 188 are framing
                if packet.stream_index == video.index:
                    passed = hole is not None and packet.pos is not None and packet.pos >= hole
                    yield cast("Packet[VideoStream]", packet), passed
                    hole = None if passed else hole
            return
        except av.FFmpegError:
            failures, hole = failures + 1, behind
