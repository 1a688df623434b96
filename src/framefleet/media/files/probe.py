"""Probing of a file, by its header, its first frame and its last packets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from framefleet.errors import InputError, UsageError
from framefleet.logs import logger
from framefleet.media.files.audio_track import choose_track, language_of
from framefleet.media.files.container import (
    MAX_PIXELS,
    audio_stream,
    container_end,
    header_end,
    header_start,
    moving_streams,
    open_media,
    packet_end,
    rate_of,
    reason_of,
    refuse_encrypted,
    video_stream,
)
from framefleet.media.files.kind import TIMELESS
from framefleet.media.files.wholeness import HEAD_BYTES, is_whole, tag_bytes
from framefleet.media.types import MediaInfo
from framefleet.media.video.orientation import Turn, turn_of
from framefleet.media.video.packets import (
    begins_anew,
    clock_of,
    said_by,
    timed,
)
from framefleet.schema.document import AudioInfo, DurationFrom
from framefleet.timebase import seconds

log = logger(__name__)

_PACKETS_TO_A_PICTURE = 1000  # more without a frame: encrypted, or not what the header states
_REORDERED = Fraction(2)  # seconds: MPEG-TS has no index, so that a seek to the end may miss reordered frames
_LOOK_BACK = Fraction(15)  # seconds, and then four times as far
_RAW = {"aac", "ac3", "amr", "amrnb", "amrwb", "dts", "eac3", "loas", "mlp", "mp3", "sbc", "truehd"}
_BY_BYTES = {"wav", "w64"}
_STILL = Fraction(1)  # if sound continues for longer, the last frame stays; otherwise muxers disagree about the end
_STANDS = Fraction(10)  # and for longer than any gap that is not a jump of the clock
_PUT_RIGHT = "its timestamps jump or are partly wrong; corrected, so that everything is on one clock"
_READ_ANEW = "one clock"
_CUT_SHORT = Fraction(1)  # muxers disagree about the end by less than this; a truncated file by more


def probe(path: Path, audio_track: int | str | None = None, video_track: int | None = None) -> MediaInfo:
    """Return what `path` contains.

    `audio_track` chooses an audio track by its number, counted from 1, or by its language; `video_track` a video track
    by its number. Decodes one frame. Raises `InputError`, one line with the file's name and a remedy, and `UsageError`
    if there is no such track.
    """
    with open_media(path) as container:
        track = choose_track(path, container, audio_track)
        video = video_stream(container, _choose_pictures(path, container, video_track))
        audio = audio_stream(container, track) if track is not None else None
        refuse_encrypted(path, container, video, audio)
        if video is None and audio is None:
            raise InputError(
                f"{path}: neither its video nor its sound can be decoded", hint="convert it to H.264 in .mp4"
            )
        main = video or audio
        assert main is not None
        try:
            first = _first_picture(container, video) if video is not None else None
            reach = _read_all(path) if _needs_all(container, main) else _tail(container, main)
            if audio is not None and audio.index not in reach.ends and not reach.whole:
                _look_back(container, main, audio, reach)
            if video is not None and _stands_long(container, video, reach):
                reach = _if_changed(_read_all(path), reach)
            if audio is not None and reach.tells_no_times(audio):
                reach = reach if reach.whole else _read_all(path)
                reach.count(audio)
        except av.FFmpegError as error:
            raise InputError(f"{path}: damaged ({reason_of(error)})", hint="copy or download it again") from None
        if video is not None and first is None:
            raise InputError(
                f"{path}: no frame of its video ({_codec(video)}) can be decoded", hint="convert it to H.264"
            )
        return _describe(path, container, video, first, audio, track, reach)


def _choose_pictures(path: Path, container: InputContainer, wanted: int | None) -> int | None:
    """Raise `UsageError`, which lists the existing tracks, if there is no such one or its codec is unknown."""
    streams = moving_streams(container)
    if wanted is None or any(number == wanted and s.codec_context for number, s in enumerate(streams, 1)):
        return wanted
    told = "; ".join(f"{number}: {_listed(stream)}" for number, stream in enumerate(streams, 1))
    count = f"{len(streams) or 'no'} video track{'s' * (len(streams) > 1)}"
    raise UsageError(f"--video-track {wanted}: {path} has {count}{': ' * bool(told)}{told}")


def _listed(stream: VideoStream) -> str:
    context = stream.codec_context
    return f"{_codec(stream)} {context.width}×{context.height}" if context is not None else "of an unknown codec"


@dataclass(frozen=True, slots=True)
class _First:
    start: Fraction
    width: int
    height: int
    turn: Turn
    oddly_shown: str | None
    read_anew: tuple[str, ...]


@dataclass(slots=True)
class _Reach:
    """The start and end of each stream's packets, in the file's own time, corrected. `whole`: all packets were read."""

    starts: dict[int, Fraction] = field(default_factory=dict)
    ends: dict[int, Fraction] = field(default_factory=dict)
    whole: bool = False
    changed: bool = False  # some times were corrected
    _latest: dict[int, Fraction] = field(default_factory=dict)
    _lengths: dict[int, Fraction] = field(default_factory=dict)  # of all packets together, in seconds

    def add(self, packet: "Packet[Stream]") -> None:
        end, stream = packet_end(packet), packet.stream_index
        if packet.size and not packet.is_discard:
            length = (packet.duration or 0) * packet.time_base
            self._lengths[stream] = self._lengths.get(stream, Fraction(0)) + length
        if end is not None and packet.pts is not None:
            start = packet.pts * packet.time_base
            self.starts[stream] = min(start, self.starts.get(stream, start))
            self.ends[stream] = max(end, self.ends.get(stream, end))
            self._latest[stream] = max(start, self._latest.get(stream, start))

    def tells_no_times(self, sound: AudioStream) -> bool:
        """Return whether its packets have no times, or all the same one, and last longer than that implies."""
        start, length = self.starts.get(sound.index, Fraction(0)), self._lengths.get(sound.index, Fraction(0))
        return self._latest.get(sound.index, start) == start and start + length > self.ends.get(sound.index, start)

    def count(self, sound: AudioStream) -> None:
        """Let its packets follow each other without gaps."""
        start = self.starts.setdefault(sound.index, Fraction(0))
        self.ends[sound.index] = start + self._lengths[sound.index]


def _describe(
    path: Path,
    container: InputContainer,
    video: VideoStream | None,
    first: _First | None,
    audio: AudioStream | None,
    track: int | None,
    reach: _Reach,
) -> MediaInfo:
    main = video or audio
    assert main is not None
    start = first.start if first else _start(main, reach)
    end, told_by = _end(path, container, main, reach)
    last = end
    if video is not None:
        sound = [reach.ends[s.index] for s in container.streams.audio if s.index in reach.ends]
        sound += [_end(path, container, audio, reach)[0]] if audio is not None else []
        last = max(sound) if sound and max(sound) > end + _STILL else end
    anew = (_READ_ANEW,) if reach.changed else ()
    rate = rate_of(video) if video is not None else None
    used = _track_of(container, video)
    return MediaInfo(
        path=path,
        size_bytes=path.stat().st_size,
        start=start,
        duration_s=seconds(max(last - start, Fraction(0))),
        width=first.width if first else 0,
        height=first.height if first else 0,
        rotation=first.turn.rotation if first else 0,
        mirrored=first is not None and first.turn.mirrored,
        track=used.number,
        tracks=used.of,
        usual_track=used.usual,
        counted_at=float(rate or 0) if container.format.name in TIMELESS else None,
        oddly_shown=first.oddly_shown if first else None,
        fps=float(rate or 0),
        codec=_codec(video) if video is not None else "",
        frame_count=(video.frames or round((end - start) * (rate or 0))) if video is not None else 0,
        audio=_describe_audio(path, container, audio, track, start, reach) if audio is not None else None,
        has_video=video is not None,
        unknown_pictures=video is None and bool(moving_streams(container)),
        unknown_sound=audio is None and bool(container.streams.audio),
        pictures_s=seconds(max(end - start, Fraction(0))) if last > end else None,
        duration_from=told_by,
        notes=(_PUT_RIGHT,) if reach.changed else (),
        pictures_read_anew=(*_read_anew(first), *anew),
        sound_read_anew=anew,
    )


def _read_anew(first: _First | None) -> tuple[str, ...]:
    """Return the reading versions of the video: the kinds that were once read differently."""
    if first is None:
        return ()
    return (*(("mirrored",) if first.turn.mirrored else ()), *first.read_anew)


class _Track(NamedTuple):
    """Which of the video tracks it is, counted from 1; neither number where there is no other."""

    number: int | None
    of: int | None
    usual: bool


def _track_of(container: InputContainer, video: VideoStream | None) -> _Track:
    tracks = moving_streams(container)
    if video is None or len(tracks) < 2:
        return _Track(None, None, usual=True)
    return _Track(tracks.index(video) + 1, len(tracks), usual=video is video_stream(container))


def _describe_audio(
    path: Path, container: InputContainer, audio: AudioStream, track: int | None, zero: Fraction, reach: _Reach
) -> AudioInfo:
    start = _start(audio, reach)
    end, told_by = _end(path, container, audio, reach)
    return AudioInfo(
        codec=_codec(audio),
        sample_rate=audio.codec_context.sample_rate,
        channels=audio.codec_context.channels,
        start_s=seconds(start - zero),
        duration_s=seconds(max(end - start, Fraction(0))),
        duration_from=told_by,
        track=track,
        tracks=len(container.streams.audio),
        language=language_of(audio),
    )


def _first_picture(container: InputContainer, video: VideoStream) -> _First | None:
    """Return the first frame shown; None if there is none.

    Its time is its own, since `start_time` in headers ignores the delay of B-frames (AVI) and the cuts of edit lists.
    If the file's beginning is damaged, it is the earliest time of the packets, so that the loss becomes a gap.
    """
    video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    promised: list[int] = []
    damaged = False
    said = said_by(video)
    own = (packet for packet in timed(container) if packet.stream_index == video.index)
    for count, packet in enumerate(cast("Iterator[Packet[VideoStream]]", own)):
        if packet.pts is not None and not packet.is_discard:
            promised.append(packet.pts)
        said.hear(packet)
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            log.debug("a frame at the beginning cannot be decoded", exc_info=error)
            frames, damaged = [], True
        for frame in frames:
            if frame.pts is None or frame.time_base is None:
                continue
            turn, oddly_shown = turn_of(frame)
            pts = min(promised, default=frame.pts) if damaged else frame.pts
            size = turn.size((frame.width, frame.height))
            return _First(pts * frame.time_base, *size, turn, oddly_shown, said.read_anew)
        if count > _PACKETS_TO_A_PICTURE:
            break
    return None


def _needs_all(container: InputContainer, main: Stream) -> bool:
    """Return whether only reading all packets gives the duration: the clock may jump, or no header is reliable."""
    name = container.format.name
    return begins_anew(container) or name in _RAW | TIMELESS or (name in _BY_BYTES and _misstates_rate(container, main))


def _misstates_rate(container: InputContainer, main: Stream) -> bool:
    """Return whether PCM has another number of bytes per second than the header states.

    FFmpeg seeks, and computes times, by the header's.
    """
    if not isinstance(main, AudioStream) or not main.codec_context.name.startswith("pcm_"):
        return False
    packet = next((packet for packet in container.demux(main) if packet.size and packet.duration), None)
    if packet is None or packet.duration is None:
        return False
    rate = packet.size * 8 / (packet.duration * packet.time_base)
    return abs((main.codec_context.bit_rate or 0) - rate) > rate / 1000


def _stands_long(container: InputContainer, video: VideoStream, reach: _Reach) -> bool:
    """Return whether sound ends long after the video, so that all packets must be read.

    Either the last frame stays on screen, or the sound's clock jumps.
    """
    end = reach.ends.get(video.index, header_end(container, video))
    ends = [container_end(container), *(reach.ends.get(sound.index, end) for sound in container.streams.audio)]
    return not reach.whole and bool(container.streams.audio) and max(ends) > end + _STANDS


def _if_changed(every: _Reach, reach: _Reach) -> _Reach:
    return every if every.changed else reach


def _read_all(path: Path) -> _Reach:
    """Return when all streams begin and end, from all packets of a read from the beginning."""
    reach = _Reach(whole=True)
    with open_media(path) as container:
        clock = clock_of(container)
        try:
            for packet in timed(container, clock):
                reach.add(packet)
        except av.FFmpegError as error:  # the rest cannot be read, and decoding reports it
            log.debug("%s cannot be read to its end; using what was read", path, exc_info=error)
        if clock.changed:  # then FFmpeg's frame rate, and so its frame durations, are wrong, too
            reach.changed, reach.ends = True, reach.ends | clock.ends()
    return reach


def _tail(container: InputContainer, main: Stream) -> _Reach:
    """Return the ends of all streams, from the packets after the last keyframe; from all packets if there are none."""
    assert main.time_base is not None
    reach = _Reach()
    if container.duration is not None and not _counts_only(container, main):
        last = max(header_start(main), container_end(container) - _REORDERED)
        _read_packets(container, main, int(last / main.time_base), reach)
    if main.index not in reach.ends:
        _read_packets(container, main, int(header_start(main) / main.time_base), reach)
    return reach


def _counts_only(container: InputContainer, main: Stream) -> bool:
    """Return whether times are right only if all is read.

    WAV has no times: after a seek, FFmpeg computes them from the position in the file and the header's average of bytes
    per second, which is exact only for PCM.
    """
    return container.format.name == "wav" and not main.codec_context.name.startswith("pcm_")


def _look_back(container: InputContainer, main: Stream, audio: AudioStream, reach: _Reach) -> None:
    """Note the end of sound that ended long before the video did; its beginning if there is none at all.

    The header's end is the first place to search, but FFmpeg also makes up values that are missing in the header.
    """
    assert main.time_base is not None
    first, back = header_start(main), _LOOK_BACK
    stop = min(header_end(container, audio), max(reach.ends.values(), default=first))
    while audio.index not in reach.ends:
        _read_packets(container, main, int(max(first, stop - back) / main.time_base), reach, until=stop + _LOOK_BACK)
        if stop - back < first:
            reach.ends.setdefault(audio.index, header_start(audio))
        back *= 4


def _read_packets(
    container: InputContainer, main: Stream, pts: int, reach: _Reach, *, until: Fraction | None = None
) -> None:
    try:
        container.seek(pts, stream=main)
        for packet in timed(container):
            reach.add(packet)
            if until is not None and until < (packet_end(packet) or until):
                return
    except av.FFmpegError as error:
        log.debug("the end of the file cannot be read", exc_info=error)
        return  # a damaged end: what was read so far counts


def _start(stream: Stream, reach: _Reach) -> Fraction:
    """Return when `stream` begins: by the header, unless times were corrected."""
    begins = header_start(stream)
    return reach.starts.get(stream.index, begins) if reach.changed else begins


def _end(path: Path, container: InputContainer, stream: Stream, reach: _Reach) -> tuple[Fraction, DurationFrom]:
    """Return the end of `stream` in the file's own time, and its source.

    It is that of its last packet, or the header's if the file was truncated. Packets are right where headers are not:
    Matroska states one duration for all streams, MP4 the sum of decoding steps. But if the end of a file is missing,
    only the header knows how long it was.
    """
    here = reach.ends.get(stream.index)
    promised = header_end(container, stream)
    if reach.whole:
        cut = here is not None and container.format.name == "mp3" and _is_cut(path) and promised > here + _CUT_SHORT
        return (promised, "header") if cut else (here if here is not None else _start(stream, reach), "counted")
    if here is None:
        return promised, "estimated"
    if max(promised, container_end(container)) < max(reach.ends.values()) + _CUT_SHORT or promised <= here:
        return here, "index"
    return (here, "index") if _is_all_there(path, container, stream, here) else (promised, "header")


def _is_all_there(path: Path, container: InputContainer, stream: Stream, here: Fraction) -> bool:
    """Return whether a header that promises more than there is up to `here` is wrong.

    It is if the file has its full size, or if its index (MP4) has no more entries.
    """
    name = container.format.name
    if name.startswith("mov") and stream.frames and len(stream.index_entries) == stream.frames:
        return stream.index_entries[-1].timestamp * (stream.time_base or 0) < here + _CUT_SHORT
    return name.startswith(("matroska", "avi")) and bool(_whole(path))


def _is_cut(path: Path) -> bool:
    return _whole(path) is False


def _whole(path: Path) -> bool | None:
    with path.open("rb") as file:
        begin = tag_bytes(file.read(10))
        file.seek(begin)
        return is_whole(file.read(HEAD_BYTES), path.stat().st_size - begin)


def _codec(stream: VideoStream | AudioStream) -> str:
    return stream.codec_context.codec.canonical_name
