"""Detections and tracks as columns. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from framefleet.outputs.report.columns import (
    Numbers,
    on_grid,
    rounded,
    whole,
)
from framefleet.results.query.intervals import commonest, frame_intervals
from framefleet.schema.document import Document
from framefleet.schema.objects import Detection
from framefleet.schema.tracks import TracksResult

UNANSWERED = -1


def seen_columns(document: Document, unit: float) -> tuple[dict[str, Any] | None, dict[str, Numbers]]:
    """Return the labels, the commonest first, and columns per frame (time, number of boxes) and per box.

    Boxes are sorted by track: neighbours are then similar, and compress to a third of the size.
    """
    if document.detections is None:
        return None, {}
    pictures, tracks = [picture for _, picture in frame_intervals(document)], document.tracks
    labels = {label: place for place, label in enumerate(commonest(document))}
    boxes = _boxes(pictures, tracks, labels)
    boxes = boxes[np.lexsort((boxes[:, 4], boxes[:, 2], boxes[:, 0], boxes[:, 1]))]
    corners = on_grid(boxes[:, 4:], unit)
    named = {
        "sampleShown": whole([picture.shown_s for picture in pictures], 1000),
        "sampleBoxes": whole([UNANSWERED if p.objects is None else len(p.objects) for p in pictures]),
        "boxSample": whole(boxes[:, 0]),
        "boxTrack": whole(boxes[:, 1]),
        "boxLabel": whole(boxes[:, 2]),
        "boxSure": _sure(boxes[:, 3]),
        "boxLeft": corners[:, 0],
        "boxTop": corners[:, 1],
        "boxWide": corners[:, 2] - corners[:, 0],
        "boxHigh": corners[:, 3] - corners[:, 1],
        "doubtful": whole([track.id for track in tracks.tracks if not track.certain] if tracks else []),
    }
    note = tracks.note if tracks else None
    return {"labels": list(labels), "note": note, "tracked": tracks is not None}, named


def _sure(confidences: "np.ndarray[Any, np.dtype[np.float64]]") -> Numbers:
    """Return the sum of the hundredths rounded down and the hundredths rounded, 0 to 200.

    Half of it, rounded down, compares with hundredths as the confidence itself does; half of it, rounded up, is the
    confidence as the terminal prints it.
    """
    shares = confidences.clip(0, 1)
    return whole(np.floor(shares * 100 + 1e-9)) + rounded(shares)


def _boxes(
    pictures: Sequence[Detection], tracks: TracksResult | None, labels: dict[str, int]
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return an array (n, 8): sample, track (0: none), label, confidence, x1, y1, x2, y2."""
    ids = tracks.ids() if tracks else {}
    rows = [
        (place, ids.get((picture.index, number), 0), labels[thing.label], thing.confidence, *thing.box)
        for place, picture in enumerate(pictures)
        for number, thing in enumerate(picture.objects or ())
    ]
    return np.array(rows, np.float64).reshape(-1, 8)
