"""What was seen, said, heard and written in each scene. Pure."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from framefleet.stages.objects.merge import Detection
from framefleet.stages.scenes.scene import Scene, Transition, scene_at, scene_of
from framefleet.stages.sounds.merge import Sounds
from framefleet.stages.speech.merge import Transcription
from framefleet.stages.text.merge import TextResult
from framefleet.stages.when import counted_s
from framefleet.units import Seconds, Span


class SceneEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A scene and all that the other stages found in it.

    `seen` is, by label, the most that were in one picture at once. What is said over a cut belongs to the scene
    that it shares most time with; what is heard or written belongs to each. `transition` is how it begins; null for
    the first one, and where nobody looked.
    """

    index: int
    start_s: Seconds
    end_s: Seconds
    thumbnail_s: Seconds
    seen: dict[str, int]
    said: str
    heard: list[str]
    written: list[str]
    transition: Transition | None = None


def fuse(
    scenes: Sequence[Scene],
    detections: Sequence[Detection] | None,
    transcription: Transcription | None,
    sounds: Sounds | None,
    text: TextResult | None,
    *,
    sampling: str = "exact",
) -> list[SceneEntry]:
    """One entry for each scene, in their order; what no stage was asked for is empty.

    `sampling` is the run's: it says when a picture counts (`counted_s`).
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
    return [
        SceneEntry(
            index=scene.index,
            start_s=scene.start_s,
            end_s=scene.end_s,
            thumbnail_s=scene.thumbnail_s,
            seen=dict(seen[scene.index].most_common()),
            said=" ".join(said[scene.index]),
            heard=_within(scene, heard),
            written=_within(scene, written),
            transition=scene.transition,
        )
        for scene in scenes
    ]


def _within(scene: Scene, found: Sequence[tuple[Seconds, Seconds, str]]) -> list[str]:
    """What shares any time with the scene, or begins in it, once each, in the order in which it began."""
    inside = [
        (start, name)
        for start, end, name in found
        if start < scene.end_s and (end > scene.start_s or start >= scene.start_s)
    ]
    return list(dict.fromkeys(name for _, name in sorted(inside, key=lambda piece: piece[0])))
