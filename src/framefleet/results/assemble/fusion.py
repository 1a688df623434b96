"""The results of all stages by scene. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from framefleet.schema.results import FoundSpan
from framefleet.schema.scenes import SceneEntry
from framefleet.stages.registry import SPECS
from framefleet.stages.scene import Scene
from framefleet.stages.spec import ResultKind


def fuse(scenes: Sequence[Scene], found: Mapping[str, Any], *, sampling: str = "exact") -> list[SceneEntry]:
    """Return one entry per scene, in their order. `found` are results by stage; missing ones are empty.

    `sampling` is the run's and decides when a frame counts (`counted_s`).
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
    """Return the names that overlap the scene or begin in it, once each, ordered by start."""
    inside = [s for s in spans if s.start_s < scene.end_s and (s.end_s > scene.start_s or s.start_s >= scene.start_s)]
    return list(dict.fromkeys(one.name for one in sorted(inside, key=lambda one: one.start_s)))
