"""Detection of encrypted files, by their headers alone: nothing is decoded."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from av.codec.context import CodecContext

from framefleet.media.files.kind import boxes

ALL = -1
"""In place of a stream id: everything in the file."""

_PROTECTED = {b"encv", b"enca", b"encs", b"enct", b"encm", b"encu"}  # ISO/IEC 14496-12, 8.12
_FAIRPLAY = {b"drmi", b"drms", b"drmt"}
_SYSTEMS = {
    "edef8ba979d64acea3c827dcd51d21ed": "Widevine",
    "9a04f07998404286ab92e65be0885f95": "PlayReady",
    "94ce86fb07ff4f43adb893d2fa968ca2": "FairPlay",
    "1077efecc0b24d02ace33c1e52e2fb4b": "Clear Key",
}  # as in the `pssh` boxes, by DASH-IF's list

_WINDOWS_MEDIA = (  # Content Encryption and Extended Content Encryption objects of ASF, by their GUIDs
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
_TRIPLET = re.compile(rb"\x06\x0e\x2b\x34\x02\x04\x01.\x0d\x01\x03\x01\x02\x7e\x01", re.DOTALL)  # SMPTE 429-6
_LOOKED_AT = 4 << 20  # bytes from the beginning of the file
_SOME = 0.05  # share of the packets: DVDs leave most unencrypted, and chance makes one in thousands look encrypted
_SAMPLE_AES = {b"\xdb", b"\xcf", b"\xc1", b"\xc2"}  # stream types of Apple's "MPEG-2 Stream Encryption Format for HLS"


def encryption(path: Path, demuxer: str) -> Mapping[int, str]:
    """Return how the file is encrypted, in words, by stream id or `ALL`; empty if it is not. Raises `OSError`."""
    look = _LOOKS.get(demuxer)
    if look is None:
        return {}
    with path.open("rb") as file:
        return look(file)


def sample_aes(context: CodecContext) -> str | None:
    """Return the encryption of a stream of a transport stream, whose tag FFmpeg makes from the stream type."""
    try:
        tag = context.codec_tag.encode()
    except UnicodeDecodeError as error:  # PyAV decodes tags as text
        tag = error.object
    return "SAMPLE-AES" if tag[:1] in _SAMPLE_AES else None


def _of_mp4(file: BinaryIO) -> Mapping[int, str]:
    found: dict[int, str] = {}
    systems: dict[str, None] = {}
    movie = next(((start, end) for kind, start, end in boxes(file) if kind == b"moov"), (0, 0))
    for kind, start, end in boxes(file, *movie):
        if kind == b"trak":
            found |= _of_track(file, start, end)
        elif kind == b"pssh":
            name = _SYSTEMS.get(_read(file, start + 4, 16).hex())
            systems |= {name: None} if name else {}
    return {track: ", ".join((how, *systems)) for track, how in found.items()}


def _of_track(file: BinaryIO, start: int, end: int) -> Mapping[int, str]:
    """Return by track id the scheme of the first protected sample entry."""
    track = 0
    for _, begin, _ in _inside(file, start, end, b"tkhd"):
        head = _read(file, begin, 24)
        track = int.from_bytes(head[20:24] if head[:1] == b"\1" else head[12:16], "big")
    for _, begin, stop in _inside(file, start, end, b"mdia", b"minf", b"stbl", b"stsd"):
        for entry, first, last in boxes(file, begin + 8, stop):
            if entry in _PROTECTED:
                return {track: _scheme(_read(file, first, min(last - first, 1 << 16)))}
            if entry in _FAIRPLAY or entry == b"aavd":
                return {track: "FairPlay" if entry in _FAIRPLAY else "Audible"}
    return {}


def _scheme(entry: bytes) -> str:
    """Return the scheme that the `schm` box in a sample entry names."""
    _, there, behind = entry.partition(b"schm")
    name = behind[4:8].decode("latin-1")
    if not there or not name.isprintable():
        return "unknown scheme"
    return {"itun": "FairPlay", "piff": "PlayReady"}.get(name, f"Common Encryption, {name}")


def _inside(file: BinaryIO, start: int, end: int, *way: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes at that path of nested box types, the outermost first."""
    for found in boxes(file, start, end):
        if found[0] == way[0]:
            yield from [found] if len(way) == 1 else _inside(file, *found[1:], *way[1:])


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _of_asf(file: BinaryIO) -> Mapping[int, str]:
    head = file.read(30)
    header = file.read(min(int.from_bytes(head[16:24], "little"), _LOOKED_AT))
    return {ALL: "Windows Media DRM"} if any(guid in header for guid in _WINDOWS_MEDIA) else {}


def _of_mxf(file: BinaryIO) -> Mapping[int, str]:
    return {ALL: "digital cinema"} if _TRIPLET.search(file.read(_LOOKED_AT)) else {}


def _of_transport_stream(file: BinaryIO) -> Mapping[int, str]:
    """Return by PID the streams most of whose packets are marked as scrambled (ISO/IEC 13818-1, 2.4.3.3)."""
    data = file.read(_LOOKED_AT)
    step, at = next(
        ((s, a) for s in (188, 192, 204) for a in range(s) if data[a : a + 4 * s : s] == b"\x47" * 4), (188, len(data))
    )
    packets, scrambled = Counter[int](), Counter[int]()
    for place in range(at, len(data) - 3, step):
        if data[place] == 0x47 and data[place + 3] & 0x10:  # with a payload
            pid = (data[place + 1] & 0x1F) << 8 | data[place + 2]
            packets[pid] += 1
            scrambled[pid] += data[place + 3] >= 0x40
    return {pid: "pay television" for pid, count in scrambled.items() if count > packets[pid] / 2}


def _of_program_stream(file: BinaryIO) -> Mapping[int, str]:
    """Check the scrambling bits in the headers of video and audio packets (ISO/IEC 13818-1, 2.4.3.7)."""
    heads = re.findall(rb"\x00\x00\x01[\xbd\xc0-\xef]..([\x80-\xbf])", file.read(_LOOKED_AT), re.DOTALL)
    locked = sum(head[0] & 0x30 != 0 for head in heads)
    return {ALL: "DVD"} if locked > 2 and locked > _SOME * len(heads) else {}


_LOOKS: Mapping[str, Callable[[BinaryIO], Mapping[int, str]]] = {
    "mp4": _of_mp4,
    "asf": _of_asf,
    "mxf": _of_mxf,
    "mpegts": _of_transport_stream,
    "mpeg": _of_program_stream,
}
