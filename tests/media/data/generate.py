"""Writes the file beside it, for which PyAV's FFmpeg has no encoder: `python -m tests.media.data.generate`.

`packed.avi` is 33 numbered pictures (`tests.media.make`) by XviD, B-pictures packed, of which it leaves out the last
two. Some are smaller than what FFmpeg takes for empty. It takes `ffmpeg` with libxvid.

`old_x264.mp4` is not made here, since it wants an encoder of 2015 (ffmpeg 2.5.3 with x264 core 144, as the npm package
ffmpeg-static 1.0.0 has it): `ffmpeg -ss 1 -t 10 -i samples/sample.mp4 -an -vf scale=320:180 -r 10 -pix_fmt yuv444p
-c:v libx264 -crf 30 -g 20 old_x264.mp4`. It has 103 pictures, and a cut at 5.2 s.
"""

import subprocess
from pathlib import Path

from tests.media.make import picture_of

PACKED = Path(__file__).parent / "packed.avi"
OLD_X264 = Path(__file__).parent / "old_x264.mp4"
SIDES, FRAMES = (64, 48), 33


def generate() -> None:
    raw = b"".join(picture_of(number, *SIDES).tobytes() for number in range(FRAMES))
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIDES[0]}x{SIDES[1]}", "-r", "25", "-i", "-"]
    encode = ["-c:v", "libxvid", "-bf", "2", "-g", "12", "-q:v", "6", "-fflags", "+bitexact", str(PACKED)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *encode], input=raw, check=True)


if __name__ == "__main__":
    generate()
