"""The stages by name. Importing this loads no model."""

from typing import Any

from framefleet.stages.base import Stage
from framefleet.stages.client import DerivingStage, WatchingStage
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.speech.stage import SpeechStage

FLEET: dict[str, Stage[Any, Any, Any, Any, Any]] = {stage.name: stage for stage in (ObjectsStage(), SpeechStage())}
WATCHING: dict[str, WatchingStage[Any]] = {}
DERIVING: dict[str, DerivingStage[Any]] = {}

NEEDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FLEET, ()),
    **dict.fromkeys(WATCHING, ()),
    **{name: stage.after for name, stage in DERIVING.items()},
}
"""Every stage there is, and the stages whose results it works on."""

DEFAULT = ("objects", "speech")
"""The stages of a run that names none."""
