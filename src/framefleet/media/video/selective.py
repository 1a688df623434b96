"""Decoding of only the frames of a GOP that samples need, with a fallback where that is not reliable."""

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from typing import Literal

import av
from av.video.frame import VideoFrame

from framefleet.logs import logger
from framefleet.media.files.container import open_media, packet_end
from framefleet.media.sampling import on_screen
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.codecs.h264_references import without_idle, without_unneeded
from framefleet.media.video.codecs.nal import Framing
from framefleet.media.video.gop import GopWindow
from framefleet.media.video.packet import Step, VideoPacket
from framefleet.media.video.request import Pixels
from framefleet.media.video.sequential import (
    OnEndLost,
    ends_early,
    events,
    open_video,
)
from framefleet.media.video.view import View, Views, Want
from framefleet.media.video.work import DecodeWork, FrameClock

log = logger(__name__)

Piece = tuple[int, Picture | Pixels | Gap]
"""The number of the request, counted from 0, and one of its pieces."""

_SKIPPABLE = {"h264", "mpeg4", "mpeg2video", "mpeg1video"}
Skip = Literal["DEFAULT", "NONREF"]
_FLUSH: tuple[None, Skip] = None, "DEFAULT"
_FEW = 4  # so many doubts are no evidence against the rest of the file


class _DoubtError(Exception):
    """A wanted frame was not returned, or is damaged."""


@dataclass(slots=True)
class Trust:
    """What the decoders of one file, each on its own thread, have found out about it."""

    interlaced: bool = False
    stretches: int = 0
    doubted: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def begin(self) -> None:
        """Count a GOP that is decoded selectively."""
        with self._lock:
            self.stretches += 1

    def doubt(self) -> None:
        """Count a GOP that has to be decoded sequentially after all."""
        with self._lock:
            self.doubted += 1

    def is_lost(self) -> bool:
        """Return whether most of the file has to be decoded sequentially, which is faster in one go."""
        with self._lock:
            return self.doubted > max(_FEW, self.stretches / 2)


class SparseDecoder:
    """A selective decoder, used by one thread at a time, for the packets of any GOP.

    Frames that are neither wanted nor referred to are skipped (`skip_frame`); H.264 frames to which no wanted frame
    leads back are replaced by empty ones (`h264_references.stub_of`). Decoding stops after the last wanted frame.
    Everything that a wanted frame refers to is decoded, so that the result equals sequential decoding.
    """

    def __init__(
        self, media: MediaInfo, views: set[View], trust: Trust, *, plain_threads: int, on_end_lost: OnEndLost
    ) -> None:
        self._media = media
        self._on_end_lost = on_end_lost
        self._views = Views(media, views)
        self._trust = trust
        self._plain_threads = plain_threads
        with ExitStack() as stack:
            # Opened for its decoder, which is set up from the header; no packet is read.
            self._video = open_video(media, stack.enter_context(open_media(media.path)), threads=1)
            self._exit = stack.pop_all()
        assert self._video.time_base is not None
        self._clock = FrameClock(self._video.time_base, media.start)
        self._extradata = self._video.codec_context.extradata or b""
        self._skips = media.codec in _SKIPPABLE or (media.codec == "hevc" and _has_one_layer(self._extradata))

    def close(self) -> None:
        self._exit.close()

    def exact(self, task: DecodeWork) -> Iterator[Piece]:
        """Yield the pieces of a task; in case of doubt, decode the GOP and its neighbours sequentially."""
        told = 0
        self._trust.begin()
        try:
            for piece in self._sparse(task):
                yield piece
                told += 1
        except _DoubtError as doubt:
            first = self._clock.time(task.window.here.shown[0]) if task.window.here.shown else task.wants[0].time
            log.debug("decoding the GOP at %.3f s sequentially", first, exc_info=doubt)
            yield from islice(self._plain(task), told, None)

    def keyframe(self, task: DecodeWork) -> Iterator[Piece]:
        """Yield the pieces of a task whose GOP is one keyframe that serves all of its samples, or none."""
        here = task.window.here
        if not here.shown:
            yield from ((want.order, Gap(want.sample, "the video shows no keyframe")) for want in task.wants)
            return
        frame: VideoFrame | str = "the nearest keyframe is damaged in the file"
        with suppress(_DoubtError, StopIteration):
            whole = next(self._frames(here.steps, here.leading, set(here.shown), skips=False))
            frame = frame if whole.is_corrupt or not here.whole else whole
        for want in task.wants:
            yield want.order, self._views.piece(want, self._clock.time(here.shown[0]), frame)

    def _sparse(self, task: DecodeWork) -> Iterator[Piece]:
        targets = self._targets(task)
        wanted = {pts for _, pts in targets}
        steps = self._steps(task.window, wanted)
        skips = self._skips and not self._trust.interlaced
        for frame in self._frames(steps, task.window.here.leading, wanted, skips=skips):
            if frame.is_corrupt or frame.pts != targets[0][1]:
                self._doubt()
            while targets and targets[0][1] == frame.pts:
                want, pts = targets.popleft()
                yield want.order, self._views.piece(want, self._clock.time(pts), frame)
            if not targets:
                return
        self._doubt()

    def _steps(self, window: GopWindow, wanted: set[int]) -> list[Step]:
        """Return the GOP's packets, with the next keyframe and its leading frames if any of these are wanted."""
        if window.after is None or not any(p.pts in wanted for p, _ in window.after.head[1:]):
            return window.here.steps
        if any(after_hole or packet.is_corrupt for packet, after_hole in window.after.head):
            self._doubt()
        return window.here.steps + window.after.head

    def _targets(self, task: DecodeWork) -> deque[tuple[Want, int]]:
        """Return each want with the time, in ticks, of the frame on screen then, by the packets."""
        window = task.window
        if not _is_whole(self._media, window):
            self._doubt()
        first = -(-self._media.start // self._clock.tick)
        shown = [pts for pts in window.here.shown if pts >= first]
        places = [bisect_right(shown, self._clock.ticks(want.time)) - 1 for want in task.wants]
        if places[0] < 0:
            self._doubt()
        return deque((want, shown[place]) for want, place in zip(task.wants, places, strict=True))

    def _frames(self, steps: list[Step], leading: range, wanted: set[int], *, skips: bool) -> Iterator[VideoFrame]:
        """Yield the wanted frames, ascending, decoding no more than they need; leading frames are left out."""
        context = self._video.codec_context
        try:
            for packet, skip in chain(self._plan(steps, leading, wanted, skips=skips), [_FLUSH]):
                context.skip_frame = skip
                for frame in context.decode(packet):
                    if frame.pts not in wanted:
                        continue
                    if skips and frame.interlaced_frame:
                        # Two fields may be two packets, one of which was skipped.
                        self._trust.interlaced = True
                        raise _DoubtError
                    yield frame
        except av.FFmpegError:
            self._doubt()
        finally:
            context.flush_buffers()

    def _plan(
        self, steps: list[Step], leading: range, wanted: set[int], *, skips: bool
    ) -> Iterator[tuple["VideoPacket | None", Skip]]:
        """Yield the packets up to the last wanted frame, each with what the decoder may skip of it."""
        last = max(place for place, (packet, _) in enumerate(steps) if packet.pts in wanted)
        packets = [packet for packet, _ in steps[: last + 1]]
        if self._media.codec != "h264":
            packets = packets[: leading.start] + packets[leading.stop :] if leading else packets
        elif skips and not any(packet.has_sidedata("new_extradata") for packet in packets):
            packets = without_unneeded(packets, wanted, self._extradata, leading=leading)
        else:
            packets = without_idle(packets, self._extradata, leading=leading)
        for packet in packets:
            yield packet, "NONREF" if skips and packet.pts not in wanted else "DEFAULT"

    def _doubt(self) -> None:
        self._trust.doubt()
        raise _DoubtError

    def _plain(self, task: DecodeWork) -> Iterator[Piece]:
        with open_media(self._media.path) as container:
            video = open_video(self._media, container, threads=self._plain_threads)
            window = task.window
            shown = events(self._media, video, window.steps(), self._on_end_lost, to_end=window.last)
            for want, time, frame in on_screen(shown, task.wants):
                yield want.order, self._views.piece(want, time, frame)


def _is_whole(media: MediaInfo, window: GopWindow) -> bool:
    """Return whether nothing is missing in the GOP or right after it, as far as the packets show."""
    if not (window.here.entry and window.here.whole and window.here.shown):
        return False
    if window.last:
        end = max((packet_end(packet) or Fraction(0) for packet, _ in window.here.steps), default=Fraction(0))
        return ends_early(media, end) is None
    return window.after is None or not window.after.steps[0][1]


def _has_one_layer(extradata: bytes) -> bool:
    """Return whether an HEVC header states that there is one temporal layer.

    The header is a configuration record (ISO/IEC 14496-15, 8.3.3.1) or parameter sets (ITU-T H.265, 7.3.2.2). With
    several layers, a higher one may refer to "non-reference" frames.
    """
    if extradata[:1] == b"\1":
        return len(extradata) > 21 and extradata[21] >> 3 & 7 == 1
    framing = Framing("hevc", 0)
    most = [unit[2] >> 1 & 7 for unit in framing.units(extradata) if framing.kind(unit) == 33 and len(unit) > 2]
    return bool(most) and not any(most)
