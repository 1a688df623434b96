"""Plain decoding: every packet in its order, every frame as it comes. What the other ways must equal."""

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

_MAX_THREADS = 16  # FFmpeg's own limit where it chooses; each holds a frame
_REORDERED = 32  # pictures: twice as many as the order of decoding and that of showing can differ by
_ROUNDING = Fraction(1, 1000)  # Matroska's clock
_LONGEST = Fraction(1)  # second: a frame that stays for longer is more than the very end of a file

Event = tuple[Fraction, VideoFrame | str]
"""From this time on the video's clock a frame is on screen, or, for the reason told, none that can be trusted."""

OnEndLost = Callable[[Fraction, str], None]
"""Told once where the very end of the pictures is lost: from when on, and why."""


def open_video(media: MediaInfo, container: InputContainer, *, threads: int) -> VideoStream:
    """The stream to decode, its decoder set to that many threads. Raises `InputError` where there is none any more."""
    video = video_stream(container, media.track)
    if video is None or video.time_base is None:
        raise InputError(f"{media.path}: its pictures are gone; it changed since it was probed")
    video.thread_type = "AUTO"
    video.thread_count = threads
    video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return video


def frame_threads(threads: int) -> int:
    """For plain decoding: two also on one core, for only then FFmpeg's H.264 decoder tells of damage in time."""
    return min(_MAX_THREADS, threads + 1)


def gives_only_order(video: VideoStream) -> bool:
    """AVI has no presentation times. Of codecs that store pictures in another order than that in which they are shown,
    FFmpeg works them out for MPEG-4 alone. H.264 and HEVC without a container have no times at all."""
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
    """What is on screen from when on, ascending, from 0 to the end that the file promises.

    What is damaged at the very end, where files are cut, is passed over, and told to `on_end_lost`: the picture before
    it stays. `to_end`: the steps go as far as the file does.
    """
    assert video.time_base is not None
    now, brief, is_told = Fraction(0), _very_end(media, video), False
    yield now, "no picture before this time can be decoded"
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
    """When the last `BRIEF_S` of the pictures begin, or their last frame if that is longer, up to a second."""
    end = Fraction(media.duration_s if media.pictures_s is None else media.pictures_s)
    return end - max(Fraction(BRIEF_S), min(frame_length(video), _LONGEST)) - _ROUNDING


def ends_early(media: MediaInfo, end: Fraction) -> str | None:
    """Why there are no pictures after `end`, in the file's own time; None where it is the end that was promised, or
    where nobody promised one."""
    last, promised = end - media.start, media.duration_s if media.pictures_s is None else media.pictures_s
    if last + _ROUNDING >= Fraction(promised) or media.duration_from not in {"header", "index"}:
        return None
    return f"the file ends at {float(last):.3f} s; its {media.duration_from} promises {promised:.3f} s"


class _Decoding:
    """Frames in the order of time, and in their places those that the packets promised and the decoder never gave.

    What is predicted from a damaged frame is taken as the decoder gives it, as players do.
    """

    def __init__(self, video: VideoStream) -> None:
        self._video = video
        self._only_order = gives_only_order(video)
        self._promised = ExpectedFrames()
        self._recent: deque[int] = deque(maxlen=_REORDERED)  # times of packets
        self._damaged: set[int] = set()
        self._held: VideoFrame | None = None  # until the next one has come
        self._before: int | None = None  # the time of the frame before it
        self._error = "the decoder gave no picture"
        self.end = Fraction(0)  # of the last packet, in the file's own time

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
            log.debug("a picture cannot be decoded", exc_info=error)
            frames = []
            self._error = f"the picture cannot be decoded ({reason_of(error)})"
            if self._only_order:
                yield from self._next_lost()
        for frame in frames:
            yield from self._in_turn(frame)
        yield from ((pts, self._error) for pts in self._promised.overdue())

    def _miss(self) -> None:
        """Promises unknown frames, which never come: after the newest, and before it where others were due still."""
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
        """The frame before this one, unless its time is wrong: decoders give frames in the order in which they are
        shown, so that one with a later time than those around it is not shown then, and must cost no other its place.
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
        """Whether this time, which comes last, lies between the other and the one before that."""
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
        yield pts, "the picture is damaged in the file" if broken else frame

    def _next_lost(self) -> Iterator[tuple[int, str]]:
        pts = self._promised.first()
        if pts is not None:
            self._promised.drop_first()
            yield pts, self._error

    def _frame_ticks(self) -> float:
        assert self._video.time_base is not None
        return float(frame_length(self._video) / self._video.time_base)
