"""Splitting of a video's packets into GOPs that can be decoded on their own. Pure.

A cut lies before a keyframe that is shown after everything before it, and after which no frame refers to one before it.
In an open GOP, the *leading* frames right after the keyframe are shown before it and refer to both sides. They belong
to the GOP before, which decodes them together with the keyframe if it needs them. If times go back, or an H.264
"keyframe" only starts a recovery, the packets stay in one GOP with those before them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from av.codec import Codec

from framefleet.media.video.codecs import h264
from framefleet.media.video.codecs.nal import Framing
from framefleet.media.video.packet import Step, VideoPacket

MAX_BYTES = 64 << 20  # of a GOP, and of all GOPs in flight: 25 s at 20 Mbit/s
MAX_PACKETS = 1024  # 41 s at 25 fps; longer GOPs are faster with frame threads

# In these, frames that refer back past a keyframe are shown before it; VP8 also stores some that are never shown.
_OPEN = {"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video"}
_CLOSED = {"vp9", "av1", "ffv1"}
_RANDOM_ACCESS = range(16, 22)  # nal_unit_type of HEVC: frames at which decoding may begin (ITU-T H.265, 7.4.2.2)

EntryTest = Callable[["VideoPacket"], bool]


@dataclass(slots=True)
class Gop:
    """Packets in decoding order.

    `shown` are the times in ticks of the frames that it serves, ascending once it is `closed`; once the next GOP is cut
    from it, they include that one's leading frames.
    """

    steps: list[Step] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    size: int = 0
    entry: bool = False  # begins with a frame that refers to no other
    whole: bool = True  # no packet of it is damaged or missing
    leading: range = range(0)  # indices of the leading packets, which the GOP before serves

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
        """The keyframe and its leading frames."""
        return self.steps[: self.leading.stop]

    def cut_from(self, before: "Gop", *, may_lead: bool) -> bool:
        """Separate this GOP from the one `before`, which takes over its leading frames.

        Returns False if it cannot be decoded on its own, since a decoder that starts here would return other frames
        than one that continues from `before`.
        """
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
    """Return the indices of the frames shown before the first one, if they are contiguous right after it; else None.

    A packet without a time is the second field of the one before.
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
    """All packets from the last cut on. `first` is what has been read of them up to the next possible cut, if any."""

    first: Gop | None
    steps: Iterator[Step]


@dataclass(slots=True)
class GopWindow:
    """A GOP and its neighbours: damage may show in the next one, or come from the previous one."""

    before: Gop | None
    here: Gop
    after: Gop | None
    last: bool  # of the file

    def steps(self) -> list[Step]:
        return [step for gop in (self.before, self.here, self.after) if gop for step in gop.steps]


def gops(
    steps: Iterable[Step], is_entry: EntryTest, *, stop: Callable[[], bool], may_lead: bool = True
) -> Iterator[Gop | Remainder]:
    """Yield the GOPs of the video, holding two at a time. `may_lead`: whether the codec has open GOPs.

    Ends with a `Remainder` if a GOP would not fit in memory, or once `stop` returns that cutting is not worth it.
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
    """Yield each GOP with its neighbours; the first GOP of a remainder counts as one, too."""
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
    """Return whether the codec's keyframes are places to cut; intra-only codecs (ProRes) have no other frames."""
    return codec.intra_only or codec.canonical_name in _OPEN | _CLOSED


def may_lead(codec: Codec) -> bool:
    """Return whether frames shown before a keyframe may follow it in the file."""
    return codec.canonical_name in _OPEN


def entry_test(codec: str, extradata: bytes) -> EntryTest:
    """Return a test of whether a decoder may start at a packet.

    FFmpeg also marks H.264 frames as keyframes that only start a recovery.
    """
    framing = Framing.of(codec, extradata)

    def is_entry(packet: VideoPacket) -> bool:
        if not packet.is_keyframe or _has_another_header(packet, extradata):
            return False
        if framing is None:
            return True
        if framing.length not in {0, 4}:
            return False  # no current encoder writes these
        if codec == "h264":
            return h264.is_entry(bytes(packet), extradata)
        return any(framing.kind(unit) in _RANDOM_ACCESS for unit in framing.units(bytes(packet)))

    return is_entry


def _has_another_header(packet: VideoPacket, extradata: bytes) -> bool:
    return packet.has_sidedata("new_extradata") and bytes(packet.get_sidedata("new_extradata")) != extradata
