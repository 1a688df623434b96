"""All formats by name, for `--to` and its help."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from framefleet.errors import InputError, UsageError
from framefleet.media.files.languages import as_in_names
from framefleet.outputs.export.base import Context, Format
from framefleet.outputs.export.coco import COCO
from framefleet.outputs.export.cvat import CVAT
from framefleet.outputs.export.fiftyone import FIFTYONE
from framefleet.outputs.export.labelstudio import LABELSTUDIO
from framefleet.outputs.export.mot import MOT
from framefleet.outputs.export.otio import OTIO
from framefleet.outputs.export.rttm import RTTM
from framefleet.outputs.export.subtitles import ASS, SRT, VTT
from framefleet.outputs.export.table_files import CSV, PARQUET
from framefleet.outputs.export.yolo import YOLO
from framefleet.results.files import is_folder, target, whole_folder, without_wildcards
from framefleet.results.query.availability import STAGES, failed, known
from framefleet.results.query.cues import cue_language
from framefleet.schema.document import Document
from framefleet.storage.atomic import whole_file

FORMATS = {
    format.name: format
    for format in (SRT, VTT, ASS, RTTM, CSV, PARQUET, COCO, YOLO, MOT, CVAT, LABELSTUDIO, FIFTYONE, OTIO)
}

_NOTHING = {
    "detections": "the objects stage did not run",
    "transcription": "the speech stage did not run",
    "speakers": "the speakers stage did not run",
}


def formats_of(text: str) -> list[Format]:
    """Return the formats in a list such as `srt,coco`, each once. Raises `UsageError`."""
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in FORMATS]:
        raise UsageError(f"--to {unknown[0]}: no such format", hint=f"choose from {', '.join(FORMATS)}")
    if not names:
        raise UsageError("--to: no format is given", hint=f"choose from {', '.join(FORMATS)}")
    return [FORMATS[name] for name in names]


def targets(formats: Sequence[Format], document: Document, result: Path, output: str | None) -> dict[Format, Path]:
    """Return the path of each format's output: next to the document at `result`, or `output`. Raises `UsageError`."""
    if output is not None and len(formats) > 1 and not is_folder(output):
        raise UsageError(f"--output {output}: several formats need a folder", hint="end its name with /")
    plain = without_wildcards(result)
    tag = as_in_names(cue_language(document))
    return {
        format: target(
            plain if format.folder else result,
            f".{tag}{format.ending}" if format.spoken and tag else format.ending,
            output,
        )
        for format in formats
    }


def check(format: Format, document: Document) -> None:
    """Raise `InputError`, with a hint on what to run, if the document has no results for the format."""
    if format.needs == ("detections",) and not document.video.width:
        raise InputError(f"{format.name}: the video has audio only", hint="try --to srt or csv")
    if (format.further and document.further) or any(known(document, part) for part in format.needs):
        return
    for part in format.needs:
        if (error := failed(document, part)) is not None:
            raise InputError(f"{format.name}: {STAGES[part]} failed ({error})", hint="run it again")
    nothing = _NOTHING[format.needs[0]] if len(format.needs) == 1 else "none of its stages ran"
    raise InputError(f"{format.name}: {nothing}", hint=f"run with --stages {STAGES[format.needs[0]]}")


def export(
    document: Document,
    format: Format,
    path: Path,
    *,
    stem: str,
    video: Path | None = None,
    pictures: Mapping[int, Path] | None = None,
    scores: bool = False,
    words: bool = False,
    speakers: bool = True,
    separator: str = ",",
    decimal: str | None = None,
) -> None:
    """Write `document` to the file or folder `path`; see `Context` for the other arguments.

    `decimal` None depends on `separator`: a comma with semicolons, as in spreadsheets of such locales, else a point.
    Raises `InputError` if the document has no results for this format, `SetupError` if a library is missing, and
    `OutputError` if the place is not writable or holds a changed folder.
    """
    check(format, document)
    context = Context(
        stem=stem,
        name=path.name,
        video=video,
        pictures=pictures,
        scores=scores,
        words=words,
        speakers=speakers,
        separator=separator,
        decimal=decimal or ("," if separator == ";" else "."),
    )
    with (whole_folder if format.folder else whole_file)(path) as temporary:
        format.write(document, context, temporary)
