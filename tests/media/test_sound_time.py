"""What a player plays at a time is what the stages get at that time: clicks, found by correlation in decoded files."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framefleet.media.audio.clips import sound_span
from framefleet.media.audio.stream import read_sound
from framefleet.media.files.probe import probe
from tests.media.sound import Wave, clicked_at, clicks, make_realaudio, make_sound, plainly_decoded, retimed

pytestmark = pytest.mark.full

WITHIN_S = 0.02
SECONDS = 5
KINDS = [
    ("pcm_s16le", "mkv"),
    ("aac", "mp4"),
    ("aac", "mkv"),
    ("aac", "ts"),
    ("libopus", "mkv"),
    ("libopus", "mp4"),
    ("libmp3lame", "mkv"),
    ("flac", "mkv"),
    ("ac3", "ts"),
    ("ac3", "mkv"),
    ("eac3", "mp4"),
    ("mp2", "ts"),
]


class Whole(NamedTuple):
    path: Path
    packets_s: list[float]
    clicks_s: list[float]  # in the file's own time


def sound_of(path: Path) -> tuple[Wave, float, list[str]]:
    """The samples, when the first of them is in the file's own time, and what is said to be wrong."""
    media, gaps = probe(path), []
    span = sound_span(media)
    samples = np.concatenate([np.zeros(0, np.int16), *read_sound(media, span, gaps.append)])
    return samples, span.start_s + float(media.start), [gap.error for gap in gaps]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Whole]:
    made: dict[tuple[str, str], Whole] = {}

    def make(codec: str, ending: str) -> Whole:
        if (codec, ending) not in made:
            path = tmp_path_factory.mktemp("whole") / f"{codec}.{ending}"
            wanted = [0.3 + 0.25 * k for k in range((SECONDS - 1) * 4)]
            make_sound(path, [(0, clicks(wanted, SECONDS))], codec=codec)
            samples, start_s, gaps = sound_of(path)
            assert not gaps and np.array_equal(samples, plainly_decoded(path))
            shift = start_s if ending == "ts" else 0
            found = [clicked_at(samples, time + shift - start_s) for time in wanted]
            assert None not in found
            with av.open(str(path)) as container:
                packets = [p for p in container.demux(audio=0) if p.pts is not None]
                times = [float(packet.pts * packet.time_base) for packet in packets]
            made[codec, ending] = Whole(path, times, [start_s + time for time in found if time is not None])
        return made[codec, ending]

    return make


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    holes=st.lists(st.tuples(st.integers(5, 240), st.integers(1, 3)), max_size=24),
    clock=st.sampled_from([1.0, 1.0, 0.999, 1.001, 0.97, 1.03, 0.95, 1.05]),
    twice=st.sets(st.integers(5, 240), max_size=6),
)
def test_clicks_are_heard_when_a_player_plays_them(whole, tmp_path, kind, holes, clock, twice):
    """Packets are lost in bursts, or there twice (where the container can say so), and the clock is off."""
    codec, ending = kind
    path, packets, clicked = whole(codec, ending)
    lost = {first + k for first, burst in holes for k in range(burst)}
    twice = twice if ending == "mkv" else set()

    def timed(number: int, time: float) -> list[float]:
        return [packets[0] + (time - packets[0]) * clock] * (0 if number in lost else 1 + (number in twice))

    samples, start_s, gaps = sound_of(retimed(path, tmp_path / f"spoilt.{ending}", timed))
    assert gaps == []
    heard = 0
    for click in clicked:
        number = max(k for k, time in enumerate(packets) if time <= click)
        if lost & set(range(number - 2, number + 3)):
            continue  # it is gone, or lies beside a hole, which a codec may hear as well
        due = timed(number, packets[number])[0] + click - packets[number]
        at = clicked_at(samples, due - start_s)
        assert at is None or start_s + at == pytest.approx(due, abs=WITHIN_S)
        heard += at is not None
    assert heard or len(lost) > 12


@pytest.mark.parametrize("every", [4, 10, 25])
def test_lost_packets_of_a_call_leave_nothing_to_complain_about(whole, tmp_path, every):
    spoilt = retimed(
        whole("libopus", "mkv").path, tmp_path / "lost.mkv", lambda number, time: [time] * (number % every != every - 1)
    )
    samples, start_s, gaps = sound_of(spoilt)
    assert gaps == []
    assert len(samples) / 16_000 == pytest.approx(SECONDS, abs=0.1)
    assert start_s == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("codec", "ending"), [*KINDS, ("pcm_s16le", "mov"), ("libmp3lame", "mp3"), ("flac", "flac"), ("pcm_s16le", "wav")]
)
def test_whole_files_give_the_samples_that_they_always_gave(whole, codec, ending):
    assert whole(codec, ending).clicks_s


def test_the_sample_gives_the_samples_that_it_always_gave(sample):
    samples, _, gaps = sound_of(sample)
    assert gaps == [] and np.array_equal(samples, plainly_decoded(sample))


def test_sound_whose_packets_all_have_one_time_counts_its_samples(tmp_path):
    wanted = [0.5 + k for k in range(7)]
    samples, start_s, gaps = sound_of(make_realaudio(tmp_path / "a.ra", clicks(wanted, 8, 8000)))
    assert (start_s, gaps) == (0, [])
    assert len(samples) / 16_000 == pytest.approx(8, abs=0.05)
    heard = [clicked_at(samples, time) for time in wanted]
    assert heard == pytest.approx(wanted, abs=0.03)


def test_sound_of_a_video_whose_packets_all_have_one_time_counts_its_samples(whole, tmp_path):
    """As a muxer writes it that was given none, for Matroska has a place for each."""
    path, _, clicked = whole("flac", "mkv")
    same = retimed(path, tmp_path / "same.mkv", lambda *_: [0.0])
    samples, start_s, gaps = sound_of(same)
    assert (start_s, gaps) == (0, [])
    assert len(samples) / 16_000 == pytest.approx(SECONDS, abs=0.1)
    assert [clicked_at(samples, time) for time in clicked] == pytest.approx(clicked, abs=WITHIN_S)


@pytest.mark.parametrize("ending", ["wav", "w64"])
@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_alaw", "pcm_mulaw", "adpcm_ima_wav"])
@pytest.mark.parametrize("factor", [0, 0.1, 0.5, 2, 10])
def test_bytes_a_second_that_are_not_true_are_not_believed(tmp_path, codec, ending, factor):
    path = make_sound(tmp_path / f"a.{ending}", [(0, clicks([0.5, 3.5], 4))], codec=codec)
    whole = probe(path).audio.duration_s
    data = bytearray(path.read_bytes())
    at = data.find(b"fmt ") + (8 if ending == "wav" else 24) + 8  # W64 has GUIDs for names, and sizes of 64 bits
    data[at : at + 4] = round(int.from_bytes(data[at : at + 4], "little") * factor).to_bytes(4, "little")
    path.write_bytes(data)
    assert probe(path).audio.duration_s == pytest.approx(whole, abs=0.001)
    samples, _, gaps = sound_of(path)
    assert gaps == []
    assert [clicked_at(samples, time) for time in (0.5, 3.5)] == pytest.approx([0.5, 3.5], abs=0.03)


def test_sound_that_changes_its_rate_midway_keeps_the_time(tmp_path):
    """Two recordings end to end in one transport stream, the second at another rate."""
    one = make_sound(tmp_path / "1.ts", [(0, clicks([0.5, 1.5], 2))], codec="mp2")
    two = tmp_path / "2.ts"
    with av.open(str(two), "w") as out:
        stream = out.add_stream("mp2", rate=32_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(clicks([0.5, 1.5], 2, 32_000)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 32_000, 64_000
        packets = stream.encode(frame) + stream.encode(None)
        for packet in packets:
            out.mux(packet)
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    samples, start_s, _ = sound_of(both)
    with av.open(str(one)) as container:
        zero = float(container.streams.audio[0].start_time * container.streams.audio[0].time_base)
    assert start_s == pytest.approx(zero)
    at = [clicked_at(samples, time) for time in (0.5, 1.5, 2.5, 3.5)]
    assert None not in at
    assert [b - a for a, b in pairwise(at)] == pytest.approx([1, 1, 1], abs=0.1)
