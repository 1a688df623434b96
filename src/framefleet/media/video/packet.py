"""The packets of a video, as they are read."""

from typing import TypeAlias, cast

from av.packet import Packet
from av.video.stream import VideoStream

VideoPacket: TypeAlias = "Packet[VideoStream]"
Step = tuple[VideoPacket, bool]
"""A packet of the video, and whether bytes were skipped before it."""


def with_data(packet: VideoPacket, data: bytes) -> VideoPacket:
    """Return a packet that replaces `packet`, with other content."""
    # `Packet(data)` would be a view of `data`. Decoders read some bytes beyond the end, which must be zero.
    made = cast("VideoPacket", Packet(len(data)))
    made.update(data)
    made.stream, made.time_base = packet.stream, packet.time_base
    made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
    made.is_keyframe, made.is_corrupt = packet.is_keyframe, packet.is_corrupt
    for told in packet.iter_sidedata():
        made.set_sidedata(told)
    return made
