"""Detection of the file type by content, whatever the file's name.

Each supported type has one demuxer of FFmpeg. The list is complete: formats that open other files (playlists, image
sequences, concatenation lists) are not on it. Left to guess, FFmpeg would take a text named .mp4 that begins with
`ffconcat version 1.0`, or an HLS playlist, for what it claims to be, and open the files it names.
"""

from collections.abc import Callable, Iterator, Mapping
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

SNIFFED_BYTES = 1 << 16
"""The number of bytes read from a file's beginning.

Transport streams and raw streams may begin within a packet; MXF may have 64 KiB before it.
"""

TIMELESS = frozenset({"h264", "hevc", "m4v", "mjpeg", "mpegvideo", "obu", "vc1"})
"""Demuxers of video without a container, and so without timestamps: frames are counted, at the stream's own rate."""

ORDERLY = frozenset({"h264", "hevc"})
"""Those of them whose packets get no time from FFmpeg: a frame's position in the file determines it."""

ADRIFT = ("mpegts", "mpeg", "mpegvideo", "h264", "hevc", "m4v", "mp3", "aac", "ac3", "eac3", "dts", "loas", "dv")
"""Demuxers of streams that can be decoded from the middle on."""

_SUFFIXES = (
    ".264 .265 .3g2 .3gp .aac .ac3 .aif .aiff .amr .ape .apng .asf .au .av1 .avi .caf .dav .divx .dts .dv .eac3"
    " .f4v .flac .flv .gxf .h264 .h265 .hevc .ivf .m2t .m2ts .m2v .m4a .m4b .m4v .mjpeg .mjpg .mka .mkv .mod"
    " .mov .mp2 .mp3 .mp4 .mpc .mpeg .mpg .mts .mxf .nsv .nut .obu .oga .ogg .ogm .ogv .opus .ra .rm .rmvb .sox .spx"
    " .swf .tod .ts .tta .ty .vob .voc .w64 .wav .webm .wma .wmv .wtv .wv .y4m"
)
SUFFIXES = frozenset(_SUFFIXES.split())
"""Suffixes of file names that promise video or sound."""

EMPTY, UNKNOWN, TEXT = "an empty file", "of an unknown kind", "a text file"
PLAYLIST = "a playlist, which only names other files"
MOVING_WEBP = "an animated WebP, which cannot be decoded here"
MIDI, FLASH = "a MIDI file, without sound", "a Flash animation"

CONVERTIBLE = frozenset({UNKNOWN, MOVING_WEBP, MIDI, FLASH})
"""What another program may turn into a video or sound."""

_MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}
_STILL_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"avif", b"crx ", b"jpeg"}
_RIFF = {
    b"AVI ": "avi",
    b"AVI\x19": "avi",
    b"AMV ": "avi",
    b"WAVE": "wav",
    b"QLCM": "qcp",
    b"XWMA": "xwma",
}
_MAGIC: Mapping[bytes, str] = {
    b"\x1aE\xdf\xa3": "matroska",
    b"FLV\x01": "flv",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c": "asf",
    b"\xb7\xd8\x00\x20\x37\x49\xda\x11\xa6\x4e\x00\x07\xe9\x5e\xad\x8d": "wtv",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02": "mxf",
    b"nut/multimedia container\0": "nut",
    b"DKIF": "ivf",
    b"DHAV": "dhav",
    b"DAHUA": "dhav",
    b".RMF": "rm",
    b".ra\xfd": "rm",
    b"NSVf": "nsv",
    b"NSVs": "nsv",
    b"\xf5\x46\x7a\xbd": "ty",
    b"\x12\0\x0a": "obu",  # AV1: a temporal delimiter, then a sequence header
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"#!AMR\n": "amr",
    b"#!AMR-WB\n": "amr",
    b"caff": "caf",
    b".snd": "au",
    b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0": "w64",
    b"Creative Voice File\x1a": "voc",
    b"TTA1": "tta",
    b"tBaK": "tak",
    b"wvpk": "wv",
    b"MAC ": "ape",
    b"MP+": "mpc",
    b"MPCK": "mpc8",
    b"DSD ": "dsf",
    b"DTSHDHDR": "dtshd",
    b"\x7f\xfe\x80\x01": "dts",
    b"\xfe\x7f\x01\x80": "dts",
    b"\x1f\xff\xe8\0": "dts",
    b"\xff\x1f\0\xe8": "dts",
    b"NIST_1A\n": "nistsphere",
    b".SoX": "sox",
    b"XoS.": "sox",
}

_PLAYLISTS = (b"ffconcat", b"#EXTM3U", b"<?xml", b"[playlist]", b"<asx", b"<ASX", b"<smil", b"[Reference]")
_OTHERS: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "an image",
    b"\x89PNG\r\n\x1a\n": "an image",
    b"GIF8": "an image",
    b"BM": "an image",
    b"II*\0": "an image",
    b"MM\0*": "an image",
    b"\0\0\x01\0": "an image",
    b"8BPS": "an image",
    b"\0\0\0\x0cJXL ": "an image",
    b"\0\0\0\x0cjP  ": "an image",
    b"PK\x03\x04": "an archive or a document",
    b"Rar!": "an archive",
    b"7z\xbc\xaf\x27\x1c": "an archive",
    b"\x1f\x8b": "an archive",
    b"BZh": "an archive",
    b"\xfd7zXZ": "an archive",
    b"\x28\xb5\x2f\xfd": "an archive",
    b"%PDF": "a document",
    b"\xd0\xcf\x11\xe0": "a document",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"SQLite format 3\0": "a database",
    b"MThd": MIDI,
    b"FWS": FLASH,
    b"CWS": FLASH,
    b"ZWS": FLASH,
}


_TEXT = bytes([9, 10, 11, 12, 13, 27, *range(32, 127), *range(128, 256)])


def sniff(head: bytes) -> str | None:
    """Return the FFmpeg demuxer for a file that begins with `head`; None for an unsupported type or an image."""
    if head.startswith(b"YUV4MPEG2 "):
        return "yuv4mpegpipe"
    if head.startswith((b"RIFF", b"RF64", b"BW64", b"RIFX")):
        return _RIFF.get(head[8:12])
    if head.startswith(b"FORM"):
        return "aiff" if head[8:12] in {b"AIFF", b"AIFC"} else None
    if is_text(head):
        return None
    if head[4:8] in _MP4_BOXES:
        return "mp4" if head[4:8] != b"ftyp" or head[8:12] not in _STILL_BRANDS else None
    if head[4:12] == b"jP  \r\n\x87\n" and b"ftypmjp2" in head[:64]:
        return "mp4"
    if head.startswith(b"\0\0\0\0\x01\xbc") and head[14:16] == b"\xe1\xe2":
        return "gxf"
    if head.startswith(b"ID3"):
        return _behind_id3(head)
    for magic, demuxer in _MAGIC.items():
        if head.startswith(magic):
            return demuxer
    if head[4:8] in {b"\xf8\x72\x6f\xba", b"\xf8\x72\x6f\xbb"}:
        return "truehd" if head[7] == 0xBA else "mlp"
    for test in (_transport_stream, _dv, _start_code, _jpegs_in_parts, _latm, _dolby, _mpeg_audio, _mxf_further_on):
        if (found := test(head)) is not None:
            return found
    return None


def what_else(head: bytes) -> str | None:
    """Return the type of an unsupported file, in words; None if it is unknown."""
    if is_playlist(head):
        return PLAYLIST
    if is_text(head) and not head.startswith(b"%PDF"):
        return TEXT
    if head[4:8] == b"ftyp":
        return "an image"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return MOVING_WEBP if is_moving_webp(head) else "an image"
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            return kind
    return None


def is_playlist(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(_PLAYLISTS)


def is_text(head: bytes) -> bool:
    """Return whether the bytes are text: no control characters except line breaks, terminal escapes and UTF-16."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    begins = head.removeprefix(b"\xef\xbb\xbf")[:4096]
    return begins[:1].isascii() and not begins.translate(None, _TEXT) and bool(begins)


def is_moving_webp(head: bytes) -> bool:
    return head[8:16] == b"WEBPVP8X" and bool(head[20:21]) and bool(head[20] & 0x02)


def sniff_moving(path: Path, head: bytes) -> str | None:
    """Return the demuxer for an image file that has several frames; None if it has one. Raises `OSError`."""
    if head[4:8] == b"ftyp":
        with path.open("rb") as file:
            several = head[8:12] != b"crx " and any(kind == b"moov" for kind, _, _ in boxes(file))
        return "mp4" if several else None
    for magic, (demuxer, test) in _MOVING.items():
        if head.startswith(magic):
            with path.open("rb") as file:
                return demuxer if test(file.read(_FIRST_PICTURES)) else None
    return None


_FIRST_PICTURES = 16 << 20


def boxes(file: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of an MP4 file between two positions: each one's type, and where its content begins and ends.

    Raises `OSError`.
    """
    end = file.seek(0, SEEK_END) if end is None else end
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, kind, begin = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:
            size, begin = int.from_bytes(head[8:16], "big"), start + 16
        stop = min(start + size, end) if size else end
        if stop < begin:
            return
        yield kind, begin, stop
        start = stop


def _has_three_jpegs(data: bytes) -> bool:
    """Return whether the file is a sequence of JPEGs.

    Two are not enough: cameras append a second image to a photograph, of the same size or smaller, with another angle
    or a gain map.
    """
    at, count = 0, 0
    while count < 3:
        if data[at : at + 3] != b"\xff\xd8\xff" or b"MPF\0" in data[at : at + 2 * SNIFFED_BYTES]:
            return False
        end = _end_of_jpeg(data, at)
        if end is None:
            return False
        padding = data[end : end + SNIFFED_BYTES]
        count, at = count + 1, end + len(padding) - len(padding.lstrip(b"\0"))
    return True


def _end_of_jpeg(data: bytes, at: int) -> int | None:
    """Return where the JPEG at `at` ends; None if it does not.

    Segments have a length, so that any thumbnail in them is skipped; the entropy-coded data has none.
    """
    at += 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xDA:  # entropy-coded data: FF D9 occurs only at its end
            end = data.find(b"\xff\xd9", at)
            return end + 2 if end >= 0 else None
        at += (
            2 if marker in {0x01, 0xFF} or 0xD0 <= marker <= 0xD7 else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        )
    return None


def _has_two_gifs(data: bytes) -> bool:
    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    if len(data) < 13:
        return False
    at, count = 13 + table(data[10]), 0
    while at < len(data) and data[at] in {0x21, 0x2C}:
        if data[at] == 0x2C:
            count += 1
            if count == 2:
                return True
            at += 11 + table(data[at + 9] if at + 9 < len(data) else 0)
        else:
            at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return False


def _has_two_pngs(data: bytes) -> bool:
    at = data.partition(b"IDAT")[0].find(b"acTL")
    return at > 0 and int.from_bytes(data[at + 4 : at + 8], "big") > 1


_MOVING: Mapping[bytes, tuple[str, Callable[[bytes], bool]]] = {
    b"GIF8": ("gif", _has_two_gifs),
    b"\xff\xd8\xff": ("mjpeg", _has_three_jpegs),
    b"\x89PNG\r\n\x1a\n": ("apng", _has_two_pngs),
}


def _behind_id3(head: bytes) -> str:
    """Return the demuxer of what follows an ID3 tag (AAC and AC-3 of HLS, FLAC, TTA …); by default MP3."""
    if len(head) < 10:
        return "mp3"
    length = 10 + sum((head[9 - place] & 0x7F) << 7 * place for place in range(4))
    behind = head[length:].lstrip(b"\0")
    return (sniff(behind) if not behind.startswith(b"ID3") else None) or "mp3"


def _transport_stream(head: bytes) -> str | None:
    """Detect four sync bytes at a distance of 188 bytes, or 192 with time codes (.m2ts).

    Recordings may begin within a packet.
    """
    synced = any(head[start : start + 4 * step : step] == b"\x47" * 4 for step in (188, 192) for start in range(step))
    return "mpegts" if synced else None


def _dv(head: bytes) -> str | None:
    return "dv" if head[:3] == b"\x1f\x07\0" and len(head) > 3 and head[3] & 0x7F == 0x3F else None


def _start_code(head: bytes) -> str | None:
    """Detect what begins with 00 00 01: program streams, or video of an MPEG codec without a container."""
    at = head[:64].find(b"\0\0\x01")
    if at < 0 or head[:at].strip(b"\0") or len(head) < at + 8:
        return None
    first, second = head[at + 3], head[at + 4]
    behind = head[at + 4 :]
    if first in {0xBA, 0xBD, *range(0xC0, 0xF0)}:
        return "mpeg"
    if first == 0xB3:
        return "mpegvideo"
    if first == 0x0F and b"\0\0\x01\x0e" in head[:256]:
        return "vc1"
    if first in {0x40, 0x42, 0x46, 0x4E} and second == 1:  # parameter sets, a delimiter or SEI, of the base layer
        return "hevc" if b"\0\0\x01\x42\x01" in head[at:] else None
    of_h264 = first in {0x06, 0x09} or first & 0x9F in {0x01, 0x05, 0x07, 0x08}
    if of_h264 and any(b"\0\0\x01" + bytes([parameters]) in head[at:] for parameters in (0x27, 0x47, 0x67)):
        return "h264"
    layers = (b"\0\0\x01" + bytes([layer]) in behind[:128] for layer in range(0x20, 0x30))
    return "m4v" if (first == 0xB0 or first < 0x20) and any(layers) else None


def _jpegs_in_parts(head: bytes) -> str | None:
    """Detect the stream of a network camera: JPEGs, each after MIME headers."""
    parts = head.lstrip(b"\r\n").startswith(b"--") and b"image/jpeg" in head[:512].lower() and b"\xff\xd8\xff" in head
    return "mjpeg" if parts else None


def _latm(head: bytes) -> str | None:
    """Detect AAC in LOAS: eleven sync bits, and again after as many bytes as the next thirteen bits state."""
    if len(head) < 3 or head[0] != 0x56 or head[1] & 0xE0 != 0xE0:
        return None
    following = head[3 + ((head[1] & 0x1F) << 8 | head[2]) :][:2]
    return "loas" if len(following) == 2 and following[0] == 0x56 and following[1] & 0xE0 == 0xE0 else None


def _dolby(head: bytes) -> str | None:
    """Detect AC-3, up to version 10 of its syntax, or E-AC-3, above it (ETSI TS 102 366, 4.4 and E.1.3)."""
    if len(head) < 6 or head[:2] not in {b"\x0b\x77", b"\x77\x0b"}:
        return None
    version = (head[5] if head[0] == 0x0B else head[4]) >> 3  # some files have the bytes of each pair swapped
    return None if version > 16 else "ac3" if version <= 10 else "eac3"


def _mpeg_audio(head: bytes) -> str | None:
    """Detect MPEG audio without a container: eleven bits set, two of the version, two of the layer.

    The layer is 11 for layer I, which is not in use, while UTF-16 text begins like it; 00 after a twelfth set bit is
    AAC.
    """
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    return {0b01: "mp3", 0b10: "mp3", 0b00: "aac" if head[1] & 0x10 else None}.get(head[1] >> 1 & 0b11)


def _mxf_further_on(head: bytes) -> str | None:
    """Detect MXF after a run-in, which may be anything but the key itself (SMPTE 377, 6.5)."""
    key = b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01"
    return "mxf" if key in head and not is_text(head) else None
