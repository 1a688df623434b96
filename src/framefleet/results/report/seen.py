"""Detections and tracks as columns. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from framefleet.results.palette import commonest
from framefleet.results.report.columns import Numbers, rounded, whole
from framefleet.stages.objects.merge import Detection
from framefleet.stages.tracks.track import TracksResult

UNANSWERED = -1


def seen_columns(
    detections: Sequence[Detection] | None, tracks: TracksResult | None, unit: float
) -> tuple[dict[str, Any] | None, dict[str, Numbers]]:
    """Labels, the commonest first; by sample when it is shown and its number of boxes; by box all the rest.

    Boxes stand track by track: neighbours are then alike, and pack into a third of the space.
    """
    if detections is None:
        return None, {}
    labels = _labels(detections)
    boxes = _boxes(detections, tracks, labels)
    boxes = boxes[np.lexsort((boxes[:, 4], boxes[:, 2], boxes[:, 0], boxes[:, 1]))]
    corners = whole(boxes[:, 4:] / unit)
    named = {
        "sampleShown": whole([d.shown_s for d in detections], 1000),
        "sampleBoxes": whole([UNANSWERED if d.objects is None else len(d.objects) for d in detections]),
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
    """The hundredths cut off plus the hundredths rounded, 0 to 200.

    Half of it, cut off, compares with hundredths as the number itself does; half of it, rounded up, is the number as
    the terminal prints it.
    """
    shares = confidences.clip(0, 1)
    return whole(np.floor(shares * 100 + 1e-9)) + rounded(shares)


def _labels(detections: Sequence[Detection]) -> dict[str, int]:
    return {label: place for place, label in enumerate(commonest(detections))}


def _boxes(
    detections: Sequence[Detection], tracks: TracksResult | None, labels: dict[str, int]
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """(n, 8): sample, track (0: none), label, confidence, x1, y1, x2, y2."""
    ids = tracks.ids() if tracks else {}
    rows = [
        (place, ids.get((detection.index, number), 0), labels[thing.label], thing.confidence, *thing.box)
        for place, detection in enumerate(detections)
        for number, thing in enumerate(detection.objects or ())
    ]
    return np.array(rows, np.float64).reshape(-1, 8)
