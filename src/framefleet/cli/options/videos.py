"""The videos named on a command line, and the overview table of several of them."""

import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from framefleet.cli.output.format import clean, counted
from framefleet.errors import InputError, UsageError
from framefleet.media.files.kind import MOVING_WEBP, SUFFIXES, TEXT

if TYPE_CHECKING:
    from framefleet.cli.output.table import Page

_NAMED = 5  # files listed by name; the others are counted

# As text: a `Path` would turn an empty name into the current folder.
Videos = Annotated[
    list[str],
    typer.Argument(metavar="VIDEO", help="video or audio files, or folders of them", show_default=False),
]


def parse_at_once(text: str) -> int | Literal["auto"]:
    """Return the number in `--videos`, or "auto". Raises `UsageError`."""
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--videos {text}: not a number of videos", hint="give 1 or more, or auto")
    return int(text)


@dataclass(frozen=True, slots=True)
class Row:
    """The outcome of one video: `result` in a word or two, its cost, and the path of its document."""

    video: Path
    result: str
    usd: float | None = None
    document: Path | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry of a folder that is not processed, and what it is instead of a video."""

    path: Path
    why: str

    @property
    def looks_like_video(self) -> bool:
        """Whether its name or content suggests a video."""
        ending = self.path.suffix.lower()
        is_code = self.why == TEXT and ending in {".ts", ".mod"}  # TypeScript's and Go's
        return self.why == MOVING_WEBP or (ending in SUFFIXES and self.why != "a folder" and not is_code)


def named(names: Sequence[str]) -> list[Path]:
    """Return the videos to process, each once: files as named, and the readable videos of each folder.

    Raises `UsageError` for an empty name, and `InputError` for a folder without videos.
    """
    found: dict[str, Path] = {}
    for name in names:
        if not name.strip():
            raise UsageError("VIDEO: the name is empty", hint="give a video file")
        path = Path(name)
        for one in _inside(path) if is_folder(path) else [path]:
            found.setdefault(os.path.abspath(one), one)  # noqa: PTH100 - resolve() would follow links
    return list(found.values())


def overview(
    videos: Sequence[Path], rows: Sequence[Row], page: "Page | None" = None, *, left_out: Sequence[LeftOut] = ()
) -> None:
    """Print a table of all videos, the number done, the total cost, and what was skipped."""
    from framefleet.cli.output.table import Column, Page

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
    if missing := [f"{one.path.name} ({one.why})" for one in left_out if one.looks_like_video]:
        page.line("skipped", _few(missing), "yellow")
    page.line("total", f"{done} of {len(listed)} done, ${sum(row.usd or 0 for row in listed):.4f}")


def left_out_of(names: Sequence[str]) -> list[LeftOut]:
    """Return the skipped entries of the named folders and report them on standard error, videos one per line."""
    left = [one for name in names if name.strip() and is_folder(Path(name)) for one in _sorted(Path(name))[1]]
    for one in left:
        if one.looks_like_video:
            print(clean(f"{one.path}: skipped: {one.why}"), file=sys.stderr)
    others: dict[Path, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in left:
        if not one.looks_like_video:
            others[one.path.parent][one.why].append(one.path.name)
    for folder, kinds in others.items():
        each = "; ".join(f"{_few(files)} ({why}{' each' * (len(files) > 1)})" for why, files in kinds.items())
        print(clean(f"{folder}: skipped: {each}"), file=sys.stderr)
    return left


def exit_code(code: int, left_out: Sequence[LeftOut]) -> int:
    """Return `code`, or 3 instead of 0 if something that looks like a video was skipped."""
    return 3 if code == 0 and any(one.looks_like_video for one in left_out) else code


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _inside(folder: Path) -> list[Path]:
    """Return the video and audio files directly in the folder, by content, sorted by name, without hidden ones."""
    found, _ = _sorted(folder)
    if not found:
        raise InputError(f"{folder}: no video in this folder", hint="give a video file")
    return found


def _sorted(folder: Path) -> tuple[list[Path], list[LeftOut]]:
    """Split the entries of a folder into videos and those to skip."""
    try:
        inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})", hint="check its permissions") from None
    found: list[Path] = []
    left: list[LeftOut] = []
    for path in inside:
        why = _why_not(path)
        if why is None:
            found.append(path)
        else:
            left.append(LeftOut(path, why))
    return found, left


def is_folder(path: Path) -> bool:
    """Return whether it is a folder; False if that is unknown, since opening it reports the reason."""
    try:
        return S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _why_not(path: Path) -> str | None:
    from framefleet.media.files.container import refusal  # slow: loads FFmpeg

    try:
        mode = path.stat().st_mode
        if S_ISREG(mode):
            return refusal(path)
    except FileNotFoundError:
        return "not a file"  # a link to nothing
    except (OSError, InputError):
        return None  # opening it later reports why it cannot be read
    return "a folder" if S_ISDIR(mode) else "not a file"
