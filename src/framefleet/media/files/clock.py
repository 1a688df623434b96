"""One clock for a file whose timestamps jump or are partly wrong. Pure: it sees only the packets' times.

A clock that jumps and continues from there belongs to another recording, encoder or advertisement: what follows is
placed after what came before, with the offsets between its streams unchanged. A time that contradicts those before and
after it is wrong: its packet gets the free place between them.
"""

from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Generic, Protocol, TypeVar

_FAR = Fraction(10)  # seconds; a larger step is another clock, not a gap (FFmpeg's `dts_delta_threshold`)
_BACK = Fraction(1, 10)  # a smaller step back is a muxer's rounding (FFmpeg tolerates this, too)
_BEGINNING = Fraction(1)  # two recordings begin within this of each other, wherever the first one ends
_APART = Fraction(2)  # streams of one clock are at most this far apart in a file
_AFTER = 17  # packets; a frame waits for at most 16 others (H.264 A.3.1, HEVC A.4.2), so this many decide
_REORDERED = 8  # frames between where one is stored and where it is shown, as encoders do it
_RUN = Fraction(3, 2)  # seconds; wrong times that agree are of one packet of the container: at most 0.7 s
_NUMBERED = 2  # packets; FFmpeg marks those before a joint as corrupt, since the counter restarts behind it
_MOST = 512  # packets of a stream that wait for a decision
_WAITING = 2048  # packets of all streams that wait for one stream with too few to decide
_REAL = Fraction(1, 2)  # share of the bytes that the skipped time would take
_NOTHING = Fraction(3600)  # seconds: no recording is without a packet of any stream for longer


class Stamped(Protocol):
    """The part of a packet that a clock reads and sets.

    It sets `pts`, `dts` and `is_corrupt`, which FFmpeg sets where a stream's packet counter has a gap. `pos` is the
    packet's position in the file.
    """

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
    """A filter that puts the packets of one file, given in file order, on one clock by correcting wrong times.

    `begins_anew`: times are a sender's stamps (MPEG-TS), which mean nothing across a jump. Elsewhere they are the
    file's own, and a time far ahead may be a frame that stays long: only a time from which later ones go back, or one
    beyond `end` (the header's), is wrong. Only packets of `streams` (None: all) are checked.

    `sounds` are the sound streams next to video, which ends at `pictures_end` (None: unknown). An audio frame is never
    heard for longer than its length, so that one far beyond all video, and beyond the sound before it, is of another
    clock if video that follows it in the file continues, or if no packet comes for an hour.

    A packet is passed on once it is decided: at once, if nothing is odd.
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
        """Yield the packets that are decided by now, in the order in which they were given."""
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
        """Yield the remaining packets, once all are given."""
        for line in self._lines.values():
            self._force(line)
        yield from self._decided()

    def ends(self) -> dict[int, Fraction]:
        """Return by stream when its last frame ends, if it has the usual duration."""
        return {index: line.usual_end for index, line in self._lines.items() if line.newest is not None}

    def put_right(self, packets: Iterable[P]) -> Iterator[P]:
        """Yield all of `packets` on one clock, to their end, even if reading them raises."""
        try:
            for packet in packets:
                yield from self.add(packet)
        except Exception:
            yield from self.rest()
            raise
        yield from self.rest()

    def _time_of(self, packet: P) -> int | None:
        """Return the decoding time if the format has it, since it never goes back; else the presentation time."""
        return packet.dts if self._begins_anew and packet.dts is not None else packet.pts

    def _decided(self) -> Iterator[P]:
        while self._queue and self._queue[0].decided:
            yield self._queue.popleft().packet

    def _force(self, line: "_StreamClock[P]") -> None:
        """Decide everything that the line holds, from what there is."""
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
        """Return whether the line's next time continues another line that jumped first; if so, take over its offset."""
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
        """Return whether the line's next audio frame begins after all video, when the sound before it is over."""
        if not line.is_beside or line.newest is None:
            return False
        time, before = line.first * line.tick, line.newest * line.tick
        beyond = self._pictures_end is not None and time > self._pictures_end + _FAR
        return time > before + _FAR and (beyond or time > before + _NOTHING)

    def _judge_sound(self, line: "_StreamClock[P]", *, ended: bool) -> str:
        """Judge such a frame by the video frames before and after it in the file."""
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
        """Start a new clock with the line's next packet, unless as many bytes are missing as the jump is long."""
        if not line.has_hole():
            line.begin_again(self._offset(line))
            self.changed = True
        line.take(line.held.pop(0))

    def _offset(self, line: "_StreamClock[P]") -> Fraction:
        """Return the smallest offset by which no stream's frames come before those that it had.

        Short frames, of sound, may overlap by at most 0.1 s. Only streams that have reached the jump count; those that
        reach it later get the same offset.
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
    """The state of one stream, in its own ticks as in the file, except for `end` and `offset`."""

    tick: Fraction
    begins_anew: bool
    is_beside: bool = False  # a sound stream in a file with video
    offset: Fraction = Fraction(0)  # seconds, from the file's times to the common clock
    newest: int | None = None
    held: list[_Entry[P]] = field(default_factory=list)
    _begin: int = 0
    _recent: deque[int] = field(default_factory=lambda: deque(maxlen=_AFTER))
    _shown: deque[int] = field(default_factory=lambda: deque(maxlen=_AFTER))
    _last: tuple[int, int] = (0, 0)  # when the last frame in display order begins, and its duration
    _places: tuple[int, int] | None = None  # positions in the file of the first and the newest packet
    _shift: int = 0
    _latest: deque[_Entry[P]] = field(default_factory=deque)
    _far: int = 0

    def __post_init__(self) -> None:
        self._far = round(_FAR / self.tick)

    @property
    def first(self) -> int:
        """The time of the first held packet."""
        return self._times(1)[0]

    @property
    def reach(self) -> Fraction:
        """The newest time in the file, including packets that wait for a decision."""
        assert self.newest is not None
        return max([self.newest, *self._times()]) * self.tick

    def lies_around(self, pos: int) -> bool:
        """Return whether some of its packets lie before that position in the file, and some after it."""
        return self._places is not None and self._places[0] < pos < self._places[1]

    @property
    def end(self) -> Fraction:
        """When the last frame so far ends, on the common clock."""
        begins, length = self._last
        if self.is_beside and length > self._far:  # in MP4, a frame lasts until the next one
            length = 0
        return begins * self.tick + (length * self.tick or self.step()) + self.offset

    @property
    def usual_end(self) -> Fraction:
        return self._last[0] * self.tick + self.step() + self.offset

    def step(self) -> Fraction:
        """Return the usual frame duration."""
        return _step(sorted(self._shown)) * self.tick

    def start(self) -> Fraction:
        """Return when the first held frame is shown, by the file's times."""
        return min(entry.shown for entry in self.held[:_AFTER]) * self.tick

    @property
    def is_elsewhere(self) -> bool:
        """Whether the first held packet is consistent in itself, but not near the others."""
        entry = self.held[0]
        return self.newest is not None and self._is_sound(entry) and not self._is_near(entry)

    def fits(self, entry: _Entry[P]) -> bool:
        """Return whether the packet may well come next."""
        return self.newest is not None and self._is_sound(entry) and self._is_near(entry)

    def _is_sound(self, entry: _Entry[P]) -> bool:
        """Return whether its decoding and presentation times are consistent."""
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
        """Return what the first held packet is, and how many packets that verdict covers.

        The verdict is "take", "jump", "spoilt" (wrong times), or "wait" for more packets.
        """
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
        """Judge a time far ahead. A frame may stay for hours, so that later ones must contradict it."""
        assert self.newest is not None
        if later and max(later) >= first - self._far:
            return "take", 1
        if not full:
            return "wait", 0
        return ("spoilt", 1) if self._sticks_out(first, later, self.newest, end) else ("take", 1)

    def _sticks_out(self, first: int, later: Sequence[int], before: int, end: Fraction | None) -> bool:
        """Return whether a time is wrong that is far ahead of those after it and of those before it."""
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
        """Judge the first times of a file.

        The times of one packet of the container agree with each other, right or wrong; if more agree, they are right.
        """
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
        """Accept the packet's time, as far as its clock is right."""
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
        """Release the packets that wait because one is marked as damaged."""
        while self._latest:
            self._latest.popleft().decided = True

    def shifted(self, entry: _Entry[P]) -> None:
        """Shift the packet by this line's offset."""
        packet = entry.packet
        if self._shift:
            packet.pts = packet.pts + self._shift if packet.pts is not None else None
            packet.dts = packet.dts + self._shift if packet.dts is not None else None
        entry.decided = True

    def place(self, count: int) -> None:
        """Move the first held packets, whose times are wrong, to the free places between their neighbours."""
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
        """Return whether no time was right yet, and the packet is near the first one that will be."""
        return self.newest is None and abs(entry.shown - first.shown) <= self._far

    def begin_again(self, offset: Fraction) -> None:
        """Start a new clock, or the equivalent: nothing that came before is near what follows."""
        self._recent.clear()
        self._shown.clear()
        self.newest, self._places = None, None
        if offset != self.offset:
            for entry in self._latest:
                entry.packet.is_corrupt = False
            self.offset, self._shift = offset, round(offset / self.tick)

    def has_hole(self) -> bool:
        """Return whether as many bytes are missing before the first held packet as the skipped time would take."""
        pos = self.held[0].packet.pos
        if self._places is None or pos is None or self.newest is None or self.first < self.newest:
            return False
        begin, newest = self._places
        return (pos - newest) * (self.newest - self._begin) > _REAL * (self.first - self.newest) * (newest - begin) > 0

    def _times(self, most: int | None = None) -> list[int]:
        return [entry.time for entry in self.held[:most] if entry.time is not None]

    def _returns(self, before: _Entry[P], entry: _Entry[P]) -> bool:
        """Return whether the packet, unlike the one `before` it, continues where the last right one ended."""
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
    """Return the usual distance between ascending times."""
    return median_low([after - before for before, after in pairwise(times) if after > before] or [0])


def free(before: Sequence[int], after: Sequence[int], count: int) -> list[int]:
    """Return `count` ascending times for frames that lie, in the file, between those shown at `before` and at `after`.

    Frames that are stored in another order than shown leave a gap nearby. After the last and before the first frame,
    times continue at the usual step. Pure.
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
