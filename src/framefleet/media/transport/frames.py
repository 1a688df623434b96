"""How frames travel. `Capabilities.transports` lists those that a backend takes, the best first."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, ClassVar

from framefleet.media.types import Picture, PictureTime
from framefleet.media.video.request import JpegView, Pixels, PixelView
from framefleet.protocol.envelope import FrameSource, JpegFrame, JpegFrames, PixelFrame, PixelFrames
from framefleet.schema.document import Crop

Shown = Picture | Pixels
Frame = JpegFrame | PixelFrame

_BITS_A_PIXEL = (0.4, 3.0)  # JPEG at quality 90: a smooth wall, and leaves in the wind
_BASE64 = 4 / 3


class FrameTransport(ABC):
    """A form in which a batch of frames travels. `encoded`: small enough to leave the process."""

    kind: ClassVar[str]
    encoded: ClassVar[bool]

    @abstractmethod
    def view(self, max_side: int | None, quality: int, crop: Crop | None) -> JpegView | PixelView:
        """Return the view in which frames are decoded."""

    @abstractmethod
    def prepare(self, pictures: Iterable[Any]) -> FrameSource:
        """Return the frames as they are sent: of consecutive identical ones, only the first."""

    @abstractmethod
    def shown(self, at: PictureTime, frame: Any) -> Shown:
        """Return the frame of a request as that of another time."""

    @abstractmethod
    def expected_bytes(self, pictures: int, width: int, height: int) -> tuple[int, int]:
        """Return the minimum and maximum bytes of requests with that many frames of `width` × `height`, as JSON."""

    def count(self, source: FrameSource) -> int:
        """Return the number of frames that travel."""
        return len(source.frames)

    def split(self, source: FrameSource) -> int | None:
        """Return the index of the first frame of the second half; None if there are not two halves."""
        frames = source.frames
        return frames[len(frames) // 2].index if len(frames) > 1 else None


class JpegTransport(FrameTransport):
    """Each frame as a JPEG file."""

    kind, encoded = "jpeg_frames", True

    def view(self, max_side: int | None, quality: int, crop: Crop | None) -> JpegView:
        return JpegView(max_side, quality, crop)

    def prepare(self, pictures: Iterable[Picture]) -> JpegFrames:
        firsts = _firsts(pictures, lambda picture: picture.jpeg)
        return JpegFrames([JpegFrame(first.at.index, first.at.time_s, first.jpeg) for first in firsts])

    def shown(self, at: PictureTime, frame: JpegFrame) -> Picture:
        return Picture(at, frame.jpeg)

    def expected_bytes(self, pictures: int, width: int, height: int) -> tuple[int, int]:
        low, high = (round(pictures * width * height * bits * _BASE64 / 8) for bits in _BITS_A_PIXEL)
        return low, high


class PixelTransport(FrameTransport):
    """Each frame as the array that was decoded, within this process, without a copy."""

    kind, encoded = "pixels", False

    def view(self, max_side: int | None, quality: int, crop: Crop | None) -> PixelView:
        return PixelView(max_side, crop)

    def prepare(self, pictures: Iterable[Pixels]) -> PixelFrames:
        firsts = _firsts(pictures, lambda picture: id(picture.rgb))  # samples of one frame share one array
        return PixelFrames([PixelFrame(first.at.index, first.at.time_s, first.rgb) for first in firsts])

    def shown(self, at: PictureTime, frame: PixelFrame) -> Pixels:
        return Pixels(at, frame.rgb)

    def expected_bytes(self, pictures: int, width: int, height: int) -> tuple[int, int]:
        return 0, 0


FRAME_TRANSPORTS: dict[str, FrameTransport] = {each.kind: each for each in (PixelTransport(), JpegTransport())}


def frame_transport(offered: Sequence[str], taken: Sequence[str] = tuple(FRAME_TRANSPORTS)) -> FrameTransport:
    """Return the first transport that a backend offers and a stage takes; else JPEG, which all take."""
    return FRAME_TRANSPORTS[next((kind for kind in offered if kind in taken), "jpeg_frames")]


def transport_of(source: FrameSource) -> FrameTransport:
    """Return the transport of these frames."""
    return FRAME_TRANSPORTS["pixels" if isinstance(source, PixelFrames) else "jpeg_frames"]


def prepared(pictures: Sequence[Shown]) -> FrameSource:
    """Return the frames, which are all in one form, as they are sent."""
    kind = "pixels" if pictures and isinstance(pictures[0], Pixels) else "jpeg_frames"
    return FRAME_TRANSPORTS[kind].prepare(pictures)


def _firsts(pictures: Iterable[Any], content: Callable[[Any], object]) -> list[Any]:
    rows = groupby(pictures, key=lambda picture: (picture.at.pts_s, content(picture)))
    return [next(row) for _, row in rows]
