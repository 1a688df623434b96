"""The video of the benchmarks that decode: 1080p25 H.264 as from cameras and web sites, with speech."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from clips import RATE, a_second, hear

SIZE, FPS, GOP = (1920, 1080), 25, 250
X264 = {"preset": "veryfast", "g": str(GOP)}  # veryfast has 3 B-frames, and lets other frames refer to them


def make_footage(clip: Path, out: Path, seconds: int, *, sound: bool = False) -> None:
    """Write the frames of `clip` in a loop, one every 1/25 s whatever its own rate, scaled to 1080p.

    `sound` is the speech of `clip` every two minutes, and a hum.
    """
    with av.open(str(out), "w") as target:
        stream = target.add_stream("libx264", rate=FPS, options=X264)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        audio = target.add_stream("aac", rate=RATE, layout="mono", bit_rate=64_000) if sound else None
        speech, frames = hear(clip) if sound else None, looped(clip)
        for number in range(seconds * FPS):
            frame = next(frames).reformat(*SIZE, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            frame.pict_type = 0
            target.mux(stream.encode(frame))
            if audio is not None and number % FPS == 0:
                target.mux(audio.encode(a_second(number // FPS, speech)))
        for each in target.streams:
            target.mux(each.encode(None))


def looped(clip: Path) -> Iterator[av.VideoFrame]:
    while True:
        with av.open(str(clip)) as source:
            source.streams.video[0].thread_type = "AUTO"
            yield from source.decode(video=0)
