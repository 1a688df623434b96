"""MPEG-4 as XviD and DivX write it: one picture a packet, and each with the time at which it is shown.

AVI has no times, and its players knew one picture out for one packet in. So a "packed" stream holds a P- and a
B-picture in one packet and, where that B-picture would have been, an empty one. FFmpeg works out times from packets,
hence wrong ones, and some writers of Matroska store wrong ones. What is sure is the order: B-pictures are shown before
the I- or P-picture that comes before them in the file, and after all that is before that one.
"""

from collections.abc import Iterable, Iterator

from framefleet.media.video.packet import Step, with_data

_VOP = b"\0\0\1\xb6"  # start code of a picture; the two bits behind it are its type (ISO/IEC 14496-2, 6.2.5)
_B = 2
_EMPTY = 19  # bytes of a picture that says "as before", at most (FFmpeg's MAX_NVOP_SIZE)
_MOST_B = 16  # between two others, in FFmpeg's encoder; XviD and DivX have fewer


def one_by_one(steps: Iterable[Step]) -> Iterator[Step]:
    """The same pictures, each in its own packet with its own time. Holds those up to the next I- or P-picture."""
    group: list[Step] = []
    for step in _unpacked(steps):
        is_b = _is_b(bytes(step[0]))
        if is_b:
            step[0].is_keyframe = False  # said of the empty packet whose place it has taken
        if group and (not is_b or len(group) > _MOST_B):
            yield from _timed(group)
            group = []
        group.append(step)
    yield from _timed(group)


def _unpacked(steps: Iterable[Step]) -> Iterator[Step]:
    """As many packets, the empty ones replaced by the B-pictures that were due there.

    FFmpeg's filter `mpeg4_unpack_bframes` takes small B-pictures for empty ones; those are never B-pictures.
    """
    due: tuple[bytes, bool] | None = None  # what comes next in the place of a packet, and whether it is a keyframe
    for packet, after_hole in steps:
        data, is_key = bytes(packet), packet.is_keyframe
        if after_hole:
            due = None  # its place is lost
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
    """An I- or P-picture and the B-pictures behind it: these get the earlier ones of their times, that the last."""
    times = [packet.pts for packet, _ in group if packet.pts is not None]
    if len(times) == len(group):
        for (packet, _), pts in zip([*group[1:], *group[:1]], sorted(times), strict=True):
            packet.pts = pts
    return group
