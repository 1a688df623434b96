"""Which pictures of an H.264 stretch the wanted ones need, and packets in which the others cost next to nothing."""

from framefleet.media.h264 import Coded, References, UnknownError
from framefleet.media.h264_stub import stub_of
from framefleet.media.step import VideoPacket, with_data


def without_unneeded(packets: list[VideoPacket], wanted: set[int], extradata: bytes) -> list[VideoPacket]:
    """The same packets, from an IDR picture on, with stubs for references to which no wanted picture leads back.

    `wanted` are times, in ticks. Packets that use what is not understood are given back as they are.
    """
    references = References()
    try:
        references.configure(extradata)
        coded = [references.add(place, _pts(packet), bytes(packet)) for place, packet in enumerate(packets)]
        needed = needed_of(coded, {place for place, packet in enumerate(packets) if packet.pts in wanted})
        return [
            packet
            if place in needed or not picture.head.is_reference
            else with_data(packet, stub_of(picture.head, annex_b=references.annex_b))
            for place, (packet, picture) in enumerate(zip(packets, coded, strict=True))
        ]
    except (UnknownError, IndexError):
        return packets


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
