"""The tracks stage as a run sees it."""

from collections.abc import Mapping
from typing import Any

from framefleet.config.options import Options
from framefleet.errors import FrameFleetError
from framefleet.media.types import MediaInfo
from framefleet.schema.tracks import TracksResult
from framefleet.stages.tracks.result import tracks_of


class TracksStage:
    """See `DerivingStage`."""

    name = "tracks"

    def derive(self, media: MediaInfo, options: Options, results: Mapping[str, Any]) -> TracksResult:
        """Raises `FrameFleetError` where objects came to nothing: who looked at nothing cannot say what moved."""
        if results.get("objects") is None:
            raise FrameFleetError("nothing to follow: objects failed")
        return tracks_of(results["objects"], media.width, media.height, sampling=options.sampling)
