"""What a video's results are called: by its name, and where others have that too, by its folder or ending. Pure."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path


def names_of(videos: Sequence[Path]) -> dict[Path, str]:
    """A name for each video of one command, each another; the same for the same videos, in whatever order.

    One whose name no other has keeps it. Those of the same name all get their folder's before it, or of those above as
    much as they need; what then lies in one folder its ending behind it. Names that only some disks keep apart (`A`
    and `a`, `é` in one character or two) are the same.
    """
    named = {video: _told(video, 0, ending=False) for video in videos}
    for videos_alike in _alike(named):
        named |= _told_apart(videos_alike)
    for videos_alike in _alike(named):  # one has the name that another was given; nothing but a number is left
        taken = set(map(_key, named.values()))
        for video in sorted(videos_alike, key=lambda video: (named[video] != video.stem, str(video)))[1:]:
            named[video] = next(n for i in count(2) if _key(n := f"{named[video]}_{i}") not in taken)
            taken.add(_key(named[video]))
    return named


def further_names(video: Path) -> Iterator[str]:
    """Names for a video whose own one is taken by an earlier command's, the shortest first."""
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
    """Those that it lies in, from the outermost on, without the disk's root."""
    folder = Path(os.path.abspath(video)).parent  # noqa: PTH100 - a link is a name of its own
    return folder.relative_to(folder.anchor).parts


def _alike(named: dict[Path, str]) -> list[list[Path]]:
    """Videos of the same name, where several have it."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for video, name in named.items():
        groups[_key(name)].append(video)
    return [group for group in groups.values() if len(group) > 1]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
