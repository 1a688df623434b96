"""The declaration of the faces stage."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

from framefleet.config.options import MaxSide, Rate, Sampling, Setting, StageOptions
from framefleet.schema.document import Crop
from framefleet.schema.faces import FacesSeen
from framefleet.schema.results import FoundSpan
from framefleet.stages.spec import Belongs, Finds, Frames, ResultKind, StageSpec, View, Watching

if TYPE_CHECKING:
    from framefleet.stages.faces.stage import FacesStage
    from framefleet.stages.finding import Finder, FinderRequest

FACE = "face"
"""The label of all that it finds."""

LONG_SIDE = 640
"""The longer side of the frames that CenterFace gets, in pixels: 55 of 55 faces in 28 photographs were found at 640 as
at 960, in half the time. Small faces need 960."""


class FaceOptions(StageOptions, frozen=True, kw_only=True):
    """The frames that CenterFace gets, and their size."""

    fps: Annotated[Rate | None, Setting("frames sampled per second of video", "NUMBER")] = None
    sampling: Annotated[Sampling | None, Setting("exact frames, or the nearest keyframes", "exact|keyframes")] = None
    crop: Annotated[Crop | None, Setting("crop each frame to x,y,w,h, in pixels", "X,Y,W,H")] = None
    max_side: Annotated[
        MaxSide | None, Setting("longest side of a frame, in pixels; 960 detects small faces better", "INTEGER")
    ] = None


def _load() -> "FacesStage":
    from framefleet.stages.faces.stage import FacesStage

    return FacesStage()


def _open_finder(request: "FinderRequest") -> "Finder":
    from framefleet.stages.faces.centerface import open_finder

    return open_finder(request)


def spans(seen: Iterable[FacesSeen]) -> Iterator[FoundSpan]:
    """Yield each face, at the time of its frame."""
    for frame in seen:
        for face in frame.faces or ():
            yield FoundSpan(start_s=frame.shown_s, end_s=frame.shown_s, label=FACE, confidence=face.confidence)


FACES = StageSpec(
    name="faces",
    inputs=(Frames(view=View(max_side=LONG_SIDE)),),
    options=FaceOptions,
    runs=Watching(_load),
    output=ResultKind("faces", spans, list[FacesSeen]),
    belongs=Belongs.BY_NAME,
    finder=Finds(lambda _: [FACE], _open_finder),
)
