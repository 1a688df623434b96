"""Whether a document has results of a stage: one that failed altogether differs from one that found nothing. Pure."""

from framefleet.schema.document import Document
from framefleet.stages.registry import SPECS

STAGES = {spec.output.key: name for name, spec in SPECS.items() if spec.output.key is not None}
"""The result fields of a document, and the stage that each comes from."""


def has(document: Document, stage: str) -> bool:
    """Return whether the stage has any answer."""
    key = SPECS[stage].output.key if stage in SPECS else None
    return stage in document.further if key is None else known(document, key)


def why_not(document: Document, stage: str) -> str | None:
    """Return the error of a stage without any answer; None if it has one or did not run."""
    errors = (failure.error for failure in document.failures if failure.stage == stage)
    return None if has(document, stage) else next(errors, None)


def known(document: Document, part: str) -> bool:
    """Return whether the part has any answer; a frame without objects, or a silence, is one."""
    found = getattr(document, part)
    if part == "detections" and found:
        return any(detection.objects is not None for detection in found)
    return found is not None


def failed(document: Document, part: str) -> str | None:
    """Return the error of a part that has no answer at all; None if it has one or its stage was not in the run."""
    return why_not(document, STAGES[part])
