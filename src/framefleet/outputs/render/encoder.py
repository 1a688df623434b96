"""The new file, and its video stream: H.264 by x264, on the source's own clock."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from framefleet.errors import OutputError
from framefleet.media.files.container import open_media, reason_of
from framefleet.media.types import MediaInfo
from framefleet.media.video.packets import skip_to
from framefleet.outputs.render.converter import FORMAT, Upright
from framefleet.outputs.render.options import RenderOptions
from framefleet.outputs.render.reader import Shots

_BT709 = 1  # in ITU-T H.273
_STEADY = 0.01  # deviation of the average rate from the usual one: less for cameras, more for screen recordings


class VideoEncoder:
    """An encoder of frames in the order in which they are shown. `pictures` counts them."""

    def __init__(self, out: OutputContainer, shots: Shots, upright: Upright, look: RenderOptions) -> None:
        source = shots.stream
        self._out, self._time_base, self._length = out, shots.time_base, shots.length
        self._lasting: dict[int, int] = {}  # durations of frames inside the encoder, by pts
        self.pictures = 0
        self._stream = out.add_stream(
            "libx264",
            rate=source.average_rate or source.guessed_rate or 25,
            options={"preset": look.preset, "crf": str(look.crf)}
            | ({"bf": "0"} if _varies(source) or shots.stands else {}),
        )
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = upright.width, upright.height, FORMAT
        context.time_base = self._stream.time_base = shots.time_base
        context.thread_type = "AUTO"
        context.sample_aspect_ratio = upright.pixel_shape(source.sample_aspect_ratio)
        colours = source.codec_context
        context.color_range = ColorRange.MPEG
        context.colorspace = colours.colorspace or Colorspace.ITU601  # 0: RGB, which becomes BT.601
        context.color_primaries, context.color_trc = colours.color_primaries, colours.color_trc
        if upright.wide:
            context.colorspace = Colorspace.ITU709
            context.color_primaries = context.color_trc = _BT709
        if upright.interlaced:
            context.flags |= Flags.interlaced_dct | Flags.interlaced_me

    def add(self, frame: VideoFrame, time: Fraction, duration: int | None) -> None:
        """Encode a frame. `duration` is in ticks of the source, if it is known."""
        frame.pts, frame.time_base = round(time / self._time_base), self._time_base
        left = [] if self._length is None else [round((self._length - time) / self._time_base)]
        self._lasting[frame.pts] = min([duration or 0, *left])
        frame.pict_type = PictureType.NONE  # the encoder chooses, not the source
        self.pictures += 1
        self._mux(self._stream.encode(frame))

    def end(self) -> None:
        self._mux(self._stream.encode(None))

    def _mux(self, packets: "Iterable[Packet[VideoStream]]") -> None:
        """Write packets with their frames' durations, which the encoder drops; the last one ends the file."""
        for packet in packets:
            assert packet.pts is not None
            packet.duration = self._lasting.pop(packet.pts)
            self._out.mux(packet)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is being written to `out`. `sounds` is the source opened a second time, at the start of its part."""

    out: OutputContainer
    shots: Shots
    sounds: InputContainer
    upright: Upright
    coded: VideoEncoder


@contextmanager
def new_file(
    media: MediaInfo, target: Path, temporary: Path, look: RenderOptions, read: type[Shots] = Shots
) -> Iterator[NewFile]:
    """Open `media` and the file `temporary`, which becomes `target`, and close both at the end.

    Raises `InputError` if no frame can be decoded, and `OutputError` if frames cannot be encoded.
    """
    try:
        with (
            open_media(media.path) as source,
            open_media(media.path) as sounds,
            av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as out,
        ):
            if look.start:
                skip_to(sounds, media.start + look.start)
            shots = read(media, source, look)
            upright = Upright(media, shots.first[1])
            yield NewFile(out, shots, sounds, upright, VideoEncoder(out, shots, upright, look))
    except OSError:
        raise
    except av.FFmpegError as error:
        raise OutputError(f"{target}: cannot be encoded ({reason_of(error)})") from None


def _varies(source: VideoStream) -> bool:
    """Return whether the frame rate is variable.

    MP4 stores durations in the order of decoding. If that differs from the order of presentation, the last frame's
    duration is lost for a variable rate, and players show a shorter video.
    """
    usual, mean = source.base_rate, source.average_rate
    return bool(usual and mean) and abs(1 - mean / usual) > _STEADY  # type: ignore[operator]
