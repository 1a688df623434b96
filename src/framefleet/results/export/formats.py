"""All formats by name: what `--to` takes and its help lists."""

from framefleet.errors import InputError, UsageError
from framefleet.results.export.base import Format
from framefleet.results.export.coco import COCO
from framefleet.results.export.csv_files import CSV
from framefleet.results.export.cvat import CVAT
from framefleet.results.export.fiftyone import FIFTYONE
from framefleet.results.export.labelstudio import LABELSTUDIO
from framefleet.results.export.mot import MOT
from framefleet.results.export.otio import OTIO
from framefleet.results.export.parquet_files import PARQUET
from framefleet.results.export.subtitles import ASS, SRT, VTT
from framefleet.results.export.yolo import YOLO
from framefleet.results.known import STAGES, failed, known
from framefleet.schema.document import Document

FORMATS = {
    format.name: format for format in (SRT, VTT, ASS, CSV, PARQUET, COCO, YOLO, MOT, CVAT, LABELSTUDIO, FIFTYONE, OTIO)
}

_NOTHING = {
    "detections": "no pictures were looked at",
    "transcription": "nothing was listened to",
}


def formats_of(text: str) -> list[Format]:
    """Those in a list such as `srt,coco`, each once. Raises `UsageError`."""
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in FORMATS]:
        raise UsageError(f"--to {unknown[0]}: no such format; there are {', '.join(FORMATS)}")
    if not names:
        raise UsageError(f"--to: name a format or several: {', '.join(FORMATS)}")
    return [FORMATS[name] for name in names]


def check(format: Format, document: Document) -> None:
    """Raises `InputError` where the document has nothing that the format could hold, and says what to run."""
    if format.needs == ("detections",) and not document.video.width:
        raise InputError(f"{format.name}: the video has sound alone; try --to srt or csv")
    if any(known(document, part) for part in format.needs):
        return
    for part in format.needs:
        if (error := failed(document, part)) is not None:
            raise InputError(f"{format.name}: {STAGES[part]} failed ({error}); run it again")
    nothing = _NOTHING[format.needs[0]] if len(format.needs) == 1 else "nothing of what it holds was looked for"
    raise InputError(f"{format.name}: {nothing}; run with --stages {STAGES[format.needs[0]]}")
