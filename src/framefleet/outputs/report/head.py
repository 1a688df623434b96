"""The data of the report page: a JSON head and, compressed, columns of numbers and long lists. Pure.

Times are in milliseconds, boxes in units of 1/4096 of the frame's longer side, precise to a third of a pixel of the
largest screen; confidences of boxes are twice hundredths (see `seen.py`), others hundredths. `page/model.js` reads
them.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from framefleet.media.sampling import sample_span
from framefleet.outputs.report.columns import Numbers, on_grid, pack, rounded, whole
from framefleet.outputs.report.seen import seen_columns
from framefleet.results.query import kinds
from framefleet.schema.document import Document, FailureEntry
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.sounds import Sounds
from framefleet.schema.speakers import Speaker
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.schema.text import TextResult
from framefleet.stages.scene import Scene, scene_of
from framefleet.timebase import Span


def written_columns(
    text: TextResult | None, unit: float
) -> tuple[dict[str, Any] | None, list[str], dict[str, Numbers]]:
    """Return each span's text, time and box, in units of `unit` pixels."""
    if text is None:
        return None, [], {}
    corners = on_grid(np.array([span.box for span in text.spans], np.float64).reshape(-1, 4), unit)
    named = {
        "spanStart": whole([span.start_s for span in text.spans], 1000),
        "spanLong": whole([span.end_s - span.start_s for span in text.spans], 1000),
        "spanLeft": corners[:, 0],
        "spanTop": corners[:, 1],
        "spanWide": corners[:, 2] - corners[:, 0],
        "spanHigh": corners[:, 3] - corners[:, 1],
    }
    return {"unknown": text.unknown}, [span.text for span in text.spans], named


def said_columns(
    transcription: Transcription | None, scenes: Sequence[SceneEntry] | None
) -> tuple[dict[str, Any] | None, list[str], dict[str, Numbers]]:
    """Return all words in order with the spaces before them, the number of words per segment, and its scene (-1: none).

    A segment without words, as some services return it, counts as one long word, since times in it are unknown.
    """
    if transcription is None:
        return None, [], {}
    segments = transcription.segments
    words = [word for segment in segments for word in _words(segment)]
    shots = [Scene(scene.index, scene.start_s, scene.end_s, scene.thumbnail_s) for scene in scenes or ()]
    homes = [scene_of(shots, Span(segment.start_s, segment.end_s)) for segment in segments]
    named = {
        "segmentStart": whole([segment.start_s for segment in segments], 1000),
        "segmentLong": whole([segment.end_s - segment.start_s for segment in segments], 1000),
        "segmentWords": whole([len(_words(segment)) for segment in segments]),
        "segmentScene": whole([-1 if home is None else home.index for home in homes]),
        "wordStart": whole([word.start_s for word in words], 1000),
        "wordLong": whole([word.end_s - word.start_s for word in words], 1000),
        "wordSure": whole(
            [math.floor(100 * min(max(word.probability, 0.0), 1.0)) for word in words]
        ),  # rounded down, so that values below 0.5 stay below
    }
    timed = any(segment.words for segment in segments)
    head = {"language": transcription.language, "words": timed, "skipped": msgspec.to_builtins(transcription.skipped)}
    return head, [word.word for word in words], named


def _words(segment: Segment) -> list[Word]:
    first, *rest = segment.words or [Word(segment.start_s, segment.end_s, segment.text, 1.0)]
    return [msgspec.structs.replace(first, word=f" {first.word.strip()}"), *rest]


_LONGEST_S = 1e9


def heard_columns(sounds: Sounds | None) -> tuple[dict[str, Any] | None, dict[str, Numbers]]:
    """Return the labels by total duration, descending, and each event's label, time and score."""
    if sounds is None:
        return None, {}
    lasted: Counter[str] = Counter()
    for event in sounds.events:
        lasted[event.label] += round(1000 * min(max(event.end_s - event.start_s, 0.0), _LONGEST_S))
    labels = {label: place for place, (label, _) in enumerate(lasted.most_common())}
    named = {
        "eventLabel": whole([labels[event.label] for event in sounds.events]),
        "eventStart": whole([event.start_s for event in sounds.events], 1000),
        "eventLong": whole([event.end_s - event.start_s for event in sounds.events], 1000),
        "eventScore": rounded([event.score for event in sounds.events]),
    }
    return {"labels": list(labels), "skipped": msgspec.to_builtins(sounds.skipped)}, named


def spoke_columns(
    speakers: Sequence[Speaker] | None, transcription: Transcription | None
) -> tuple[dict[str, Any] | None, dict[str, Numbers]]:
    """Return ids and names, each turn's speaker and time, and each segment's speaker (-1: not known)."""
    if speakers is None:
        return None, {}
    places = {speaker.id: place for place, speaker in enumerate(speakers)}
    turns = sorted((start_s, end_s, places[one.id]) for one in speakers for start_s, end_s in one.turns)
    named = {
        "turnSpeaker": whole([place for *_, place in turns]),
        "turnStart": whole([start_s for start_s, *_ in turns], 1000),
        "turnLong": whole([end_s - start_s for start_s, end_s, _ in turns], 1000),
        "segmentSpeaker": whole(
            [places.get(segment.speaker or "", -1) for segment in (transcription.segments if transcription else ())]
        ),
    }
    return {"people": [{"id": one.id, "name": one.name, "certain": one.certain} for one in speakers]}, named


class Columns(msgspec.Struct):
    """The data after the columns of numbers. `scenes` holds what the page cannot derive itself."""

    words: list[str]
    texts: list[str]
    scenes: list[dict[str, Any]] | None
    further: list[dict[str, Any]]


GRID = 4096


def head_of(
    document: Document, url: str | None, thumbs: Mapping[int, str], *, wanted: bool
) -> tuple[dict[str, object], str]:
    """Return the head and the packed columns.

    `url` is the video's, relative to the page; `thumbs` are base64 JPEGs by scene index, `wanted` or not.
    """
    video = document.video
    unit = max(video.width, video.height, 1) / GRID
    seen, seen_numbers = seen_columns(document, unit)
    said, words, said_numbers = said_columns(document.transcription, document.scenes)
    spoke, spoke_numbers = spoke_columns(document.speakers, document.transcription)
    heard, heard_numbers = heard_columns(document.sounds)
    written, texts, written_numbers = written_columns(document.text, unit)
    further = [
        {"stage": kind.stage, "label": kind.label, "spans": msgspec.to_builtins(kind.spans)}
        for kind in kinds.further(document)
    ]
    numbers: dict[str, Numbers] = seen_numbers | said_numbers | heard_numbers | written_numbers | spoke_numbers
    lengths, packed = pack(numbers, Columns(words, texts, _scenes(document), further))
    head = {
        "lengths": lengths,
        "unit": unit,
        "video": msgspec.to_builtins(video) | {"url": url, "sha256": None},
        "config": msgspec.to_builtins(document.config),
        "seen": seen,
        "said": said,
        "spoke": spoke,
        "heard": heard,
        "written": written,
        "jpegs": {str(index): jpeg for index, jpeg in thumbs.items()},
        "thumbnails": {"wanted": wanted, "made": len(thumbs)},
        "cost": msgspec.to_builtins(document.cost),
        "timing": msgspec.to_builtins(document.timing),
        "failures": [_failure(failure, document) for failure in document.failures],
        "provenance": msgspec.to_builtins(document.provenance),
    }
    return head, packed


def _scenes(document: Document) -> list[dict[str, Any]] | None:
    """Return the scenes with their objects; the page derives their speech, sounds and text itself."""
    if document.scenes is None:
        return None
    return [{"start": scene.start_s, "end": scene.end_s, "seen": scene.objects} for scene in document.scenes]


def _sample_span(index: int, document: Document, stage: str) -> Span:
    """Return the span from one sample of a stage to the next; all of the video if no such sample is known."""
    config = document.config
    own = config.stages.get(stage, {}) if config.stages is not UNSET else {}
    fps = own.get("fps")
    span = sample_span(
        index,
        document.video.duration_s,
        fps if isinstance(fps, int | float) else config.fps,
        parts=config.parts if config.parts is not UNSET else (),
        dense_first_s=config.dense_first_s if config.dense_first_s is not UNSET else 0.0,
    )
    return span or Span(0.0, document.video.duration_s)


def _failure(failure: FailureEntry, document: Document) -> dict[str, Any]:
    """Return a failure with its frames as runs, since a failed stage has thousands: [frames, start, end] in seconds."""
    runs: list[tuple[int, int, Span]] = []
    for index in failure.items or ():
        own = _sample_span(index, document, failure.stage)
        if runs and runs[-1][1] + 1 == index and runs[-1][2].end_s == own.start_s:
            first, _, before = runs[-1]
            runs[-1] = first, index, Span(before.start_s, own.end_s)
        else:
            runs.append((index, index, own))
    stretches = [(last - first + 1, time.start_s, time.end_s) for first, last, time in runs]
    span = [failure.span_s.start_s, failure.span_s.end_s] if failure.span_s else None
    return {
        "stage": failure.stage,
        "runs": stretches,
        "span": span,
        "error": failure.error,
        "attempts": failure.attempts,
    }
