"""The results as flat tables, for spreadsheets and data frames. Pure."""

from collections.abc import Mapping

from framefleet.results.query.kinds import declared, found_of, spans_of, stages_of
from framefleet.schema.document import Document
from framefleet.stages.spec import Table, span_table


def tables(document: Document) -> dict[str, Table]:
    """Return a table for each kind of result, also if it is empty."""
    return {name: table for stage in stages_of(document) for name, table in _tables(document, stage).items()}


def _tables(document: Document, stage: str) -> Mapping[str, Table]:
    """Return the tables that a stage declares; those of a further stage are prefixed with its name."""
    kind, found = declared(stage), found_of(document, stage)
    if kind is None or kind.tables is None or found is None:
        return {stage: span_table(spans_of(document, stage))}
    made = kind.tables(found, document)
    if kind.key is not None:
        return made
    return {name if name == stage else f"{stage}_{name}": table for name, table in made.items()}
