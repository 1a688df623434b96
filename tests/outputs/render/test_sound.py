"""Sound in the new file: all of it, in step with the pictures, whichever of the two begins or ends first."""

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from msgspec.structs import replace

from framefleet.media.files.probe import probe
from framefleet.outputs.render.options import RenderOptions
from framefleet.outputs.render.render import Film, render
from framefleet.schema.document import Document
from tests.conftest import full_but
from tests.media.make import make_video
from tests.media.sound import bursts, damage, make_sound
from tests.outputs.render.squares import document_of, opened


def document(video: Path) -> Document:
    return replace(document_of(video, said=[(0, 1, "Hello")]), detections=None, tracks=None, scenes=None)


def rendered(video: Path, **look: Any) -> tuple[Film, Path]:
    target = video.with_name("annotated.mp4")
    return render(document(video), probe(video), target, RenderOptions(**look)), target


def heard_at(path: Path, track: int = 0) -> list[float]:
    """When bursts begin, on the file's own clock."""
    times, loud = [], []
    with opened(path) as container:
        for frame in container.decode(audio=track):
            samples = np.abs(frame.to_ndarray().astype(float).reshape(-1, frame.samples)[0])
            loud.append(samples / (1 if frame.format.name.startswith("flt") else 32768) > 0.1)
            times.append(frame.time + np.arange(frame.samples) / frame.sample_rate)
    found = np.concatenate(times)[np.concatenate(loud)]
    return [round(float(time), 3) for time in found[np.diff(found, prepend=-99) > 0.5]]


KINDS = {
    "aac.mp4": ("aac", "aac"),
    "aac.ts": ("aac", "aac"),
    "opus.mkv": ("libopus", "opus"),
    "flac.mkv": ("flac", "flac"),
    "pcm.mkv": ("pcm_s16le", "pcm_s16le as AAC"),
    "mp2.ts": ("mp2", "mp2 as AAC"),
    "ac3.mp4": ("ac3", "ac3 as AAC"),
    "eac3.mkv": ("eac3", "eac3 as AAC"),
    "alac.mp4": ("alac", "alac as AAC"),
    "pcm.avi": ("pcm_s16le", "pcm_s16le as AAC"),
}
ROUND_S = 0.012


@pytest.mark.full
@pytest.mark.parametrize("name", full_but(list(KINDS)[:2], KINDS))
@pytest.mark.parametrize(("video_from_s", "heard"), [(0.0, [0, 1, 2]), (0.7, [0.3, 1.3])])
def test_what_is_heard_is_heard_when_it_was(tmp_path: Path, name: str, video_from_s: float, heard: list[float]) -> None:
    codec, kept = KINDS[name]
    if video_from_s and name == "pcm.avi":
        pytest.skip("AVI's streams begin together")
    video = make_sound(tmp_path / name, [(0.0, bursts(0, 2.9))], codec=codec, video_from_s=video_from_s)
    film, target = rendered(video)
    assert film.sound == f"sound {kept}"
    assert heard_at(target) == pytest.approx(heard, abs=ROUND_S)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_may_begin_after_the_pictures_and_end_after_them(tmp_path: Path, codec: str) -> None:
    video = make_sound(tmp_path / "v.mkv", [(1.5, bursts(1.5, 4.2))], codec=codec, video_from_s=0.0)
    _, target = rendered(video)
    assert heard_at(target) == pytest.approx([2, 3, 4], abs=ROUND_S)
    with opened(target) as made:
        assert made.streams.video[0].frames > 20
        assert made.streams.video[0].duration * made.streams.video[0].time_base == pytest.approx(4.2, abs=0.11)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_holes_stay_silent(tmp_path: Path, codec: str) -> None:
    stretches = [(0.0, bursts(0, 1.2)), (2.9, bursts(2.9, 4.2))]
    _, target = rendered(make_sound(tmp_path / "v.mkv", stretches, codec=codec, video_from_s=0.0))
    assert heard_at(target) == pytest.approx([0, 1, 3, 4], abs=ROUND_S)


def joined(path: Path, *parts: tuple[Path, str]) -> Path:
    """A file with the first stream of that type of each of the files."""
    packets = []
    with ExitStack() as stack, av.open(str(path), "w") as out:
        for file, type in parts:
            source = stack.enter_context(av.open(str(file)))
            stream = next(stream for stream in source.streams if stream.type == type)
            target = out.add_stream_from_template(stream, opaque=True)
            target.metadata["language"] = file.stem
            packets += [(packet, target) for packet in source.demux(stream) if packet.dts is not None]
        for packet, target in sorted(packets, key=lambda pair: pair[0].dts * pair[0].time_base):
            packet.stream = target
            out.mux(packet)
    return path


def test_damaged_sound_is_silent_and_what_follows_in_step(tmp_path: Path) -> None:
    whole = make_sound(tmp_path / "whole.mkv", [(0.0, bursts(0, 4.2))], codec="mp2", video_from_s=0.0)
    spoilt = damage(whole, tmp_path / "spoilt.mkv", lambda time: 1.5 < time < 2.5)
    _, target = rendered(joined(tmp_path / "v.mkv", (whole, "video"), (spoilt, "audio")))
    assert heard_at(target) == pytest.approx([0, 1, 3, 4], abs=2 * ROUND_S)


def test_every_track_is_kept(tmp_path: Path) -> None:
    first = make_sound(tmp_path / "deu.mkv", [(0.0, bursts(0, 2))], codec="aac", video_from_s=0.0)
    second = make_sound(tmp_path / "fra.mkv", [(0.5, bursts(0.5, 2))], codec="libopus")
    film, target = rendered(joined(tmp_path / "v.mkv", (first, "video"), (first, "audio"), (second, "audio")))
    assert film.sound == "sound aac, opus"
    assert heard_at(target) == pytest.approx([0, 1], abs=ROUND_S)
    assert heard_at(target, 1) == pytest.approx([1], abs=ROUND_S)
    with opened(target) as made:
        assert [stream.metadata["language"] for stream in made.streams.audio] == ["deu", "fra"]


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_a_part_has_its_own_sound(tmp_path: Path, codec: str) -> None:
    video = make_sound(tmp_path / "v.mkv", [(0.0, bursts(0, 2))], codec=codec, video_from_s=0.0)
    _, target = rendered(video, start=Fraction(1, 2), end=Fraction(3, 2))
    assert heard_at(target) == pytest.approx([0.5], abs=ROUND_S)


def test_without_sound_there_is_none(tmp_path: Path) -> None:
    film, target = rendered(make_video(tmp_path / "v.mp4", frames=5))
    assert film.sound == "no sound"
    with opened(target) as made:
        assert not made.streams.audio


@pytest.mark.full
@pytest.mark.parametrize("codec", ["libopus", "pcm_s16le"])
@pytest.mark.parametrize(("every", "clock"), [(10, 1.0), (10**9, 1.02)])
def test_lost_packets_and_clocks_that_are_off_shift_nothing(
    tmp_path: Path, codec: str, every: int, clock: float
) -> None:
    """Copied as it is, or encoded anew. Bursts last longer than the packets that are lost."""
    whole = make_sound(tmp_path / "whole.mkv", [(0, bursts(0, 8))], codec=codec, video_from_s=0)
    spoilt = tmp_path / "spoilt.mkv"
    with av.open(str(whole)) as source, av.open(str(spoilt), "w") as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        number = 0
        for packet in source.demux():
            if packet.pts is None:
                continue
            if packet.stream.type == "audio":
                number += 1
                if number % every == every - 1:
                    continue
                packet.pts = packet.dts = round(packet.pts * clock)
            packet.stream = copies[packet.stream_index]
            out.mux(packet)
    _, target = rendered(spoilt)
    found = heard_at(target)
    assert len(found) == 8
    assert found == pytest.approx([second * clock for second in range(8)], abs=0.025)
