"""Transport streams put end to end: where the clock of the second begins anew."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import av

from framefleet.errors import InputError
from framefleet.media.container import demuxed, open_media

_JUMP_S = 0.1  # what goes back by less is a muxer's rounding (FFmpeg takes this, too)
_NEAR_S = 1.0  # two packets of one recording are nearer to each other, and two recordings begin nearer
_BACK_S = 10.0  # what goes back by less, to the middle of the file, is one recording given twice


def refuse_restarts(path: Path, stream: int) -> None:
    """Reads all packets of a transport stream, without decoding: its header knows nothing of this.

    Raises `InputError` where the times of its `stream` begin anew, since two pictures would have each time.
    """
    with open_media(path) as container:
        main = container.streams[stream]
        assert main.time_base is not None
        try:
            times = (packet.dts for packet in demuxed(container.demux(main)) if packet.dts is not None)
            at = restart(times, 1 / float(main.time_base))
        except av.FFmpegError:
            return  # what follows cannot be read anyway, and decoding tells of it
    if at is not None:
        raise InputError(
            f"{path}: its clock begins anew after {at:.1f} s, as in files put end to end; "
            "make it one by ffmpeg -i IN -c copy OUT.mp4"
        )


def restart(times: Iterable[int], second: float) -> float | None:
    """After how many seconds times, in ticks of which `second` make one, go back and begin anew; None: they do not.

    Two that follow each other must come before two others that did, for a single time may be spoilt. Pure.
    """
    jump, near, back = (length * second for length in (_JUMP_S, _NEAR_S, _BACK_S))
    begin: int | None = None
    earlier: tuple[int, int] | None = None
    for before, here in pairwise(times):
        begin = before if begin is None else begin
        if not 0 <= here - before < near:
            continue
        if earlier is not None and here < earlier[0] - jump and (before - begin < near or earlier[0] - before > back):
            return (earlier[1] - begin) / second
        earlier = before, here
    return None
