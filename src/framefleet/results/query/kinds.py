"""A document's results by stage, built-in or installed: spans with a label, a text, or both. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.stages.registry import SPECS


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
