"""Videos of a moving square, documents about them, and finding in a rendered video what was drawn where."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from msgspec.structs import replace
from numpy.typing import NDArray

from framefleet.media.files.probe import probe
from framefleet.models import file_sha256
from framefleet.outputs.palette import colour
from framefleet.outputs.render.colours import Yuv, from_rgb
from framefleet.results.assemble.fusion import fuse
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.scene import Scene
from tests.media.make import make_video
from tests.results.make import make_document

SIZE = (320, 240)
BOX = (40.0, 100.0, 160.0, 200.0)
SPEED = 60.0  # pixels a second, to the right
PERSON = from_rgb(colour(0))
Box = tuple[float, float, float, float]
Plane = NDArray[np.uint8]


def box_at(time_s: float) -> Box:
    """Where the square is."""
    x1, y1, x2, y2 = BOX
    return x1 + SPEED * time_s, y1, x2 + SPEED * time_s, y2


def squares(path: Path, *, times: Sequence[Fraction] | None = None, **more: Any) -> Path:
    """Two seconds of a lighter square on grey, upright where the file says `rotation`."""
    times = times or [Fraction(number, 25) for number in range(50)]
    turns = more.get("rotation", 0) // 90
    width, height = more.pop("size", SIZE)
    pictures = []
    for time in times:
        picture = np.full((height, width, 3), 90, np.uint8)
        x1, y1, x2, y2 = map(round, box_at(float(time)))
        picture[y1:y2, x1:x2] = 140
        pictures.append(np.ascontiguousarray(np.rot90(picture, -turns)))
    coded = pictures[0].shape[1], pictures[0].shape[0]
    return make_video(path, times=times, pictures=pictures, size=coded, **more)


def document_of(
    video: Path,
    *,
    fps: float = 2,
    boxes: Callable[[float], Sequence[Box]] = lambda time_s: [box_at(time_s)],
    tracked: bool = True,
    said: Sequence[tuple[float, float, str]] = (),
    cuts: Sequence[float] = (),
) -> Document:
    """What a run would say of it: `boxes` of each sample, those of one place on one track."""
    media, like = probe(video), make_document()
    times = [number / fps for number in range(int(media.duration_s * fps) or 1)]
    found = [[DetectedObject(0, "person", 0.9, box) for box in boxes(time_s)] for time_s in times]
    detections = [Detection(i, t, t, objects) for i, (t, objects) in enumerate(zip(times, found, strict=True))]
    ends = [0.0, *cuts, media.duration_s]
    scenes = [Scene(i, start, end, start) for i, (start, end) in enumerate(pairwise(ends))]
    return replace(
        like,
        video=replace(
            like.video,
            path=str(video),
            sha256=file_sha256(video),
            start_s=media.start_s,
            duration_s=media.duration_s,
            width=media.width,
            height=media.height,
            fps=media.fps,
        ),
        config=replace(like.config, fps=fps, crop=None),
        detections=detections,
        tracks=TracksResult(_tracks(detections) if tracked else []),
        transcription=Transcription("en", "", [_segment(*piece) for piece in said]),
        scenes=fuse(scenes, {}),
    )


def _tracks(detections: list[Detection]) -> list[Track]:
    places = range(max(len(detection.objects or ()) for detection in detections))
    tracks = []
    for place in places:
        seen = [
            TrackBox(d.index, place, d.time_s, d.objects[place].box, 0.9)
            for d in detections
            if d.objects is not None and place < len(d.objects)
        ]
        tracks.append(Track(place + 1, "person", 0, seen[0].time_s, seen[-1].time_s, True, seen))
    return tracks


def _segment(start_s: float, end_s: float, text: str) -> Segment:
    return Segment(start_s, end_s, text, -0.1, 0.0, [Word(start_s, end_s, f" {text}", 0.9)])


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    with av.open(str(path)) as container:
        yield container


def frames_of(path: Path) -> list[tuple[Fraction, list[Plane]]]:
    """Each picture's time, and its planes: luma, and both chromas in half the resolution."""
    frames = []
    with opened(path) as container:
        for frame in container.decode(video=0):
            assert frame.format.name == "yuv420p"
            assert frame.pts is not None
            assert frame.time_base is not None
            planes = [
                np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
                for plane in frame.planes
            ]
            frames.append((frame.pts * frame.time_base, planes))
    return frames


def where(planes: list[Plane], colour: Yuv, tolerance: int = 20) -> NDArray[np.bool_]:
    """Which blocks of 2 × 2 pixels have the colour's chroma."""
    _, u, v = (plane.astype(int) for plane in planes)
    return (abs(u - colour.u) < tolerance) & (abs(v - colour.v) < tolerance)


def box_found(planes: list[Plane], colour: Yuv = PERSON) -> Box | None:
    """The outline of that colour, in pixels, right to two. Its label lies above it, and is narrower."""
    seen = where(planes, colour)
    rows, columns = np.nonzero(seen)
    if not len(rows):
        return None
    bottom, right = rows.max(), columns.max()
    left = np.nonzero(seen[bottom - 20 : bottom + 1].any(axis=0))[0].min()
    top = np.nonzero(seen[:, right])[0].min()
    return 2.0 * left, 2.0 * top, 2.0 * right + 2, 2.0 * bottom + 2
