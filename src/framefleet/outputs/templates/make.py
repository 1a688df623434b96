"""Writing of the page of templates, next to templates.json."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from framefleet.corpus.result import Templates
from framefleet.corpus.vector import words_of
from framefleet.errors import FrameFleetError
from framefleet.logs import logger
from framefleet.media.files.probe import probe
from framefleet.media.types import Picture, Sample
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import FrameRequest, JpegView
from framefleet.outputs.report.html import page
from framefleet.outputs.report.make import report_path, video_url
from framefleet.results.video_source import find_video
from framefleet.schema.document import Document
from framefleet.storage.atomic import write_whole
from framefleet.timebase import Seconds, exact

log = logger(__name__)

FRAMES = 8
"""Thumbnails of a video, as fit side by side in a card."""
MOST_FRAMES = 2400
"""Of all videos together, 2 kB each: of more videos there are fewer each."""
VIEW = JpegView(max_side=128, quality=60)
_MOST_SPANS = 400
_SAME_TURN_S = 0.6  # words closer than this are one span of speech

Frames = Callable[[str, Document, int], list[str]]
"""Returns so many base64 JPEGs of a document at a path, in the order of time; fewer or none if it cannot."""


def make_page(made: Templates, documents: Mapping[str, Document], path: Path, frames: Frames | None) -> int:
    """Write the page of `made` to `path`, and return its size in bytes. Without `frames` it has no thumbnails.

    It refers to the reports that are there. Raises `OutputError`.
    """
    each = max(1, min(FRAMES, MOST_FRAMES // max(1, len(documents))))
    videos = []
    for one in made.videos:
        document = documents[one.document]
        pictures = frames(one.document, document, each) if frames is not None else []
        videos.append(_card(document, Path(one.document), path, pictures) | _placed(one))
    head: dict[str, object] = {
        "clusters": msgspec.to_builtins(made.clusters),
        "alone": made.alone,
        "figures": msgspec.to_builtins(made.figures),
        "videos": videos,
    }
    content = page(head, "", __package__ or "").encode()
    write_whole(path, content)
    return len(content)


def thumbnails_of(path: str, document: Document, count: int) -> list[str]:
    """Return `count` frames of a document's video, evenly over time; none if it is not there, which is logged."""
    try:
        media = probe(find_video(document, Path(path)), video_track=document.video.track)
        if not media.has_video:
            return []
        step = exact(media.duration_s) / count
        samples = [Sample(place, step * place + step / 2) for place in range(count)]
        pieces = (piece for _, piece in decode_orders(media, [FrameRequest(samples, VIEW)]))
        return [base64.b64encode(piece.jpeg).decode() for piece in pieces if isinstance(piece, Picture)]
    except FrameFleetError as error:
        log.info("no thumbnails of %s: %s", path, error)
        return []


def _placed(one: Any) -> dict[str, Any]:
    return {"document": one.document, "cluster": one.cluster, "x": one.x, "y": one.y, "figures": one.figures}


def _card(document: Document, path: Path, page_path: Path, pictures: list[str]) -> dict[str, Any]:
    """Return what the page shows of a video. Lanes are null for what was not looked at."""
    report = report_path(path)
    scenes, text, said = document.scenes, document.text, document.transcription
    shots = None if scenes is None else [(scene.start_s, scene.end_s, "") for scene in scenes]
    texts = None if text is None else [(span.start_s, span.end_s, span.text) for span in text.spans]
    spoken = None if said is None else [(word.start_s, word.end_s, word.word.strip()) for word in words_of(said)]
    return {
        "name": Path(document.video.path).name,
        "duration": max(0.1, document.video.duration_s),
        "report": video_url(page_path, report) if report.is_file() else None,
        "frames": pictures,
        "shots": _spans(shots),
        "texts": _spans(texts),
        "speech": _spans(None if spoken is None else _turns(spoken)),
    }


def _turns(words: list[tuple[Seconds, Seconds, str]]) -> list[tuple[Seconds, Seconds, str]]:
    """Return the words joined where there is hardly a pause between them."""
    turns: list[tuple[Seconds, Seconds, str]] = []
    for start_s, end_s, word in words:
        if turns and start_s - turns[-1][1] < _SAME_TURN_S:
            turns[-1] = (turns[-1][0], max(end_s, turns[-1][1]), f"{turns[-1][2]} {word}")
        else:
            turns.append((start_s, end_s, word))
    return turns


def _spans(spans: list[tuple[Seconds, Seconds, str]] | None) -> list[tuple[Seconds, Seconds, str]] | None:
    """Return the spans for a lane, in milliseconds and short: of many, as many as can be distinguished."""
    if spans is None:
        return None
    kept = spans[:: max(1, -(-len(spans) // _MOST_SPANS))]
    return [(round(start_s, 3), round(end_s, 3), text[:120]) for start_s, end_s, text in kept]
