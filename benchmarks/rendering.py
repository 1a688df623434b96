"""The cost of drawing, against decoding and encoding the same video without it.

Loop a real clip to a video of 1080p25 H.264 with sound, generate a document of it (ten boxes per frame, most on
tracks, at one frame per second, and subtitles), and compare, in each round,

- `framefleet render`,
- PyAV decoding and encoding the video, with the same settings of x264 and no sound,
- the same with the rendered video, since outlines and letters take x264 longer than the frames alone.

A ratio is within a round, and the medians of all rounds are reported. CPU seconds are reported too, since they do not
depend on the load of the machine. Then peak memory, of this video and one that is four times as long.

    python benchmarks/rendering.py [--clip samples/sample.mp4] [--seconds 20] [--rounds 7]

Not on Windows.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import av

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE)]

from footage import make_footage  # noqa: E402
from framefleet.media.files.probe import probe  # noqa: E402
from framefleet.outputs.render.options import RenderOptions  # noqa: E402
from framefleet.outputs.render.render import render  # noqa: E402
from record import record  # noqa: E402
from report_document import make_document  # noqa: E402

LOOK = RenderOptions()
A_SECOND = {"boxes": 10, "words": 2}


def rendered(video: Path, seconds: int, out: Path) -> None:
    document = make_document(seconds, *(count * seconds for count in A_SECOND.values()))
    render(document, probe(video), out, LOOK)


def bare(video: Path, out: Path) -> None:
    """Decode and encode: the lower bound of any change to the frames."""
    options = {"preset": LOOK.preset, "crf": str(LOOK.crf)}
    with av.open(str(video)) as source, av.open(str(out), "w", options={"movflags": "faststart"}) as target:
        pictures = source.streams.video[0]
        pictures.thread_type = "AUTO"
        stream = target.add_stream("libx264", rate=pictures.average_rate, options=options)
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "yuv420p"
        stream.codec_context.time_base = pictures.time_base
        stream.codec_context.thread_type = "AUTO"
        for frame in source.decode(pictures):
            frame.pict_type = 0
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return seconds, and CPU seconds of all threads."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - cpu


def peak_mb(video: Path, seconds: int, out: Path) -> float:
    """Return the peak memory of a process that does nothing else, in MB."""
    command = [sys.executable, __file__, "--alone", str(video), str(seconds), str(out)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def alone(video: str, seconds: str, out: str) -> None:
    rendered(Path(video), int(seconds), Path(out))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=HERE.parent / "samples" / "sample.mp4")
    parser.add_argument("--seconds", type=int, default=20, help="length of the video made")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        alone(*arguments.alone)
        return
    seconds = arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        video, long, annotated, out = (Path(folder) / f"{name}.mp4" for name in ("short", "long", "annotated", "out"))
        make_footage(arguments.clip, video, seconds, sound=True)
        works: dict[str, Callable[[], None]] = {
            "render": lambda: rendered(video, seconds, annotated),
            "bare": lambda: bare(video, out),
            "bare, of the rendered": lambda: bare(annotated, out),
        }
        rounds = []
        for number in range(arguments.rounds):
            rounds.append({name: timed(work) for name, work in works.items()})
            print(number, {name: f"{s:.2f} (CPU {cpu:.2f})" for name, (s, cpu) in rounds[-1].items()}, flush=True)
        make_footage(arguments.clip, long, 4 * seconds, sound=True)
        peaks = [peak_mb(file, length, out) for file, length in ((video, seconds), (long, 4 * seconds))]
    figures: dict[str, object] = {"video, s": seconds, "rounds": len(rounds)}
    figures["video ÷ render, s"] = round(median(seconds / row["render"][0] for row in rounds), 2)
    for place, unit in enumerate(("s", "CPU s")):
        figures |= {f"{name}, {unit}": round(median(row[name][place] for row in rounds), 2) for name in works}
        for base in ("bare", "bare, of the rendered"):
            ratio = median(row["render"][place] / row[base][place] for row in rounds)
            figures[f"render ÷ {base}, {unit}"] = round(ratio, 2)
    figures |= {"peak memory, MB": round(peaks[0]), "of a video four times as long, MB": round(peaks[1])}
    record("rendering", figures)


if __name__ == "__main__":
    main()
