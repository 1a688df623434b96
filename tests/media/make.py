"""Makes small videos whose every frame says which one it is, so that a test can read what was decoded.

Frame i carries i as 12 bits, a grid of 4 × 3 blocks, bright for 1 and dark for 0: readable after any codec here,
after scaling and after JPEG. Only PyAV is used.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.media.once import once

BITS, COLUMNS, ROWS = 12, 4, 3
Picture = NDArray[np.uint8]

# Options that keep encoding quick and the reordering of frames real.
ENCODERS: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "bf": "3", "b-pyramid": "normal", "g": "24", "x264-params": "scenecut=0"},
    "libx265": {"preset": "ultrafast", "x265-params": "bframes=3:b-pyramid=1:keyint=24:log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "g": "24"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "g": "24"},
    "mpeg4": {"g": "12", "bf": "0"},
}


def picture_of(number: int, width: int = 160, height: int = 120) -> Picture:
    """The picture of frame `number`: shape (height, width, 3), RGB."""
    bits = np.array([number >> bit & 1 for bit in range(BITS)]).reshape(ROWS, COLUMNS)
    rows = np.arange(height) * ROWS // height
    columns = np.arange(width) * COLUMNS // width
    grey = np.where(bits[rows][:, columns], 200, 40).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def number_of(picture: Picture) -> int:
    """The number that an upright, uncropped picture of any size carries."""
    grey = picture.mean(axis=2) if picture.ndim == 3 else picture
    height, width = grey.shape
    centres = [
        grey[int((row + 0.5) * height / ROWS), int((column + 0.5) * width / COLUMNS)]
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    return sum(1 << bit for bit, value in enumerate(centres) if value > 120)


@once
def make_video(
    path: Path,
    *,
    frames: int = 50,
    fps: Fraction | int = 25,
    times: Sequence[Fraction] | None = None,
    codec: str = "libx264",
    size: tuple[int, int] = (160, 120),
    pix_fmt: str = "yuv420p",
    rotation: int = 0,
    audio: str | None = None,
    audio_s: float | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pictures: Sequence[Picture] | None = None,
    colour: tuple[int, int] | None = None,
    format: str | None = None,
) -> Path:
    """Writes a video and returns its path.

    `times` are the frames' presentation times (constant `fps` if absent); `rotation` is the display matrix in degrees
    counter-clockwise; `audio` is an encoder ("aac", "libopus", "pcm_s16le") for a 440 Hz tone of `audio_s` seconds (as
    long as the video if absent) that begins at 0; `colour` is (matrix, range) in FFmpeg's numbers; `format` is the
    muxer, where the name's ending does not say it.
    """
    fps = Fraction(fps)
    times = times if times is not None else [Fraction(i) / fps for i in range(frames)]
    tick = Fraction(1, 90_000)
    with av.open(str(path), "w", format=format, options=container_options or {}) as out:
        video = out.add_stream(codec, rate=fps, options=ENCODERS.get(codec, {}) | (options or {}))
        video.width, video.height = size
        video.pix_fmt = pix_fmt
        # AVI counts frames: it has one time base, the frame rate's; so have some more muxers and encoders.
        counts = path.suffix == ".avi" or format is not None or codec.startswith("mpeg")
        video.codec_context.time_base = 1 / fps if counts else tick
        if colour is not None:
            video.colorspace, video.color_range = colour
        if rotation:
            video.set_display_rotation(rotation)
        sound = out.add_stream(audio, rate=48_000, layout="mono") if audio else None
        if audio == "wmav2":
            sound.bit_rate = 64_000  # which it will not choose
        base = video.codec_context.time_base
        for number, time in enumerate(times):
            rgb = pictures[number] if pictures is not None else picture_of(number, *size)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            if colour is not None:
                frame = frame.reformat(
                    format=pix_fmt, dst_colorspace=colour[0], dst_color_range=colour[1], src_color_range=2
                )
            frame.pts, frame.time_base = round(time / base), base
            frame.duration = round((times[number + 1] - time if number + 1 < len(times) else 1 / fps) / base)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if sound is not None:
            _add_tone(out, sound, audio_s if audio_s is not None else float(times[-1] + 1 / fps))
    share_cores()
    return path


def share_cores() -> None:
    """Goes back to being scheduled as others are: SVT-AV1's encoder has a root's process go before all that run."""
    if hasattr(os, "sched_setscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@once
def make_audio(path: Path, *, seconds: float = 2.0, codec: str = "aac") -> Path:
    """A file with a tone and nothing else."""
    with av.open(str(path), "w") as out:
        _add_tone(out, out.add_stream(codec, rate=48_000, layout="mono"), seconds)
    return path


def _add_tone(out: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    wave = (np.sin(np.arange(int(seconds * 48_000)) * 2 * np.pi * 440 / 48_000) * 12_000).astype(np.int16)
    for start in range(0, len(wave), 960):
        chunk = av.AudioFrame.from_ndarray(wave[None, start : start + 960], format="s16", layout="mono")
        chunk.sample_rate, chunk.pts, chunk.time_base = 48_000, start, Fraction(1, 48_000)
        out.mux(stream.encode(chunk))
    out.mux(stream.encode(None))
