"""The faces stage: the faces of its own view's frames, as boxes in source pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from framefleet.config.options import Options
from framefleet.errors import SetupError, UsageError
from framefleet.media.sampling import samples_of
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import FrameRequest, Pixels, PixelView
from framefleet.schema.document import Crop
from framefleet.schema.faces import Face, FacesSeen
from framefleet.stages.batches import check_crop
from framefleet.stages.client import Watcher
from framefleet.stages.faces.centerface import CenterFace, Faces, centerface_folder, open_centerface
from framefleet.timebase import Seconds

_AT_ONCE = 8  # frames in one batch: 7 MB at 640 pixels


@dataclass(frozen=True, slots=True)
class FacesStage:
    """A `WatchingStage`. `load` opens the model when a run starts; `check` raises `SetupError` if it cannot."""

    name: str = "faces"
    load: Callable[[], CenterFace] = open_centerface
    check: Callable[[], object] = centerface_folder

    def looks(self, options: Options) -> bool:
        return True

    def note(self, options: Options) -> str | None:
        return None

    def order(self, media: MediaInfo, options: Options) -> FrameRequest:
        """Return the frames that the options choose.

        Raises `UsageError` if the crop is not within the frame or the model was not fetched, since the stage only runs
        if it is named.
        """
        if not media.has_video:
            return FrameRequest([], PixelView(options.max_side))
        check_crop(options.crop, media.width, media.height)
        try:
            self.check()
        except SetupError as error:
            raise UsageError(f"--stages faces: {error.message}", hint=error.hint, code=error.code) from None
        return FrameRequest(samples_of(media, options.fps), PixelView(options.max_side, options.crop))

    def watch(self, media: MediaInfo, options: Options, keyframes_s: Sequence[Seconds]) -> Watcher[list[FacesSeen]]:
        """Return a watcher with a loaded model. Raises `SetupError` if the model was not fetched."""
        crop = options.crop or Crop(0, 0, media.width, media.height)
        return FacesWatcher(self.load() if media.has_video else None, crop)


class FacesWatcher:
    """See `Watcher`. Frames are those of the part `crop` of the source, scaled to any size.

    Without a `finder` there are none.
    """

    def __init__(self, finder: CenterFace | None, crop: Crop) -> None:
        self._finder, self._crop = finder, crop
        self._waiting: list[Pixels] = []
        self._found: list[FacesSeen] = []

    def see(self, piece: Picture | Pixels | Gap) -> None:
        if isinstance(piece, Pixels):
            self._waiting.append(piece)
            if len(self._waiting) == _AT_ONCE:
                self._look()
        elif isinstance(piece, Gap):
            self._look()  # the ones before it first
            self._found.append(FacesSeen(piece.sample.index, piece.sample.time_s, None, None))

    def finish(self) -> list[FacesSeen]:
        self._look()
        return self._found

    def _look(self) -> None:
        if self._finder is None or not self._waiting:
            return
        found = self._finder.find([piece.rgb for piece in self._waiting], long_side=None)  # the view has scaled them
        for piece, faces in zip(self._waiting, found, strict=True):
            placed = in_source(faces, piece.rgb.shape[1], piece.rgb.shape[0], self._crop)
            self._found.append(FacesSeen(piece.at.index, piece.at.time_s, piece.at.pts_s, placed))
        self._waiting.clear()


def in_source(faces: Faces, width: int, height: int, crop: Crop) -> list[Face]:
    """Return faces of a frame of `width` × `height` that shows the part `crop` of the source, in source pixels."""
    across, down = crop.width / width, crop.height / height
    return [
        Face(
            round(score, 4),
            (
                round(crop.x + x1 * across, 2),
                round(crop.y + y1 * down, 2),
                round(crop.x + x2 * across, 2),
                round(crop.y + y2 * down, 2),
            ),
        )
        for x1, y1, x2, y2, score in faces.tolist()
    ]
