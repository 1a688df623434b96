"""What a stream says once and means for all that follows, said again wherever a decoder may begin.

Parameter sets may come with the first keyframe alone; x264 tells its build there, by which FFmpeg knows the mistakes of
old ones; containers hand over a palette or another header with the one packet where it changes. A decoder that has not
seen that packet gives other pictures, often without a word. So each keyframe is given what still holds and it lacks.
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
"""A kind of unit and its number: a later unit of the same key takes the place of the earlier one."""
_Unit = tuple[Key, bytes]

_RIGHT_444 = 151
"""The first build of x264 (2017) that made 4:4:4 and what is lossless as the standard says. Pictures of older ones
FFmpeg decodes with the same mistakes, if it knows of them."""
_RIGHT_DIRECT = 34  # the same of B-pictures, of any profile (2005)
_HIGH_444 = 244  # profile_idc of 4:4:4 and of what is lossless (ITU-T H.264, A.2.11)
_X264: Key = (6, 5)  # supplemental information, of no registered kind
_BUILD = b"x264 - core "
_BUILD_BYTES = 24  # of its words, the number among them

# Headers of these, by start code, before that of a picture or of a group of them.
_START = b"\0\0\1"
_HEADERS = {
    "mpeg4": frozenset({*range(0x30), 0xB0, 0xB2, 0xB5}),  # ISO/IEC 14496-2, 6.2.1; B2 is who encoded it
    "mpeg2video": frozenset({0xB3}),  # ISO/IEC 13818-2, 6.2.1
    "mpeg1video": frozenset({0xB3}),
    "vc1": frozenset({0x0E, 0x0F}),  # SMPTE 421M, annex E
}
_EXTENSION = 0xB5  # of MPEG-2: goes with the header before it
_MOST_HEADERS = 1 << 14  # bytes

_HANDED_OVER: tuple["PktSideDataT", ...] = ("new_extradata", "palette")


class ParameterSets:
    """What one stream has said so far, its packets heard in the order of decoding."""

    def __init__(self, codec: str, extradata: bytes) -> None:
        """`extradata` is the header's, which every decoder knows from the start."""
        self._codec = codec
        self._extradata = extradata
        self._framing = Framing.of(codec, extradata)
        self._units: dict[Key, bytes] = dict(self._header_units())
        self._changed: set[Key] = set()
        self._handed_over: dict[PktSideDataT, PacketSideData] = {}

    @property
    def is_in_header(self) -> bool:
        """Whether nothing was said that is not in the file's header, x264's build aside."""
        return not self._handed_over and self._changed <= {_X264}

    @property
    def read_anew(self) -> tuple[str, ...]:
        """The kinds of which a decoder that began later was once not told: `MediaInfo.pictures_read_anew`."""
        build = _build(self._units.get(_X264, b""))
        profiles = {unit[1] for (kind, _), unit in self._units.items() if kind == 7 and len(unit) > 1}
        is_old = build is not None and (build < _RIGHT_DIRECT or (build < _RIGHT_444 and _HIGH_444 in profiles))
        has_palette = self._codec == "rawvideo" and "palette" in self._handed_over
        return ("old x264",) * is_old + ("palette",) * has_palette

    def hear(self, packet: VideoPacket) -> VideoPacket:
        """The same packet; in the place of a keyframe, one that also says what still holds and it does not say."""
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
        """Builds without mistakes need not be told, unless one with them was."""
        return _X264 not in self._units and (_build(unit) or _RIGHT_444) >= _RIGHT_444

    def _hear_handed_over(self, kind: "PktSideDataT", told: PacketSideData) -> None:
        if kind in self._handed_over or bytes(told) != self._extradata:  # live streams repeat their header unchanged
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
        """The units before the packet's picture that later pictures need."""
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
                continue  # cut off or damaged
            if number is not None:
                yield (kind, number), unit
            elif self._codec == "h264" and kind == 6 and _build(unit) is not None:
                yield _X264, _of_x264(unit)


def _build(unit: bytes) -> int | None:
    """Of x264, as its own words tell, the way FFmpeg reads them; None where they are somebody else's."""
    words = unit.partition(_BUILD)[2][: _BUILD_BYTES - len(_BUILD)]
    digits = words[: len(words) - len(words.lstrip(b"0123456789"))]
    return int(digits or 0) or None


def _of_x264(unit: bytes) -> bytes:
    """Its words alone, cut short, without whatever else the unit has to say of one picture."""
    at = unit.index(_BUILD)
    payload = unit[at - 16 : at + _BUILD_BYTES].ljust(16 + _BUILD_BYTES, b" ")
    return b"\x06\x05" + bytes([len(payload)]) + payload + b"\x80"


def _headers(codec: str, data: bytes) -> Iterator[_Unit]:
    """Each header with its start code, up to the first picture; an extension goes with what is before it."""
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
