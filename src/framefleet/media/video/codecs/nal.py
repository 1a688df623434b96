"""NAL units of H.264 and HEVC: their framing in packets and headers, and their parameter sets. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_START = b"\0\0\1"


class UnknownError(Exception):
    """Raised for bitstream features that are not supported."""


class Bits:
    """A bit reader for a NAL unit's payload."""

    def __init__(self, data: bytes) -> None:
        plain = data.replace(b"\0\0\3", b"\0\0")  # emulation prevention
        self._text = bin(int.from_bytes(b"\1" + plain, "big"))[3:]
        self._at = 0

    def u(self, count: int) -> int:
        self._at += count
        if self._at > len(self._text):
            raise UnknownError
        return int(self._text[self._at - count : self._at] or "0", 2)

    def ue(self) -> int:
        zeros = self._text.find("1", self._at) - self._at
        if zeros < 0:
            raise UnknownError
        self._at += zeros
        return self.u(zeros + 1) - 1

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)

    def since(self, read: Callable[[], None]) -> str:
        """Return the bits that `read` consumes."""
        begin = self._at
        read()
        return self._text[begin : self._at]


@dataclass(frozen=True, slots=True)
class Framing:
    """The framing of units in a stream's packets: start codes, or a length field of `length` bytes."""

    codec: str
    length: int  # 0: start codes

    @classmethod
    def of(cls, codec: str, extradata: bytes) -> "Framing | None":
        """Return the framing that the header states; None if the codec has no NAL units.

        An `avcC` or `hvcC` record (ISO/IEC 14496-15) begins with 1, Annex B does not.
        """
        at = {"h264": 4, "hevc": 21}.get(codec)
        if at is None:
            return None
        return cls(codec, (extradata[at] & 3) + 1 if extradata[:1] == b"\1" and len(extradata) > at else 0)

    def kind(self, unit: bytes) -> int:
        """Return the unit's nal_unit_type."""
        return unit[0] & 31 if self.codec == "h264" else unit[0] >> 1 & 63

    def is_picture(self, unit: bytes) -> bool:
        """Return whether the unit holds a slice."""
        return 1 <= self.kind(unit) <= 5 if self.codec == "h264" else self.kind(unit) < 32

    def units(self, data: bytes) -> Iterator[bytes]:
        if self.length:
            at = 0
            while at + self.length < len(data):
                begin = at + self.length
                at = begin + int.from_bytes(data[at:begin], "big")
                if at > begin:
                    yield data[begin:at]
            return
        at = data.find(_START)
        while at >= 0:
            end = data.find(_START, at + 3)
            unit = data[at + 3 : end if end >= 0 else len(data)].rstrip(b"\0")  # a start code may have an extra 0
            if unit:
                yield unit
            at = end

    def leading(self, data: bytes) -> Iterator[bytes]:
        """Yield the units of a packet before its first slice."""
        for unit in self.units(data):
            if self.is_picture(unit):
                return
            yield unit

    def framed(self, unit: bytes) -> bytes:
        return len(unit).to_bytes(self.length, "big") + unit if self.length else b"\0" + _START + unit


def record_units(codec: str, record: bytes) -> Iterator[bytes]:
    """Yield the parameter sets of an `avcC` record (ISO/IEC 14496-15, 5.3.3.1), or an `hvcC` (8.3.3.1).

    Raises `IndexError` if it is truncated.
    """
    if codec == "h264":
        at, count = 6, record[5] & 31
        for _ in range(2):
            for _ in range(count):
                size = int.from_bytes(record[at : at + 2], "big")
                yield record[at + 2 : at + 2 + size]
                at += 2 + size
            count = record[at] if at < len(record) else 0
            at += 1
        return
    at = 23
    for _ in range(record[22]):
        count = int.from_bytes(record[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            yield record[at + 2 : at + 2 + size]
            at += 2 + size


def number_of_set(codec: str, kind: int, unit: bytes) -> int | None:
    """Return the id of a parameter set; None if the unit is not one. Raises `UnknownError`."""
    if codec == "h264":
        return {7: lambda: _skipped(unit[1:40], 24).ue(), 8: lambda: Bits(unit[1:8]).ue()}.get(kind, lambda: None)()
    if kind == 32:
        return Bits(unit[2:3]).u(4)
    if kind == 34:
        return Bits(unit[2:10]).ue()
    return _number_of_hevc_sps(Bits(unit[2:200])) if kind == 33 else None


def _skipped(data: bytes, count: int) -> Bits:
    bits = Bits(data)
    bits.u(count)
    return bits


def _number_of_hevc_sps(bits: Bits) -> int:
    """Read the id that follows the profiles and levels of the sub-layers (ITU-T H.265, 7.3.2.2 and 7.3.3)."""
    bits.u(4)
    layers = bits.u(3)
    bits.u(1 + 88 + 8)
    told = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    bits.u(2 * (8 - layers) if layers else 0)
    for profile, level in told:
        bits.u(88 * profile + 8 * level)
    return bits.ue()
