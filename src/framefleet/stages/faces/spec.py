"""What the faces stage declares."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

from framefleet.config.options import MaxSide, Rate, Sampling, Setting, StageOptions
from framefleet.schema.document import Crop
from framefleet.schema.faces import FacesSeen
from framefleet.schema.results import FoundSpan
from framefleet.stages.spec import Belongs, Frames, ResultKind, StageSpec, View, Watching

if TYPE_CHECKING:
    from framefleet.stages.faces.stage import FacesStage

LONG_SIDE = 640
"""Pixels of a frame's longer side to look at. At 640 all of 55 faces were found, as at 960, in half the time."""


class FaceOptions(StageOptions, frozen=True, kw_only=True):
    """Which frames are looked at, and how large."""

    fps: Annotated[Rate | None, Setting("frames sampled per second of video", "NUMBER")] = None
    sampling: Annotated[Sampling | None, Setting("exact frames, or the nearest keyframes", "exact|keyframes")] = None
    crop: Annotated[Crop | None, Setting("crop each frame to x,y,w,h, in pixels", "X,Y,W,H")] = None
    max_side: Annotated[
        MaxSide | None, Setting("longest side of a frame, in pixels; 960 detects small faces better", "INTEGER")
    ] = None


def _load() -> "FacesStage":
    from framefleet.stages.faces.stage import FacesStage

    return FacesStage()


def spans(seen: Iterable[FacesSeen]) -> Iterator[FoundSpan]:
    """Each face, at the moment of its frame."""
    for frame in seen:
        for face in frame.faces or ():
            yield FoundSpan(start_s=frame.shown_s, end_s=frame.shown_s, label="face", confidence=face.confidence)


FACES = StageSpec(
    name="faces",
    inputs=(Frames(view=View(max_side=LONG_SIDE)),),
    options=FaceOptions,
    runs=Watching(_load),
    output=ResultKind("faces", spans, list[FacesSeen]),
    belongs=Belongs.BY_NAME,
)
