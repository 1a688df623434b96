"""Opening untrusted media files: by their content, with one demuxer, and nothing but that file.

The file's own bytes choose one demuxer from a list (`kind`), and FFmpeg may use no other. FFmpeg gets the open file,
and has no way to open another.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from errno import EACCES
from fractions import Fraction
from itertools import islice
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, NoReturn, TypeVar

import av
from av.audio.stream import AudioStream
from av.container import Container, InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from framefleet.errors import InputError
from framefleet.logs import logger
from framefleet.media.files.encryption import ALL, encryption, sample_aes
from framefleet.media.files.kind import (
    ADRIFT,
    CONVERTIBLE,
    EMPTY,
    ORDERLY,
    PLAYLIST,
    SNIFFED_BYTES,
    TIMELESS,
    UNKNOWN,
    sniff,
    sniff_moving,
    what_else,
)

log = logger(__name__)

MAX_PIXELS = 8192 * 8192  # twice 8K; a header may claim any size, and memory is allocated before the first pixel

AnyPacket = TypeVar("AnyPacket", bound="Packet[Any]")

_AV_TIME_BASE = Fraction(1, 1_000_000)
_PACKETS_TO_TELL, _FRAMES_TO_TELL = 500, 3  # no frame of a truncated GOP can be decoded
_BUFFER_BYTES = 1 << 16  # per read; each read waits for Python's other threads
_READ = (
    "mp4, mov, mkv, webm, avi, ts, mpg, vob, flv, wmv, mxf, gif, raw H.264, mp3, m4a, wav, flac, ogg and others are"
    " supported, whatever the file's name"
)
_paths: dict[int, Path] = {}  # of open containers, by their id: FFmpeg does not learn the names
_REMEDIES = {
    EMPTY: "copy or download it again",
    PLAYLIST: "pass one of those files",
}


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open the file for reading, and close it at the end. Raises `InputError` with the file's name and a remedy."""
    demuxer, why_not = _kind_of(path)
    if demuxer is None:
        raise _refused(path, why_not or UNKNOWN)
    with ExitStack() as stack:
        try:
            container = stack.enter_context(_opened(path, demuxer, demuxer))
        except (av.FFmpegError, ValueError, OSError) as error:
            how = next(iter(_encryption(path, demuxer).values()), None)
            if how is not None:
                raise _locked(path, "", how) from None
            raise InputError(
                f"{path}: damaged or incomplete ({reason_of(error)})", hint="copy or download it again", code="damaged"
            ) from None
        _paths[id(container)] = path
        stack.callback(_paths.pop, id(container))
        yield container


def _refused(path: Path, why_not: str) -> InputError:
    if why_not in _REMEDIES:
        return InputError(f"{path}: {why_not}", hint=_REMEDIES[why_not])
    what = f"not a video or sound{f' but {why_not}' if why_not != UNKNOWN else ''}"
    hint = "convert it first" if why_not in CONVERTIBLE else "give a video or sound file"
    return InputError(f"{path}: {what} ({_READ})", hint=hint, code="unsupported_format")


@contextmanager
def _opened(path: Path, demuxer: str | None, allowed: str) -> Iterator[InputContainer]:
    """Open the file with that demuxer, or one that FFmpeg finds among those `allowed`. Raises what PyAV raises."""
    with io.FileIO(path) as file:
        file.name = ""  # FFmpeg could choose the demuxer by the name, or take it for a URL
        with av.open(
            file,
            "r",
            format=demuxer,
            metadata_errors="replace",
            buffer_size=_BUFFER_BYTES,
            io_open=_open_nothing,
            container_options={"format_whitelist": allowed, "protocol_whitelist": "none", "enable_drefs": "0"},
        ) as container:
            yield container


def refuse_encrypted(path: Path, container: InputContainer, video: Stream | None, audio: Stream | None) -> None:
    """Raise `InputError` if a chosen stream is encrypted or, where none is chosen, any of its type."""
    how = _encryption(path, demuxer_of(container))
    locked: dict[str, str] = {}
    for what, chosen, those in (
        ("video", video, moving_streams(container)),
        ("sound", audio, container.streams.audio),
    ):
        for stream in [chosen] if chosen is not None else those:
            if (way := _way(stream, how)) is not None:
                locked[what] = way
    if locked:
        raise _locked(path, " and ".join(locked), ", ".join(dict.fromkeys(locked.values())))


def _way(stream: Stream, how: Mapping[int, str]) -> str | None:
    """Return how a stream is encrypted, in words."""
    if "enc_key_id" in stream.metadata:  # Matroska's
        return "WebM"
    way = how.get(stream.id) or how.get(ALL)
    if way is None and demuxer_of(stream.container) == "mpegts" and stream.codec_context is not None:
        return sample_aes(stream.codec_context)
    return way


def _encryption(path: Path, demuxer: str) -> Mapping[int, str]:
    try:
        return encryption(path, demuxer)
    except OSError:
        return {}


def _locked(path: Path, what: str, how: str) -> InputError:
    subject = f"its {what} {'are' if ' and ' in what else 'is'} encrypted" if what else "it is encrypted"
    return InputError(
        f"{path}: {subject} ({how})",
        hint="use a copy without copy protection",
        code="encrypted",
    )


def demuxer_of(container: Container) -> str:
    """Return the name of the demuxer, as `sniff` returns it."""
    names = container.format.name.split(",")
    return "mp4" if "mp4" in names else names[0]


def _open_nothing(*_: object) -> NoReturn:
    """Refuse to open a file that the open one refers to. FFmpeg calls this."""
    raise PermissionError(EACCES, "names another file")


def path_of(container: InputContainer) -> Path:
    """Return the path of an open file, for reading its bytes."""
    return _paths.get(id(container)) or Path(container.name.removeprefix("file:"))


def video_stream(container: InputContainer, track: int | None = None) -> VideoStream | None:
    """Return the video stream to decode; None if its codec is unknown.

    It is the `track`-th of `moving_streams`, counted from 1, or else the best one with a known codec.
    """
    if track is not None:
        streams = moving_streams(container)[track - 1 : track]
        return next((s for s in streams if s.codec_context is not None), None)
    known = [s for s in moving_streams(container) if s.codec_context is not None]
    best = container.streams.best("video")
    return next((s for s in known if s is best), known[0] if known else None)


def moving_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video streams without cover art; `codec_context` is None if the codec is unknown."""
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def audio_stream(container: InputContainer, track: int | None = None) -> AudioStream | None:
    """Return the audio stream to decode; None if its codec is unknown.

    It is the `track`-th, counted from 1, or else the best one with a known codec.
    """
    if track is not None:
        streams = container.streams.audio[track - 1 : track]
        return next((s for s in streams if s.codec_context is not None), None)
    known = [s for s in container.streams.audio if s.codec_context is not None]
    best = container.streams.best("audio")
    return next((s for s in known if s is best), known[0] if known else None)


def demuxed(packets: Iterator[AnyPacket]) -> Iterator[AnyPacket]:
    """Yield the packets of `container.demux(…)`, up to the end of the file.

    If no packet has a time (H.264 and HEVC without a container), each gets the one of its place in the file, so that
    `packets` must be all of the file's. PyAV raises `IndexError` at the end if a stream began only after opening
    (MPEG-TS), because it has no entry for it. Raises `av.FFmpegError` if the file cannot be read any further.
    """
    ticks = 0
    try:
        for packet in packets:
            if packet.pts is None and packet.dts is None and packet.size and _kind(packet.stream) in ORDERLY:
                if not (ticks or packet.is_keyframe):
                    continue  # frames before the first keyframe refer to missing ones, and are never shown
                packet.pts = packet.dts = ticks
                ticks += _lasting(packet)
            yield packet
    except IndexError:
        return


def _lasting(packet: "Packet[Any]") -> int:
    """Return a packet's duration in ticks: a field, a frame, or one and a half (telecine).

    FFmpeg makes it up before the first parameter set.
    """
    usual = round(frame_length(packet.stream) / packet.time_base)
    said = packet.duration or 0
    if not usual:
        return said or 1
    return said if 0.45 < said / usual < 0.55 or 0.9 < said / usual < 1.6 else usual


def _kind(stream: Stream) -> str:
    return stream.container.format.name


def refusal(path: Path) -> str | None:
    """Return why the file is not a video or sound, in words; None if it seems to be one.

    Only its bytes are checked; `open_media` may find out more. Raises `InputError` if it cannot be read.
    """
    return _kind_of(path)[1]


def _kind_of(path: Path) -> tuple[str | None, str | None]:
    """Return the demuxer for the file, or why there is none."""
    head = _head_of(path)
    if not head:
        return None, EMPTY
    try:
        demuxer = sniff(head) or sniff_moving(path, head)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", hint="check its permissions") from None
    why_not = None if demuxer else what_else(head)
    demuxer = demuxer or (_found_further_on(path) if why_not is None else None)
    return demuxer, None if demuxer else why_not or UNKNOWN


def _found_further_on(path: Path) -> str | None:
    """Return the demuxer for a stream without a container that begins in the middle, or with something else.

    FFmpeg searches the first MB for it; only a stream that then decodes counts.
    """
    try:
        with _opened(path, None, ",".join(ADRIFT)) as container:
            streams = [s for s in container.streams if isinstance(s, VideoStream | AudioStream) and s.codec_context]
            decoded = 0
            for packet in islice(container.demux(streams) if streams else (), _PACKETS_TO_TELL):
                try:
                    decoded += len(packet.decode())
                except av.FFmpegError as error:
                    log.debug("a packet cannot be decoded", exc_info=error)
                if decoded >= _FRAMES_TO_TELL:
                    break
            return container.format.name if decoded >= _FRAMES_TO_TELL else None
    except (av.FFmpegError, ValueError, OSError, IndexError) as error:
        log.debug("%s: no stream found after the beginning", path, exc_info=error)
        return None


def _head_of(path: Path) -> bytes:
    try:
        # from Python 3.14 on, `exists` and `is_file` return False instead of raising the reason
        mode = path.stat().st_mode
        if not S_ISREG(mode):
            raise InputError(f"{path}: {('a folder' if S_ISDIR(mode) else 'not a file')}", hint="pass a video file")
        with path.open("rb") as file:
            head = file.read(SNIFFED_BYTES)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise _missing(path) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", hint="check its permissions") from None
    return head


def _missing(path: Path) -> InputError:
    scheme, found, rest = path.as_posix().partition(":/")  # a path turns the two slashes of a URL into one
    if found and scheme.isalnum() and len(scheme) > 1:
        return InputError(
            f"{scheme}://{rest}: URLs are not supported, only files", hint="download it first", code="url"
        )
    return InputError(f"{path}: no such file", hint="check the name and the folder", code="no_such_file")


def reason_of(error: Exception) -> str:
    """Return FFmpeg's own message, in lower case."""
    return (getattr(error, "strerror", None) or str(error)).lower()


def packet_end(packet: "Packet[Stream] | Packet[VideoStream]") -> Fraction | None:
    """Return when the packet's frame leaves the screen, in the file's own time; None if it is never shown."""
    if packet.pts is None or packet.is_discard:
        return None
    length = packet.duration * packet.time_base if packet.duration else frame_length(packet.stream)
    return packet.pts * packet.time_base + length


def frame_length(stream: Stream) -> Fraction:
    """Return a frame's duration if its packet has none (MPEG-TS): one step of the stream's average rate."""
    rate = rate_of(stream) if isinstance(stream, VideoStream) else None
    return 1 / rate if rate else Fraction(0)


def rate_of(stream: VideoStream) -> Fraction | None:
    """Return the average frame rate by the header or, without a container, by the frames themselves."""
    if _kind(stream) in TIMELESS or _kind(stream) == "dv":  # the average is FFmpeg's default, or the clock's rate
        return stream.guessed_rate
    return stream.average_rate or stream.guessed_rate


def header_start(stream: Stream) -> Fraction:
    """Return when `stream` begins by the header, in the file's own time."""
    return (stream.start_time or 0) * (stream.time_base or Fraction(0))


def header_end(container: InputContainer, stream: Stream) -> Fraction:
    """Return when `stream` ends by the header; if it does not say, when the whole file does."""
    counted = Fraction(0)
    if container.format.name == "avi" and isinstance(stream, VideoStream) and stream.average_rate:
        counted = stream.frames / stream.average_rate  # FFmpeg replaces the duration by a guess, but not this
    if stream.duration is not None and stream.time_base is not None:
        return header_start(stream) + max(stream.duration * stream.time_base, counted)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # Matroska's, by track: 00:01:02.345000000
    minutes, _, secs = rest.partition(":")
    try:
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(secs)
    except ValueError:
        return container_end(container)


def container_end(container: InputContainer) -> Fraction:
    """Return when the longest stream ends, by the header."""
    return ((container.start_time or 0) + (container.duration or 0)) * _AV_TIME_BASE
