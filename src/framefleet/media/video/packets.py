"""The packets of a video, skipping what cannot be read, with marks where bytes are missing."""

from collections.abc import Iterator
from fractions import Fraction
from os import SEEK_END
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from framefleet.logs import logger
from framefleet.media.files.clock import PacketClock
from framefleet.media.files.container import (
    demuxed,
    frame_length,
    header_end,
    moving_streams,
    path_of,
)
from framefleet.media.files.mpegts import Holes
from framefleet.media.files.wholeness import TAIL_BYTES, tags_behind
from framefleet.media.video.codecs.mpeg4 import one_by_one
from framefleet.media.video.packet import Step, VideoPacket
from framefleet.media.video.parameter_sets import ParameterSets

log = logger(__name__)

_MAX_READ_ERRORS = 100  # consecutive, without a packet in between
_TAGGED = {"mp3", "aac"}
_FRAMING_BYTES = 1024  # between two packets of Matroska lie about ten bytes, some more where a cluster begins
_LATE = Fraction(3, 2)  # frames from one packet to the next if one is missing between them


def begins_anew(container: InputContainer) -> bool:
    """Return whether times are a sender's stamps, so that a file may have several clocks.

    That is MPEG-TS, MPEG-PS and Ogg, by FFmpeg's flag, and FLV, which recordings of streams use.
    """
    return "flv" in container.format.name or bool(container.format.flags & cast(int, Flags.ts_discont.value))


def clock_of(container: InputContainer) -> "PacketClock[Packet[Stream]]":
    """Return the filter that puts a file's packets on one clock, the same for every read from the beginning."""
    anew = begins_anew(container)
    known = not anew and container.duration is not None
    end = Fraction((container.start_time or 0) + (container.duration or 0), av.time_base) if known else None
    streams = {stream.index for stream in container.streams if stream.type in {"video", "audio"}}
    pictures = moving_streams(container)
    return PacketClock(
        begins_anew=anew,
        end=end,
        streams=streams,
        sounds={stream.index for stream in container.streams.audio} if pictures else (),
        pictures_end=max((header_end(container, stream) for stream in pictures), default=None),
    )


def timed(container: InputContainer, clock: "PacketClock[Packet[Stream]] | None" = None) -> "Iterator[Packet[Stream]]":
    """Yield all packets from the current position of the file on, on one clock.

    Raises `av.FFmpegError` if it cannot be read any further; to continue after that, pass the same `clock` again.
    """
    packets = demuxed(container.demux())
    if container.format.name in _TAGGED:
        end = _end_of_sound(path_of(container))
        packets = (p for p in packets if p.pos is None or not p.size or p.pos < end)
    return (clock or clock_of(container)).put_right(packets)


def _end_of_sound(path: Path) -> int:
    """Return the position of the tags at the end, which would be decoded as sound."""
    with path.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        return size - tags_behind(file.read())


def read_steps(container: InputContainer, video: VideoStream, *, start: Fraction | None = None) -> Iterator[Step]:
    """Yield all video packets that can be read, in decoding order, skipping what cannot be read.

    A decoder may start at any keyframe: parameters that the stream states only once are repeated in each. With `start`,
    a time in the file, packets before the last keyframe that is not after it are skipped, if an index has its position
    and the header has all parameters.
    """
    said = said_by(video)
    if start is not None and _has_index(container):
        _hear_first(container, video, said)
        if said.is_in_header:
            skip_to(container, start)
    steps = _read(container, video)
    if video.codec_context.codec.canonical_name == "mpeg4":
        steps = one_by_one(steps)
    return ((said.hear(packet), after_hole) for packet, after_hole in steps)


def said_by(video: VideoStream) -> ParameterSets:
    """Return the parameter sets in the stream's header, without reading any packet."""
    return ParameterSets(video.codec_context.codec.canonical_name, video.codec_context.extradata or b"")


def skip_to(container: InputContainer, time: Fraction) -> None:
    """Seek to the last keyframe before a time of the file if an index has it; otherwise stay at the beginning."""
    if _has_index(container):
        try:
            container.seek(int(time * 1_000_000))
        except av.FFmpegError as error:
            log.debug("seeking failed; reading from the beginning", exc_info=error)


def _has_index(container: InputContainer) -> bool:
    return container.format.name.startswith(("mov", "matroska"))


def _hear_first(container: InputContainer, video: VideoStream, said: ParameterSets) -> None:
    """Record the first packet's parameters, and seek back to it."""
    try:
        packet = next((p for p in demuxed(container.demux(video)) if p.size), None)
        if packet is not None:
            said.hear(packet)
            container.seek(min(packet.dts or 0, packet.pts or 0), stream=video)
    except av.FFmpegError as error:
        log.debug("the first video packet cannot be read", exc_info=error)


def _read(container: InputContainer, video: VideoStream) -> Iterator[Step]:
    """Yield the packets in file order."""
    failures = 0
    gaps, clock = _gaps(container, video), clock_of(container)
    while failures < _MAX_READ_ERRORS:
        try:
            for packet in timed(container, clock):
                failures = 0
                gaps.note(packet)
                if packet.stream_index == video.index and packet.size:  # an empty packet is PyAV's end marker
                    yield cast(VideoPacket, packet), gaps.passed(cast(VideoPacket, packet))
            return
        except av.FFmpegError as error:
            log.debug("a part of the file cannot be read; skipping it", exc_info=error)
            failures += 1
            gaps.fail()


class _Gaps:
    """A detector of video packets that follow missing bytes: those after a read error."""

    def __init__(self) -> None:
        self._failed = False

    def note(self, packet: "Packet[Stream]") -> None:
        """Take note of the next packet of any stream."""

    def fail(self) -> None:
        """Take note of a read error."""
        self._failed = True

    def passed(self, packet: VideoPacket) -> bool:
        failed, self._failed = self._failed, False
        return failed


class _Between(_Gaps):
    """A detector for Matroska, by the positions of packets.

    FFmpeg's reader of Matroska loses parts of the file silently, but the packets of all streams are contiguous there. A
    false hole does no harm, as long as the next frame begins when the one before it ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self._behind = 0
        self._hole: int | None = None  # where a hole begins that no video packet has passed yet

    def note(self, packet: "Packet[Stream]") -> None:
        if packet.pos is not None:
            if 0 < self._behind < packet.pos - _FRAMING_BYTES:
                self._hole = self._behind
            self._behind = max(self._behind, packet.pos + packet.size * 9 // 8)  # with some allowance for framing

    def fail(self) -> None:
        self._hole = self._behind

    def passed(self, packet: VideoPacket) -> bool:
        found = self._hole is not None and packet.pos is not None and packet.pos >= self._hole
        self._hole = None if found else self._hole
        return found


class _Counted(_Gaps):
    """A detector for MPEG-TS, by the counters of packets.

    A hole may be a multiple of the counter's period, 16: then another stream's counter shows it, and the video's next
    packet is late.
    """

    def __init__(self, holes: Holes, frame: Fraction) -> None:
        super().__init__()
        self._holes = holes
        self._frame = frame  # duration in ticks; 0: unknown
        self._before: VideoPacket | None = None

    def passed(self, packet: VideoPacket) -> bool:
        failed = super().passed(packet)
        if packet.pos is None:
            return failed
        before, self._before = self._before, packet
        own = self._holes.until(packet.pos)
        if before is None:
            return failed  # nothing can be missing before the first
        return failed or own or (self._is_late(packet, before) and self._holes.of_others(before.pos or 0, packet.pos))

    def _is_late(self, packet: VideoPacket, before: VideoPacket) -> bool:
        return packet.dts is None or before.dts is None or packet.dts - before.dts > self._frame * _LATE


def _gaps(container: InputContainer, video: VideoStream) -> _Gaps:
    if container.format.name.startswith("matroska"):
        return _Between()
    if container.format.name == "mpegts" and video.time_base is not None:
        return _Counted(Holes(path_of(container), video.id), frame_length(video) / video.time_base)
    return _Gaps()
