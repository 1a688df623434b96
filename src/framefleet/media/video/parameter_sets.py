"""Parameters that a stream states once, repeated wherever a decoder may start.

Parameter sets may come only with the first keyframe; x264 states its build there, by which FFmpeg emulates the bugs of
old ones; containers attach a palette or a new header only to the packet where it changes. A decoder that has not seen
that packet returns other frames, often silently. So each keyframe gets the parameters that are still valid and missing
in it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from av.packet import PacketSideData

from framefleet.media.video.codecs.nal import (
    Framing,
    UnknownError,
    number_of_set,
    record_units,
)
from framefleet.media.video.packet import VideoPacket, with_data

if TYPE_CHECKING:
    from av.packet import PktSideDataT

Key = tuple[int, int]
"""A unit type and its id: a later unit with the same key replaces the earlier one."""
_Unit = tuple[Key, bytes]

_RIGHT_444 = 151
"""The first build of x264 (2017) that encoded 4:4:4 and lossless video as the standard says.

FFmpeg decodes frames of older builds with the same bugs, if it knows the build.
"""
_RIGHT_DIRECT = 34  # the same for B-frames, in any profile (2005)
_HIGH_444 = 244  # profile_idc of 4:4:4 and lossless coding (ITU-T H.264, A.2.11)
_X264: Key = (6, 5)  # SEI of type user_data_unregistered
_BUILD = b"x264 - core "
_BUILD_BYTES = 24  # bytes of x264's text that include the build number

# Headers by start code that precede the header of a frame or of a group of them.
_START = b"\0\0\1"
_HEADERS = {
    "mpeg4": frozenset({*range(0x30), 0xB0, 0xB2, 0xB5}),  # ISO/IEC 14496-2, 6.2.1; B2 names the encoder
    "mpeg2video": frozenset({0xB3}),  # ISO/IEC 13818-2, 6.2.1
    "mpeg1video": frozenset({0xB3}),
    "vc1": frozenset({0x0E, 0x0F}),  # SMPTE 421M, annex E
}
_EXTENSION = 0xB5  # of MPEG-2: belongs to the header before it
_MOST_HEADERS = 1 << 14  # bytes

_HANDED_OVER: tuple["PktSideDataT", ...] = ("new_extradata", "palette")


class ParameterSets:
    """The parameters of one stream so far, after hearing its packets in decoding order."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        """`extradata` is the header's, which every decoder has from the start."""
        self._codec = codec
        self._extradata = extradata
        self._framing = Framing.of(codec, extradata)
        self._units: dict[Key, bytes] = dict(self._header_units())
        self._changed: set[Key] = set()
        self._handed_over: dict[PktSideDataT, PacketSideData] = {}

    @property
    def is_in_header(self) -> bool:
        """Whether all parameters are in the file's header, apart from x264's build."""
        return not self._handed_over and self._changed <= {_X264}

    @property
    def read_anew(self) -> tuple[str, ...]:
        """The parameters that a decoder starting later once missed, for `MediaInfo.pictures_read_anew`."""
        build = _build(self._units.get(_X264, b""))
        profiles = {unit[1] for (kind, _), unit in self._units.items() if kind == 7 and len(unit) > 1}
        is_old = build is not None and (build < _RIGHT_DIRECT or (build < _RIGHT_444 and _HIGH_444 in profiles))
        has_palette = self._codec == "rawvideo" and "palette" in self._handed_over
        return ("old x264",) * is_old + ("palette",) * has_palette

    def hear(self, packet: VideoPacket) -> VideoPacket:
        """Record the packet's parameters, and return it; a keyframe is returned with those that it lacks."""
        own = set()
        for key, unit in self._units_of(packet):
            own.add(key)
            if self._units.get(key) != unit and not (key == _X264 and self._is_no_news(unit)):
                self._units[key] = unit
                self._changed.add(key)
        for kind in _HANDED_OVER:
            if packet.has_sidedata(kind):
                self._hear_handed_over(kind, packet.get_sidedata(kind))
        return self._whole(packet, own) if packet.is_keyframe else packet

    def _is_no_news(self, unit: bytes) -> bool:
        """Return whether the unit names a build without bugs; those are only needed after one with bugs."""
        return _X264 not in self._units and (_build(unit) or _RIGHT_444) >= _RIGHT_444

    def _hear_handed_over(self, kind: "PktSideDataT", told: PacketSideData) -> None:
        if kind in self._handed_over or bytes(told) != self._extradata:  # live streams repeat an unchanged header
            self._handed_over[kind] = told

    def _whole(self, packet: VideoPacket, own: set[Key]) -> VideoPacket:
        lacking = [self._framed(unit) for key, unit in self._units.items() if key in self._changed - own]
        if lacking:
            packet = with_data(packet, b"".join([*lacking, bytes(packet)]))
        for kind, told in self._handed_over.items():
            if not packet.has_sidedata(kind):
                packet.set_sidedata(told)
        return packet

    def _framed(self, unit: bytes) -> bytes:
        return self._framing.framed(unit) if self._framing is not None else unit

    def _header_units(self) -> Iterator[_Unit]:
        if self._framing is not None:
            units = record_units(self._codec, self._extradata) if self._framing.length else None
            yield from self._sets(self._framing.units(self._extradata) if units is None else units)
        elif self._codec in _HEADERS:
            yield from _headers(self._codec, self._extradata)

    def _units_of(self, packet: VideoPacket) -> Iterator[_Unit]:
        """Yield the units before the packet's frame that later frames need."""
        if self._framing is not None:
            yield from self._sets(self._framing.leading(bytes(packet)))
        elif self._codec in _HEADERS and packet.is_keyframe:
            yield from _headers(self._codec, bytes(memoryview(packet)[:_MOST_HEADERS]))

    def _sets(self, units: Iterator[bytes]) -> Iterator[_Unit]:
        for unit in units:
            kind = self._framing.kind(unit) if self._framing is not None else 0
            try:
                number = number_of_set(self._codec, kind, unit)
            except UnknownError:
                continue  # truncated or damaged
            if number is not None:
                yield (kind, number), unit
            elif self._codec == "h264" and kind == 6 and _build(unit) is not None:
                yield _X264, _of_x264(unit)


def _build(unit: bytes) -> int | None:
    """Return the build number in x264's text, as FFmpeg reads it; None for another text."""
    words = unit.partition(_BUILD)[2][: _BUILD_BYTES - len(_BUILD)]
    digits = words[: len(words) - len(words.lstrip(b"0123456789"))]
    return int(digits or 0) or None


def _of_x264(unit: bytes) -> bytes:
    """Return a unit with x264's text alone, shortened, without what the unit states about one frame."""
    at = unit.index(_BUILD)
    payload = unit[at - 16 : at + _BUILD_BYTES].ljust(16 + _BUILD_BYTES, b" ")
    return b"\x06\x05" + bytes([len(payload)]) + payload + b"\x80"


def _headers(codec: str, data: bytes) -> Iterator[_Unit]:
    """Yield each header with its start code, up to the first frame, with its extensions."""
    kinds = _HEADERS[codec]
    at = data.find(_START)
    found: list[tuple[int, bytes]] = []
    while 0 <= at < len(data) - 3:
        end = data.find(_START, at + 3)
        kind, unit = data[at + 3], data[at : end if end >= 0 else len(data)]
        if kind in kinds:
            found.append((kind, unit))
        elif kind == _EXTENSION and found:
            found[-1] = found[-1][0], found[-1][1] + unit
        else:
            break
        at = end
    yield from (((kind, 0), unit) for kind, unit in found)
