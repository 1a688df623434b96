"""One clock for a file whose timestamps jump, or are wrong here and there. Pure: it sees packets' times alone.

A clock that jumps, and goes on from there, is another recording's, another encoder's, an advertisement's: what follows
is put behind what came before, its streams as far from each other as they were. A time that those before and behind
it contradict is wrong: the packet gets the place that is free between them.
"""

from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Generic, Protocol, TypeVar

_FAR = Fraction(10)  # seconds; more is no gap but another clock (FFmpeg's `dts_delta_threshold`)
_BACK = Fraction(1, 10)  # what goes back by less is a muxer's rounding (FFmpeg takes this, too)
_BEGINNING = Fraction(1)  # two recordings begin nearer to each other than this, wherever the first one ends
_APART = Fraction(2)  # streams of one clock lie in a file no farther apart
_AFTER = 17  # packets; a picture waits for 16 others at most (H.264 A.3.1, HEVC A.4.2), so this many tell
_REORDERED = 8  # frames that one is stored away from where it is shown, as encoders do it
_RUN = Fraction(
    3, 2
)  # seconds; wrong times that agree with each other are one packet's of the container: 0.7 s at most
_NUMBERED = 2  # packets; of those before a joint FFmpeg says "corrupt", since what follows is numbered anew
_MOST = 512  # packets that wait for a decision
_WAITING = 2048  # packets that wait, of all streams together, for one that has given too few to tell
_REAL = Fraction(1, 2)  # of the bytes that the time passed over would take
_NOTHING = Fraction(3600)  # seconds: a recording in which nothing comes for longer, of no stream, is none


class Stamped(Protocol):
    """What a clock reads of a packet, and sets: `pts` and `dts`, and `is_corrupt`, which FFmpeg says where a stream's
    packets are not numbered one after the other. `pos` is its place in the file."""

    pts: int | None
    dts: int | None
    is_corrupt: bool

    @property
    def stream_index(self) -> int: ...
    @property
    def time_base(self) -> Fraction: ...
    @property
    def duration(self) -> int | None: ...
    @property
    def pos(self) -> int | None: ...


P = TypeVar("P", bound=Stamped)


class PacketClock(Generic[P]):
    """Puts the packets of one file, given in its order, on one clock: changes the times of those that are wrong.

    `begins_anew`: times are what a sender stamped (MPEG-TS), and mean nothing across a jump. Elsewhere they are the
    file's own, and what is far ahead may be a picture that stands long: only a time from which those behind it go
    back, or one beyond `end`, the header's, is wrong. Only those of `streams` (None: all) are looked at.
    `sounds` are those of sound beside pictures, which end at `pictures_end` (None: nobody says). Nobody hears a frame
    of sound for longer than it is, so that one far behind all pictures, and behind the sound before it, is of another
    clock where pictures that lie behind it in the file go on, or where nothing at all comes for an hour.
    A packet is handed on once it is decided; where nothing is odd, at once.
    """

    def __init__(
        self,
        *,
        begins_anew: bool,
        end: Fraction | None = None,
        streams: Container[int] | None = None,
        sounds: Container[int] = (),
        pictures_end: Fraction | None = None,
    ) -> None:
        self.changed = False
        self._streams = streams
        self._sounds = sounds
        self._pictures_end = pictures_end
        self._begins_anew = begins_anew
        self._end = end
        self._lines: dict[int, _StreamClock[P]] = {}
        self._queue: deque[_Entry[P]] = deque()

    def add(self, packet: P) -> Iterator[P]:
        """The packets that are decided by now, in the order in which they were given."""
        if self._streams is not None and packet.stream_index not in self._streams:
            entry = _Entry(packet, None, decided=True)
            self._queue.append(entry)
            yield from self._decided()
            return
        entry = _Entry(packet, self._time_of(packet))
        line = self._lines.get(packet.stream_index)
        if line is None:
            beside = not self._begins_anew and packet.stream_index in self._sounds
            line = self._lines[packet.stream_index] = _StreamClock(packet.time_base, self._begins_anew, beside)
        if entry.time is None:
            line.shifted(entry)
        elif not line.held and line.fits(entry):
            line.take(entry)
        else:
            line.held.append(entry)
            self._decide(line, ended=False)
        if not self._queue and entry.decided:
            yield packet
            return
        self._queue.append(entry)
        if len(self._queue) > _WAITING and not self._queue[0].decided:
            self._force(self._lines[self._queue[0].packet.stream_index])
        yield from self._decided()

    def rest(self) -> Iterator[P]:
        """What is left once all packets are given."""
        for line in self._lines.values():
            self._force(line)
        yield from self._decided()

    def ends(self) -> dict[int, Fraction]:
        """By stream, when its last frame ends, if that stays as long as frames usually do."""
        return {index: line.usual_end for index, line in self._lines.items() if line.newest is not None}

    def put_right(self, packets: Iterable[P]) -> Iterator[P]:
        """All of `packets` on one clock, to their end; also where reading them raises."""
        try:
            for packet in packets:
                yield from self.add(packet)
        except Exception:
            yield from self.rest()
            raise
        yield from self.rest()

    def _time_of(self, packet: P) -> int | None:
        """By decoding where the format tells, for that never goes back; else by presentation."""
        return packet.dts if self._begins_anew and packet.dts is not None else packet.pts

    def _decided(self) -> Iterator[P]:
        while self._queue and self._queue[0].decided:
            yield self._queue.popleft().packet

    def _force(self, line: "_StreamClock[P]") -> None:
        """Decides all that the line holds, by what there is."""
        self._decide(line, ended=True)
        line.let_go()

    def _decide(self, line: "_StreamClock[P]", *, ended: bool) -> None:
        while line.held:
            if line.is_elsewhere and self._follows(line):
                line.take(line.held.pop(0))
                continue
            verdict, count = line.judge(self._end, ended=ended)
            if verdict == "jump" and not self._begins_anew:
                verdict = "take"
            if verdict == "take" and self._is_far_behind_all(line):
                verdict = self._judge_sound(line, ended=ended)
            if verdict == "wait":
                return
            if verdict == "jump":
                self._jump(line)
            elif verdict == "spoilt":
                line.place(count)
                self.changed = True
            else:
                line.take(line.held.pop(0))

    def _follows(self, line: "_StreamClock[P]") -> bool:
        """Whether the line's next time is another line's, which was there before; it then has that one's offset."""
        assert line.newest is not None
        time = line.first
        for other in self._lines.values():
            if other is line or other.newest is None or abs(time * line.tick - other.newest * other.tick) > _APART:
                continue
            if other.offset != line.offset or (self._begins_anew and time > line.newest):
                line.begin_again(other.offset)
                return True
        return False

    def _is_far_behind_all(self, line: "_StreamClock[P]") -> bool:
        """Whether the line's next frame of sound begins where no picture is, and the sound before it is over."""
        if not line.is_beside or line.newest is None:
            return False
        time, before = line.first * line.tick, line.newest * line.tick
        beyond = self._pictures_end is not None and time > self._pictures_end + _FAR
        return time > before + _FAR and (beyond or time > before + _NOTHING)

    def _judge_sound(self, line: "_StreamClock[P]", *, ended: bool) -> str:
        """What such a frame is, by the pictures before and behind it in the file."""
        time, pos = line.first * line.tick, line.held[0].packet.pos
        others = [other for other in self._lines.values() if other.newest is not None and not other.is_beside]
        if any(other.reach >= time - _FAR for other in others):
            return "take"
        if pos is not None and any(other.lies_around(pos) for other in others):
            return "jump"
        if not ended and len(line.held) < _MOST:
            return "wait"
        assert line.newest is not None
        return "jump" if others and time > line.newest * line.tick + _NOTHING else "take"

    def _jump(self, line: "_StreamClock[P]") -> None:
        """The line's next packet begins a clock of its own, unless what the file has lost is as long as the jump."""
        if not line.has_hole():
            line.begin_again(self._offset(line))
            self.changed = True
        line.take(line.held.pop(0))

    def _offset(self, line: "_StreamClock[P]") -> Fraction:
        """That by which no stream's frames come before those that it had; short ones, of sound, by no more than 0.1 s.

        The streams that have come to the jump count; those that come to it later get this one's.
        """
        near = [o for o in self._lines.values() if o.held and o.newest is not None]
        near = [other for other in near if abs(other.start() - line.start()) <= _FAR]
        longest = max(near, key=_StreamClock.step)
        return max(other.end - other.start() - (0 if other is longest else _BACK) for other in near)


@dataclass(slots=True, eq=False)
class _Entry(Generic[P]):
    packet: P
    time: int | None
    decided: bool = False

    @property
    def shown(self) -> int:
        assert self.time is not None
        return self.packet.pts if self.packet.pts is not None else self.time


@dataclass(slots=True, eq=False)
class _StreamClock(Generic[P]):
    """What is known of one stream; in its own ticks, as the file has them, but `end` and `offset`."""

    tick: Fraction
    begins_anew: bool
    is_beside: bool = False  # sound beside pictures
    offset: Fraction = Fraction(0)  # seconds, from the file's times to the one clock
    newest: int | None = None
    held: list[_Entry[P]] = field(default_factory=list)
    _begin: int = 0
    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=_AFTER))
    _shown: deque[int] = field(default_factory=lambda: deque(maxlen=_AFTER))
    _last: tuple[int, int] = (0, 0)  # when the frame shown last begins and how long it stays
    _places: tuple[int, int] | None = None  # in the file: of the first packet and of the newest
    _shift: int = 0
    _latest: deque[_Entry[P]] = field(default_factory=deque)
    _far: int = 0

    def __post_init__(self) -> None:
        self._far = round(_FAR / self.tick)

    @property
    def first(self) -> int:
        """The time of the first packet held."""
        return self._times(1)[0]

    @property
    def reach(self) -> Fraction:
        """The newest time, by the file; of what waits for a decision, too."""
        assert self.newest is not None
        return max([self.newest, *self._times()]) * self.tick

    def lies_around(self, pos: int) -> bool:
        """Whether some of its packets lie before a place of the file, and some behind it."""
        return self._places is not None and self._places[0] < pos < self._places[1]

    @property
    def end(self) -> Fraction:
        """When the last frame so far ends, on the one clock."""
        begins, length = self._last
        if self.is_beside and length > self._far:  # MP4 has a frame last until the next one
            length = 0
        return begins * self.tick + (length * self.tick or self.step()) + self.offset

    @property
    def usual_end(self) -> Fraction:
        return self._last[0] * self.tick + self.step() + self.offset

    def step(self) -> Fraction:
        """How long frames usually stay."""
        return _step(sorted(self._shown)) * self.tick

    def start(self) -> Fraction:
        """When the first frame held is shown, by the file."""
        return min(entry.shown for entry in self.held[:_AFTER]) * self.tick

    @property
    def is_elsewhere(self) -> bool:
        """Whether the first packet held is right in itself, but not here."""
        entry = self.held[0]
        return self.newest is not None and self._is_sound(entry) and not self._is_near(entry)

    def fits(self, entry: _Entry[P]) -> bool:
        """Whether the packet may well come here."""
        return self.newest is not None and self._is_sound(entry) and self._is_near(entry)

    def _is_sound(self, entry: _Entry[P]) -> bool:
        """Whether its times of decoding and presentation do not contradict each other."""
        assert entry.time is not None
        return not self.begins_anew or abs(entry.shown - entry.time) <= self._far

    def _is_near(self, entry: _Entry[P]) -> bool:
        time, newest = entry.time, self.newest
        assert time is not None
        if newest is None:
            return False
        if time >= newest:
            return time - newest <= self._far
        if self.begins_anew and entry.packet.dts is not None and (time - self._begin) * self.tick < _BEGINNING:
            return (newest - time) * self.tick <= _BACK
        if not self.begins_anew and len(self._recent) < _AFTER:
            return True
        return time >= min(self._recent) - self._far

    def judge(self, end: Fraction | None, *, ended: bool) -> tuple[str, int]:
        """What the first packet held is: "take", "jump", "spoilt" (that many are), or "wait" for more."""
        if self.newest is None:
            return self._judge_beginning(end, ended=ended)
        if self.fits(self.held[0]):
            return "take", 1
        first, *later = self._times()
        full = ended or len(later) >= _MOST
        if not self.begins_anew and first > self.newest:
            return self._judge_ahead(first, later, end, full=full or len(later) >= _AFTER)
        pairs = enumerate(pairwise(self.held), 1)
        back = next((place for place, (before, entry) in pairs if self._returns(before, entry)), None)
        if back is not None:
            return ("spoilt", back) if full or len(self.held) - back >= _AFTER else ("wait", 0)
        if not full and (len(later) < _AFTER or abs(later[-1] - first) < _RUN / self.tick):
            return "wait", 0
        return ("jump", 1) if later and abs(later[0] - first) <= self._far else ("spoilt", 1)

    def _judge_ahead(self, first: int, later: Sequence[int], end: Fraction | None, *, full: bool) -> tuple[str, int]:
        """A picture may stand for hours, so that those behind it must contradict."""
        assert self.newest is not None
        if later and max(later) >= first - self._far:
            return "take", 1
        if not full:
            return "wait", 0
        return ("spoilt", 1) if self._sticks_out(first, later, self.newest, end) else ("take", 1)

    def _sticks_out(self, first: int, later: Sequence[int], before: int, end: Fraction | None) -> bool:
        """Whether a time far ahead of those behind it, and of those before it, is wrong."""
        if len(later) >= _AFTER:
            return True
        if end is not None:
            return first * self.tick > end + _FAR
        return bool(later) and first - max(later) > max(later) - before

    def _judge_beginning(self, end: Fraction | None, *, ended: bool) -> tuple[str, int]:
        first, *later = self._times()
        right = [self._is_sound(entry) for entry in self.held]
        if self.begins_anew and later and all(right[:2]) and abs(later[0] - first) <= self._far:
            return self._judge_first_run(self._times(), full=ended or len(later) >= _MOST)
        if (later and right[0] and abs(later[0] - first) <= self._far) or (ended and not later):
            return "take", 1
        if not self.begins_anew and later and max(later) >= first - self._far:
            return "take", 1
        if not ended and len(later) < _AFTER:
            return "wait", 0
        if self.begins_anew:
            pairs = enumerate(pairwise(self._times()))
            agreed = next((place for place, (a, b) in pairs if right[place] and abs(b - a) <= self._far), 0)
            return ("spoilt", agreed) if agreed else ("take", 1)
        return ("spoilt", 1) if self._sticks_out(first, later, min(later), end) else ("take", 1)

    def _judge_first_run(self, times: Sequence[int], *, full: bool) -> tuple[str, int]:
        """The times of one packet of the container agree with each other, right or wrong; those of more are right."""
        if any(before - after > _BACK / self.tick for before, after in pairwise(times) if before - after <= self._far):
            return "take", 1
        away = next((place for place, time in enumerate(times) if abs(time - times[0]) > self._far), None)
        if away is None:
            return ("take", 1) if full or abs(times[-1] - times[0]) >= _RUN / self.tick else ("wait", 0)
        behind = times[away:]
        if abs(times[away - 1] - times[0]) >= _RUN / self.tick or min(abs(t - times[0]) for t in behind) <= self._far:
            return "take", 1
        if not full and (len(behind) < _AFTER or abs(behind[-1] - behind[0]) < _RUN / self.tick):
            return "wait", 0
        return ("spoilt", away) if len(behind) > away else ("take", 1)

    def take(self, entry: _Entry[P]) -> None:
        """The packet is right as it is, as far as its clock is."""
        time = entry.time
        assert time is not None
        if self.newest is None:
            self._begin = time
        self.newest = time if self.newest is None else max(time, self.newest)
        self._recent.append(time)
        self._shown.append(entry.shown)
        self._last = max(self._last if len(self._shown) > 1 else (entry.shown, 0), (entry.shown, _length(entry)))
        pos = entry.packet.pos
        if pos is not None and pos >= 0:
            self._places = (self._places[0] if self._places else pos, pos)
        self.shifted(entry)
        self._latest.append(entry)
        if len(self._latest) > _NUMBERED:
            self._latest.popleft().decided = True
        if any(latest.packet.is_corrupt for latest in self._latest):
            entry.decided = False
        else:
            self.let_go()

    def let_go(self) -> None:
        """Hands on what waits because a packet is said to be damaged."""
        while self._latest:
            self._latest.popleft().decided = True

    def shifted(self, entry: _Entry[P]) -> None:
        """The packet gets this line's offset."""
        packet = entry.packet
        if self._shift:
            packet.pts = packet.pts + self._shift if packet.pts is not None else None
            packet.dts = packet.dts + self._shift if packet.dts is not None else None
        entry.decided = True

    def place(self, count: int) -> None:
        """Puts the first packets held, whose times are wrong, in what is free between their neighbours."""
        spoilt = self.held[:count]
        after = [entry for entry in self.held[count : count + _AFTER] if self._is_sound(entry)]
        after = [entry for entry in after if self._is_near(entry) or self._is_by(entry, after[0])]
        del self.held[:count]
        spans = (list(self._shown), [entry.shown for entry in after])
        places = free(*spans, count)
        steps = free(list(self._recent), [entry.time for entry in after if entry.time is not None], count)
        for entry, place, step in zip(spoilt, places, steps, strict=True):
            packet = entry.packet
            if packet.pts is not None and not self._is_among(packet.pts, [*spans[0], *spans[1]]):
                packet.pts = place
            if packet.dts is not None:
                packet.dts = min(step, packet.pts) if packet.pts is not None else step
            entry.time = step if self.begins_anew and packet.dts is not None else packet.pts
            if self.newest is None:
                self.shifted(entry)
            else:
                self.take(entry)

    def _is_by(self, entry: _Entry[P], first: _Entry[P]) -> bool:
        """Whether nothing was right yet, and the packet is near to the one that will be."""
        return self.newest is None and abs(entry.shown - first.shown) <= self._far

    def begin_again(self, offset: Fraction) -> None:
        """What follows has another clock, or is as good as that: nothing of what came before is near it."""
        self._recent.clear()
        self._shown.clear()
        self.newest, self._places = None, None
        if offset != self.offset:
            for entry in self._latest:
                entry.packet.is_corrupt = False
            self.offset, self._shift = offset, round(offset / self.tick)

    def has_hole(self) -> bool:
        """Whether so many bytes are missing before the first packet held as the time that is passed over would take."""
        pos = self.held[0].packet.pos
        if self._places is None or pos is None or self.newest is None or self.first < self.newest:
            return False
        begin, newest = self._places
        return (pos - newest) * (self.newest - self._begin) > _REAL * (self.first - self.newest) * (newest - begin) > 0

    def _times(self, most: int | None = None) -> list[int]:
        return [entry.time for entry in self.held[:most] if entry.time is not None]

    def _returns(self, before: _Entry[P], entry: _Entry[P]) -> bool:
        """Whether the packet, unlike the one `before` it, goes on where the last right one ended."""
        assert self.newest is not None and before.time is not None and entry.time is not None
        dense = self.begins_anew and entry.packet.dts is not None
        lowest = (self.newest if dense else min(self._recent)) - _BACK / self.tick
        goes_on = self._is_sound(before) and 0 <= (entry.time - before.time) * self.tick <= 4 * self.step()
        return lowest <= entry.time and self.fits(entry) and not goes_on

    @staticmethod
    def _is_among(pts: int, others: Sequence[int]) -> bool:
        reach = _REORDERED * _step(sorted(others))
        return bool(others) and pts not in others and min(others) - reach <= pts <= max(others) + reach


def _length(entry: _Entry[P]) -> int:
    return entry.packet.duration or 0


def _step(times: Sequence[int]) -> int:
    """The usual distance of ascending times."""
    return median_low([after - before for before, after in pairwise(times) if after > before] or [0])


def free(before: Sequence[int], after: Sequence[int], count: int) -> list[int]:
    """`count` ascending times for frames that lie, in the file, between those shown at `before` and at `after`.

    Frames stored in another order than shown leave a gap somewhere near. Behind the last, and before the first,
    frames go on as they went. Pure.
    """
    times = [*before, *after]
    ordered = sorted(times)
    step = _step(ordered)
    if not before:
        return [min(after) - step * (count - k) for k in range(count)]
    gap: tuple[int, int] | None = (before[-1], after[0]) if after else None
    if ordered != times:
        middle = (before[-1] + after[0]) / 2 if after else before[-1]
        wide = [pair for pair in pairwise(ordered) if pair[1] - pair[0] > 1.5 * step]
        near = [pair for pair in wide if abs(sum(pair) / 2 - middle) < _REORDERED * step]
        if near or len(after) < _AFTER:
            gap = min(near, key=lambda pair: abs(sum(pair) / 2 - middle), default=None)
    if gap is None:
        return [ordered[-1] + step * (k + 1) for k in range(count)]
    return [gap[0] + (gap[1] - gap[0]) * (k + 1) // (count + 1) for k in range(count)]
