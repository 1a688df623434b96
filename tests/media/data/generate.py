"""Writes the file beside it, for which PyAV's FFmpeg has no encoder: `python -m tests.media.data.generate`.

`packed.avi` is 33 numbered pictures (`tests.media.make`) by XviD, B-pictures packed, of which it leaves out the last
two. Some are smaller than what FFmpeg takes for empty. It takes `ffmpeg` with libxvid.
"""

import subprocess
from pathlib import Path

from tests.media.make import picture_of

PACKED = Path(__file__).parent / "packed.avi"
SIDES, FRAMES = (64, 48), 33


def generate() -> None:
    raw = b"".join(picture_of(number, *SIDES).tobytes() for number in range(FRAMES))
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIDES[0]}x{SIDES[1]}", "-r", "25", "-i", "-"]
    encode = ["-c:v", "libxvid", "-bf", "2", "-g", "12", "-q:v", "6", "-fflags", "+bitexact", str(PACKED)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *encode], input=raw, check=True)


if __name__ == "__main__":
    generate()
