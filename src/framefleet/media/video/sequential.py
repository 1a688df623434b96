"""Sequential decoding of all packets in their order. Selective decoding must return the same frames."""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from framefleet.errors import InputError
from framefleet.logs import logger
from framefleet.media.audio.gaps import BRIEF_S
from framefleet.media.files.container import (
    MAX_PIXELS,
    frame_length,
    packet_end,
    reason_of,
    video_stream,
)
from framefleet.media.files.kind import ORDERLY
from framefleet.media.types import MediaInfo
from framefleet.media.video.codecs.h264 import is_in_order
from framefleet.media.video.expected_frames import ExpectedFrames
from framefleet.media.video.packet import Step, VideoPacket

log = logger(__name__)

_MAX_THREADS = 16  # FFmpeg's own limit for automatic threads; each holds a frame
_REORDERED = 32  # frames: twice the greatest distance between decoding order and display order
_ROUNDING = Fraction(1, 1000)  # Matroska's clock
_LONGEST = Fraction(1)  # second: a frame that stays longer is more than the very end of a file

Event = tuple[Fraction, VideoFrame | str]
"""From this time on the video's clock, a frame is on screen, or none that can be trusted, for the given reason."""

OnEndLost = Callable[[Fraction, str], None]
"""Called once if the very end of the video is lost, with the time from which on, and the reason."""


def open_video(media: MediaInfo, container: InputContainer, *, threads: int) -> VideoStream:
    """Return the stream to decode, its decoder set to that many threads.

    Raises `InputError` if it no longer exists.
    """
    video = video_stream(container, media.track)
    if video is None or video.time_base is None:
        raise InputError(f"{media.path}: its video stream is gone: the file has changed since it was probed")
    video.thread_type = "AUTO"
    video.thread_count = threads
    video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return video


def frame_threads(threads: int) -> int:
    """Return the number of threads for sequential decoding.

    At least two, also on one core: only then does FFmpeg's H.264 decoder report damage in time.
    """
    return min(_MAX_THREADS, threads + 1)


def gives_only_order(video: VideoStream) -> bool:
    """Return whether decoded frames are only known to be in order, without reliable times.

    AVI has no presentation times. For codecs that reorder frames, FFmpeg computes them only for MPEG-4. H.264 and HEVC
    without a container have no times at all.
    """
    codec = video.codec_context.codec
    if video.container.format.name in ORDERLY:
        return True
    if video.container.format.name != "avi" or not codec.reorder or codec.canonical_name == "mpeg4":
        return False
    return not (codec.canonical_name == "h264" and is_in_order(video.codec_context.extradata or b""))


def events(
    media: MediaInfo,
    video: VideoStream,
    steps: Iterable[Step],
    on_end_lost: OnEndLost = lambda *_: None,
    *,
    to_end: bool = True,
) -> Iterator[Event]:
    """Yield what is on screen from which time on, ascending, from 0 to the end that the file states.

    Damage at the very end, where files are cut, is skipped and reported to `on_end_lost`: the frame before it stays.
    `to_end`: the steps reach the end of the file.
    """
    assert video.time_base is not None
    now, brief, is_told = Fraction(0), _very_end(media, video), False
    yield now, "no frame before this time can be decoded"
    decoding = _Decoding(video)
    for pts, frame in decoding.run(steps):
        time = pts * video.time_base - media.start
        if isinstance(frame, str) and time >= max(now, brief):
            if not is_told:
                is_told = True
                on_end_lost(time, frame)
        elif time >= now:
            now = time
            yield time, frame
    early, last = ends_early(media, decoding.end), max(now, decoding.end - media.start)
    if early is not None and last < brief:
        yield last, early
    elif early is not None and to_end and not is_told:
        on_end_lost(last, early)


def _very_end(media: MediaInfo, video: VideoStream) -> Fraction:
    """Return when the last `BRIEF_S` of the video begin, or its last frame if that is longer, up to a second."""
    end = Fraction(media.duration_s if media.pictures_s is None else media.pictures_s)
    return end - max(Fraction(BRIEF_S), min(frame_length(video), _LONGEST)) - _ROUNDING


def ends_early(media: MediaInfo, end: Fraction) -> str | None:
    """Return why there are no frames after `end`, in the file's own time.

    None if the video was expected to end there, or if no end is stated.
    """
    last, promised = end - media.start, media.duration_s if media.pictures_s is None else media.pictures_s
    if last + _ROUNDING >= Fraction(promised) or media.duration_from not in {"header", "index"}:
        return None
    return f"the file ends at {float(last):.3f} s; its {media.duration_from} states {promised:.3f} s"


class _Decoding:
    """The frames in order of time, and in their places those that the packets promise and the decoder never returns.

    Frames predicted from a damaged one are taken as the decoder returns them, as players do.
    """

    def __init__(self, video: VideoStream) -> None:
        self._video = video
        self._only_order = gives_only_order(video)
        self._promised = ExpectedFrames()
        self._recent: deque[int] = deque(maxlen=_REORDERED)  # times of packets
        self._damaged: set[int] = set()
        self._held: VideoFrame | None = None  # the last frame, held until the next one is decoded
        self._before: int | None = None  # the time of the frame before the held one
        self._error = "the decoder returned no frame"
        self.end = Fraction(0)  # end of the last packet, in the file's own time

    def run(self, steps: Iterable[Step]) -> Iterator[tuple[int, VideoFrame | str]]:
        for packet, after_hole in steps:
            if after_hole:
                self._miss()
            self._note(packet)
            yield from self._decoded(packet)
        yield from self._decoded(None)
        if self._held is not None:
            yield from self._placed(self._held)
        yield from ((pts, self._error) for pts in self._promised.rest())

    def _decoded(self, packet: "VideoPacket | None") -> Iterator[tuple[int, VideoFrame | str]]:
        try:
            frames = self._video.codec_context.decode(packet)
        except av.FFmpegError as error:
            log.debug("a frame cannot be decoded", exc_info=error)
            frames = []
            self._error = f"the frame cannot be decoded ({reason_of(error)})"
            if self._only_order:
                yield from self._next_lost()
        for frame in frames:
            yield from self._in_turn(frame)
        yield from ((pts, self._error) for pts in self._promised.overdue())

    def _miss(self) -> None:
        """Expect unknown frames, which never come: after the newest one, and before it where others were due."""
        length = self._frame_ticks()
        times = [*sorted(self._recent), sys.maxsize] if self._recent else []
        for before, after in pairwise(times):
            if after - before > 1.5 * length:
                self._promised.add(before + round(length))

    def _note(self, packet: VideoPacket) -> None:
        end = packet_end(packet)
        if end is None or packet.pts is None:
            return
        self.end = max(self.end, end)
        self._promised.add(packet.pts)
        self._recent.append(packet.pts)
        if packet.is_corrupt:
            self._damaged.add(packet.pts)

    def _in_turn(self, frame: VideoFrame) -> Iterator[tuple[int, VideoFrame | str]]:
        """Yield the frame before this one, unless its time is wrong.

        Decoders return frames in display order, so that a frame with a later time than those around it is not shown
        then, and must not displace another.
        """
        held, self._held = self._held, frame
        if held is None:
            return
        if self._only_order or not self._is_between(frame.pts, held.pts):
            self._before = held.pts
            yield from self._placed(held)
        elif held.pts is not None:
            self._promised.drop(held.pts)

    def _is_between(self, pts: int | None, held: int | None) -> bool:
        """Return whether this latest time lies between `held` and the one before that."""
        before = self._before
        return before is not None and pts is not None and held is not None and before < pts < held

    def _placed(self, frame: VideoFrame) -> Iterator[tuple[int, VideoFrame | str]]:
        pts = self._promised.next_frame() if self._only_order else frame.pts
        if pts is None:
            return
        for lost in self._promised.came(pts, frame.duration or self._frame_ticks()):
            yield lost, self._error
        broken = frame.is_corrupt or pts in self._damaged
        self._damaged.discard(pts)
        yield pts, "the frame is damaged in the file" if broken else frame

    def _next_lost(self) -> Iterator[tuple[int, str]]:
        pts = self._promised.first()
        if pts is not None:
            self._promised.drop_first()
            yield pts, self._error

    def _frame_ticks(self) -> float:
        assert self._video.time_base is not None
        return float(frame_length(self._video) / self._video.time_base)
