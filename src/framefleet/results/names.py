"""Names for the results of videos: the file's own name, made unique by its folder or extension if needed. Pure."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path


def names_of(videos: Sequence[Path]) -> dict[Path, str]:
    """Return a unique name for each video of one command, whatever the order of the videos.

    A name that is already unique stays. Videos with the same name are prefixed with as many of their parent folders as
    they need; those in the same folder get their extension as a suffix. Names that some file systems treat as equal
    (`A` and `a`, composed and decomposed `é`) count as the same.
    """
    named = {video: _told(video, 0, ending=False) for video in videos}
    for videos_alike in _alike(named):
        named |= _told_apart(videos_alike)
    for videos_alike in _alike(named):  # a generated name equals an existing one: only a number helps
        taken = set(map(_key, named.values()))
        for video in sorted(videos_alike, key=lambda video: (named[video] != video.stem, str(video)))[1:]:
            named[video] = next(n for i in count(2) if _key(n := f"{named[video]}_{i}") not in taken)
            taken.add(_key(named[video]))
    return named


def further_names(video: Path) -> Iterator[str]:
    """Yield names for a video whose own one is taken by an earlier command's, the shortest first."""
    for depth in range(1, len(_folders(video)) + 1):
        yield _told(video, depth, ending=False)
        yield _told(video, depth, ending=True)


def _told_apart(videos: Sequence[Path]) -> dict[Path, str]:
    deepest = max(len(_folders(video)) for video in videos)
    ways = [(0, True)] if len({_folders(video) for video in videos}) == 1 else []
    ways += [(depth, ending) for depth in range(1, deepest + 1) for ending in (False, True)]
    named: dict[Path, str] = {}
    for depth, ending in ways:
        named = {video: _told(video, depth, ending=ending) for video in videos}
        if not _alike(named):
            break
    return named


def _told(video: Path, depth: int, *, ending: bool) -> str:
    folders = _folders(video)
    above = folders[max(0, len(folders) - depth) :]
    return "_".join([*above, video.name if ending else video.stem])


def _folders(video: Path) -> tuple[str, ...]:
    """Return the names of its parent folders, the outermost first, without the root."""
    folder = Path(os.path.abspath(video)).parent  # noqa: PTH100 - resolve() would follow links
    return folder.relative_to(folder.anchor).parts


def _alike(named: dict[Path, str]) -> list[list[Path]]:
    """Return the groups of videos that share a name."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for video, name in named.items():
        groups[_key(name)].append(video)
    return [group for group in groups.values() if len(group) > 1]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
