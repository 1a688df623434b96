"""What does hiding faces cost, how many does it miss, and what does a closer look find?

Three figures:

- the time of `framefleet render --blur faces` (640 pixels, every third frame) over that of writing the same video with
  nothing hidden, on the first seconds of a clip that has faces in half of them; the same at 960 pixels;
- uncovered faces in the video of the tests: five known faces that pass, nod, come and go at 25 frames a second;
- how many of some hundred faces of known sizes are found in single 1280 × 720 frames at 640 and at 960 pixels, and
  what one frame costs.

CPU seconds are of all threads of this process, since wall time depends on what else the machine does.

    python benchmarks/redaction.py [--clip samples/sample.mp4] [--seconds 12] [--rounds 3]

The model comes with `python -m framefleet.models.fetch centerface`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import median

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "src"), str(HERE)]

from framefleet.media.files.probe import probe  # noqa: E402
from framefleet.outputs.redaction.options import RedactOptions  # noqa: E402
from framefleet.outputs.redaction.redact import redact  # noqa: E402
from framefleet.outputs.render.options import RenderOptions  # noqa: E402
from framefleet.stages.faces.centerface import open_centerface  # noqa: E402
from record import record  # noqa: E402
from tests.outputs.redaction.passing import FACE, HEAD, PASSERS, head, passing, seen_at, share_visible, visible  # noqa: E402
from tests.outputs.render.squares import document_of, frames_of  # noqa: E402

HEIGHTS = (20, 24, 28, 32, 36, 40, 48, 64)
"""Of faces, in pixels of a frame 720 pixels high."""
COUNT = 24  # faces of each height
SIZE = (1280, 720)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and CPU seconds of all threads."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - cpu


def costs(clip: Path, seconds: int, rounds: int, out: Path) -> dict[str, object]:
    """Ratios within a round, and their medians."""
    document, media, film = document_of(clip), probe(clip), RenderOptions(end=Fraction(seconds))
    ways = {"nothing": {}, "640": {"faces": True}, "960": {"faces": True, "long_side": 960}}
    rows = []
    for number in range(rounds):
        row = {
            name: timed(lambda w=w: redact(document, media, out, RedactOptions(film=film, **w)))
            for name, w in ways.items()
        }
        rows.append(row)
        print(number, {name: f"{s:.1f} (CPU {cpu:.1f})" for name, (s, cpu) in row.items()}, flush=True)
    figures: dict[str, object] = {"video, s": seconds, "rounds": rounds}
    for place, unit in enumerate(("wall", "CPU")):
        for name in ("640", "960"):
            ratio = median(row[name][place] / row["nothing"][place] for row in rows)
            figures[f"faces at {name} ÷ nothing hidden, {unit}"] = round(ratio, 2)
    figures["nothing hidden, CPU s a second"] = round(median(row["nothing"][1] for row in rows) / seconds, 3)
    return figures


def uncovered(folder: Path) -> dict[str, object]:
    video, out = passing(folder / "passing.mp4"), folder / "hidden.mp4"
    redact(document_of(video), probe(video), out, RedactOptions(faces=True, style="box"))
    faces = missed = 0
    for time_s, (luma, _, _) in frames_of(out):
        for one in seen_at(PASSERS, float(time_s)):
            box = one.face(float(time_s))
            if share_visible(box) >= 0.5:
                x1, y1, x2, y2 = visible(box)
                faces += 1
                missed += bool((luma[y1:y2, x1:x2] < 40).mean() < 0.97)
    return {"faces in frames": faces, "of them uncovered": missed}


def crowd(high: int, rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """A frame with `COUNT` faces of that height on a grainy wall, and where their middles are."""
    grain = rng.integers(90, 150, (SIZE[1] // 8, SIZE[0] // 8, 1), np.uint8)
    frame = cv2.resize(grain, SIZE, interpolation=cv2.INTER_CUBIC)[:, :, None].repeat(3, 2)
    gain = high / (FACE[3] - FACE[1])
    small = cv2.resize(head(), None, fx=gain, fy=gain, interpolation=cv2.INTER_AREA)
    middles = []
    for place in range(COUNT):
        x, y = 40 + place % 8 * 150 + int(rng.integers(0, 30)), 30 + place // 8 * 220 + int(rng.integers(0, 30))
        part = small[:, ::-1] if place % 2 else small
        tall, wide = min(part.shape[0], SIZE[1] - y), min(part.shape[1], SIZE[0] - x)
        frame[y : y + tall, x : x + wide] = part[:tall, :wide]
        off = ((FACE[0] + FACE[2]) / 2 - HEAD[0]) * gain
        across = part.shape[1] - off if place % 2 else off
        middles.append((x + across, y + ((FACE[1] + FACE[3]) / 2 - HEAD[1]) * gain))
    return np.ascontiguousarray(frame), middles


def recall(rounds: int) -> dict[str, object]:
    model, figures = open_centerface(), dict[str, object]()
    rng = np.random.default_rng(5)
    crowds = {high: crowd(high, rng) for high in HEIGHTS}
    spent = {}
    for long_side in (640, 960):
        found = {}
        for high, (frame, middles) in crowds.items():
            (boxes,) = model.find([frame], long_side=long_side)
            found[high] = sum(any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for b in boxes) for x, y in middles)
        spent[long_side] = median(
            timed(lambda side=long_side: model.find([crowds[32][0]], long_side=side))[1] for _ in range(3 * rounds)
        )
        figures[f"found at {long_side}, of {COUNT} each of {HEIGHTS} pixels"] = list(found.values())
        figures[f"a frame at {long_side}, CPU s"] = round(spent[long_side], 3)
    return figures | {"960 ÷ 640, CPU of the look": round(spent[960] / spent[640], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=HERE.parent / "samples" / "sample.mp4")
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    figures = recall(arguments.rounds)
    print(figures, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        figures |= uncovered(Path(folder))
        figures |= costs(arguments.clip, arguments.seconds, arguments.rounds, Path(folder) / "out.mp4")
    record("redaction", figures)


if __name__ == "__main__":
    main()
