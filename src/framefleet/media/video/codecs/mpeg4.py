"""Unpacking of MPEG-4 as XviD and DivX write it: one frame per packet, each with its presentation time.

AVI has no times, and its players expected one frame out for one packet in. So a "packed" stream has a P-frame and a
B-frame in one packet, and an empty packet where that B-frame would have been. FFmpeg computes times from packets, and
so wrong ones, and some Matroska writers store wrong ones. What is certain is the order: B-frames are shown before the
I- or P-frame that precedes them in the file, and after everything before that frame.
"""

from collections.abc import Iterable, Iterator

from framefleet.media.video.packet import Step, with_data

_VOP = b"\0\0\1\xb6"  # start code of a frame; the two bits behind it are its type (ISO/IEC 14496-2, 6.2.5)
_B = 2
_EMPTY = 19  # maximum bytes of a frame that repeats the one before (FFmpeg's MAX_NVOP_SIZE)
_MOST_B = 16  # consecutive B-frames in FFmpeg's encoder; XviD and DivX use fewer


def one_by_one(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the same frames, each in its own packet with its own time.

    Holds the packets up to the next I- or P-frame.
    """
    group: list[Step] = []
    for step in _unpacked(steps):
        is_b = _is_b(bytes(step[0]))
        if is_b:
            step[0].is_keyframe = False  # the flag of the empty packet that it replaces
        if group and (not is_b or len(group) > _MOST_B):
            yield from _timed(group)
            group = []
        group.append(step)
    yield from _timed(group)


def _unpacked(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield as many packets, the empty ones replaced by the B-frames that were due there.

    FFmpeg's filter `mpeg4_unpack_bframes` mistakes small B-frames for empty packets; those are never B-frames.
    """
    due: tuple[bytes, bool] | None = None  # the data that replaces the next packet's, and whether it is a keyframe
    for packet, after_hole in steps:
        data, is_key = bytes(packet), packet.is_keyframe
        if after_hole:
            due = None  # the packet that it belongs to is lost
        second = data.find(_VOP, data.find(_VOP) + 1)
        if second > 0:
            yield with_data(packet, data[:second]), after_hole
            due = data[second:], False
        elif due is not None:
            made = with_data(packet, due[0])
            made.is_keyframe = due[1]
            yield made, after_hole
            due = (data, is_key) if _is_b(data) or len(data) > _EMPTY else None
        else:
            yield packet, after_hole


def _is_b(data: bytes) -> bool:
    head = data.partition(_VOP)[2][:1]
    return bool(head) and head[0] >> 6 == _B


def _timed(group: list[Step]) -> list[Step]:
    """Give an I- or P-frame the last of the group's times, and the B-frames after it the earlier ones."""
    times = [packet.pts for packet, _ in group if packet.pts is not None]
    if len(times) == len(group):
        for (packet, _), pts in zip([*group[1:], *group[:1]], sorted(times), strict=True):
            packet.pts = pts
    return group
