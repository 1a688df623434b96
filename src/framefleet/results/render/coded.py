"""The pictures' stream of the new file: H.264 by x264, on the source's own clock."""

from fractions import Fraction

from av.codec.context import Flags
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from framefleet.results.render.look import Look
from framefleet.results.render.shots import Shots
from framefleet.results.render.upright import FORMAT, Upright


class Coded:
    """Encodes pictures as they come. `pictures` counts them."""

    def __init__(self, out: OutputContainer, shots: Shots, upright: Upright, look: Look) -> None:
        source = shots.stream
        self._out, self._time_base = out, shots.time_base
        self.pictures = 0
        self._stream = out.add_stream(
            "libx264",
            rate=source.average_rate or source.guessed_rate or 25,
            options={"preset": look.preset, "crf": str(look.crf)},
        )
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = upright.width, upright.height, FORMAT
        context.time_base = self._stream.time_base = shots.time_base
        context.thread_type = "AUTO"
        context.sample_aspect_ratio = upright.pixel_shape(source.sample_aspect_ratio)
        colours = source.codec_context
        context.color_range = ColorRange.MPEG
        context.colorspace = colours.colorspace or Colorspace.ITU601  # 0: RGB, which swscale makes that of
        context.color_primaries, context.color_trc = colours.color_primaries, colours.color_trc
        if upright.interlaced:
            context.flags |= Flags.interlaced_dct | Flags.interlaced_me

    def add(self, frame: VideoFrame, time: Fraction, duration: int | None) -> None:
        """`duration` in ticks of the source, where it is known."""
        frame.pts, frame.time_base = round(time / self._time_base), self._time_base
        frame.duration = duration or 0
        frame.pict_type = PictureType.NONE  # the encoder chooses, not the source
        self.pictures += 1
        self._out.mux(self._stream.encode(frame))

    def end(self) -> None:
        self._out.mux(self._stream.encode(None))
