"""Sampled pictures of a video, in one pass, in the order of time, in memory that does not grow with its length."""

from bisect import insort
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from framefleet.config import Crop
from framefleet.errors import InputError
from framefleet.media.container import MAX_PIXELS, open_media, packet_end, reason_of, video_stream
from framefleet.media.encode import JpegEncoder
from framefleet.media.info import Gap, MediaInfo, Picture, PictureTime, Sample
from framefleet.media.sample import on_screen
from framefleet.units import seconds

_MAX_DELAY = 256  # packets in, no frame out: reordering (16) and frame threads (16) stay far below
_MAX_READ_ERRORS = 100  # in a row, with nothing read between them
_ROUNDING = Fraction(1, 1000)  # Matroska's clock

Event = tuple[Fraction, VideoFrame | str]
"""From this time on the video's clock a frame is on screen, or, for the reason told, none that can be trusted."""


def decode_pictures(
    media: MediaInfo,
    samples: Sequence[Sample],
    *,
    max_side: int | None,
    jpeg_quality: int,
    crop: Crop | None,
) -> Iterator[Picture | Gap]:
    """One `Picture` or `Gap` for each of `samples`, which are in the order of time; reads no further than the last.

    A frame that serves several samples is encoded once; frames that serve none are not converted. A frame that is
    damaged, or that the file promised and the decoder never gave, is a `Gap`, never an older frame in its place.
    Raises `InputError` if the file cannot be opened any more, `UsageError` if `crop` lies outside the picture.
    """
    encoder = JpegEncoder(media, max_side=max_side, quality=jpeg_quality, crop=crop)
    with open_media(media.path) as container:
        shown_at: Fraction | None = None
        jpeg = b""
        for sample, time, frame in on_screen(_events(media, container), samples):
            if isinstance(frame, str):
                yield Gap(sample, frame)
                continue
            if time != shown_at:
                shown_at, jpeg = time, encoder.encode(frame)
            yield Picture(PictureTime(sample.index, sample.time_s, seconds(time)), jpeg)


def _events(media: MediaInfo, container: InputContainer) -> Iterator[Event]:
    """What is on screen from when on, ascending, from 0 to the end that the file promises."""
    video = video_stream(container)
    if video is None or video.time_base is None:
        raise InputError(f"{media.path}: its pictures are gone; it changed since it was probed")
    video.thread_type = "AUTO"
    video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    now = Fraction(0)
    yield now, "no picture before this time can be decoded"
    decoding = _Decoding(video)
    for pts, frame in decoding.run(container):
        time = pts * video.time_base - media.start
        if time >= now:
            now = time
            yield time, frame
    end = decoding.end - media.start
    if end + _ROUNDING < Fraction(media.duration_s):
        yield max(now, end), f"the file ends at {float(end):.3f} s; its header promises {media.duration_s:.3f} s"


class _Decoding:
    """Frames in the order of time, and in their places those that the packets promised and the decoder never gave."""

    def __init__(self, video: VideoStream) -> None:
        self._video = video
        self._promised: list[int] = []  # pts of packets whose frame has not come yet, ascending
        self._damaged: set[int] = set()
        self._error = "the decoder gave no picture"
        self.end = Fraction(0)  # of the last packet, in the file's own time

    def run(self, container: InputContainer) -> Iterator[tuple[int, VideoFrame | str]]:
        for packet in _packets(container, self._video):
            self._note(packet)
            for frame in self._decode(packet):
                if frame.pts is not None:
                    yield from self._lost_before(frame.pts)
                    yield frame.pts, self._judged(frame)
            if len(self._promised) > _MAX_DELAY:
                yield from self._lost_before(self._promised[-_MAX_DELAY])
        yield from self._lost_before(None)

    def _note(self, packet: "Packet[VideoStream]") -> None:
        if packet.pts is None or packet.is_discard:
            return
        self.end = max(self.end, packet_end(packet) or self.end)
        insort(self._promised, packet.pts)
        if packet.is_corrupt:
            self._damaged.add(packet.pts)

    def _decode(self, packet: "Packet[VideoStream]") -> list[VideoFrame]:
        try:
            return packet.decode()
        except EOFError:
            return []  # flushed twice: nothing is left
        except av.FFmpegError as error:
            self._error = f"the picture cannot be decoded ({reason_of(error)})"
            return []

    def _lost_before(self, pts: int | None) -> Iterator[tuple[int, str]]:
        while self._promised and (pts is None or self._promised[0] < pts):
            yield self._promised.pop(0), self._error

    def _judged(self, frame: VideoFrame) -> VideoFrame | str:
        assert frame.pts is not None
        if self._promised and self._promised[0] == frame.pts:
            self._promised.pop(0)
        if frame.is_corrupt or frame.pts in self._damaged:
            self._damaged.discard(frame.pts)
            return "the picture is damaged in the file"
        return frame


def _packets(container: InputContainer, video: VideoStream) -> Iterator["Packet[VideoStream]"]:
    """All packets that can be read, passing over what cannot, then the one that flushes the decoder."""
    failures = 0
    while failures < _MAX_READ_ERRORS:
        try:
            for packet in container.demux(video):
                failures = 0
                yield packet
            return
        except av.FFmpegError:
            failures += 1
