"""Whether a file is complete, by the size that its own beginning states, and where tags begin. Pure.

Durations in headers are sometimes wrong (cut by a tool that left them unchanged, or written before the recording
ended). If a file has its full size, its content counts, not the header.
"""

HEAD_BYTES = 4096
"""How much of a file's beginning is enough; for MP3, of what follows its tag."""

_EBML, _SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"
_SIDE_INFO = (b"Xing", b"Info", b"VBRI")


def tag_bytes(head: bytes) -> int:
    """Return the length of the ID3v2 tag at the beginning of a file; 0 if there is none (id3.org, ID3v2.4.0, 3.1)."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    size = sum((head[6 + place] & 0x7F) << 7 * (3 - place) for place in range(4))
    return 10 + size + (10 if head[5] & 0x10 else 0)


TAIL_BYTES = 128 + 32
"""How much of a file's end is enough to find the tags there."""


def tags_behind(tail: bytes) -> int:
    """Return the length of the tags at the end of a file: ID3v1 (128 bytes) after APEv2 (by its footer)."""
    last = 128 if tail[-128:].startswith(b"TAG") and len(tail) >= 128 else 0
    footer = tail[len(tail) - last - 32 : len(tail) - last]
    if not footer.startswith(b"APETAGEX"):
        return last
    return last + int.from_bytes(footer[12:16], "little") + (32 if footer[23] & 0x80 else 0)


def is_whole(head: bytes, size: int) -> bool | None:
    """Return whether a file of `size` bytes that begins with `head` is complete; None if it does not say.

    `head` is that of Matroska, of AVI, or of MP3 after its tag, with `size` counted from there.
    """
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return _is_whole_avi(head, size)
    if head.startswith(_EBML):
        return _is_whole_matroska(head, size)
    return _is_whole_mp3(head, size)


def _is_whole_avi(head: bytes, size: int) -> bool | None:
    """Check the size of its only chunk, padded to an even number of bytes.

    Files with several chunks (OpenDML) are not decided.
    """
    end = 8 + int.from_bytes(head[4:8], "little")
    return True if end <= size <= end + 1 else False if 8 < size < end < 1 << 32 else None


def _is_whole_matroska(head: bytes, size: int) -> bool | None:
    """Check the size of its segment (RFC 8794, 4: variable-size integers; RFC 9559, 5.1.4)."""
    length, width = _vint(head, 4)
    at = 4 + width + length
    if not width or head[at : at + 4] != _SEGMENT:
        return None
    length, width = _vint(head, at + 4)
    if not width or length == (1 << 7 * width) - 1:  # unknown, as in a recording that is still running
        return None
    return at + 4 + width + length <= size


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable-size integer and its length in bytes; 0, 0 if there is none."""
    if at >= len(data) or not data[at]:
        return 0, 0
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        return 0, 0
    return int.from_bytes(data[at : at + width]) & ((1 << 7 * width) - 1), width


def _is_whole_mp3(head: bytes, size: int) -> bool | None:
    """Check the number of bytes in a Xing or VBRI header, counted from the frame that contains it."""
    places = [place for name in _SIDE_INFO if 0 <= (place := head.find(name, 0, HEAD_BYTES)) <= len(head) - 18]
    if not places:
        return None
    at = min(places)
    if head.startswith(b"VBRI", at):
        counted = int.from_bytes(head[at + 10 : at + 14])
    else:
        flags = int.from_bytes(head[at + 4 : at + 8])
        if not flags & 2:
            return None
        counted = int.from_bytes(head[at + 8 + (4 if flags & 1 else 0) :][:4])
    return 0 < counted <= size
