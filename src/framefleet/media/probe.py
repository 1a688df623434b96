"""What a file is, from its header, its first picture and its last packets."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from framefleet.errors import InputError, UsageError
from framefleet.media.audio_track import choose_track, language_of
from framefleet.media.container import (
    MAX_PIXELS,
    audio_stream,
    demuxed,
    moving_streams,
    open_media,
    packet_end,
    rate_of,
    reason_of,
    refuse_encrypted,
    video_stream,
)
from framefleet.media.info import AudioInfo, MediaInfo
from framefleet.media.kind import TIMELESS
from framefleet.media.packets import said_by
from framefleet.media.restart import refuse_restarts
from framefleet.media.turn import Turn, turn_of
from framefleet.units import seconds

_AV_TIME_BASE = Fraction(1, 1_000_000)
_PACKETS_TO_A_PICTURE = 1000  # more without one picture: encrypted, or not what the header says
_REORDERED = Fraction(2)  # seconds: MPEG-TS has no index, so a seek to the end may miss pictures stored out of order
_LOOK_BACK = Fraction(15)  # seconds, and then four times as many
_CUT_SHORT = Fraction(1)  # muxers disagree about the end by less than this; a cut file by more


def probe(path: Path, audio_track: int | str | None = None, video_track: int | None = None) -> MediaInfo:
    """What `path` is, and the audio track of that number (from 1) or language; pictures of the track of that number.

    Decodes one picture of it.

    Raises `InputError`, one line naming the file and the remedy, and `UsageError` where there is no such track.
    """
    with open_media(path) as container:
        track = choose_track(path, container, audio_track)
        video = video_stream(container, _choose_pictures(path, container, video_track))
        audio = audio_stream(container, track) if track is not None else None
        refuse_encrypted(path, container, video, audio)
        if video is None and audio is None:
            raise InputError(f"{path}: neither pictures nor sound in it can be decoded; convert it to H.264 in .mp4")
        main = video or audio
        assert main is not None
        try:
            first = _first_picture(container, video) if video is not None else None
            tail = _tail(container, main) if container.format.name not in TIMELESS else _all_of(path, main)
            if audio is not None and audio.index not in tail.ends:
                _look_back(container, main, audio, tail)
        except av.FFmpegError as error:
            raise InputError(f"{path}: damaged ({reason_of(error)}); copy or download it again") from None
        if video is not None and first is None:
            raise InputError(f"{path}: none of its pictures ({_codec(video)}) can be decoded; convert it to H.264")
        if container.format.name == "mpegts":
            refuse_restarts(path, main.index)
        return _describe(path, container, video, first, audio, track, tail)


def _choose_pictures(path: Path, container: InputContainer, wanted: int | None) -> int | None:
    """Raises `UsageError`, which lists the tracks there are, where there is no such one or its codec is unknown."""
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
class _Tail:
    """Where each stream's last packet ends, in the file's own time."""

    ends: dict[int, Fraction] = field(default_factory=dict)

    def add(self, packet: "Packet[Stream]") -> None:
        end = packet_end(packet)
        if end is not None:
            self.ends[packet.stream_index] = max(end, self.ends.get(packet.stream_index, end))


def _describe(
    path: Path,
    container: InputContainer,
    video: VideoStream | None,
    first: _First | None,
    audio: AudioStream | None,
    track: int | None,
    tail: _Tail,
) -> MediaInfo:
    main = video or audio
    assert main is not None
    start = first.start if first else _header_start(main)
    end = _end(container, main, tail)
    rate = rate_of(video) if video is not None else None
    return MediaInfo(
        path=path,
        size_bytes=path.stat().st_size,
        start=start,
        duration_s=seconds(max(end - start, Fraction(0))),
        width=first.width if first else 0,
        height=first.height if first else 0,
        rotation=first.turn.rotation if first else 0,
        mirrored=first is not None and first.turn.mirrored,
        **_track_of(container, video),
        counted_at=float(rate or 0) if container.format.name in TIMELESS else None,
        oddly_shown=first.oddly_shown if first else None,
        pictures_read_anew=(*(("mirrored",) if first.turn.mirrored else ()), *first.read_anew) if first else (),
        fps=float(rate or 0),
        codec=_codec(video) if video is not None else "",
        frame_count=(video.frames or round((end - start) * (rate or 0))) if video is not None else 0,
        audio=_describe_audio(container, audio, track, start, tail) if audio is not None else None,
        has_video=video is not None,
        unknown_pictures=video is None and bool(moving_streams(container)),
        unknown_sound=audio is None and bool(container.streams.audio),
    )


def _track_of(container: InputContainer, video: VideoStream | None) -> dict[str, Any]:
    tracks = moving_streams(container)
    if video is None or len(tracks) < 2:
        return {}
    return {"track": tracks.index(video) + 1, "tracks": len(tracks), "usual_track": video is video_stream(container)}


def _describe_audio(
    container: InputContainer, audio: AudioStream, track: int | None, zero: Fraction, tail: _Tail
) -> AudioInfo:
    start = _header_start(audio)
    return AudioInfo(
        codec=_codec(audio),
        sample_rate=audio.codec_context.sample_rate,
        channels=audio.codec_context.channels,
        start_s=seconds(start - zero),
        duration_s=seconds(max(_end(container, audio, tail) - start, Fraction(0))),
        track=track,
        tracks=len(container.streams.audio),
        language=language_of(audio),
    )


def _first_picture(container: InputContainer, video: VideoStream) -> _First | None:
    """The first picture shown; None if there is none.

    Its own time, since `start_time` in headers ignores the delay of B-frames (AVI) and what edit lists cut off. Where
    the file begins damaged, the earliest time that its packets promise: what is lost then shows up as a gap.
    """
    video.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    promised: list[int] = []
    damaged = False
    said = said_by(video)
    for count, packet in enumerate(demuxed(container.demux(video))):
        if packet.pts is not None and not packet.is_discard:
            promised.append(packet.pts)
        said.hear(packet)
        try:
            frames = packet.decode()
        except av.FFmpegError:
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


def _tail(container: InputContainer, main: Stream) -> _Tail:
    """The ends of all streams, from the packets that follow the last key frame; from all packets if none follow."""
    assert main.time_base is not None
    tail = _Tail()
    if container.duration is not None and not _counts_only(container, main):
        last = max(_header_start(main), _container_end(container) - _REORDERED)
        _read_packets(container, main, int(last / main.time_base), tail)
    if main.index not in tail.ends:
        _read_packets(container, main, int(_header_start(main) / main.time_base), tail)
    return tail


def _all_of(path: Path, main: Stream) -> _Tail:
    """The same of pictures without a container, which have no times to seek by."""
    tail = _Tail()
    with open_media(path) as container:
        for packet in demuxed(container.demux(container.streams[main.index])):
            tail.add(packet)
    return tail


def _counts_only(container: InputContainer, main: Stream) -> bool:
    """Whether times are right only if all is read. WAV has none: after a seek FFmpeg tells them by the place in the
    file and the header's average of bytes a second, which is exact for PCM alone."""
    return container.format.name == "wav" and not main.codec_context.name.startswith("pcm_")


def _look_back(container: InputContainer, main: Stream, audio: AudioStream, tail: _Tail) -> None:
    """Notes the end of sound that ended long before the pictures did; its beginning if there is none at all.

    What the header says of it is where to look first, but FFmpeg makes up what a header does not say, too.
    """
    assert main.time_base is not None
    first, back = _header_start(main), _LOOK_BACK
    stop = min(_header_end(container, audio), max(tail.ends.values(), default=first))
    while audio.index not in tail.ends:
        _read_packets(container, main, int(max(first, stop - back) / main.time_base), tail, until=stop + _LOOK_BACK)
        if stop - back < first:
            tail.ends.setdefault(audio.index, _header_start(audio))
        back *= 4


def _read_packets(
    container: InputContainer, main: Stream, pts: int, tail: _Tail, *, until: Fraction | None = None
) -> None:
    try:
        container.seek(pts, stream=main)
        for packet in demuxed(container.demux()):
            tail.add(packet)
            if until is not None and until < (packet_end(packet) or until):
                return
    except av.FFmpegError:
        return  # a file that ends badly: what was read up to there counts


def _end(container: InputContainer, stream: Stream, tail: _Tail) -> Fraction:
    """The end of `stream` in the file's own time: that of its last packet, or the header's if the file was cut short.

    Packets are right where headers are not: Matroska states one duration for all streams, MP4 the sum of decoding
    steps. But of a file whose end is missing, only the header knows how long it was.
    """
    here = tail.ends.get(stream.index)
    promised = _header_end(container, stream)
    if here is not None and max(promised, _container_end(container)) < max(tail.ends.values()) + _CUT_SHORT:
        return here
    return max(promised, here or promised)


def _header_start(stream: Stream) -> Fraction:
    return (stream.start_time or 0) * (stream.time_base or Fraction(0))


def _header_end(container: InputContainer, stream: Stream) -> Fraction:
    counted = Fraction(0)
    if container.format.name == "avi" and isinstance(stream, VideoStream) and stream.average_rate:
        counted = stream.frames / stream.average_rate  # FFmpeg puts a guess in place of the duration, not of this
    if stream.duration is not None and stream.time_base is not None:
        return _header_start(stream) + max(stream.duration * stream.time_base, counted)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # Matroska's, by track: 00:01:02.345000000
    minutes, _, secs = rest.partition(":")
    try:
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(secs)
    except ValueError:
        return _container_end(container)


def _container_end(container: InputContainer) -> Fraction:
    return ((container.start_time or 0) + (container.duration or 0)) * _AV_TIME_BASE


def _codec(stream: VideoStream | AudioStream) -> str:
    return stream.codec_context.codec.canonical_name
