"""`framefleet render`: an annotated video with boxes, labels, tracks and subtitles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from framefleet.cli.options.filters import (
    Conf,
    From,
    Labels,
    Output,
    Result,
    To,
    Video,
    chosen,
    part_of,
)
from framefleet.cli.options.redaction import (
    AsBox,
    AsPixels,
    Blur,
    Detail,
    Every,
    Keep,
    Mute,
    ProofOriginals,
    redaction,
)
from framefleet.cli.output.format import clean, counted
from framefleet.errors import Interrupted, UsageError
from framefleet.outputs.render.options import Preset, RenderOptions

if TYPE_CHECKING:
    from framefleet.outputs.redaction.options import RedactOptions
    from framefleet.outputs.redaction.redact import Redacted
    from framefleet.outputs.render.render import Film
    from framefleet.schema.document import Document


def render(
    result: Result,
    video: Video = None,
    output: Output = None,
    labels: Labels = None,
    conf: Conf = 0.0,
    boxes: Annotated[
        Literal["move", "hold"],
        typer.Option(help="between samples: move along tracks, or hold until the next sample"),
    ] = "move",
    subtitles: Annotated[
        Literal["draw", "track", "none"],
        typer.Option(help="subtitles: drawn into the frames, as a subtitle track, or none"),
    ] = "draw",
    legend: Annotated[
        bool, typer.Option("--legend/--no-legend", help="explain dashed boxes in a line on the frame")
    ] = True,
    start: From = None,
    end: To = None,
    crf: Annotated[float, typer.Option(help="x264 quality, 0 (best, largest) to 51", min=0, max=51)] = 20.0,
    preset: Annotated[Preset, typer.Option(help="x264 preset, speed against size")] = "veryfast",
    blur: Blur = None,
    keep: Keep = None,
    as_box: AsBox = False,
    as_pixels: AsPixels = False,
    mute: Mute = None,
    detail: Detail = 640,
    every: Every = 3,
    proof_originals: ProofOriginals = False,
) -> int:
    """Write an annotated video: boxes, labels, tracks and subtitles drawn on the original.

    With --blur or --mute it writes a redacted video instead, and a proof sheet next to it.
    """
    from framefleet.cli.output.bars import Bars
    from framefleet.media.files.probe import probe
    from framefleet.outputs.palette import colours
    from framefleet.outputs.render.render import render as write
    from framefleet.results.files import keep_apart, target
    from framefleet.results.query import tally
    from framefleet.results.video_source import find_video
    from framefleet.schema.codec import read_document
    from framefleet.timebase import Span, exact

    whole = read_document(result)
    part = part_of(Span(0.0, tally.extent(whole).end_s), start, end, result)
    look = RenderOptions(
        boxes=boxes,
        subtitles=subtitles,
        legend=legend,
        crf=crf,
        preset=preset,
        start=exact(part.start_s if part else 0.0),
        end=exact(part.end_s) if part and end else None,
    )
    hide = redaction(
        blur,
        keep,
        mute,
        as_box=as_box,
        as_pixels=as_pixels,
        long_side=detail,
        every=every,
        originals=proof_originals,
        film=look,
    )
    if hide is not None and (labels is not None or conf):
        raise UsageError("--labels and --conf choose what is drawn, and with --blur nothing is", hint="leave them out")
    document = chosen(whole, labels, conf)
    place = target(result, "_annotated.mp4" if hide is None else "_redacted.mp4", output)
    source = find_video(whole, result, video)
    keep_apart(place, (source, result))
    if hide is not None:
        return _hidden(whole, source, result, place, hide)
    try:
        with Bars() as listener:
            palette = colours(whole)  # of all labels, so that they match the report's
            film = write(
                document, probe(source, video_track=whole.video.track), place, look, palette=palette, listener=listener
            )
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was written") from None
    for line in (*film.notes, told(film, place)):
        print(clean(line))
    return 0


def told(film: "Film", place: Path) -> str:
    return f"{place}: {counted(film.pictures, 'frame')}, {film.boxes}, {film.subtitles}, {film.sound}"


def _hidden(document: "Document", source: Path, result: Path, place: Path, hide: "RedactOptions") -> int:
    """Write the redacted video and its proof sheet."""
    from framefleet.cli.output.bars import Bars
    from framefleet.media.files.probe import probe
    from framefleet.outputs.redaction.redact import proof_of, redact
    from framefleet.results.files import keep_apart

    keep_apart(proof_of(place), (source, result))
    audio = document.video.audio
    media = probe(source, audio.track if audio is not None else None, document.video.track)
    try:
        with Bars() as listener:
            made = redact(document, media, place, hide, listener=listener)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was written") from None
    for line in (*made.notes, redacted_line(made, place)):
        print(clean(line))
    if made.sheet is not None:
        unsure = counted(made.unsure, "frame")
        print(clean(f"{made.sheet}: check it, above all {unsure} marked as unsure; detectors miss things"))
    return 0


def redacted_line(made: "Redacted", place: Path) -> str:
    """Return what was written and how, as the last line says it."""
    silent = f", silent {counted(made.silences, 'time')}" if made.silences else ""
    covered = f", something covered in {made.covered}" if made.sheet is not None else ""
    return f"{place}: {counted(made.frames, 'frame')}{covered}, {made.sound}{silent}"
