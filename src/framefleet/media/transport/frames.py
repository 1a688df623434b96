"""How pictures travel. A backend says by `Capabilities.transports` which of these it takes, the best first."""

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
    """A form in which a batch of pictures travels. `encoded`: made small, so that it can leave the process."""

    kind: ClassVar[str]
    encoded: ClassVar[bool]

    @abstractmethod
    def view(self, max_side: int | None, quality: int, crop: Crop | None) -> JpegView | PixelView:
        """The form in which the pictures are to be read."""

    @abstractmethod
    def prepare(self, pictures: Iterable[Any]) -> FrameSource:
        """The pictures as they are sent: of those in a row that are the same, the first."""

    @abstractmethod
    def shown(self, at: PictureTime, frame: Any) -> Shown:
        """The picture that a frame carries, as that of another time."""

    @abstractmethod
    def expected_bytes(self, pictures: int, width: int, height: int) -> tuple[int, int]:
        """Least and most bytes of requests with so many pictures of `width` × `height`, as JSON."""

    def count(self, source: FrameSource) -> int:
        """How many pictures travel."""
        return len(source.frames)

    def split(self, source: FrameSource) -> int | None:
        """The index of the picture with which the second half begins; None where there are no halves."""
        frames = source.frames
        return frames[len(frames) // 2].index if len(frames) > 1 else None


class JpegTransport(FrameTransport):
    """Each picture as a JPEG file."""

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
    """Each picture as the very array that was read, within this process. Nothing is made of it, and nothing sent."""

    kind, encoded = "pixels", False

    def view(self, max_side: int | None, quality: int, crop: Crop | None) -> PixelView:
        return PixelView(max_side, crop)

    def prepare(self, pictures: Iterable[Pixels]) -> PixelFrames:
        firsts = _firsts(pictures, lambda picture: id(picture.rgb))  # of one frame, one array is made
        return PixelFrames([PixelFrame(first.at.index, first.at.time_s, first.rgb) for first in firsts])

    def shown(self, at: PictureTime, frame: PixelFrame) -> Pixels:
        return Pixels(at, frame.rgb)

    def expected_bytes(self, pictures: int, width: int, height: int) -> tuple[int, int]:
        return 0, 0


FRAME_TRANSPORTS: dict[str, FrameTransport] = {each.kind: each for each in (PixelTransport(), JpegTransport())}


def frame_transport(offered: Sequence[str], taken: Sequence[str] = tuple(FRAME_TRANSPORTS)) -> FrameTransport:
    """The first of those that a backend offers which a stage takes; JPEG, which all take, where there is none."""
    return FRAME_TRANSPORTS[next((kind for kind in offered if kind in taken), "jpeg_frames")]


def transport_of(source: FrameSource) -> FrameTransport:
    """How these frames travel."""
    return FRAME_TRANSPORTS["pixels" if isinstance(source, PixelFrames) else "jpeg_frames"]


def prepared(pictures: Sequence[Shown]) -> FrameSource:
    """The pictures, which are all of one form, as they are sent."""
    kind = "pixels" if pictures and isinstance(pictures[0], Pixels) else "jpeg_frames"
    return FRAME_TRANSPORTS[kind].prepare(pictures)


def _firsts(pictures: Iterable[Any], content: Callable[[Any], object]) -> list[Any]:
    rows = groupby(pictures, key=lambda picture: (picture.at.pts_s, content(picture)))
    return [next(row) for _, row in rows]
