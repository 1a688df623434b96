"""The stages by name. Importing this loads no model."""

from typing import Any

from framefleet.stages.base import Stage
from framefleet.stages.client import DerivingStage, WatchingStage
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.scenes.stage import ScenesStage
from framefleet.stages.sounds.stage import SoundsStage
from framefleet.stages.speech.stage import SpeechStage
from framefleet.stages.text.stage import TextStage
from framefleet.stages.tracks.stage import TracksStage

FLEET: dict[str, Stage[Any, Any, Any, Any, Any]] = {
    stage.name: stage for stage in (ObjectsStage(), SpeechStage(), SoundsStage(), TextStage())
}
WATCHING: dict[str, WatchingStage[Any]] = {stage.name: stage for stage in (ScenesStage(),)}
DERIVING: dict[str, DerivingStage[Any]] = {stage.name: stage for stage in (TracksStage(),)}

NEEDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FLEET, ()),
    **dict.fromkeys(WATCHING, ()),
    **{name: stage.after for name, stage in DERIVING.items()},
}
"""Every stage there is, and the stages whose results it works on."""

DEFAULT = ("objects", "speech", "scenes", "tracks", "sounds")
"""The stages of a run that names none. Reading text takes a CPU too long to be among them."""
