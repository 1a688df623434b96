"""A document's results by stage, built-in or installed: spans with a label, a text, or both. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.stages.registry import SPECS
from framefleet.stages.spec import Presentation, ResultKind


class FoundKind(NamedTuple):
    """The spans that `stage` found; `label` is how they are shown to a user, such as "heard"."""

    stage: str
    label: str
    spans: list[FoundSpan]


def kinds(document: Document) -> list[FoundKind]:
    """Return the results of every stage in the document; one without a field of its own need not be installed."""
    return [*_with_fields(document), *further(document)]


def further(document: Document) -> list[FoundKind]:
    """Return the results of stages that the document has no field for."""
    return [FoundKind(name, found.label, found.spans) for name, found in document.further.items()]


def declared(stage: str) -> ResultKind[Any] | None:
    """Return the stage's declaration of its result; None if the stage is not installed."""
    return SPECS[stage].output if stage in SPECS else None


def found_of(document: Document, stage: str) -> Any:
    """Return the stage's result in its own type; None if it is unknown or was written by another version."""
    kind = declared(stage)
    if kind is None or kind.key is not None:
        return None if kind is None or kind.key is None else getattr(document, kind.key)
    told = document.further.get(stage)
    try:
        return None if told is None else msgspec.convert(told.data, kind.type)
    except msgspec.ValidationError:
        return None


def stages_of(document: Document) -> list[str]:
    """Return the stages with results in the document: those with their own field, then the further ones."""
    keys = {name: spec.output.key for name, spec in SPECS.items()}
    known = (name for name, key in keys.items() if key is not None and getattr(document, key) is not None)
    return list(dict.fromkeys([*known, *document.further]))


def as_field(document: Document, stage: str) -> Document:
    """Return the document with a further stage's frames or words in place of those of its own fields."""
    kind = declared(stage)
    if kind is None or kind.key is not None:
        return document
    if kind.presentation is Presentation.FRAMES:
        return replace(document, detections=found_of(document, stage), tracks=None)
    if kind.presentation is Presentation.WORDS:
        return replace(document, transcription=found_of(document, stage))
    return document


def presentation_of(stage: str) -> Presentation | None:
    """Return how the stage's results are shown to a user; for one that is not installed, how its spans are."""
    kind = declared(stage)
    return Presentation.SPANS if kind is None else kind.presentation


def spans_of(document: Document, stage: str) -> Iterable[FoundSpan]:
    """Return the spans of a stage's result."""
    kind, told = declared(stage), document.further.get(stage)
    found = None if kind is None or kind.key is None else getattr(document, kind.key)
    if kind is None or found is None:
        return () if told is None else told.spans
    return kind.spans(found)


def _with_fields(document: Document) -> Iterable[FoundKind]:
    for name, spec in SPECS.items():
        found = None if spec.output.key is None else getattr(document, spec.output.key)
        if found is not None:
            yield FoundKind(name, spec.output.label, list(spec.output.spans(found)))


def joined(spans: Sequence[FoundSpan], apart_s: float) -> list[FoundSpan]:
    """Merge moments of one name that are at most `apart_s` apart into a span with the highest confidence of them."""
    found = [span for span in spans if span.end_s > span.start_s]
    moments = sorted((span for span in spans if span.end_s <= span.start_s), key=lambda span: (span.name, span.start_s))
    for _, same in groupby(moments, key=lambda span: span.name):
        run: list[FoundSpan] = []
        for span in same:
            if run and span.start_s - run[-1].start_s > apart_s:
                found.append(_one(run))
                run = []
            run.append(span)
        found.append(_one(run))
    return sorted(found, key=lambda span: (span.start_s, span.end_s))


def _one(run: list[FoundSpan]) -> FoundSpan:
    surest = max(run, key=lambda span: span.confidence or 0.0)
    return FoundSpan(
        start_s=run[0].start_s,
        end_s=run[-1].start_s,
        label=surest.label,
        text=surest.text,
        confidence=surest.confidence,
    )
