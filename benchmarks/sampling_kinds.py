"""The cost of a sampled frame in the formats of cameras, web sites and broadcasters.

Encode a real clip, looped to 720p25, in six codecs, each with closed GOPs and, if the codec has them, open ones; mux
each into its usual containers, with sound; and report CPU seconds of

- PyAV decoding every frame,
- FrameFleet's exact sampling at 1 fps, probing included: frames of at most 1280 pixels, as JPEG,

and the ratio of the second to that of the same codec in an MP4 with closed GOPs. With `--against`, the folder `src` of
another version, the same for that version. Medians of several turns.

    python benchmarks/sampling_kinds.py [--clip samples/sample.mp4] [--seconds 20] [--rounds 3] [--against OTHER/src]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import numpy as np

from clips import RATE, a_second
from footage import FPS, looped
from record import record

HERE = Path(__file__).resolve().parent
SRC = HERE.parent / "src"

SIZE, GOP = (1280, 720), 50
SILENCE = np.zeros(0, np.int16)


@dataclass(frozen=True)
class Kind:
    """The encoding by a codec, and the containers of its packets: file extensions and options of the muxers."""

    codec: str
    options: dict[str, str]
    files: dict[str, dict[str, str]] = field(default_factory=dict)


X264 = "scenecut=0:bframes=3:b-pyramid=normal"
X265 = f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=4:log-level=none"
MPEG = {"g": str(GOP), "bf": "2", "sc_threshold": "1000000000", "b": "6000000"}
CONSTANT = {"muxrate": "8000000"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
KINDS = {
    "h264 closed": Kind(
        "libx264",
        {"preset": "veryfast", "g": str(GOP), "x264-params": X264},
        {
            "mp4": {},
            "fragmented.mp4": {"movflags": "frag_keyframe+empty_moov"},
            "mkv": {},
            "ts": {},
            "cbr.ts": CONSTANT,
        },
    ),
    "h264 open": Kind(
        "libx264",
        {"preset": "veryfast", "g": str(GOP), "x264-params": X264 + ":open-gop=1"},
        {"mp4": {}, "mkv": {}, "ts": {}, "cbr.ts": CONSTANT},
    ),
    "h264 refresh": Kind(
        "libx264", {"preset": "veryfast", "g": str(GOP), "x264-params": "intra-refresh=1"}, {"ts": {}}
    ),
    "hevc closed": Kind(
        "libx265", {"preset": "superfast", "x265-params": X265 + ":open-gop=0"}, {"mp4": {}, "mkv": {}, "ts": {}}
    ),
    "hevc open": Kind("libx265", {"preset": "superfast", "x265-params": X265}, {"mp4": {}, "mkv": {}, "ts": {}}),
    "mpeg2video closed": Kind("mpeg2video", MPEG | {"flags": "+cgop"}, {"mp4": {}, "ts": {}}),
    "mpeg2video open": Kind("mpeg2video", MPEG, {"ts": {}, "cbr.ts": CONSTANT}),
    "mpeg4 closed": Kind("mpeg4", MPEG | {"flags": "+cgop"}, {"mp4": {}, "avi": {}}),
    "mpeg4 open": Kind("mpeg4", MPEG, {"mp4": {}, "avi": {}, "mkv": {}}),
    "vp9 closed": Kind("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": str(GOP)}, {"mp4": {}, "webm": {}}),
    "av1 closed": Kind("libsvtav1", {"preset": "12", "g": str(GOP)}, {"mp4": {}, "mkv": {}}),
}


def encoded(kind: Kind, clip: Path, seconds: int, out: Path) -> Path:
    """Encode the video stream alone."""
    with av.open(str(out), "w") as target:
        stream = target.add_stream(kind.codec, rate=FPS, options=kind.options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        frames = looped(clip)
        for number in range(seconds * FPS):
            frame = next(frames).reformat(*SIZE, format="yuv420p")
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, FPS), 0
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out


def put_into(pictures: Path, out: Path, seconds: int, options: dict[str, str]) -> Path:
    """Mux the same packets with a hum as sound."""
    codec = "libopus" if out.suffix == ".webm" else "mp3" if out.suffix == ".avi" else "aac"
    with av.open(str(pictures)) as source, av.open(str(out), "w", options=options) as target:
        copy = target.add_stream_from_template(source.streams.video[0], opaque=True)
        audio = target.add_stream(codec, rate=48_000 if codec == "libopus" else RATE, layout="mono")
        done = 0
        for packet in source.demux(video=0):
            if not packet.size:
                continue
            while done < seconds and done <= (packet.dts or 0) * packet.time_base:
                target.mux(audio.encode(a_second(done, SILENCE)))
                done += 1
            packet.stream = copy
            target.mux(packet)
        target.mux(audio.encode(None))
    return out


def pyav(video: Path) -> int:
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in container.decode(video=0))


def framefleet(video: Path) -> int:
    from framefleet.media.files.probe import probe
    from framefleet.media.sampling import plan_samples
    from framefleet.media.types import Picture
    from framefleet.media.video.decode import decode_orders
    from framefleet.media.video.request import FrameRequest, JpegView

    media = probe(video)
    order = FrameRequest(plan_samples(media.duration_s, 1), JpegView(1280, 90))
    return sum(isinstance(piece, Picture) for _, piece in decode_orders(media, [order]))


def measure(video: Path, what: str) -> None:
    """Return the frames, and the CPU seconds of a second turn, when everything is loaded, in a separate process."""
    work = pyav if what == "pyav" else framefleet
    work(video)
    begin = time.process_time()
    count = work(video)
    print(json.dumps([count, time.process_time() - begin]))


def measured(video: Path, what: str, source: Path) -> tuple[int, float]:
    command = [sys.executable, __file__, "--measure", what, "--video", str(video)]
    told = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(source)}, capture_output=True, check=True)
    count, cpu = json.loads(told.stdout)
    return count, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=HERE.parent / "samples" / "sample.mp4")
    parser.add_argument("--seconds", type=int, default=20, help="length of the videos made")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="src of another version")
    parser.add_argument("--folder", type=Path, help="keep the videos here, and use those that are there")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--video", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.video, arguments.measure)
        return
    versions = {"pyav": SRC, "after": SRC} | ({"before": arguments.against} if arguments.against else {})
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        for name, kind in KINDS.items():
            for ending, options in kind.files.items():
                video = folder / f"{name.replace(' ', '_')}.{ending}"
                if not video.exists():
                    pictures = folder / f"{name.replace(' ', '_')}.pictures.mkv"
                    if not pictures.exists():
                        encoded(kind, arguments.clip, arguments.seconds, pictures)
                    put_into(pictures, video, arguments.seconds, options)
                runs = {
                    what: [measured(video, what, src) for _ in range(arguments.rounds)]
                    for what, src in versions.items()
                }
                told = {what: median(cpu for _, cpu in each) for what, each in runs.items()}
                if any(count != arguments.seconds for count, _ in runs["after"]):
                    raise SystemExit(f"{video}: {runs['after'][0][0]} pictures came")
                base = figures.get(f"{name.split()[0]} closed, mp4", {}).get("after, CPU s", told["after"])
                figures[f"{name}, {ending}"] = {
                    f"{what}, CPU s": round(told[what], 2) for what in ("pyav", "before", "after") if what in told
                } | {"after ÷ closed mp4": round(told["after"] / base, 2)}
                print(f"{name}, {ending}", figures[f"{name}, {ending}"], flush=True)
    record("sampling_kinds", {"videos, s": arguments.seconds, "rounds": arguments.rounds} | figures)


if __name__ == "__main__":
    main()
