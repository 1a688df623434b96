"""`framefleet render`: the video with boxes, labels, tracks and subtitles drawn on it."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import typer

from framefleet.cli.bars import Bars
from framefleet.cli.words import clean, counted, seconds_of
from framefleet.errors import Interrupted, OutputError, UsageError
from framefleet.media.probe import probe
from framefleet.results.choose import choose, labels_of
from framefleet.results.codec import read_document
from framefleet.results.document import Document
from framefleet.results.files import beside
from framefleet.results.render.film import Film
from framefleet.results.render.film import render as write
from framefleet.results.render.look import PRESETS, Look
from framefleet.results.source import find_video
from framefleet.units import exact


def render(
    result: Annotated[Path, typer.Argument(help="the JSON that a run wrote", show_default=False)],
    video: Annotated[Path | None, typer.Option(help="the video, where it has been moved", metavar="FILE")] = None,
    output: Annotated[
        Path | None, typer.Option(help="the .mp4 to write (beside the JSON)", metavar="FILE", show_default=False)
    ] = None,
    labels: Annotated[str | None, typer.Option(help="only objects of these, such as person,bus (all)")] = None,
    conf: Annotated[float, typer.Option(help="least confidence of an object, 0 to 1", min=0, max=1)] = 0.0,
    boxes: Annotated[
        Literal["move", "hold"],
        typer.Option(help="between samples: move along tracks, where there are any, or hold until the next sample"),
    ] = "move",
    subtitles: Annotated[
        Literal["draw", "track", "none"],
        typer.Option(help="what is said: drawn, or as a track that players show, or left out"),
    ] = "draw",
    start: Annotated[str, typer.Option(help="begin here: seconds, or such as 1:02:03", metavar="TIME")] = "0",
    end: Annotated[
        str | None, typer.Option(help="end before this time (the end)", metavar="TIME", show_default=False)
    ] = None,
    crf: Annotated[float, typer.Option(help="x264's quality, 0 (best, largest) to 51", min=0, max=51)] = 20.0,
    preset: Annotated[str, typer.Option(help=f"x264's pace: {', '.join(PRESETS)}")] = "veryfast",
) -> int:
    """Make the video anew, with what was found drawn on it."""
    look = Look(
        boxes=boxes,
        subtitles=subtitles,
        crf=crf,
        preset=_preset(preset),
        start=_time("--start", start),
        end=None if end is None else _time("--end", end),
    )
    if look.end is not None and look.end <= look.start:
        raise UsageError("--end: not after --start")
    whole = read_document(result)
    document = choose(whole, _known(labels_of(labels), whole), conf)
    source = find_video(whole, result, video)
    target = beside(result, "_annotated.mp4") if output is None else output
    _check(target, source, result)
    try:
        with Bars() as listener:
            film = write(document, probe(source), target, look, listener)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was written") from None
    for line in (*film.notes, told(film, target)):
        print(clean(line))
    return 0


def told(film: Film, target: Path) -> str:
    return f"{target}: {counted(film.pictures, 'picture')}, {film.boxes}, {film.subtitles}, {film.sound}"


def _preset(name: str) -> str:
    if name not in PRESETS:
        raise UsageError(f"--preset {name}: there are {', '.join(PRESETS)}")
    return name


def _time(option: str, text: str) -> Fraction:
    time_s = seconds_of(text)
    if time_s is None or time_s < 0:
        raise UsageError(f"{option} {text}: give seconds, or a time such as 1:02:03")
    return exact(time_s)


def _known(labels: frozenset[str] | None, document: Document) -> frozenset[str] | None:
    """`labels`, each of which the document has. Raises `UsageError`: a slip of the finger would cost a rendering."""
    has = {found.label for detection in document.detections or () for found in detection.objects or ()}
    unknown = sorted((labels or frozenset()) - has)
    if unknown:
        raise UsageError(f"--labels {', '.join(unknown)}: the result has {', '.join(sorted(has)) or 'no objects'}")
    return labels


def _check(target: Path, source: Path, result: Path) -> None:
    """Raises `UsageError` where `target` would overwrite what it is made of, `OutputError` where it cannot be."""
    if target.suffix.lower() != ".mp4":
        raise UsageError(f"{target}: an MP4 is written; give it a name that ends in .mp4")
    for other in (source, result):
        if target.exists() and target.samefile(other):
            raise UsageError(f"{target}: it is what the new video is made of; give another name with --output")
    if target.is_dir():
        raise OutputError(f"{target}: a folder; give the name of a file")
