"""The videos that a command line names, and how it went with several of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from framefleet.cli.table import Column, Page
from framefleet.cli.words import counted
from framefleet.errors import InputError, UsageError
from framefleet.media.kind import SNIFFED_BYTES, sniff

# As text: a path would make the folder at work of an empty name.
Videos = Annotated[
    list[str],
    typer.Argument(metavar="VIDEO", help="videos, sounds, or folders of them", show_default=False),
]


@dataclass(frozen=True, slots=True)
class Row:
    """How it went with a video: `result` in a word or two, what it cost, and where its document is."""

    video: Path
    result: str
    usd: float | None = None
    document: Path | None = None


def named(names: Sequence[str]) -> list[Path]:
    """What to look at, each once: files as they are named, and of a folder those in it that can be looked at.

    Raises `UsageError` for a name that is empty, and `InputError` for a folder that has nothing to look at.
    """
    found: dict[Path, None] = {}
    for name in names:
        if not name.strip():
            raise UsageError("no video is named: the name is empty; give a video file")
        path = Path(name)
        found |= dict.fromkeys(_inside(path) if path.is_dir() else [path])
    return list(found)


def overview(videos: Sequence[Path], rows: Sequence[Row], page: Page | None = None) -> None:
    """Prints a table of all the videos, and how many are done and what they cost together."""
    page = page or Page()
    known = {row.video: row for row in rows}
    listed = [known.get(video, Row(video, "not done")) for video in videos]
    page.title(f"{counted(len(listed), 'video')}:")
    page.table(
        [
            Column("video", [row.video.name for row in listed], style="cyan", least=12),
            Column("result", [row.result for row in listed]),
            Column("dollars", ["" if row.usd is None else f"{row.usd:.4f}" for row in listed], right=True, rank=1),
            Column("JSON", ["" if row.document is None else str(row.document) for row in listed], least=20),
        ]
    )
    done = sum(row.document is not None for row in listed)
    page.line("in all", f"{done} of {len(listed)} done, ${sum(row.usd or 0 for row in listed):.4f}")


def _inside(folder: Path) -> list[Path]:
    """The folder's own files that are a video or sound by their first bytes, by name; not what is hidden."""
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); check its permissions") from None
    found = [path for path in files if _may_be_looked_at(path)]
    if not found:
        raise InputError(f"{folder}: a folder without a video in it; give a video file")
    return found


def _may_be_looked_at(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return sniff(file.read(SNIFFED_BYTES)) is not None
    except OSError:
        return True  # whoever opens it for good will say why it cannot be read
