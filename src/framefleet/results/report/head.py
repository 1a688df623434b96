"""What the page needs of a document: a JSON head and, packed, columns of numbers and all that may be long. Pure.

Times are milliseconds, boxes are in units of 1/4096 of the picture's longer side, so right to a third of a pixel of
the largest screen; boxes' confidences are twice hundredths (see `seen.py`), others hundredths. `page/model.js` reads
it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from framefleet.results.report.columns import Numbers, pack
from framefleet.results.report.heard import heard_columns
from framefleet.results.report.said import said_columns
from framefleet.results.report.seen import seen_columns
from framefleet.results.report.written import written_columns
from framefleet.schema.document import Document, FailureEntry

GRID = 4096


def head_of(
    document: Document, url: str | None, thumbs: Mapping[int, str], *, wanted: bool
) -> tuple[dict[str, object], str]:
    """`url` is the video's, as seen from the page; `thumbs` base64 JPEGs by the scene's index, `wanted` or not."""
    video = document.video
    unit = max(video.width, video.height, 1) / GRID
    seen, seen_numbers = seen_columns(document, unit)
    said, words, said_numbers = said_columns(document.transcription, document.scenes)
    heard, heard_numbers = heard_columns(document.sounds)
    written, texts, written_numbers = written_columns(document.text, unit)
    numbers: dict[str, Numbers] = seen_numbers | said_numbers | heard_numbers | written_numbers
    lengths, packed = pack(numbers, {"words": words, "texts": texts, "scenes": _scenes(document)})
    head = {
        "lengths": lengths,
        "unit": unit,
        "video": msgspec.to_builtins(video) | {"url": url, "sha256": None},
        "config": msgspec.to_builtins(document.config),
        "seen": seen,
        "said": said,
        "heard": heard,
        "written": written,
        "jpegs": {str(index): jpeg for index, jpeg in thumbs.items()},
        "thumbnails": {"wanted": wanted, "made": len(thumbs)},
        "cost": msgspec.to_builtins(document.cost),
        "timing": msgspec.to_builtins(document.timing),
        "failures": [_failure(failure) for failure in document.failures],
        "provenance": msgspec.to_builtins(document.provenance),
    }
    return head, packed


def _scenes(document: Document) -> list[dict[str, Any]] | None:
    """What is said, heard and written in a scene the page finds by itself."""
    if document.scenes is None:
        return None
    return [{"start": scene.start_s, "end": scene.end_s, "seen": scene.objects} for scene in document.scenes]


def _failure(failure: FailureEntry) -> dict[str, Any]:
    """Pictures as runs, [first, last]: a video that nobody answered for has thousands."""
    runs: list[list[int]] = []
    for index in failure.items or ():
        if runs and runs[-1][1] + 1 == index:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    span = [failure.span_s.start_s, failure.span_s.end_s] if failure.span_s else None
    return {"stage": failure.stage, "runs": runs, "span": span, "error": failure.error, "attempts": failure.attempts}
