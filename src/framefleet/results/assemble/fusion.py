"""What was found in each scene, of whatever stage. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from framefleet.schema.results import FoundSpan
from framefleet.schema.scenes import SceneEntry
from framefleet.stages.registry import SPECS
from framefleet.stages.scene import Scene
from framefleet.stages.spec import ResultKind


def fuse(scenes: Sequence[Scene], found: Mapping[str, Any], *, sampling: str = "exact") -> list[SceneEntry]:
    """One entry for each scene, in their order. `found` are results by their stages; what there is none of is empty.

    `sampling` is the run's: it says when a picture counts (`counted_s`).
    """
    own: dict[str, Sequence[Any]] = {}
    further: dict[str, Sequence[Any]] = {}
    for name, kind in ((name, spec.output) for name, spec in SPECS.items()):
        result = found.get(name)
        if kind.scene_field is None or (kind.key is None and result is None):
            continue
        (further if kind.key is None else own)[kind.scene_field] = _in_scenes(kind, scenes, result, sampling)
    return [
        SceneEntry(
            index=scene.index,
            start_s=scene.start_s,
            end_s=scene.end_s,
            thumbnail_s=scene.thumbnail_s,
            transition=scene.transition,
            results={name: each[place] for name, each in further.items()} or UNSET,
            **{name: each[place] for name, each in own.items()},
        )
        for place, scene in enumerate(scenes)
    ]


def _in_scenes(kind: ResultKind[Any], scenes: Sequence[Scene], result: Any, sampling: str) -> Sequence[Any]:
    if kind.in_scenes is not None:
        return kind.in_scenes(scenes, result, sampling)
    spans = [] if result is None else list(kind.spans(result))
    return [_within(scene, spans) for scene in scenes]


def _within(scene: Scene, spans: Sequence[FoundSpan]) -> list[str]:
    """What shares any time with the scene, or begins in it, once each, in the order in which it began."""
    inside = [s for s in spans if s.start_s < scene.end_s and (s.end_s > scene.start_s or s.start_s >= scene.start_s)]
    return list(dict.fromkeys(one.name for one in sorted(inside, key=lambda one: one.start_s)))
