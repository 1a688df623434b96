"""The packets of a video, past what cannot be read, with the places where bytes are missing."""

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

_MAX_READ_ERRORS = 100  # in a row, with nothing read between them
_TAGGED = {"mp3", "aac"}
_FRAMING_BYTES = 1024  # between packets of Matroska lie some ten, some more where a cluster begins
_LATE = Fraction(3, 2)  # frames, from one packet to the next, where one is missing


def begins_anew(container: InputContainer) -> bool:
    """Whether times are what a sender stamped, so that a file may have several clocks: MPEG-TS, MPEG-PS and Ogg, as
    FFmpeg says, and FLV, in which streams are recorded."""
    return "flv" in container.format.name or bool(container.format.flags & cast(int, Flags.ts_discont.value))


def clock_of(container: InputContainer) -> "PacketClock[Packet[Stream]]":
    """What puts a file's packets on one clock, the same one for all who read them from the beginning."""
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
    """All packets from where the file has been read to, on one clock.

    Raises `av.FFmpegError` where it cannot be read on; whoever reads on behind that gives the same `clock` again.
    """
    packets = demuxed(container.demux())
    if container.format.name in _TAGGED:
        end = _end_of_sound(path_of(container))
        packets = (p for p in packets if p.pos is None or not p.size or p.pos < end)
    return (clock or clock_of(container)).put_right(packets)


def _end_of_sound(path: Path) -> int:
    """Where tags begin, which would be taken for sound."""
    with path.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        return size - tags_behind(file.read())


def read_steps(container: InputContainer, video: VideoStream, *, start: Fraction | None = None) -> Iterator[Step]:
    """All pictures' packets that can be read, in the order of decoding, passing over what cannot.

    A decoder may begin at any keyframe: each says what was said once before it. With `start`, a time of the file, those
    before the last keyframe that is not after it are passed over, where an index tells its place and the header says
    all that decoders have to know.
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
    """What the header has said of the stream; nothing of it is read."""
    return ParameterSets(video.codec_context.codec.canonical_name, video.codec_context.extradata or b"")


def skip_to(container: InputContainer, time: Fraction) -> None:
    """Goes to the last keyframe before a time of the file, where an index tells it; else all is read from the start."""
    if _has_index(container):
        try:
            container.seek(int(time * 1_000_000))
        except av.FFmpegError as error:
            log.debug("no place to begin at but the file's beginning", exc_info=error)


def _has_index(container: InputContainer) -> bool:
    return container.format.name.startswith(("mov", "matroska"))


def _hear_first(container: InputContainer, video: VideoStream, said: ParameterSets) -> None:
    """Hears the first packet, and goes back to it."""
    try:
        packet = next((p for p in demuxed(container.demux(video)) if p.size), None)
        if packet is not None:
            said.hear(packet)
            container.seek(min(packet.dts or 0, packet.pts or 0), stream=video)
    except av.FFmpegError as error:
        log.debug("the first packet of the pictures cannot be read", exc_info=error)


def _read(container: InputContainer, video: VideoStream) -> Iterator[Step]:
    """The packets as they lie in the file."""
    failures = 0
    gaps, clock = _gaps(container, video), clock_of(container)
    while failures < _MAX_READ_ERRORS:
        try:
            for packet in timed(container, clock):
                failures = 0
                gaps.note(packet)
                if packet.stream_index == video.index and packet.size:  # none: PyAV's sign of the end
                    yield cast(VideoPacket, packet), gaps.passed(cast(VideoPacket, packet))
            return
        except av.FFmpegError as error:
            log.debug("a part of the file cannot be read and is passed over", exc_info=error)
            failures += 1
            gaps.fail()


class _Gaps:
    """Tells which packets of the video come behind missing bytes: those behind what cannot be read."""

    def __init__(self) -> None:
        self._failed = False

    def note(self, packet: "Packet[Stream]") -> None:
        """Any stream's next packet."""

    def fail(self) -> None:
        """The file could not be read on."""
        self._failed = True

    def passed(self, packet: VideoPacket) -> bool:
        failed, self._failed = self._failed, False
        return failed


class _Between(_Gaps):
    """FFmpeg's reader of Matroska says nothing when it loses a stretch of the file, but packets of all streams lie
    there one behind the other. Taking a hole to be where there is none does no harm, as long as the next frame comes
    when the one before it ends."""

    def __init__(self) -> None:
        super().__init__()
        self._behind = 0
        self._hole: int | None = None  # where one begins that no packet of the video has passed yet

    def note(self, packet: "Packet[Stream]") -> None:
        if packet.pos is not None:
            if 0 < self._behind < packet.pos - _FRAMING_BYTES:
                self._hole = self._behind
            self._behind = max(self._behind, packet.pos + packet.size * 9 // 8)  # and whatever comes with it

    def fail(self) -> None:
        self._hole = self._behind

    def passed(self, packet: VideoPacket) -> bool:
        found = self._hole is not None and packet.pos is not None and packet.pos >= self._hole
        self._hole = None if found else self._hole
        return found


class _Counted(_Gaps):
    """Packets of MPEG-TS are counted. A hole may miss whole rounds of the counter, of 16: then another stream's counter
    tells of it, and that the video's next packet comes late."""

    def __init__(self, holes: Holes, frame: Fraction) -> None:
        super().__init__()
        self._holes = holes
        self._frame = frame  # in ticks; 0: not known
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
