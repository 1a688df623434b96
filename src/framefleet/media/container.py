"""Opening somebody else's file: by its content, with one demuxer, as a file and nothing else.

Left to guess, FFmpeg takes a text named .mp4 that begins `ffconcat version 1.0`, or an HLS playlist, for what it says
it is and opens the files it names. Here the first bytes choose one demuxer of a short list, and FFmpeg is held to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from framefleet.errors import InputError

MAX_PIXELS = 8192 * 8192  # twice 8K; a header may claim any size, and memory is taken before a pixel is seen

AnyPacket = TypeVar("AnyPacket", bound="Packet[Any]")

_MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}
SNIFFED_BYTES = 1024
_KINDS = "mp4, mov, mkv, webm, avi, ts, mp3, m4a, aac, wav, aiff, flac, ogg or opus"
_PLAYLISTS = (b"ffconcat", b"#EXTM3U", b"<?xml", b"[playlist]")


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """The file opened for reading, closed at the end. Raises `InputError` naming the file and what to do about it."""
    demuxer = _demuxer_of(path)
    try:
        container = av.open(
            f"file:{path.absolute()}",  # so that a name such as "http:x.mp4" or "-i.mp4" is a name
            format=demuxer,
            metadata_errors="replace",
            container_options={
                "format_whitelist": demuxer,
                "protocol_whitelist": "file",
                "enable_drefs": "0",
                "use_absolute_path": "0",
            },
        )
    except (av.FFmpegError, ValueError, OSError) as error:
        raise InputError(f"{path}: damaged or incomplete ({reason_of(error)}); copy or download it again") from None
    with container:
        yield container


def video_stream(container: InputContainer) -> VideoStream | None:
    """The stream to look at: the best one that is neither cover art nor of an unknown codec."""
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

    A stream that began only after opening (MPEG-TS) makes PyAV raise `IndexError` there: it looks up a stream that it
    has no entry for. Raises `av.FFmpegError` where the file cannot be read on.
    """
    try:
        yield from packets
    except IndexError:
        return


def _demuxer_of(path: Path) -> str:
    head = _head_of(path)
    demuxer = sniff(head)
    if demuxer is not None:
        return demuxer
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(_PLAYLISTS):
        raise InputError(f"{path}: a playlist, which only names other files; give one of those files")
    raise InputError(f"{path}: not a video or sound ({_KINDS} are read, whatever the name says); convert it first")


def _head_of(path: Path) -> bytes:
    try:
        if not path.exists():
            raise InputError(_missing(path))
        if not path.is_file():
            raise InputError(f"{path}: {'a folder' if path.is_dir() else 'not a file'}; give a video file")
        with path.open("rb") as file:
            head = file.read(SNIFFED_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    if not head:
        raise InputError(f"{path}: an empty file; copy or download it again")
    return head


def _missing(path: Path) -> str:
    scheme, found, rest = path.as_posix().partition(":/")  # a path has made one slash of an address's two
    if found and scheme.isalnum() and len(scheme) > 1:
        return f"{scheme}://{rest}: an address, and files alone are read; download it first"
    return f"{path}: no such file; check the name and the folder"


def sniff(head: bytes) -> str | None:
    """The FFmpeg demuxer for a file that begins with `head` (1024 bytes are enough); None: none that is trusted."""
    if head[4:8] in _MP4_BOXES:
        return "mp4"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head.startswith((b"RIFF", b"RF64")):
        return {b"AVI ": "avi", b"WAVE": "wav"}.get(head[8:12])
    if head.startswith(b"FORM"):
        return "aiff" if head[8:12] in {b"AIFF", b"AIFC"} else None
    for magic, demuxer in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"ID3", "mp3")):
        if head.startswith(magic):
            return demuxer
    return "mpegts" if _is_transport_stream(head) else _mpeg_audio(head)


def _mpeg_audio(head: bytes) -> str | None:
    """MPEG audio without a container: eleven bits set, two of the version, two of the layer.

    The layer is 11 for layer I, which nobody has, but UTF-16 text begins so; 00 after a twelfth bit set is AAC.
    """
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    return {0b01: "mp3", 0b10: "mp3", 0b00: "aac" if head[1] & 0x10 else None}.get(head[1] >> 1 & 0b11)


def _is_transport_stream(head: bytes) -> bool:
    """Four sync bytes, 188 bytes apart, or 192 with time codes (.m2ts); recordings may begin within a packet."""
    return any(head[start::step][:4] == b"\x47" * 4 for step in (188, 192) for start in range(step))


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
    rate = stream.average_rate or stream.guessed_rate if isinstance(stream, VideoStream) else None
    return 1 / rate if rate else Fraction(0)
