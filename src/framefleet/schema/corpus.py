"""The table of a run of many videos, `corpus.json`."""

from typing import Literal

import msgspec

from framefleet.timebase import Seconds

VideoStatus = Literal["done", "part", "failed"]


class VideoRow(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one video: `part` if some of its work failed, `failed` if there is no document.

    `video` is the `video.path` of its document, `document` the path of that, and `error` why it failed or what of it.
    """

    video: str
    status: VideoStatus
    document: str | None = None
    usd: float = 0.0
    seconds: Seconds = 0.0
    error: str | None = None


class CorpusTable(msgspec.Struct, frozen=True, kw_only=True):
    """All videos of a folder of results, by name, and their totals."""

    videos: list[VideoRow]
    done: int = 0
    part: int = 0
    failed: int = 0
    usd: float = 0.0
    seconds: Seconds = 0.0


def table_of(rows: list[VideoRow]) -> CorpusTable:
    """Return the table of the rows, sorted by video, with their totals."""
    counts = {status: sum(row.status == status for row in rows) for status in ("done", "part", "failed")}
    usd, seconds = (round(sum(getattr(row, name) for row in rows), 6) for name in ("usd", "seconds"))
    return CorpusTable(videos=sorted(rows, key=lambda row: row.video), usd=usd, seconds=seconds, **counts)


def merged(earlier: list[VideoRow], later: list[VideoRow]) -> list[VideoRow]:
    """Return the rows of both; of a video that is in both, the later one."""
    return list({row.video: row for row in [*earlier, *later]}.values())
