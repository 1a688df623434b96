"""The transcription as columns. Pure."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from framefleet.results.report.columns import Numbers, whole
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.stages.scenes.scene import Scene, scene_of
from framefleet.units import Span


def said_columns(
    transcription: Transcription | None, scenes: Sequence[SceneEntry] | None
) -> tuple[dict[str, Any] | None, list[str], dict[str, Numbers]]:
    """All words in a row with the spaces before them, how many each segment has, and its scene (-1: none).

    A segment without words, as some services give them, counts as one long word: times in it are not known.
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
        ),  # what is below a half stays there
    }
    timed = any(segment.words for segment in segments)
    head = {"language": transcription.language, "words": timed, "skipped": msgspec.to_builtins(transcription.skipped)}
    return head, [word.word for word in words], named


def _words(segment: Segment) -> list[Word]:
    first, *rest = segment.words or [Word(segment.start_s, segment.end_s, segment.text, 1.0)]
    return [msgspec.structs.replace(first, word=f" {first.word.strip()}"), *rest]
