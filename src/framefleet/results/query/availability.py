"""What a document knows: a stage that failed altogether found nothing out, which is not the same as nothing. Pure."""

from framefleet.schema.document import Document
from framefleet.stages.registry import SPECS

STAGES = {spec.output.key: name for name, spec in SPECS.items() if spec.output.key is not None}
"""The parts of a document that people ask about, and the stages they come from."""


def has(document: Document, stage: str) -> bool:
    """Whether anything is known of what the stage found."""
    key = SPECS[stage].output.key if stage in SPECS else None
    return stage in document.further if key is None else known(document, key)


def why_not(document: Document, stage: str) -> str | None:
    """Why nothing is known of what the stage was to find; None where something is, or nobody asked."""
    errors = (failure.error for failure in document.failures if failure.stage == stage)
    return None if has(document, stage) else next(errors, None)


def known(document: Document, part: str) -> bool:
    """Whether anybody answered anything: a picture without objects, or a silence, is an answer."""
    found = getattr(document, part)
    if part == "detections" and found:
        return any(detection.objects is not None for detection in found)
    return found is not None


def failed(document: Document, part: str) -> str | None:
    """Why nothing of a part is known that was asked for; None where something is, or nobody asked."""
    return why_not(document, STAGES[part])
