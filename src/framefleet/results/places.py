"""Where the documents of videos go: each video gets a name that no other one has, before anything is started."""

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from framefleet.errors import OutputError
from framefleet.models import file_sha256
from framefleet.results.assemble.document import as_text
from framefleet.results.names import further_names, names_of
from framefleet.storage.folder import FolderResults


@dataclass(frozen=True, slots=True)
class ResultPlace:
    """The name and the path of a video's document.

    `taken` is a message about the other video's document that has the usual name; None if there is none.
    """

    name: str
    path: Path
    taken: str | None = None


def place_of(video: Path, folder: Path, name: str | None = None, *, besides: Collection[str] = ()) -> ResultPlace:
    """Return the place of a video's document: with `name` (None: the video's own), or a longer one if that is taken.

    Names in `besides` are for other videos. A file that has changed since its document was written is not another
    video: the run will refuse to replace its results.
    """
    store, usual = FolderResults(folder), video.stem if name is None else name
    taken: str | None = None
    for one in (usual, *further_names(video)):
        if one != usual and one in besides:
            continue
        whose = store.find(one)
        if whose is None or whose.path in {"", as_text(video)} or whose.sha256 == _sha256(video):
            return ResultPlace(one, store.path(one), taken)
        taken = taken or f"{store.path(one).name} has the results of {whose.path}"
    return ResultPlace(usual, store.path(usual))


def places_of(videos: Sequence[Path], folder: Path) -> dict[Path, ResultPlace]:
    """Return a place for each video of one command, all different."""
    names = names_of(videos)
    places: dict[Path, ResultPlace] = {}
    for video, name in names.items():
        used = {*names.values(), *(place.name for place in places.values())}
        places[video] = ResultPlace(name, folder / name)  # of a name that no file can have, the analysis tells
        with contextlib.suppress(OutputError):
            places[video] = place_of(video, folder, name, besides=used)
    return places


def _sha256(video: Path) -> str | None:
    try:
        return file_sha256(video)
    except OSError:
        return None
