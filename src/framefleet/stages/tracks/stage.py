"""The tracks stage as a run sees it."""

from collections.abc import Mapping
from typing import Any

from framefleet.config import Options
from framefleet.media.info import MediaInfo
from framefleet.stages.tracks.result import tracks_of
from framefleet.stages.tracks.track import TracksResult


class TracksStage:
    """See `DerivingStage`."""

    name = "tracks"
    after = ("objects",)

    def derive(self, media: MediaInfo, options: Options, results: Mapping[str, Any]) -> TracksResult:
        return tracks_of(results.get("objects") or [], media.width, media.height)
