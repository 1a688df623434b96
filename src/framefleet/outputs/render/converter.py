"""Conversion of decoded frames for drawing and encoding: upright, 8-bit YUV 4:2:0, even size, standard range."""

from fractions import Fraction

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from framefleet.media.types import MediaInfo
from framefleet.media.video.orientation import Turn
from framefleet.media.video.planes import pixels
from framefleet.media.video.tone_mapping import PQ, ToneMapper, is_wide

FORMAT = "yuv420p"


class Upright:
    """A converter of one video's frames to writable frames for the encoder.

    `width` and `height` are those of the encoded frame: an odd side repeats its last line, because H.264 has no odd
    4:2:0 frames. A frame of another size than the video's first is stretched to it. High dynamic range (`wide`) is
    mapped to BT.709: 8 bits would show banding, and white letters would be no brighter than grey.
    """

    def __init__(self, media: MediaInfo, first: VideoFrame) -> None:
        self.width, self.height = (side + side % 2 for side in (media.width, media.height))
        self.interlaced = first.interlaced_frame
        self._size = media.width, media.height
        self._bits = max(component.bits for component in first.format.components)
        self._turn = media.turn
        self._coded = self._turn.size(self._size)
        self.wide = is_wide(first)
        self._curve = "PQ" if int(first.color_trc) == PQ else "HLG"
        self._reformatter = VideoReformatter()
        self._flattener = ToneMapper()

    @property
    def notes(self) -> list[str]:
        """Differences from the source, a line each."""
        notes = []
        if self._size != (self.width, self.height):
            notes.append(f"{_times(*self._size)} pixels are padded to {_times(self.width, self.height)}: H.264 is even")
        if self.wide:
            notes.append(f"HDR ({self._curve}) is mapped to SDR (BT.709, 8-bit)")
        elif self._bits > 8:
            notes.append(f"{self._bits}-bit frames are converted to 8-bit")
        return notes

    def pixel_shape(self, shape: Fraction | None) -> Fraction:
        """Return the aspect ratio of an upright pixel for that of a coded one."""
        if not shape:
            return Fraction(1)
        return 1 / shape if self._turn.rotation % 180 else shape

    def of(self, frame: VideoFrame, *, again: bool = False) -> VideoFrame:
        """Return the frame, converted if needed, without its time. `again` keeps the given one unchanged."""
        plain = self._plain(frame)
        if again or self._turn != Turn() or (plain.width, plain.height) != (self.width, self.height):
            return self._turned(plain)
        plain.make_writable()
        return plain

    def _plain(self, frame: VideoFrame) -> VideoFrame:
        if self.wide and is_wide(frame):
            flat = self._flattener.flatten(frame, *self._coded)
            return self._reformatter.reformat(
                flat, format=FORMAT, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
        same_size = (frame.width, frame.height) == self._coded
        if frame.format.name == FORMAT and same_size and frame.color_range != ColorRange.JPEG:
            return frame
        return self._reformatter.reformat(frame, *self._coded, format=FORMAT, dst_color_range=ColorRange.MPEG)

    def _turned(self, frame: VideoFrame) -> VideoFrame:
        turned = VideoFrame(self.width, self.height, FORMAT)
        for source, target in zip(frame.planes, turned.planes, strict=True):
            lines, room = self._turn.upright(pixels(source)), pixels(target)
            room[: lines.shape[0], : lines.shape[1]] = lines
            room[lines.shape[0] :] = room[lines.shape[0] - 1]
            room[:, lines.shape[1] :] = room[:, lines.shape[1] - 1 : lines.shape[1]]
        return turned


def _times(width: int, height: int) -> str:
    return f"{width}×{height}"
