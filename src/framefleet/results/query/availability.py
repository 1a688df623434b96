"""Whether a document has results of a stage: one that failed altogether differs from one that found nothing. Pure."""

from framefleet.schema.document import Document
from framefleet.stages.registry import SPECS

STAGES = {spec.output.key: name for name, spec in SPECS.items() if spec.output.key is not None}
"""The result fields of a document, and the stage that each comes from."""


def known(document: Document, part: str) -> bool:
    """Return whether the part has any answer; a frame without objects, or a silence, is one."""
    found = getattr(document, part)
    if part == "detections" and found:
        return any(detection.objects is not None for detection in found)
    return found is not None


def failed(document: Document, part: str) -> str | None:
    """Return the error of a part that has no answer at all; None if it has one or its stage was not in the run."""
    errors = (failure.error for failure in document.failures if failure.stage == STAGES[part])
    return None if known(document, part) else next(errors, None)
