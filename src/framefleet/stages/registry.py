"""The stages by name. Importing this loads no model."""

from typing import Any

from framefleet.config import Options
from framefleet.stages.base import Stage
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.speech.stage import SpeechStage

STAGES: dict[str, Stage[Any, Any, Any, Any, Any]] = {stage.name: stage for stage in (ObjectsStage(), SpeechStage())}


def chosen(options: Options) -> list[Stage[Any, Any, Any, Any, Any]]:
    """The stages that a run with these options has."""
    return [stage for name, stage in STAGES.items() if name != "speech" or options.speech]
