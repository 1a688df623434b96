"""Cuts a video's packets where a decoder can begin anew, so that each stretch can be decoded on its own. Pure.

A cut lies before a keyframe after which no picture refers to one before it, and which is shown after everything before
it. In an open group the pictures right behind the keyframe are shown before it, and refer to both sides: they *lead*.
They belong to the stretch before, which takes the keyframe and them along where it needs them. Times that go back, or
an H.264 "keyframe" after which pictures only recover, stay in one stretch with what is before them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from av.codec import Codec

from framefleet.media.video.codecs import h264
from framefleet.media.video.codecs.nal import Framing
from framefleet.media.video.packet import Step, VideoPacket

MAX_BYTES = 64 << 20  # of a stretch, and of those under way: 25 s at 20 Mbit/s
MAX_PACKETS = 1024  # 41 s at 25 fps; longer ones are faster with frame threads

# Pictures that refer back past a keyframe are shown before it, in these; VP8 also stores some that are never shown.
_OPEN = {"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video"}
_CLOSED = {"vp9", "av1", "ffv1"}
_RANDOM_ACCESS = range(16, 22)  # nal_unit_type of HEVC: pictures at which decoding may begin (ITU-T H.265, 7.4.2.2)

EntryTest = Callable[["VideoPacket"], bool]


@dataclass(slots=True)
class Gop:
    """Packets in the order of decoding. `shown` are the times of the pictures that it serves, in ticks, ascending once
    `close`d; of those that lead the next stretch, too, once it is `cut_from` that."""

    steps: list[Step] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    size: int = 0
    entry: bool = False  # begins with a picture that refers to no other
    whole: bool = True  # no packet of it is damaged or missing
    leading: range = range(0)  # the places of packets that lead it, and that the stretch before serves

    def add(self, step: Step, *, entry: bool) -> None:
        packet, after_hole = step
        if not self.steps:
            self.entry = entry
        self.steps.append(step)
        self.size += packet.size
        self.whole = self.whole and not (after_hole or packet.is_corrupt)
        if packet.pts is not None and not packet.is_discard:
            self.shown.append(packet.pts)

    def closed(self) -> "Gop":
        self.shown.sort()
        return self

    @property
    def is_long(self) -> bool:
        return self.size > MAX_BYTES or len(self.steps) > MAX_PACKETS

    @property
    def head(self) -> list[Step]:
        """The keyframe and what leads it."""
        return self.steps[: self.leading.stop]

    def cut_from(self, before: "Gop", *, may_lead: bool) -> bool:
        """Takes its own pictures alone, and gives those that lead it to `before`; False where it does not stand alone,
        since a decoder that begins here would give other pictures than one that comes from `before`."""
        first = self.steps[0][0].pts
        if not self.entry or first is None:
            return False
        leading = _leading([packet.pts for packet, _ in self.steps], first)
        if leading is None or (leading and not may_lead) or (before.shown and before.shown[-1] >= first):
            return False
        own = [pts for pts in self.shown if pts >= first]
        if not own:
            return False
        before.shown = sorted([*before.shown, *(pts for pts in self.shown if pts < first)])
        self.leading, self.shown = leading, own
        return True


def _leading(times: list[int | None], first: int) -> range | None:
    """The places of the pictures shown before the first of a stretch, all together right behind it; None: they are not.

    What has no time is the second field of what is before it.
    """
    places = [place for place, pts in enumerate(times) if pts is not None and pts < first]
    if not places:
        return range(0)
    begin = places[0]
    stop = next((n for n, pts in enumerate(times) if n > begin and pts is not None and pts >= first), len(times))
    only_fields = all(pts is None for pts in times[1:begin])
    return range(begin, stop) if only_fields and places[-1] < stop else None


@dataclass(slots=True)
class Remainder:
    """All packets from the last cut on. `first` is what of them has been read up to the next place to cut, if any."""

    first: Gop | None
    steps: Iterator[Step]


@dataclass(slots=True)
class GopWindow:
    """A stretch and its neighbours: damage may show in the one after, and come from the one before."""

    before: Gop | None
    here: Gop
    after: Gop | None
    last: bool  # of the file

    def steps(self) -> list[Step]:
        return [step for stretch in (self.before, self.here, self.after) if stretch for step in stretch.steps]


def gops(
    steps: Iterable[Step], is_entry: EntryTest, *, stop: Callable[[], bool], may_lead: bool = True
) -> Iterator[Gop | Remainder]:
    """The stretches of the video. Holds two at a time. `may_lead`: whether the codec has groups that are open.

    A `Remainder` comes last where a stretch would not fit in memory, or once `stop` says that cutting is not worth it.
    """
    reading = iter(steps)
    here: Gop | None = None
    coming = Gop()
    for step in reading:
        if step[0].is_keyframe and coming.steps:
            if here is not None and coming.closed().cut_from(here, may_lead=may_lead):
                yield here
                here = coming
            else:
                here = _joined(here, coming)
            coming = Gop()
        coming.add(step, entry=is_entry(step[0]))
        if coming.is_long or (here is not None and here.is_long) or stop():
            yield Remainder(here, chain(here.steps if here else (), coming.steps, reading))
            return
    if here is not None and coming.steps and coming.closed().cut_from(here, may_lead=may_lead):
        yield here
        here = coming
    elif coming.steps:
        here = _joined(here, coming)
    if here is not None:
        yield here


def _joined(here: Gop | None, coming: Gop) -> Gop:
    if here is None:
        return coming.closed()
    here.steps += coming.steps
    here.shown += coming.shown
    here.size += coming.size
    here.whole = here.whole and coming.whole
    return here.closed()


def gop_windows(parts: Iterable[Gop | Remainder]) -> Iterator[GopWindow | Remainder]:
    """Each stretch between its neighbours; a tail begins anew, so that it may follow a stretch."""
    before: Gop | None = None
    here: Gop | None = None
    for part in parts:
        after = part.first if isinstance(part, Remainder) else part
        if here is not None:
            yield GopWindow(before, here, after, last=False)
        if isinstance(part, Remainder):
            yield part
            return
        before, here = here, after
    if here is not None:
        yield GopWindow(before, here, None, last=True)


def can_be_cut(codec: Codec) -> bool:
    """Whether keyframes of the codec are places to cut; those of which each picture is one (ProRes) have no others."""
    return codec.intra_only or codec.canonical_name in _OPEN | _CLOSED


def may_lead(codec: Codec) -> bool:
    """Whether pictures shown before a keyframe may come behind it."""
    return codec.canonical_name in _OPEN


def entry_test(codec: str, extradata: bytes) -> EntryTest:
    """Tells whether a decoder may begin at a packet. FFmpeg takes H.264 pictures for keyframes that only recover."""
    framing = Framing.of(codec, extradata)

    def is_entry(packet: VideoPacket) -> bool:
        if not packet.is_keyframe or _has_another_header(packet, extradata):
            return False
        if framing is None:
            return True
        if framing.length not in {0, 4}:
            return False  # nobody writes these any more
        if codec == "h264":
            return h264.is_entry(bytes(packet), extradata)
        return any(framing.kind(unit) in _RANDOM_ACCESS for unit in framing.units(bytes(packet)))

    return is_entry


def _has_another_header(packet: VideoPacket, extradata: bytes) -> bool:
    return packet.has_sidedata("new_extradata") and bytes(packet.get_sidedata("new_extradata")) != extradata
