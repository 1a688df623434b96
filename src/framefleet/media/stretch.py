"""Cuts a video's packets where a decoder can begin anew, so that each stretch can be decoded on its own. Pure.

A cut lies before a keyframe whose packets, up to the next keyframe, are all shown after everything before it: no
picture on either side refers to one on the other (a closed GOP). An open GOP, times that go back, or an H.264
"keyframe" that is no IDR picture stay in one stretch with what is before them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from av.codec import Codec

from framefleet.media.h264 import is_idr
from framefleet.media.step import Step, VideoPacket

MAX_BYTES = 64 << 20  # of a stretch, and of those under way: 25 s at 20 Mbit/s
MAX_PACKETS = 1024  # 41 s at 25 fps; longer ones are faster with frame threads

# Pictures that refer back past a keyframe are shown before it, in these; VP8 also stores some that are never shown.
_WITH_GROUPS = {"h264", "hevc", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "ffv1"}

EntryTest = Callable[["VideoPacket"], bool]


@dataclass(slots=True)
class Stretch:
    """Packets in the order of decoding. `shown` are the times of their pictures, in ticks, ascending once `close`d."""

    steps: list[Step] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    size: int = 0
    entry: bool = False  # begins with a picture that refers to no other
    whole: bool = True  # no packet of it is damaged or missing

    def add(self, step: Step, *, entry: bool) -> None:
        packet, after_hole = step
        if not self.steps:
            self.entry = entry
        self.steps.append(step)
        self.size += packet.size
        self.whole = self.whole and not (after_hole or packet.is_corrupt)
        if packet.pts is not None and not packet.is_discard:
            self.shown.append(packet.pts)

    def closed(self) -> "Stretch":
        self.shown.sort()
        return self

    @property
    def is_long(self) -> bool:
        return self.size > MAX_BYTES or len(self.steps) > MAX_PACKETS

    def stands_alone(self, before: "Stretch") -> bool:
        """Whether a decoder that begins here gives the same pictures as one that comes from `before`."""
        own = (packet.pts for packet, _ in self.steps if packet.pts is not None)
        first = self.steps[0][0].pts
        if not self.entry or not self.shown or first is None or min(own) < first:
            return False
        return not before.shown or before.shown[-1] < first


@dataclass(slots=True)
class Tail:
    """All packets from the last cut on. `first` is what of them has been read up to the next place to cut, if any."""

    first: Stretch | None
    steps: Iterator[Step]


@dataclass(slots=True)
class Window:
    """A stretch and its neighbours: damage may show in the one after, and come from the one before."""

    before: Stretch | None
    here: Stretch
    after: Stretch | None
    last: bool  # of the file

    def steps(self) -> list[Step]:
        return [step for stretch in (self.before, self.here, self.after) if stretch for step in stretch.steps]


def stretches(steps: Iterable[Step], is_entry: EntryTest, *, stop: Callable[[], bool]) -> Iterator[Stretch | Tail]:
    """The stretches of the video. Holds two at a time.

    A `Tail` comes last where a stretch would not fit in memory, or once `stop` says that cutting is not worth it.
    """
    reading = iter(steps)
    here: Stretch | None = None
    coming = Stretch()
    for step in reading:
        if step[0].is_keyframe and coming.steps:
            if here is not None and coming.closed().stands_alone(here):
                yield here
                here = coming
            else:
                here = _joined(here, coming)
            coming = Stretch()
        coming.add(step, entry=is_entry(step[0]))
        if coming.is_long or (here is not None and here.is_long) or stop():
            yield Tail(here, chain(here.steps if here else (), coming.steps, reading))
            return
    if here is not None and coming.steps and coming.closed().stands_alone(here):
        yield here
        here = coming
    elif coming.steps:
        here = _joined(here, coming)
    if here is not None:
        yield here


def _joined(here: Stretch | None, coming: Stretch) -> Stretch:
    if here is None:
        return coming.closed()
    here.steps += coming.steps
    here.shown += coming.shown
    here.size += coming.size
    here.whole = here.whole and coming.whole
    return here.closed()


def windows(parts: Iterable[Stretch | Tail]) -> Iterator[Window | Tail]:
    """Each stretch between its neighbours; a tail begins anew, so that it may follow a stretch."""
    before: Stretch | None = None
    here: Stretch | None = None
    for part in parts:
        after = part.first if isinstance(part, Tail) else part
        if here is not None:
            yield Window(before, here, after, last=False)
        if isinstance(part, Tail):
            yield part
            return
        before, here = here, after
    if here is not None:
        yield Window(before, here, None, last=True)


def can_be_cut(codec: Codec) -> bool:
    """Whether keyframes of the codec are places to cut; those of which each picture is one (ProRes) have no others."""
    return codec.intra_only or codec.canonical_name in _WITH_GROUPS


def entry_test(codec: str, extradata: bytes) -> EntryTest:
    """Tells whether a decoder may begin at a packet. FFmpeg takes H.264 pictures for keyframes that only recover."""

    def is_entry(packet: VideoPacket) -> bool:
        if not packet.is_keyframe or packet.has_sidedata("new_extradata"):
            return False
        return codec != "h264" or is_idr(bytes(packet), extradata)

    return is_entry
