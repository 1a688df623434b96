"""Long videos for the benchmarks, made by looping the sample's frames, with its speech at intervals."""

from fractions import Fraction
from itertools import cycle
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "sample.mp4"
RATE = 16_000
SIZE = 320, 180
SPEECH_EVERY_S = 120

Samples = NDArray[np.int16]


def make_clip(path: Path, seconds: int, *, fps: int = 5, sound: bool = True, source: Path = SAMPLE) -> Path:
    """Write a small H.264 video of `seconds`; its `sound` is `source`'s speech every two minutes and a varying hum."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "30", "g": str(10 * fps)})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = out.add_stream("aac", rate=RATE, layout="mono", bit_rate=32_000) if sound else None
        speech = hear(source) if sound else np.zeros(0, np.int16)
        shown = cycle(pictures(source, fps))
        for second in range(seconds):
            for number in range(second * fps, (second + 1) * fps):
                frame = next(shown)
                frame.pts, frame.time_base = number, Fraction(1, fps)
                out.mux(video.encode(frame))
            if audio is not None:
                out.mux(audio.encode(a_second(second, speech)))
        for stream in out.streams:
            out.mux(stream.encode(None))
    return path


def pictures(source: Path, fps: int) -> list[av.VideoFrame]:
    """Return every frame of `source` at `fps`, scaled down."""
    with av.open(str(source)) as clip:
        frames = clip.decode(video=0)
        rate = clip.streams.video[0].average_rate or 25
        step = max(1, round(rate / fps))
        return [frame.reformat(*SIZE, format="yuv420p") for n, frame in enumerate(frames) if n % step == 0]


def hear(source: Path) -> Samples:
    """Return the sound of `source`, mono, 16 kHz."""
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(source)) as clip:
        frames = [*clip.decode(audio=0), None]
        return np.concatenate([piece.to_ndarray()[0] for frame in frames for piece in resampler.resample(frame)])


def a_second(second: int, speech: Samples) -> av.AudioFrame:
    """Return the sound of one second: speech at the start of every two minutes, then a hum."""
    at = second % SPEECH_EVERY_S * RATE
    samples = speech[at : at + RATE]
    if len(samples) < RATE:
        samples = np.concatenate([samples, _hum(second, RATE - len(samples))])
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, second * RATE, Fraction(1, RATE)
    return frame


def _hum(seed: int, count: int) -> Samples:
    """Return a tone with random loudness: not speech, and different in every second."""
    noise = np.random.default_rng(seed).uniform(0.2, 1.0, count // 160 + 2)
    loudness = np.interp(np.arange(count), np.arange(len(noise)) * 160, noise)
    hum: Samples = (3000 * loudness * np.sin(2 * np.pi * 220 * np.arange(count) / RATE)).astype(np.int16)
    return hum
