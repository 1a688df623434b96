"""A document of which only parts were analyzed, as if the video were these parts one after the other. Pure.

Otherwise all that was not analyzed would count as footage without cuts, text and speech.
"""

from collections.abc import Sequence
from typing import TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from framefleet.schema.document import Document
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.sounds import SoundEvent
from framefleet.schema.speech import Segment, Word
from framefleet.schema.text import TextSpan
from framefleet.timebase import Seconds

_SAME_S = 1e-6  # times are rounded to microseconds

Timed = TypeVar("Timed", SceneEntry, SoundEvent, Segment, Word, TextSpan)


def without_gaps(document: Document) -> Document:
    """Return the document with its duration and all times of scenes, text, speech and sounds on a clock that stands
    still outside the parts that were analyzed. Where a part begins there is no cut."""
    parts = document.config.parts
    if parts is UNSET or not parts:
        return document

    def at(time_s: Seconds) -> Seconds:
        return sum(max(0.0, min(time_s, part.end_s) - part.start_s) for part in parts)

    def moved(those: Sequence[Timed]) -> list[Timed]:
        return [replace(one, start_s=at(one.start_s), end_s=at(one.end_s)) for one in those]

    scenes, text, said, sounds = document.scenes, document.text, document.transcription, document.sounds
    if said is not None:
        segments = [replace(segment, words=moved(segment.words)) for segment in moved(said.segments)]
        said = replace(said, segments=segments)
    return replace(
        document,
        video=replace(document.video, duration_s=at(document.video.duration_s)),
        scenes=None if scenes is None else _joined(moved(scenes), [at(part.start_s) for part in parts[1:]]),
        text=None if text is None else replace(text, spans=moved(text.spans)),
        transcription=said,
        sounds=None if sounds is None else replace(sounds, events=moved(sounds.events)),
    )


def _joined(scenes: Sequence[SceneEntry], seams_s: Sequence[Seconds]) -> list[SceneEntry]:
    """Return the scenes with those joined that meet at one of the seams."""
    joined: list[SceneEntry] = []
    for scene in scenes:
        if joined and any(abs(scene.start_s - seam_s) < _SAME_S for seam_s in seams_s):
            joined[-1] = replace(joined[-1], end_s=scene.end_s)
        else:
            joined.append(scene)
    return joined
