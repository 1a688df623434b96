"""How the page finds the video: a URL as seen from the report, so that both can be moved together."""

import os
from pathlib import Path
from urllib.parse import quote


def video_url(report: Path, video: Path) -> str:
    """`../my%20clip.mp4` for the page at `report`; `file:///D:/…` where no way leads there (another drive)."""
    try:
        way = os.path.relpath(video.absolute(), report.absolute().parent)
    except ValueError:
        return video.absolute().as_uri()
    return quote(os.fsencode(Path(way).as_posix()))
