"""One clock out of many, and wrong times put right: what the packets' times alone tell."""

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefleet.media.files.clock import PacketClock, free

TICK = Fraction(1, 90_000)
PICTURES, SOUND = 0, 1


@dataclass
class Stamp:
    """A packet, but for its contents; `right` is the time that it should have."""

    stream_index: int
    pts: int | None
    dts: int | None
    duration: int
    pos: int | None
    right: int
    is_corrupt: bool = False
    time_base: Fraction = TICK


def recording(begin=0, *, pictures=100, fps=25, order=(0,), sound=True, lag=0.0, pos=0):
    """A recording's packets in the order of a file: pictures stored in groups of this order, sound beside them."""
    step, frame = 90_000 // fps, 2160
    depth = max(order) if len(order) > 1 else 0
    stamps = []
    for number in range(pictures):
        group, place = divmod(number, len(order))
        shown = min(group * len(order) + order[place], pictures - 1)
        stamps.append((number * step, PICTURES, begin + (depth + shown) * step, begin + number * step, step))
    if sound:
        for number in range(pictures * step // frame):
            time = begin + depth * step + number * frame
            stamps.append((number * frame + round(lag * 90_000), SOUND, time, time, frame))
    stamps.sort(key=lambda stamp: stamp[:2])
    return [
        Stamp(stream, pts, dts, length, pos + 188 * (place + 1), pts)
        for place, (_, stream, pts, dts, length) in enumerate(stamps)
    ]


def put_right(stamps, **how):
    clock = PacketClock(**{"begins_anew": True} | how)
    out = list(clock.put_right(stamps))
    assert [id(stamp) for stamp in out] == [id(stamp) for stamp in stamps], "the order of the file"
    return out, clock.changed


def pts_of(stamps, stream=PICTURES):
    return [stamp.pts for stamp in stamps if stamp.stream_index == stream]


def wrong(stamps):
    return [stamp for stamp in stamps if stamp.pts != stamp.right]


@pytest.mark.full
@pytest.mark.parametrize("begins_anew", [False, True])
def test_a_stream_of_one_packet_holds_nothing_up(begins_anew):
    """Memory does not grow with the file's length while it is waited for its second."""
    stamps = recording(pictures=20_000, sound=False)
    stamps.insert(5, Stamp(SOUND, 0, 0, 2160, stamps[5].pos, 0))
    clock, waiting, most, given = PacketClock(begins_anew=begins_anew), 0, 0, 0
    for stamp in stamps:
        waiting += 1
        for _ in clock.add(stamp):
            waiting, given = waiting - 1, given + 1
        most = max(most, waiting)
    given += len(list(clock.rest()))
    assert most <= 2048
    assert given == len(stamps)
    assert not wrong(stamps)


ORDERS = st.sampled_from([(0,), (0, 3, 1, 2), (0, 2, 1)])
BEGINS = st.integers(0, 2**33 - 100 * 3600)


@given(BEGINS, st.integers(1, 120), ORDERS, st.booleans(), st.floats(0, 1), st.booleans())
def test_times_that_only_go_on_stay_as_they_are(begin, pictures, order, sound, lag, begins_anew):
    stamps = recording(begin, pictures=pictures, order=order, sound=sound, lag=lag)
    out, changed = put_right(stamps, begins_anew=begins_anew)
    assert not wrong(out)
    assert not changed


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40), st.booleans())
def test_pictures_that_stand_long_are_believed_where_the_header_is(gaps, reordered):
    times = [sum(gaps[:k]) * 90_000 + k * 3600 for k in range(len(gaps))]
    if reordered:
        times = times[:1] + [time for k in range(1, len(times), 3) for time in times[k : k + 3][::-1]]
    stamps = [Stamp(PICTURES, time, None, 0, 188 * k, time) for k, time in enumerate(times)]
    assert not wrong(put_right(stamps, begins_anew=False, end=max(times) * TICK)[0])


@given(
    BEGINS,
    ORDERS,
    st.booleans(),
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(-(10**6), 10**9), st.sampled_from(["pts", "dts", "both"])),
        max_size=4,
    ),
    st.booleans(),
)
def test_of_wrong_times_only_these_move(begin, order, sound, spoilt, of_sound):
    stamps = recording(begin, order=order, sound=sound)
    stream = [stamp for stamp in stamps if stamp.stream_index == (SOUND if of_sound and sound else PICTURES)]
    touched = set()
    for place, by, which in spoilt:
        if abs(by) <= 2 * 10 * 90_000 or any(abs(place - other) < 25 for other in touched):
            continue
        touched.add(place)
        stamp = stream[place]
        stamp.pts += by if which != "dts" else 0
        stamp.dts += by if which != "pts" else 0
    out, changed = put_right(stamps)
    assert changed == bool(touched)
    assert {id(stamp) for stamp in wrong(out)} <= {id(stream[place]) for place in touched}
    assert all(abs(stamp.pts - stamp.right) <= 3 * 3600 for stamp in out)
    if order == (0,):
        assert pts_of(out) == sorted(set(pts_of(out)))


@given(st.sampled_from(["first", "last"]), st.integers(20, 10**5), st.booleans(), st.booleans())
def test_a_wrong_time_at_either_end(end, seconds, sound, begins_anew):
    stamps = recording(10**10, pictures=60, sound=sound)
    stream = [stamp for stamp in stamps if stamp.stream_index == PICTURES]
    place = 0 if end == "first" else -1
    stream[place].pts = stream[place].dts = stream[place].pts + seconds * 90_000
    out, changed = put_right(stamps, begins_anew=begins_anew, end=Fraction(10**10 + 60 * 3600, 90_000))
    assert changed
    assert not wrong(out)


@pytest.mark.full
@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(15, 10**5))
def test_one_wrong_time_of_the_container_is_that_of_all_its_frames(count, seconds):
    """MPEG-TS: a packet of sound has many frames, of which the first alone has a time, and the others follow it."""
    stamps = recording(10**10, pictures=150)
    sound = [stamp for stamp in stamps if stamp.stream_index == SOUND]
    for stamp in sound[60 : 60 + count]:
        stamp.pts += seconds * 90_000
        stamp.dts += seconds * 90_000
    assert not wrong(put_right(stamps)[0])


@pytest.mark.full
@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(15, 10**5) | st.integers(-(10**5), -15), st.booleans())
def test_that_one_may_be_the_first_of_all(count, seconds, of_sound):
    stamps = recording(10**10, pictures=150)
    stream = [stamp for stamp in stamps if (stamp.stream_index == SOUND) == of_sound]
    for stamp in stream[:count] if of_sound else stream[1:2]:
        stamp.pts += seconds * 90_000
        stamp.dts += seconds * 90_000
    assert not wrong(put_right(stamps)[0])


@settings(max_examples=30)
@given(
    st.lists(st.tuples(BEGINS, st.integers(40, 120), ORDERS, st.booleans()), min_size=2, max_size=4),
    st.booleans(),
)
def test_recordings_put_end_to_end_are_as_long_as_all_together(parts, sound):
    begins = [begin for begin, *_ in parts]
    if any(abs(a - b) < 30 * 90_000 for i, a in enumerate(begins) for b in begins[:i]):
        return
    stamps, lengths = [], 0
    for begin, pictures, order, lagging in parts:
        pos = stamps[-1].pos if stamps else 0
        stamps += recording(begin, pictures=pictures, order=order, sound=sound, lag=0.4 * lagging, pos=pos)
        lengths += pictures * 3600
    out, changed = put_right(stamps)
    assert changed
    shown = sorted(pts_of(out))
    assert len(set(shown)) == sum(pictures for _, pictures, *_ in parts)
    assert abs(shown[-1] + 3600 - shown[0] - lengths) <= 0.2 * 90_000 * len(parts)
    place = 0
    for _, pictures, order, _ in parts:
        assert sorted(pts_of(out)[place : place + pictures]) == shown[place : place + pictures], "each by itself"
        place += pictures
        _ = order


@pytest.mark.full
@settings(max_examples=30)
@given(st.integers(20, 600), st.integers(0, 90), st.integers(20, 600))
def test_the_same_recording_again_follows(pictures, apart, again):
    """Both begin at about the same time, whatever the first one's length."""
    stamps = recording(9000, pictures=pictures)
    stamps += recording(9000 + apart * 900, pictures=again, pos=stamps[-1].pos)
    shown = pts_of(put_right(stamps)[0])
    if (pictures - 1) * 3600 - apart * 900 > 9000:
        assert shown == list(range(9000, 9000 + (pictures + again) * 3600, 3600))


def test_sound_and_pictures_stay_together_across_a_jump():
    stamps = recording(0) + recording(10**9, pos=10**5)
    out, _ = put_right(stamps)
    moves = {stamp.pts - stamp.right for stamp in out}
    assert moves == {0, 100 * 3600 - 10**9}


def test_a_packet_is_not_damaged_because_another_recording_follows():
    """FFmpeg says so of the last one before the joint, whose number the next one does not follow."""
    first, second = recording(0), recording(10**9, pos=10**5)
    for stamp in (first[20], first[-1], first[-2], second[30]):
        stamp.is_corrupt = True
    put_right(first + second)
    assert [stamp.is_corrupt for stamp in (first[20], first[-1], first[-2], second[30])] == [True, False, False, True]


def test_a_stretch_given_twice_is_not_another_recording():
    stamps = recording(0, pictures=300) + recording(200 * 3600, pictures=300, pos=10**6)
    assert put_right(stamps)[1] is False


def test_a_hole_in_one_stream_stays_a_hole():
    stamps = recording(0, pictures=1000)
    for stream in (PICTURES, SOUND):
        left = [s for s in recording(0, pictures=1000) if s.stream_index != stream or not 300 <= s.pts / 3600 < 700]
        assert not put_right(left)[1]
    assert not put_right(stamps)[1]


@pytest.mark.full
def test_bytes_that_are_lost_are_time_that_is_lost():
    """Of a file with a hole, pictures and sound jump ahead together, and so does the place in the file."""
    stamps = recording(0, pictures=1500)
    left = [s for s in stamps if not 500 <= s.pts / 3600 < 1000]
    assert not wrong(put_right(left)[0])
    near = [Stamp(**vars(s) | {"pos": 188 * (k + 1)}) for k, s in enumerate(left)]
    assert wrong(put_right(near)[0])


@pytest.mark.full
@settings(max_examples=15)
@given(st.data())
def test_it_does_not_matter_how_packets_are_given(data):
    """Sound alone or with pictures, at once or one by one: times that are wrong are put right the same way."""
    stamps = recording(0) + recording(10**9, pos=10**5)
    for place in data.draw(st.lists(st.integers(0, len(stamps) - 1), max_size=2)):
        stamps[place].pts += 10**8
    whole = put_right([Stamp(**vars(s)) for s in stamps])[0]
    clock, given_, at = PacketClock(begins_anew=True), [], 0
    while at < len(stamps):
        length = data.draw(st.integers(20, 200))
        for stamp in stamps[at : at + length]:
            given_ += clock.add(stamp)
        at += length
    given_ += clock.rest()
    assert [s.pts for s in given_] == [s.pts for s in whole]


def test_where_reading_fails_nothing_is_kept_back():
    def broken():
        yield from stamps
        raise OSError

    stamps, got = recording(0, pictures=1), []
    with pytest.raises(OSError):
        for stamp in PacketClock(begins_anew=True).put_right(broken()):
            got.append(stamp)
    assert got == stamps


@given(st.lists(st.integers(1, 9), min_size=2, max_size=20), st.integers(1, 4))
def test_what_is_free_lies_between(steps, count):
    times = [sum(steps[:k]) for k in range(len(steps))]
    for place in range(1, len(times)):
        between = free(times[:place], times[place:], count)
        assert len(between) == count
        assert times[place - 1] <= between[0] <= between[-1] <= times[place]
