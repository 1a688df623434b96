"""Opening somebody else's file: by its content, with one demuxer, as a file and nothing else.

The file's own bytes choose one demuxer of a list (`kind`), and FFmpeg is held to it. It is handed the open file, and
has no way to open another.
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

MAX_PIXELS = 8192 * 8192  # twice 8K; a header may claim any size, and memory is taken before a pixel is seen

AnyPacket = TypeVar("AnyPacket", bound="Packet[Any]")

_AV_TIME_BASE = Fraction(1, 1_000_000)
_PACKETS_TO_TELL, _FRAMES_TO_TELL = 500, 3  # of a group that was cut off none can be decoded
_BUFFER_BYTES = 1 << 16  # read at once; each read waits for Python's other threads
_READ = (
    "mp4, mov, mkv, webm, avi, ts, mpg, vob, flv, wmv, mxf, gif, raw H.264, mp3, m4a, wav, flac, ogg and others are"
    " read, whatever the name says"
)
_paths: dict[int, Path] = {}  # of what `open_media` holds open, by the container's id: FFmpeg need not know names
_REMEDIES = {
    EMPTY: "copy or download it again",
    PLAYLIST: "give one of those files",
}


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """The file opened for reading, closed at the end. Raises `InputError` naming the file and what to do about it."""
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
                f"{path}: damaged or incomplete ({reason_of(error)})", hint="copy or download it again"
            ) from None
        _paths[id(container)] = path
        stack.callback(_paths.pop, id(container))
        yield container


def _refused(path: Path, why_not: str) -> InputError:
    if why_not in _REMEDIES:
        return InputError(f"{path}: {why_not}", hint=_REMEDIES[why_not])
    what = f"not a video or sound{f' but {why_not}' if why_not != UNKNOWN else ''}"
    return InputError(f"{path}: {what} ({_READ})", hint="convert it first")


@contextmanager
def _opened(path: Path, demuxer: str | None, allowed: str) -> Iterator[InputContainer]:
    """The file, by that demuxer, or one that FFmpeg finds among those `allowed`. Raises what PyAV raises."""
    with io.FileIO(path) as file:
        file.name = ""  # which could choose the demuxer, and be taken for an address
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
    """Raises `InputError` where what is chosen of the file, or all that there is to choose from, is encrypted."""
    how = _encryption(path, demuxer_of(container))
    locked: dict[str, str] = {}
    for what, chosen, those in (
        ("pictures", video, moving_streams(container)),
        ("sound", audio, container.streams.audio),
    ):
        for stream in [chosen] if chosen is not None else those:
            if (way := _way(stream, how)) is not None:
                locked[what] = way
    if locked:
        raise _locked(path, " and ".join(locked), ", ".join(dict.fromkeys(locked.values())))


def _way(stream: Stream, how: Mapping[int, str]) -> str | None:
    """How a stream is encrypted, in words."""
    if "enc_key_id" in stream.metadata:  # Matroska's
        return "as WebM's specification says"
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
    subject = f"its {what} {'are' if 'pictures' in what else 'is'} encrypted" if what else "it is encrypted"
    return InputError(
        f"{path}: {subject} ({how}): it plays with its owner's key alone",
        hint="give a copy that is free of copy protection",
    )


def demuxer_of(container: Container) -> str:
    """Its name, as `sniff` says it."""
    names = container.format.name.split(",")
    return "mp4" if "mp4" in names else names[0]


def _open_nothing(*_: object) -> NoReturn:
    """What FFmpeg calls to open another file that this one names."""
    raise PermissionError(EACCES, "names another file")


def path_of(container: InputContainer) -> Path:
    """The file that is open, for who looks at its bytes."""
    return _paths.get(id(container)) or Path(container.name.removeprefix("file:"))


def video_stream(container: InputContainer, track: int | None = None) -> VideoStream | None:
    """The stream to look at: the `track`-th of `moving_streams`, counted from 1, or else the best of a known codec."""
    if track is not None:
        streams = moving_streams(container)[track - 1 : track]
        return next((s for s in streams if s.codec_context is not None), None)
    known = [s for s in moving_streams(container) if s.codec_context is not None]
    best = container.streams.best("video")
    return next((s for s in known if s is best), known[0] if known else None)


def moving_streams(container: InputContainer) -> list[VideoStream]:
    """All of pictures but cover art; `codec_context` is None where the codec is unknown."""
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def audio_stream(container: InputContainer, track: int | None = None) -> AudioStream | None:
    """The stream to listen to: the `track`-th, counted from 1, or else the best one. None if its codec is unknown."""
    if track is not None:
        streams = container.streams.audio[track - 1 : track]
        return next((s for s in streams if s.codec_context is not None), None)
    known = [s for s in container.streams.audio if s.codec_context is not None]
    best = container.streams.best("audio")
    return next((s for s in known if s is best), known[0] if known else None)


def demuxed(packets: Iterator[AnyPacket]) -> Iterator[AnyPacket]:
    """What `container.demux(…)` gives, ended where everything is read.

    Where no packet has a time (H.264 and HEVC without a container), each gets that of its place in the file, of which
    `packets` are all. A stream that began only after opening (MPEG-TS) makes PyAV raise `IndexError` at the end: it
    looks up a stream that it has no entry for. Raises `av.FFmpegError` where the file cannot be read on.
    """
    ticks = 0
    try:
        for packet in packets:
            if packet.pts is None and packet.dts is None and packet.size and _kind(packet.stream) in ORDERLY:
                if not (ticks or packet.is_keyframe):
                    continue  # what was cut off before refers to nothing here, and is never shown
                packet.pts = packet.dts = ticks
                ticks += _lasting(packet)
            yield packet
    except IndexError:
        return


def _lasting(packet: "Packet[Any]") -> int:
    """A field, a picture, or one and a half (film as television); before the first parameter set FFmpeg makes it up."""
    usual = round(frame_length(packet.stream) / packet.time_base)
    said = packet.duration or 0
    if not usual:
        return said or 1
    return said if 0.45 < said / usual < 0.55 or 0.9 < said / usual < 1.6 else usual


def _kind(stream: Stream) -> str:
    return stream.container.format.name


def refusal(path: Path) -> str | None:
    """Why the file is not one to open, in words; None where it seems to be. Raises `InputError` if it is none to read.

    Only its bytes say so; `open_media` may find out more.
    """
    return _kind_of(path)[1]


def _kind_of(path: Path) -> tuple[str | None, str | None]:
    """The demuxer for the file, or why there is none."""
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
    """The demuxer for a stream without a container that was cut off at its beginning, or has something else before it.

    FFmpeg looks for it in the first MB, and finds it only if it then decodes.
    """
    try:
        with _opened(path, None, ",".join(ADRIFT)) as container:
            streams = [s for s in container.streams if isinstance(s, VideoStream | AudioStream) and s.codec_context]
            decoded = 0
            for packet in islice(container.demux(streams) if streams else (), _PACKETS_TO_TELL):
                try:
                    decoded += len(packet.decode())
                except av.FFmpegError as error:
                    log.debug("not a packet that can be decoded", exc_info=error)
                if decoded >= _FRAMES_TO_TELL:
                    break
            return container.format.name if decoded >= _FRAMES_TO_TELL else None
    except (av.FFmpegError, ValueError, OSError, IndexError) as error:
        log.debug("%s: no stream is found further on", path, exc_info=error)
        return None


def _head_of(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode  # from Python 3.14 on, `exists` and `is_file` say no where they should say why
        if not S_ISREG(mode):
            raise InputError(f"{path}: {('a folder' if S_ISDIR(mode) else 'not a file')}", hint="give a video file")
        with path.open("rb") as file:
            head = file.read(SNIFFED_BYTES)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise _missing(path) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", hint="check its permissions") from None
    return head


def _missing(path: Path) -> InputError:
    scheme, found, rest = path.as_posix().partition(":/")  # a path has made one slash of an address's two
    if found and scheme.isalnum() and len(scheme) > 1:
        return InputError(f"{scheme}://{rest}: an address, and files alone are read", hint="download it first")
    return InputError(f"{path}: no such file", hint="check the name and the folder", code="no_such_file")


def reason_of(error: Exception) -> str:
    """FFmpeg's own word for what is wrong, in lower case."""
    return (getattr(error, "strerror", None) or str(error)).lower()


def packet_end(packet: "Packet[Stream] | Packet[VideoStream]") -> Fraction | None:
    """When the packet's frame leaves the screen, in the file's own time; None if the packet is never shown."""
    if packet.pts is None or packet.is_discard:
        return None
    length = packet.duration * packet.time_base if packet.duration else frame_length(packet.stream)
    return packet.pts * packet.time_base + length


def frame_length(stream: Stream) -> Fraction:
    """How long a frame stays if its packet does not say (MPEG-TS): one step of the stream's average rate."""
    rate = rate_of(stream) if isinstance(stream, VideoStream) else None
    return 1 / rate if rate else Fraction(0)


def rate_of(stream: VideoStream) -> Fraction | None:
    """Pictures a second on average, as the header says; of pictures without a container, as they themselves say."""
    if _kind(stream) in TIMELESS or _kind(stream) == "dv":  # the average is FFmpeg's default, or the clock's rate
        return stream.guessed_rate
    return stream.average_rate or stream.guessed_rate


def header_start(stream: Stream) -> Fraction:
    """When `stream` begins, as the header says, in the file's own time."""
    return (stream.start_time or 0) * (stream.time_base or Fraction(0))


def header_end(container: InputContainer, stream: Stream) -> Fraction:
    """When `stream` ends, as the header says; where it says nothing of it, when the whole file does."""
    counted = Fraction(0)
    if container.format.name == "avi" and isinstance(stream, VideoStream) and stream.average_rate:
        counted = stream.frames / stream.average_rate  # FFmpeg puts a guess in place of the duration, not of this
    if stream.duration is not None and stream.time_base is not None:
        return header_start(stream) + max(stream.duration * stream.time_base, counted)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # Matroska's, by track: 00:01:02.345000000
    minutes, _, secs = rest.partition(":")
    try:
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(secs)
    except ValueError:
        return container_end(container)


def container_end(container: InputContainer) -> Fraction:
    """When the longest stream ends, as the header says."""
    return ((container.start_time or 0) + (container.duration or 0)) * _AV_TIME_BASE
