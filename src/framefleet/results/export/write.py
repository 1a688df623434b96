"""From a document to files: each format whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

from framefleet.results.export.base import Context, Format
from framefleet.results.export.formats import check
from framefleet.results.files import whole_file, whole_folder
from framefleet.schema.document import Document


def export(
    document: Document,
    format: Format,
    path: Path,
    *,
    stem: str,
    video: Path | None = None,
    pictures: Mapping[int, Path] | None = None,
    scores: bool = False,
    words: bool = False,
    separator: str = ",",
    decimal: str | None = None,
) -> None:
    """Writes `document` to the file or folder `path`; `Context` says what the rest is.

    `decimal` None goes by `separator`: a comma with semicolons, as where spreadsheets want those, else a point. Raises
    `InputError` where the document has nothing for this format, `SetupError` where a library is missing, `OutputError`
    where the place cannot be written or holds somebody's work.
    """
    check(format, document)
    context = Context(
        stem=stem,
        name=path.name,
        video=video,
        pictures=pictures,
        scores=scores,
        words=words,
        separator=separator,
        decimal=decimal or ("," if separator == ";" else "."),
    )
    with (whole_folder if format.folder else whole_file)(path) as temporary:
        format.write(document, context, temporary)
