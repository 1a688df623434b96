"""Makes small files with sound at known times, and reads clips back.

The sound is a burst of 50 ms of tone at every whole number of seconds of the file's own time: where a burst is found
tells what was shifted.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from framefleet.media.audio.chunks import RATE
from framefleet.media.types import Clip
from tests.media.once import once

FILE_RATE = 48_000
Wave = NDArray[np.int16]


def bursts(start_s: float, end_s: float, rate: int = FILE_RATE) -> Wave:
    """The sound between two times of the file: a loud tone during the first 50 ms of every second, else nothing."""
    times = np.arange(round(start_s * rate), round(end_s * rate)) / rate
    loud = (times % 1) < 0.05
    return (np.sin(times * 2 * np.pi * 1000) * loud * 16_000).astype(np.int16)


@once
def make_sound(
    path: Path,
    stretches: Sequence[tuple[float, Wave]],
    *,
    codec: str = "pcm_s16le",
    video_from_s: float | None = None,
) -> Path:
    """Writes `stretches` of samples (48 kHz), each at its time in the file, in blocks of 20 ms.

    With `video_from_s` there are two seconds of black video, too, the first frame at that time.
    """
    with av.open(str(path), "w") as out:
        sound = out.add_stream(codec, rate=FILE_RATE, layout="mono")
        packets = []
        if video_from_s is not None:
            packets += _black(out.add_stream("mpeg4", rate=10), video_from_s)
        for start_s, wave in stretches:
            for at in range(0, len(wave), 960):
                frame = av.AudioFrame.from_ndarray(wave[None, at : at + 960], format="s16", layout="mono")
                frame.sample_rate, frame.time_base = FILE_RATE, Fraction(1, FILE_RATE)
                frame.pts = round(start_s * FILE_RATE) + at
                packets += sound.encode(frame)
        packets += sound.encode(None)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            out.mux(packet)
    return path


def _black(stream: av.VideoStream, from_s: float) -> list[av.Packet]:
    stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
    packets = []
    for number in range(20):
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        frame.pts, frame.time_base = round(from_s * 10) + number, Fraction(1, 10)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def damage(path: Path, to: Path, broken: Callable[[float], bool]) -> Path:
    """A copy whose sound packets are rubbish wherever `broken(their time)`."""
    with av.open(str(path)) as source, av.open(str(to), "w") as out:
        stream = source.streams.audio[0]
        copy = out.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.pts is None:
                continue
            time = packet.pts * packet.time_base
            kept = av.Packet(b"\xff" * packet.size if broken(float(time)) else bytes(packet))
            kept.pts, kept.dts, kept.duration, kept.time_base = (
                packet.pts,
                packet.dts,
                packet.duration,
                packet.time_base,
            )
            kept.stream = copy
            out.mux(kept)
    return to


def samples_of(clip: Clip) -> Wave:
    """A clip's samples, 16 kHz."""
    if not clip.audio:
        return np.zeros(0, np.int16)
    with av.open(BytesIO(clip.audio)) as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def heard_at(clips: Iterable[Clip]) -> list[float]:
    """When bursts begin, on the video's clock, to the hundredth of a second."""
    found = [np.flatnonzero(np.abs(samples_of(clip)) > 4000) / RATE + clip.span.start_s for clip in clips]
    loud = np.concatenate(found)
    return [round(float(time), 2) for time in loud[np.diff(loud, prepend=-99) > 0.5]]


def make_realaudio(path: Path, wave: Wave, rate: int = 8000) -> Path:
    """RealAudio of the first kind, whose packets all have the time 0."""
    with av.open(str(path), "w", format="rm") as out:
        stream = out.add_stream("real_144", rate=rate, layout="mono")
        for at in range(0, len(wave), 160):
            frame = av.AudioFrame.from_ndarray(wave[None, at : at + 160], format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), at
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def jumped(path: Path, to: Path, *, at_s: float, by_s: float) -> Path:
    """A copy whose sound, and nothing else, is later by `by_s` from a time on; its packets lie where they lay."""
    with av.open(str(path)) as source, av.open(str(to), "w", options={"max_interleave_delta": "1"}) as out:
        copies = {stream: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if not packet.size:
                continue
            if packet.stream.type == "audio" and packet.pts * packet.time_base >= at_s:
                packet.pts += round(by_s / packet.time_base)
                packet.dts += round(by_s / packet.time_base)
            packet.stream = copies[packet.stream]
            out.mux(packet)
    return to


CLICK_S = 0.004


def clicks(times: Iterable[float], end_s: float, rate: int = FILE_RATE) -> Wave:
    """Silence but for a click of 4 ms, 1.5 kHz, at each of the times."""
    wave = np.zeros(round(end_s * rate), np.int16)
    click = (np.sin(np.arange(round(CLICK_S * rate)) * 2 * np.pi * 1500 / rate) * 20_000).astype(np.int16)
    for time in times:
        at = round(time * rate)
        wave[at : at + len(click)] = click[: max(0, len(wave) - at)]
    return wave


def clicked_at(samples: Wave, near_s: float, within_s: float = 0.15) -> float | None:
    """Where in `samples` (16 kHz) the click nearest to a time begins, by correlation; None if there is none."""
    click = clicks([0], CLICK_S, RATE).astype(float)
    first = max(0, round((near_s - within_s) * RATE))
    part = samples[first : round((near_s + within_s) * RATE)].astype(float)
    if len(part) <= len(click):
        return None
    likeness = np.abs(np.correlate(part, click, "valid"))
    best = int(likeness.argmax())
    return (first + best) / RATE if likeness[best] > 0.1 * np.dot(click, click) else None


def retimed(path: Path, to: Path, timed: Callable[[int, float], Sequence[float]]) -> Path:
    """A copy in which the sound's `number`-th packet, at a time, is at each of the times `timed(number, time)`."""
    with av.open(str(path)) as source, av.open(str(to), "w") as out:
        stream = source.streams.audio[0]
        copy = out.add_stream_from_template(stream)
        number = 0
        for packet in source.demux(stream):
            if packet.pts is None:
                continue
            for time in timed(number, float(packet.pts * packet.time_base)):
                again = av.Packet(bytes(packet))
                again.time_base, again.duration = packet.time_base, packet.duration
                again.pts = again.dts = round(time / packet.time_base)
                again.stream = copy
                out.mux(again)
            number += 1
    return to


def plainly_decoded(path: Path) -> Wave:
    """All frames of the first track through one resampler, as they come, with no look at their times."""
    resampler = av.AudioResampler("s16", "mono", RATE)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])
