"""The speed of sampling frames, against reading every frame.

Loop a real clip to a video of 1080p25 H.264 (x264 veryfast, a keyframe every 250 frames, B-frames), and compare

- OpenCV reading every frame with `cv2.VideoCapture.read`,
- PyAV decoding every frame with `thread_type = "AUTO"`,
- FrameFleet's exact sampling at 1 fps: frames of at most 1280 pixels, as JPEG,
- FrameFleet's `keyframes` sampling of the same frames.

Each round runs all four; a ratio is within a round, and the medians of all rounds are reported. CPU seconds are
reported too, since they do not depend on the load of the machine.

    python benchmarks/sampling.py [--clip samples/sample.mp4] [--seconds 574] [--rounds 5] [--video KEPT.mp4]

Needs opencv-python-headless; without it OpenCV's figures are left out.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import av

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE)]

from footage import FPS, make_footage  # noqa: E402
from framefleet.media.files.probe import probe  # noqa: E402
from framefleet.media.sampling import plan_samples  # noqa: E402
from framefleet.media.types import Picture  # noqa: E402
from framefleet.media.video.decode import decode_orders  # noqa: E402
from framefleet.media.video.request import FrameRequest, JpegView  # noqa: E402
from record import record  # noqa: E402

try:
    import cv2
except ImportError:
    cv2 = None


def opencv(video: Path) -> int:
    capture = cv2.VideoCapture(str(video))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def pyav(video: Path) -> int:
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in container.decode(video=0))


def framefleet(video: Path, sampling: str) -> int:
    media = probe(video)
    order = FrameRequest(plan_samples(media.duration_s, 1), JpegView(1280, 90))
    return sum(isinstance(piece, Picture) for _, piece in decode_orders(media, [order], sampling=sampling))


def timed(work: Callable[[], int], expected: int) -> tuple[float, float]:
    """Return seconds, and CPU seconds of all threads."""
    begin, cpu = time.perf_counter(), time.process_time()
    count = work()
    if count != expected:
        raise SystemExit(f"{count} pictures came, {expected} were expected")
    return time.perf_counter() - begin, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=HERE.parent / "samples" / "sample.mp4")
    parser.add_argument("--seconds", type=int, default=574, help="length of the video made")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--video", type=Path, help="make the video here and keep it; used as it is if it exists")
    arguments = parser.parse_args()
    seconds = arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        video = arguments.video or Path(folder) / "looped.mp4"
        if not video.exists():
            make_footage(arguments.clip, video, seconds)
        works: dict[str, tuple[Callable[[], int], int]] = {
            "PyAV AUTO, every frame": (lambda: pyav(video), seconds * FPS),
            "exact sampling": (lambda: framefleet(video, "exact"), seconds),
            "keyframes": (lambda: framefleet(video, "keyframes"), seconds),
        }
        if cv2 is not None:
            works = {"OpenCV, every frame": (lambda: opencv(video), seconds * FPS)} | works
        rounds = []
        for number in range(arguments.rounds):
            rounds.append({name: timed(*work) for name, work in works.items()})
            print(number, {name: f"{s:.2f} (CPU {cpu:.2f})" for name, (s, cpu) in rounds[-1].items()}, flush=True)
    figures: dict[str, object] = {"video, s": seconds, "rounds": len(rounds)}
    for place, unit in enumerate(("s", "CPU s")):
        figures |= {f"{name}, {unit}": round(median(row[name][place] for row in rounds), 2) for name in works}
        for base in [name for name in works if "every" in name]:
            for ours in ("exact sampling", "keyframes"):
                ratio = median(row[base][place] / row[ours][place] for row in rounds)
                figures[f"{base} ÷ {ours}, {unit}"] = round(ratio, 2)
    record("sampling", figures)


if __name__ == "__main__":
    main()
