"""`framefleet render`: an annotated video with boxes, labels, tracks and subtitles."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from framefleet.cli.options.drawing import Boxes, Crf, Legend, Speed, Subtitles
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
    YoloModel,
    redaction,
)
from framefleet.cli.output.format import clean, counted
from framefleet.errors import Interrupted, UsageError
from framefleet.outputs.render.options import RenderOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framefleet.outputs.redaction.options import RedactOptions
    from framefleet.progress import Listener
    from framefleet.schema.document import Document


def render(
    result: Result,
    video: Video = None,
    output: Output = None,
    labels: Labels = None,
    conf: Conf = 0.0,
    boxes: Boxes = "move",
    subtitles: Subtitles = "draw",
    legend: Legend = True,
    start: From = None,
    end: To = None,
    crf: Crf = 20.0,
    preset: Speed = "veryfast",
    blur: Blur = None,
    keep: Keep = None,
    as_box: AsBox = False,
    as_pixels: AsPixels = False,
    mute: Mute = None,
    detail: Detail = 640,
    every: Every = 3,
    yolo_model: YoloModel = None,
    proof_originals: ProofOriginals = False,
) -> int:
    """Write an annotated video: boxes, labels, tracks and subtitles drawn on the original.

    With --blur or --mute it writes a redacted video instead, and a proof sheet next to it.
    """
    from framefleet.results.files import keep_apart, target
    from framefleet.results.video_source import find_video
    from framefleet.schema.codec import read_document

    whole = read_document(result)
    look = RenderOptions(boxes=boxes, subtitles=subtitles, legend=legend, crf=crf, preset=preset)
    look = _cut(look, whole, result, start, end)
    hide = redaction(
        blur,
        keep,
        mute,
        as_box=as_box,
        as_pixels=as_pixels,
        long_side=detail,
        every=every,
        originals=proof_originals,
        yolo_model=yolo_model,
        film=look,
    )
    if hide is not None and (labels is not None or conf):
        raise UsageError("--labels and --conf choose what is drawn, and with --blur nothing is", hint="leave them out")
    drawn = chosen(whole, labels, conf)
    place = target(result, "_annotated.mp4" if hide is None else "_redacted.mp4", output)
    source = find_video(whole, result, video)
    keep_apart(place, (source, result))
    lines = (
        _redact(whole, source, result, place, hide) if hide is not None else _draw(drawn, whole, source, place, look)
    )
    for line in lines:
        print(clean(line))
    return 0


def _cut(look: RenderOptions, document: "Document", result: Path, start: str | None, end: str | None) -> RenderOptions:
    """Return the options for the part between `--from` and `--to`."""
    from framefleet.results.query import tally
    from framefleet.timebase import Span, exact

    part = part_of(Span(0.0, tally.extent(document).end_s), start, end, result)
    if part is None:
        return look
    return replace(look, start=exact(part.start_s), end=exact(part.end_s) if end else None)


@contextmanager
def _progress() -> "Iterator[Listener]":
    """Yield a listener that shows the progress of writing a file. Raises `Interrupted` after Ctrl-C."""
    from framefleet.cli.output.bars import Bars

    try:
        with Bars() as listener:
            yield listener
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was written") from None


def _draw(document: "Document", whole: "Document", source: Path, place: Path, look: RenderOptions) -> list[str]:
    """Write the annotated video and return the lines to print. `whole` is the document before it was filtered."""
    from framefleet.media.files.probe import probe
    from framefleet.outputs.palette import colours
    from framefleet.outputs.render.render import render as write

    with _progress() as listener:
        media = probe(source, video_track=whole.video.track)
        palette = colours(whole)  # of all labels, so that they match the report's
        film = write(document, media, place, look, palette=palette, listener=listener)
    done = f"{place}: {counted(film.pictures, 'frame')}, {film.boxes}, {film.subtitles}, {film.sound}"
    return [*film.notes, done]


def _redact(document: "Document", source: Path, result: Path, place: Path, hide: "RedactOptions") -> list[str]:
    """Write the redacted video and its proof sheet, and return the lines to print."""
    from framefleet.media.files.probe import probe
    from framefleet.outputs.redaction.redact import proof_of, redact
    from framefleet.results.files import keep_apart

    keep_apart(proof_of(place), (source, result))
    audio = document.video.audio
    with _progress() as listener:
        media = probe(source, audio.track if audio is not None else None, document.video.track)
        made = redact(document, media, place, hide, listener=listener)
    silent = f", silent {counted(made.silences, 'time')}" if made.silences else ""
    covered = f", something covered in {made.covered}" if made.sheet is not None else ""
    lines = [*made.notes, f"{place}: {counted(made.frames, 'frame')}{covered}, {made.sound}{silent}"]
    if made.sheet is not None:
        unsure = counted(made.unsure, "frame")
        lines.append(f"{made.sheet}: check it, above all {unsure} marked as unsure; detectors miss things")
    return lines
