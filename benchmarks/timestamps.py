"""Comparison of the sampled frames with those of TorchCodec's `get_frames_played_at`.

Make six videos of different kinds, sample each at several rates with FrameFleet and with TorchCodec (exact seeking),
and compare the presentation times, which must all be equal, and, to verify that a time belongs to the decoded frame,
the numbers drawn on the frames. Other videos may be given as arguments.

    python benchmarks/timestamps.py [VIDEO...]

Needs torchcodec, torch and a system FFmpeg, which TorchCodec loads.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import simplejpeg
from torchcodec.decoders import VideoDecoder

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE.parent)]

from framefleet.media.files.probe import probe  # noqa: E402
from framefleet.media.sampling import plan_samples  # noqa: E402
from framefleet.media.types import Picture  # noqa: E402
from framefleet.media.video.decode import decode_pictures  # noqa: E402
from tests.media.make import make_video, number_of  # noqa: E402

RATES = ("0.5", "1", "2", "7", "29.97", "60")
_A_MICROSECOND = 1e-6
_BLOCK = 64  # frames per request to TorchCodec


def make_all(folder: Path) -> dict[str, Path]:
    """Make six videos, each of a kind with its own pitfalls."""
    ntsc = Fraction(30_000, 1001)
    uneven = [Fraction(1001 * (i + i * i // 20), 30_000) for i in range(60)]
    late = [Fraction(7, 2) + Fraction(i, 25) for i in range(150)]
    plain = {"bf": "0", "b-pyramid": "none"}
    deep = {"bf": "7", "b-pyramid": "normal", "x264-params": "b-adapt=0:scenecut=0"}
    return {
        "constant rate, H.264 at 29.97": make_video(folder / "cfr.mp4", fps=ntsc, frames=200, options=plain),
        "variable rate, H.264 in Matroska": make_video(folder / "vfr.mkv", times=uneven, fps=30),
        "HEVC": make_video(folder / "hevc.mp4", codec="libx265", fps=24, frames=150),
        "VP9": make_video(folder / "vp9.webm", codec="libvpx-vp9", fps=30, frames=150, audio="libopus"),
        "first timestamp 3.5 s": make_video(folder / "late.mp4", times=late, audio="aac"),
        "B-pyramid of 7, H.264": make_video(folder / "pyramid.mp4", fps=25, frames=150, audio="aac", options=deep),
    }


def compare(path: Path, *, numbered: bool) -> dict[str, int]:
    """Return for samples of all rates how many times, and how many numbers on frames, are equal or differ."""
    media = probe(path)
    decoder = VideoDecoder(str(path), seek_mode="exact", dimension_order="NHWC")
    begin = decoder.metadata.begin_stream_seconds
    counts = {"equal": 0, "differing": 0, "pictures_equal": 0, "pictures_differing": 0}
    for rate in RATES:
        samples = plan_samples(media.duration_s, rate)
        pictures = decode_pictures(media, samples, max_side=None, jpeg_quality=90, crop=None)
        for mine, (pts, pixels) in zip(
            pictures, played_at(decoder, [float(sample.time + media.start) for sample in samples]), strict=True
        ):
            same = isinstance(mine, Picture) and abs(mine.at.pts_s - (pts - begin)) <= _A_MICROSECOND
            counts["equal" if same else "differing"] += 1
            if numbered and isinstance(mine, Picture):
                agree = number_of(simplejpeg.decode_jpeg(mine.jpeg)) == number_of(pixels)
                counts["pictures_equal" if agree else "pictures_differing"] += 1
    return counts


def played_at(decoder: VideoDecoder, times: list[float]) -> Iterator[tuple[float, np.ndarray]]:
    """Return time and pixels of the frames on screen at `times`, in the file's own time.

    Half a microsecond is added, since a float just below a boundary would be another frame. If TorchCodec does not know
    the duration of the last frame, it rejects times within it; that frame is then requested by number.
    """
    end = decoder.metadata.end_stream_seconds
    inside = [time + _A_MICROSECOND / 2 for time in times if time + _A_MICROSECOND / 2 < end]
    for at in range(0, len(inside), _BLOCK):
        frames = decoder.get_frames_played_at(inside[at : at + _BLOCK])
        yield from zip(frames.pts_seconds.tolist(), frames.data.numpy(), strict=True)
    last = decoder.get_frame_at(len(decoder) - 1)
    for _ in range(len(times) - len(inside)):
        yield last.pts_seconds, last.data.numpy()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path, help="further videos to compare")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = {name: compare(path, numbered=True) for name, path in make_all(Path(folder)).items()}
        rows |= {path.name: compare(path, numbered=False) for path in arguments.videos}
    print(f"{'video':34} {'equal':>7} {'differing':>10} {'pictures equal':>15} {'differing':>10}")
    for name, row in rows.items():
        print(f"{name:34} {row['equal']:7} {row['differing']:10} "
              f"{row['pictures_equal']:15} {row['pictures_differing']:10}")  # fmt: skip
    result = {
        "machine": {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
        "rates": RATES,
        "videos": rows,
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "timestamps.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 1 if any(row["differing"] or row["pictures_differing"] for row in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
