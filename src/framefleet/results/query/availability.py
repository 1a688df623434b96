"""What a document knows: a stage that failed altogether found nothing out, which is not the same as nothing. Pure."""

from framefleet.schema.document import Document
from framefleet.stages.registry import SPECS

STAGES = {spec.output.key: name for name, spec in SPECS.items() if spec.output.key is not None}
"""The parts of a document that people ask about, and the stages they come from."""


def known(document: Document, part: str) -> bool:
    """Whether anybody answered anything: a picture without objects, or a silence, is an answer."""
    found = getattr(document, part)
    if part == "detections" and found:
        return any(detection.objects is not None for detection in found)
    return found is not None


def failed(document: Document, part: str) -> str | None:
    """Why nothing of a part is known that was asked for; None where something is, or nobody asked."""
    errors = (failure.error for failure in document.failures if failure.stage == STAGES[part])
    return None if known(document, part) else next(errors, None)
