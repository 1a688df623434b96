"""The H.264 frames that the wanted ones need, and packets that make the others almost free to decode."""

from framefleet.media.video.codecs.h264 import CodedPicture, References, SliceHeader, is_annex_b
from framefleet.media.video.codecs.nal import Framing, UnknownError
from framefleet.media.video.packet import VideoPacket, with_data

PPS_ID = 255  # the highest possible id, which no encoder has been seen to use


def stub_of(head: SliceHeader, *, annex_b: bool) -> bytes:
    """Return a skip packet for the frame with that slice header. Raises `UnknownError` if the stream uses `PPS_ID`."""
    if PPS_ID in head.parameter_sets:
        raise UnknownError
    framing = Framing("h264", 0 if annex_b else 4)
    return b"".join(framing.framed(unit) for unit in (_pps(head), _slice(head)))


def _pps(head: SliceHeader) -> bytes:
    """Return a PPS: CAVLC, one slice group, one reference, no weights, deblocking can be switched off."""
    order = str(int(head.pps.has_bottom_delta))
    return _unit(0x68, _ue(PPS_ID) + _ue(head.pps.sps) + "0" + order + _ue(0) * 3 + "000" + _ue(0) * 3 + "100")


def _slice(head: SliceHeader) -> bytes:
    number = format(head.number, f"0{head.sps.frame_num_bits}b")
    marking = "0"
    if not head.slides:
        marking = "1" + "".join(_ue(1) + _ue(gone - 1) for gone in head.unmarked) + _ue(0)
    lists = "00"  # one reference, no modification of the lists
    return _unit(
        head.nal_header,
        _ue(0) + _ue(5) + _ue(PPS_ID) + number + head.order + lists + marking + _ue(0) + _ue(1) + _ue(head.sps.size),
    )


def _ue(value: int) -> str:
    bits = bin(value + 1)[2:]
    return "0" * (len(bits) - 1) + bits


def _unit(header: int, bits: str) -> bytes:
    """Return a NAL unit, with its stop bit and emulation prevention."""
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


def without_unneeded(
    packets: list[VideoPacket], wanted: set[int], extradata: bytes, *, leading: range = range(0)
) -> list[VideoPacket]:
    """Return the packets with stubs for reference frames to which no wanted frame leads back.

    The first frame refers to no other. `wanted` are times in ticks. The packets at `leading` are shown before the first
    one and refer to frames that are missing: of them, those to which no frame refers are left out. If anything is not
    supported, all other packets are returned unchanged.
    """
    references = References()
    try:
        references.configure(extradata)
        coded = [
            references.add(place, _pts(packet), bytes(packet), leads=place in leading)
            for place, packet in enumerate(packets)
        ]
        needed = needed_of(coded, {place for place, packet in enumerate(packets) if packet.pts in wanted})
        return [
            packet
            if place in needed or not picture.head.is_reference
            else with_data(packet, stub_of(picture.head, annex_b=references.annex_b))
            for place, (packet, picture) in enumerate(zip(packets, coded, strict=True))
            if place not in leading or picture.head.is_reference
        ]
    except (UnknownError, IndexError):
        return without_idle(packets, extradata, leading=leading)


def without_idle(packets: list[VideoPacket], extradata: bytes, *, leading: range) -> list[VideoPacket]:
    """Return the packets without those at `leading` to whose frames no other refers.

    Reference frames among them stay, although they cannot be decoded correctly: decoders count them.
    """
    if not leading:
        return packets
    framing = Framing("h264", 0 if is_annex_b(extradata) else 4)
    return [
        packet
        for place, packet in enumerate(packets)
        if place not in leading
        or any(framing.is_picture(unit) and unit[0] & 0x60 for unit in framing.units(bytes(packet)))
    ]


def needed_of(coded: list[CodedPicture], wanted: set[int]) -> set[int]:
    """Return the indices of the wanted frames and of all frames to which they refer, directly or indirectly."""
    needed = {0} | wanted
    for place in reversed(range(len(coded))):
        if place in needed:
            needed |= coded[place].refers
    return needed


def _pts(packet: VideoPacket) -> int:
    if packet.pts is None:
        raise UnknownError
    return packet.pts
