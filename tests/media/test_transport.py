"""Holes in transport streams: every one is told, and none where there is none."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefleet.media.files.container import open_media
from framefleet.media.files.mpegts import Holes, sync_of
from framefleet.media.files.probe import probe
from framefleet.media.types import Gap
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.packets import read_steps
from tests.media.make import make_video
from tests.media.plainly import orders_of, plainly, told
from tests.media.test_decode import number, sampled

pytestmark = pytest.mark.full

VIDEO, SOUND, NULL = 256, 257, 0x1FFF


def packet_of(pid, count, *, flags=0x10, code=b""):
    return code + bytes([0x47, pid >> 8, pid & 255, flags | count & 15]) + bytes([200]) * 184


def stream_of(pids, code=b""):
    """Packets of these streams, each counted, as (stream, bytes)."""
    counts = dict.fromkeys(pids, 0)
    made = []
    for pid in pids:
        made.append((pid, packet_of(pid, counts[pid], code=code)))
        counts[pid] += pid != NULL
    return made


STREAMS = st.lists(st.sampled_from([VIDEO, VIDEO, SOUND, NULL]), min_size=40, max_size=120)
CODES = st.sampled_from([b"", b"\x01\x02\x03\x04"])
FIXTURE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FIXTURE
@given(STREAMS, CODES)
def test_where_nothing_is_missing_nothing_is_told(tmp_path, pids, code):
    (tmp_path / "v.ts").write_bytes(b"".join(data for _, data in stream_of(pids, code)))
    holes = Holes(tmp_path / "v.ts", VIDEO)
    assert not holes.until(1 << 40)
    assert not holes.of_others(0, 1 << 40)


@FIXTURE
@given(STREAMS, CODES, st.data())
def test_packets_that_are_lost_are_told_by_whose_they_are(tmp_path, pids, code, data):
    made = stream_of(pids, code)
    first = data.draw(st.integers(8, len(made) - 8))
    count = data.draw(st.integers(1, len(made) - 7 - first))
    kept = made[:first] + made[first + count :]
    (tmp_path / "v.ts").write_bytes(b"".join(packet for _, packet in kept))
    told = {}
    for pid in (VIDEO, SOUND):
        lost = sum(each == pid for each, _ in made[first : first + count])
        known = any(each == pid for each, _ in made[:first])
        seen = any(each == pid for each, _ in made[first + count :])
        told[pid] = known and seen and lost % 16 > 0
    holes = Holes(tmp_path / "v.ts", VIDEO)
    size = len(made[0][1])
    assert not holes.until((first - 1) * size - 8)
    assert holes.until(1 << 40) == told[VIDEO]
    assert not holes.until(1 << 40)
    assert holes.of_others((first - 1) * size, first * size) == told[SOUND]
    assert not holes.of_others(len(kept) * size, len(kept) * size)


@FIXTURE
@given(STREAMS, CODES, st.data())
def test_what_is_no_packet_is_a_hole_of_all_streams(tmp_path, pids, code, data):
    made = b"".join(packet for _, packet in stream_of(pids, code))
    size = len(made) // len(pids)
    begin = data.draw(st.integers(8 * size, len(made) - 16 * size))
    end = begin + data.draw(st.integers(size, 8 * size))
    noise = bytes(byte if byte != 0x47 else 0 for byte in random.Random(begin).randbytes(end - begin))
    (tmp_path / "v.ts").write_bytes(made[:begin] + noise + made[end:])
    assert Holes(tmp_path / "v.ts", VIDEO).until(1 << 40)


@FIXTURE
@given(STREAMS, st.integers(1, 187), st.data())
def test_bytes_that_are_cut_out_are_a_hole(tmp_path, pids, count, data):
    made = b"".join(packet for _, packet in stream_of(pids))
    at = data.draw(st.integers(10 * 188, len(made) - 20 * 188))
    (tmp_path / "v.ts").write_bytes(made[:at] + made[at + count :])
    assert Holes(tmp_path / "v.ts", VIDEO).until(1 << 40)


def test_a_counter_that_says_it_begins_anew_is_no_hole(tmp_path):
    made = [packet_of(VIDEO, n) for n in range(8)]
    anew = bytearray(packet_of(VIDEO, 3, flags=0x30))
    anew[4:6] = 7, 0x80
    (tmp_path / "v.ts").write_bytes(b"".join([*made, bytes(anew), *(packet_of(VIDEO, n) for n in range(4, 9))]))
    holes = Holes(tmp_path / "v.ts", VIDEO)
    assert not holes.until(1 << 40)
    assert not holes.of_others(0, 1 << 40)


@pytest.mark.parametrize("data", [b"", b"\x47", bytes(5000), b"\x47" + bytes(300)])
def test_what_is_no_transport_stream_has_no_sync(data, tmp_path):
    assert sync_of(data) is None
    (tmp_path / "v.ts").write_bytes(data)
    Holes(tmp_path / "v.ts", VIDEO).until(1 << 40)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """16 s of pictures with sound between them, in a transport stream."""
    return make_video(tmp_path_factory.mktemp("ts") / "v.ts", frames=400, size=(320, 240), audio="aac")


def steps_of(path):
    with open_media(path) as container:
        return [(packet.pts, after) for packet, after in read_steps(container, container.streams.video[0])]


def test_sound_between_the_pictures_is_no_hole(whole):
    assert not any(after for _, after in steps_of(whole))


def lost(whole, to, begin, count, only=None):
    """A copy without `count` packets from `begin` (of 0 to 1) on, or so many of one stream."""
    data = whole.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    pids = [(packet[1] & 31) << 8 | packet[2] for packet in packets]
    places = [n for n in range(round(begin * len(packets)), len(packets)) if only in {None, pids[n]}][:count]
    to.write_bytes(b"".join(packet for n, packet in enumerate(packets) if n not in set(places)))
    return to


def older(pieces):
    """Pictures that were on screen no more at the time for which they came."""
    return [x for x in pieces if not isinstance(x, Gap) and x.at.time_s - x.at.pts_s > 0.041]


@pytest.mark.full
@pytest.mark.parametrize(("begin", "count"), [(0.2, 1), (0.5, 7), (0.5, 64), (0.7, 200)])
def test_lost_packets_are_gaps_and_no_older_picture_stands_in(whole, tmp_path, begin, count):
    path = lost(whole, tmp_path / "v.ts", begin, count)
    media = probe(path)
    orders = orders_of(media, ["25"])
    got = [piece for _, piece in decode_orders(media, orders, threads=3)]
    gaps = [x.sample.index for x in got if isinstance(x, Gap)]
    spoilt = range(min(gaps, default=0) - 24, max(gaps, default=0) + 24)
    assert not older(got)
    assert all(number(x) == x.at.index for x in got if not isinstance(x, Gap) and x.at.index not in spoilt)
    assert len(spoilt) < 100
    assert told(enumerate(got)) == told(enumerate(piece for _, piece in plainly(media, orders)))


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_whole_round_of_the_counter_is_told_by_the_sound(whole, tmp_path, rounds):
    """16 packets of the pictures are lost, and whatever lay between them."""
    data = whole.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    of_video = [n for n, packet in enumerate(packets) if (packet[1] & 31) << 8 | packet[2] == VIDEO]
    first, end = of_video[len(of_video) // 2], of_video[len(of_video) // 2 + 16 * rounds]
    path = tmp_path / "v.ts"
    path.write_bytes(b"".join(packets[:first] + packets[end:]))
    got = sampled(path, 25)
    assert any(isinstance(x, Gap) for x in got)
    assert not older(got)


def test_lost_sound_costs_no_picture(whole, tmp_path):
    path = lost(whole, tmp_path / "v.ts", 0.4, 20, only=SOUND)
    assert not any(after for _, after in steps_of(path))


def test_discs_with_time_codes_are_read_alike(whole, tmp_path):
    """`.m2ts`: four bytes before each packet."""
    data = whole.read_bytes()
    packets = [bytes(4) + data[at : at + 188] for at in range(0, len(data), 188)]
    path = tmp_path / "v.m2ts"
    path.write_bytes(b"".join(packets))
    assert not any(after for _, after in steps_of(path))
    path.write_bytes(b"".join(packets[: len(packets) // 2] + packets[len(packets) // 2 + 45 :]))
    got = sampled(path, 25)
    assert any(isinstance(x, Gap) for x in got)
    assert not older(got)
