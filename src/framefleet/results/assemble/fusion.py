"""The objects, speech, sounds and text of each scene. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET

from framefleet.schema.objects import Detection
from framefleet.schema.results import FoundSpan
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.sounds import Sounds
from framefleet.schema.speech import Transcription
from framefleet.schema.text import TextResult
from framefleet.stages.scene import Scene, scene_at, scene_of
from framefleet.stages.when import counted_s
from framefleet.timebase import Seconds, Span


def fuse(
    scenes: Sequence[Scene],
    detections: Sequence[Detection] | None,
    transcription: Transcription | None,
    sounds: Sounds | None,
    text: TextResult | None,
    *,
    sampling: str = "exact",
    others: Mapping[str, Iterable[FoundSpan]] = {},
) -> list[SceneEntry]:
    """Return one entry per scene, in their order; results of stages that did not run are empty.

    `sampling` is the run's and decides when a frame counts (`counted_s`). `others` are the results of other stages, by
    their scene field.
    """
    seen: dict[int, Counter[str]] = {scene.index: Counter() for scene in scenes}
    for detection in detections or ():
        scene = scene_at(scenes, counted_s(detection.time_s, detection.pts_s, sampling))
        if scene is not None:
            seen[scene.index] |= Counter(found.label for found in detection.objects or ())
    said: dict[int, list[str]] = {scene.index: [] for scene in scenes}
    for segment in transcription.segments if transcription else ():
        scene = scene_of(scenes, Span(segment.start_s, segment.end_s))
        if scene is not None:
            said[scene.index].append(segment.text)
    heard = [(event.start_s, event.end_s, event.label) for event in (sounds.events if sounds else ())]
    written = [(span.start_s, span.end_s, span.text) for span in (text.spans if text else ())]
    further = {name: [(span.start_s, span.end_s, span.name) for span in spans] for name, spans in others.items()}
    return [
        SceneEntry(
            index=scene.index,
            start_s=scene.start_s,
            end_s=scene.end_s,
            thumbnail_s=scene.thumbnail_s,
            objects=dict(seen[scene.index].most_common()),
            speech=" ".join(said[scene.index]),
            sounds=_within(scene, heard),
            text=_within(scene, written),
            transition=scene.transition,
            results={name: _within(scene, found) for name, found in further.items()} or UNSET,
        )
        for scene in scenes
    ]


def _within(scene: Scene, found: Sequence[tuple[Seconds, Seconds, str]]) -> list[str]:
    """Return the names that overlap the scene or begin in it, once each, ordered by start."""
    inside = [
        (start, name)
        for start, end, name in found
        if start < scene.end_s and (end > scene.start_s or start >= scene.start_s)
    ]
    return list(dict.fromkeys(name for _, name in sorted(inside, key=lambda piece: piece[0])))
