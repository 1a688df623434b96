"""The scenes stage: detects scenes in small frames on the shared decode, or reads them from a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framefleet.config.options import Options
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import FrameRequest, Pixels, PixelView
from framefleet.stages.client import Watcher
from framefleet.stages.scene import Scene
from framefleet.stages.scenes.given import read_scenes
from framefleet.stages.scenes.keyframes import KeyframeWatcher
from framefleet.stages.scenes.spec import MAX_SIDE, RATE
from framefleet.stages.scenes.watcher import SceneWatcher
from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class ScenesStage:
    """A `WatchingStage` whose result is a list of `Scene`: of the whole video, or those of a file.

    Cuts are exact to 0.2 s, and to the frame if the encoder detected them and put a keyframe there. If only keyframes
    are decoded, cuts are reported at the keyframe that shows them.
    """

    name: str = "scenes"
    version: int = 1
    kept_as: Any = list[Scene]

    def looks(self, options: Options) -> bool:
        return _given(options) is None

    def note(self, options: Options) -> str | None:
        if options.decoding == "exact":
            return None
        return "from keyframes only; a cut without a keyframe on it is reported at the next keyframe"

    def order(self, media: MediaInfo, options: Options) -> FrameRequest:
        """Return small frames, `RATE` per second; none if there is no video stream or the scenes are given.

        Raises `InputError` if the given file is not a list of this video's scenes, before anything is paid for.
        """
        given = _given(options)
        if given is not None:
            read_scenes(given, media.duration_s)
        wanted = media.has_video and given is None
        return FrameRequest(
            plan_samples(media.duration_s, RATE, parts=media.parts) if wanted else [], PixelView(MAX_SIDE)
        )

    def watch(self, media: MediaInfo, options: Options, keyframes_s: Sequence[Seconds]) -> Watcher[list[Scene]]:
        """Return a watcher. Raises `InputError` if the given file has no scenes of this video, and `SetupError`."""
        path = _given(options)
        if path is not None:
            return _GivenScenes(read_scenes(path, media.duration_s))
        if not media.has_video:
            return _GivenScenes([])
        return (KeyframeWatcher if options.decoding == "keyframes" else SceneWatcher)(media, keyframes_s)


@dataclass(frozen=True, slots=True)
class _GivenScenes:
    """A watcher for scenes that are given."""

    scenes: list[Scene]

    def see(self, piece: Picture | Pixels | Gap) -> None:
        pass

    def finish(self) -> list[Scene]:
        return self.scenes


def _given(options: Options) -> Path | None:
    """Return the file of `--scenes`."""
    return options.scenes
