"""`framefleet export`: a document in formats of other tools."""

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Literal

import typer

from framefleet.cli.batch import each
from framefleet.cli.options.filters import (
    Conf,
    Labels,
    Output,
    Result,
    Video,
    chosen,
)
from framefleet.cli.output.bars import Bars
from framefleet.cli.output.format import clean
from framefleet.errors import InputError, OutputError, UsageError
from framefleet.outputs.export.base import Format
from framefleet.outputs.export.formats import FORMATS, check, formats_of, targets
from framefleet.outputs.export.formats import export as write
from framefleet.outputs.export.pictures import take_pictures
from framefleet.outputs.export.table_files import CSV
from framefleet.results.files import (
    beside,
    keep_apart,
    without_wildcards,
)
from framefleet.results.video_source import find_video, places
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document


def export(
    result: Result,
    to: Annotated[
        str, typer.Option(metavar="FORMAT[,FORMAT…]", help="one or more of the formats above", show_default=False)
    ],
    output: Output = None,
    labels: Labels = None,
    conf: Conf = 0.0,
    pictures: Annotated[bool, typer.Option("--pictures", help="also write the sampled frames as JPEG files")] = False,
    video: Video = None,
    scores: Annotated[bool, typer.Option("--scores", help="yolo: add the confidence as a sixth column")] = False,
    words: Annotated[bool, typer.Option("--words", help="srt, vtt: one cue per word; ass: karaoke")] = False,
    no_speakers: Annotated[bool, typer.Option("--no-speakers", help="srt, vtt, ass: leave out who says it")] = False,
    separator: Annotated[
        str | None, typer.Option(metavar="SIGN", help='csv: separator, ",", ";" or tab (,)', show_default=False)
    ] = None,
    decimal: Annotated[
        Literal[".", ","] | None,
        typer.Option(help='csv: decimal mark ("," with --separator ";", else ".")', show_default=False),
    ] = None,
) -> int:
    """Export a result to the formats of other tools, next to the JSON.

    \b
    {formats}
    """
    formats = _formats(to, pictures=pictures)
    between = _separator(formats, separator, decimal)
    whole = read_document(result)
    document = chosen(whole, labels, conf)
    paths = targets(formats, document, result, output)
    source = _video(whole, result, video, formats, needed=pictures)
    stem, plain = beside(result, "").name, beside(without_wildcards(result), "").name
    with ExitStack() as stack:
        taken = _taken(document, source, paths, stack) if pictures and source is not None else None

        def one(format: Format) -> int:
            path = paths[format]
            if not format.folder:
                keep_apart(path, (result, *([video] if video else places(document, result))))
            write(
                document,
                format,
                path,
                stem=plain if format.folder else stem,
                video=source,
                pictures=taken,
                scores=scores,
                words=words,
                speakers=not no_speakers,
                separator=between,
                decimal=decimal,
            )
            print(clean(f"{format.name}: {path}"))
            return 0

        return each(formats, one)


# one line per format; `\b` keeps the line breaks
_FORMATS = "\n".join(f"{format.name:<12} {format.about}" for format in FORMATS.values())
export.__doc__ = cleandoc(export.__doc__ or "").replace("{formats}", _FORMATS)


_SEPARATORS = {",": ",", ";": ";", "tab": "\t", "\\t": "\t", "\t": "\t"}


def _formats(to: str, *, pictures: bool) -> list[Format]:
    formats = formats_of(to)
    if pictures and not any(format.pictures for format in formats):
        listed = ", ".join(format.name for format in FORMATS.values() if format.pictures)
        raise UsageError(f"--pictures: no chosen format takes images; {listed} do")
    return formats


def _separator(formats: list[Format], given: str | None, decimal: str | None) -> str:
    if (given or decimal) and CSV not in formats:
        raise UsageError(f"--{('separator' if given else 'decimal')}: only for csv", hint="add csv to --to")
    separator = _SEPARATORS.get(given or ",")
    if separator is None:
        raise UsageError(f"--separator {given}: not a separator", hint='give "," or ";" or tab')
    if separator == decimal:
        raise UsageError('--decimal ",": is also the separator', hint='add --separator ";" or tab')
    return separator


def _video(document: Document, result: Path, given: Path | None, formats: list[Format], *, needed: bool) -> Path | None:
    """Return the video if a format needs it; print a warning and return None if it is missing but optional."""
    wanting = [format.video for format in formats if format.video is not None]
    if given is None and not needed and not wanting:
        return None
    try:
        return find_video(document, result, given)
    except InputError as error:
        if given is not None or needed:
            raise
        until = " and ".join(dict.fromkeys(wanting)).format(fps=document.video.fps)
        print(f"{clean(str(error))}; until then {until}", file=sys.stderr)
        return None


def _taken(document: Document, video: Path, paths: Mapping[Format, Path], stack: ExitStack) -> dict[int, Path] | None:
    """Return the JPEG files of the frames, decoded once for all formats, on the same disk as the output.

    None if no format that takes images has results.
    """
    if not any(format.pictures and _has(format, document) for format in paths):
        return None
    folder = next(iter(paths.values())).parent
    try:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".framefleet.", dir=folder)))
        with Bars() as bars:
            return take_pictures(document, video, scratch, bars)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})", hint="give another folder") from None


def _has(format: Format, document: Document) -> bool:
    try:
        check(format, document)
    except InputError:
        return False
    return True
