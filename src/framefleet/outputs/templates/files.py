"""The files of templates: templates.json, the page next to it, and tables of vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from framefleet.corpus.figures import FIGURES
from framefleet.corpus.result import Templates
from framefleet.errors import InputError, UsageError
from framefleet.outputs.export.table_files import write_table
from framefleet.outputs.templates.make import Frames, make_page
from framefleet.schema.document import Document
from framefleet.stages.spec import CellType, Table
from framefleet.storage.atomic import whole_file, write_whole

TABLES = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class TemplateFiles:
    """Where to write: the JSON, whose page has the same name, and any number of tables."""

    json: Path
    tables: Sequence[Path] = ()

    def __post_init__(self) -> None:
        """Raise `UsageError` for a name with another ending than what it is."""
        if self.json.suffix.lower() != ".json":
            raise UsageError(f"{self.json}: the name does not end in .json", hint="such as -o templates.json")
        for table in self.tables:
            if table.suffix.lower() not in TABLES:
                raise UsageError(f"{table}: the name ends neither in .csv nor in .parquet", hint="such as vectors.csv")

    @property
    def page(self) -> Path:
        return self.json.with_suffix(".html")

    def write(self, made: Templates, documents: Mapping[str, Document], frames: Frames | None) -> None:
        """Write all files, each as a whole. Raises `OutputError`."""
        write_whole(self.json, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
        make_page(made, documents, self.page, frames)
        for path in self.tables:
            with whole_file(path) as temporary:
                write_table(vectors_table(made), temporary)

    def previous(self) -> Templates | None:
        """Return what stands in the file already, from which ids are kept; None if there is nothing.

        Raises `InputError` if it is something else, which is not to be overwritten.
        """
        if not self.json.exists():
            return None
        try:
            return msgspec.json.decode(self.json.read_bytes(), type=Templates)
        except (OSError, msgspec.MsgspecError) as error:
            raise InputError(
                f"{self.json}: not what framefleet templates writes ({error})", hint="give another name with -o"
            ) from None


def vectors_table(made: Templates) -> Table:
    """Return a row for each video: its template, its place on the map, and its figures."""
    columns: dict[str, CellType] = {"document": str, "video": str, "cluster": str, "x": float, "y": float}
    columns |= dict.fromkeys(FIGURES, float)
    rows = [
        (one.document, one.video, one.cluster, one.x, one.y, *(one.figures.get(name) for name in FIGURES))
        for one in made.videos
    ]
    return Table(columns, rows)
