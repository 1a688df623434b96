"""Which pictures of an H.264 stretch the wanted ones need, and packets in which the others cost next to nothing."""

from framefleet.media.h264 import Coded, References, is_annex_b
from framefleet.media.h264_stub import stub_of
from framefleet.media.nal import Framing, UnknownError
from framefleet.media.step import VideoPacket, with_data


def without_unneeded(
    packets: list[VideoPacket], wanted: set[int], extradata: bytes, *, leading: range = range(0)
) -> list[VideoPacket]:
    """The same packets, with stubs for references to which no wanted picture leads back.

    They begin with a picture that refers to no other. `wanted` are times, in ticks. The packets at `leading` are of
    pictures shown before the first, which refer to what is not here: of them those to which no picture refers are left
    out. Where something is not understood, all others are given back as they are.
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
    """The same packets without those at `leading` to whose pictures no other refers.

    References among them stay, though they cannot be decoded right: decoders count them.
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


def needed_of(coded: list[Coded], wanted: set[int]) -> set[int]:
    """The places of the wanted pictures, of those to which they refer, of those to which these refer, and so on."""
    needed = {0} | wanted
    for place in reversed(range(len(coded))):
        if place in needed:
            needed |= coded[place].refers
    return needed


def _pts(packet: VideoPacket) -> int:
    if packet.pts is None:
        raise UnknownError
    return packet.pts
