"""Puts in the place of an H.264 reference picture one that costs almost nothing, and leaves all others as they are.

What a decoder keeps as references hangs on every reference picture's number, order and marking; passed over, it would
miss them. So the headers stay as they are, and the picture becomes a P-picture whose macroblocks are all skipped
(ITU-T H.264, 7.3.2.2, 7.3.3 and 7.3.4).
"""

from framefleet.media.h264 import Slice
from framefleet.media.nal import Framing, UnknownError

PPS_ID = 255  # the last there may be, which no encoder here has been seen to use


def stub_of(head: Slice, *, annex_b: bool) -> bytes:
    """A packet for the picture with that slice header. Raises `UnknownError` where the stream uses our `PPS_ID`."""
    if PPS_ID in head.parameter_sets:
        raise UnknownError
    framing = Framing("h264", 0 if annex_b else 4)
    return b"".join(framing.framed(unit) for unit in (_pps(head), _slice(head)))


def _pps(head: Slice) -> bytes:
    """CAVLC, one slice group, one reference, no weights; the filter can be switched off."""
    order = str(int(head.pps.has_bottom_delta))
    return _unit(0x68, _ue(PPS_ID) + _ue(head.pps.sps) + "0" + order + _ue(0) * 3 + "000" + _ue(0) * 3 + "100")


def _slice(head: Slice) -> bytes:
    number = format(head.number, f"0{head.sps.frame_num_bits}b")
    marking = "0"
    if not head.slides:
        marking = "1" + "".join(_ue(1) + _ue(gone - 1) for gone in head.unmarked) + _ue(0)
    lists = "00"  # one reference, in the initial order
    return _unit(
        head.nal_header,
        _ue(0) + _ue(5) + _ue(PPS_ID) + number + head.order + lists + marking + _ue(0) + _ue(1) + _ue(head.sps.size),
    )


def _ue(value: int) -> str:
    bits = bin(value + 1)[2:]
    return "0" * (len(bits) - 1) + bits


def _unit(header: int, bits: str) -> bytes:
    """A NAL unit: stop bit and emulation prevention added."""
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    unit, zeros = bytearray([header]), 0
    for byte in int(bits, 2).to_bytes(len(bits) // 8, "big"):
        if zeros >= 2 and byte <= 3:
            unit.append(3)
            zeros = 0
        unit.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(unit)
