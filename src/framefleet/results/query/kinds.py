"""What a document has of each stage, ours and others' alike: spans with a label, a text, or both. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.stages.registry import SPECS
from framefleet.stages.spec import ResultKind, Told


class FoundKind(NamedTuple):
    """`stage` found `spans`; `label` is what a person is told of it: "heard"."""

    stage: str
    label: str
    spans: list[FoundSpan]


def kinds(document: Document) -> list[FoundKind]:
    """Of every stage that the document knows something of. What it has no field for needs no stage to be there."""
    return [*_with_fields(document), *further(document)]


def further(document: Document) -> list[FoundKind]:
    """Of those that the document has no field for."""
    return [FoundKind(name, found.label, found.spans) for name, found in document.further.items()]


def declared(stage: str) -> ResultKind[Any] | None:
    """What the stage says of its result; None where it is not installed."""
    return SPECS[stage].output if stage in SPECS else None


def found_of(document: Document, stage: str) -> Any:
    """What the stage found, in its own type; None where that is not known, or another version of the stage wrote it."""
    kind = declared(stage)
    if kind is None or kind.key is not None:
        return None if kind is None or kind.key is None else getattr(document, kind.key)
    told = document.further.get(stage)
    try:
        return None if told is None else msgspec.convert(told.data, kind.type)
    except msgspec.ValidationError:
        return None


def stages_of(document: Document) -> list[str]:
    """The stages that the document knows something of: those with a field of its own, then the further ones."""
    keys = {name: spec.output.key for name, spec in SPECS.items()}
    known = (name for name, key in keys.items() if key is not None and getattr(document, key) is not None)
    return list(dict.fromkeys([*known, *document.further]))


def as_field(document: Document, stage: str) -> Document:
    """The document, with a further stage's frames or words in the place of those that it has fields for."""
    kind = declared(stage)
    if kind is None or kind.key is not None:
        return document
    if kind.told is Told.FRAMES:
        return replace(document, detections=found_of(document, stage), tracks=None)
    return replace(document, transcription=found_of(document, stage)) if kind.told is Told.WORDS else document


def told_of(stage: str) -> Told | None:
    """How a person is told of what the stage found; of one that is not installed, of its spans."""
    kind = declared(stage)
    return Told.SPANS if kind is None else kind.told


def spans_of(document: Document, stage: str) -> Iterable[FoundSpan]:
    """What of a stage's result has a time."""
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
    """The same with moments of one name, no more than `apart_s` one after the other, as one span: the surest's."""
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
