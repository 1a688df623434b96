"""The options of `render` that hide things."""

from collections.abc import Sequence
from typing import Annotated

import typer

from framefleet.config.options import Options
from framefleet.errors import UsageError
from framefleet.outputs.redaction.options import RedactOptions, Style, hidden, listed, tracks_in
from framefleet.outputs.render.options import RenderOptions

Blur = Annotated[
    list[str] | None,
    typer.Option(metavar="WHAT", help="hide faces, labels or tracks, such as faces,person,track:7, and draw nothing"),
]
Keep = Annotated[
    list[str] | None, typer.Option(metavar="TRACKS", help="with --blur: leave these uncovered, such as track:3")
]
AsBox = Annotated[bool, typer.Option("--box", help="with --blur: cover with black boxes")]
AsPixels = Annotated[bool, typer.Option("--pixelate", help="with --blur: cover with large pixels")]
Mute = Annotated[list[str] | None, typer.Option(metavar="WORDS", help="silence these words of the transcript")]
Detail = Annotated[
    int,
    typer.Option(
        "--detail", min=320, max=4096, help="longer side of the frames in which faces are detected, in pixels"
    ),
]
Every = Annotated[
    int, typer.Option(min=1, max=25, help="detect in every N-th frame, and in all frames where things move fast")
]
YoloModel = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE", help="with --blur: the detector of labels and tracks, as for run (the best one there)"
    ),
]
ProofOriginals = Annotated[
    bool, typer.Option("--proof-originals", help="with --blur: show the uncovered frames in the proof sheet too")
]


def redaction(
    blur: Sequence[str] | None,
    keep: Sequence[str] | None,
    mute: Sequence[str] | None,
    *,
    as_box: bool,
    as_pixels: bool,
    long_side: int,
    every: int,
    originals: bool,
    yolo_model: str | None,
    film: RenderOptions,
) -> RedactOptions | None:
    """Return the options of a redaction, or None if nothing is to be hidden.

    Raises `UsageError` for options that contradict each other.
    """
    if not blur and not mute:
        lone = [
            ("--keep", keep),
            ("--box", as_box),
            ("--pixelate", as_pixels),
            ("--yolo-model", yolo_model),
            ("--proof-originals", originals),
        ]
        if unmeant := next((name for name, given in lone if given), None):
            raise UsageError(f"{unmeant}: nothing is hidden", hint="add what to hide, such as --blur faces")
        return None
    if as_box and as_pixels:
        raise UsageError("--box and --pixelate: give one of them")
    if blur is None and (keep or as_box or as_pixels or originals):
        raise UsageError("--mute: it hides nothing in the frames", hint="add what to hide, such as --blur faces")
    faces, labels, tracks = hidden(blur) if blur is not None else (False, (), ())
    style: Style = "box" if as_box else "pixelate" if as_pixels else "blur"
    return RedactOptions(
        faces=faces,
        labels=labels,
        tracks=tracks,
        keep=tracks_in("--keep", listed(keep or ())),
        style=style,
        long_side=long_side,
        every=every,
        mute=tuple(mute or ()),
        originals=originals,
        film=film,
        models=Options(yolo_model=yolo_model),
    )
