"""Reading of a video's frames from a start to an end, skipping those that cannot be decoded."""

import os
from collections.abc import Iterator
from fractions import Fraction

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from framefleet.errors import InputError
from framefleet.media.files.container import frame_length
from framefleet.media.types import MediaInfo
from framefleet.media.video.packet import Step
from framefleet.media.video.packets import read_steps
from framefleet.media.video.sequential import events, frame_threads, open_video
from framefleet.outputs.render.options import RenderOptions

_STILL = Fraction(1, 10)  # maximum interval, in seconds, at which a still last frame is repeated


class Shots:
    """An iterator over times, ascending, and the frames shown from then on. `first` is read in advance.

    Time 0 is `start`: that of the `look`, rounded down to a tick of the file's clock, so that every frame keeps a tick
    of its own. It ends after `length` (None: with the video). If sound continues after the last frame (`stands`), that
    frame is repeated, so that the drawing on it can change; `repeats` is true from then on.
    """

    def __init__(self, media: MediaInfo, container: InputContainer, look: RenderOptions) -> None:
        """Open the video. Raises `InputError` if no frame can be decoded."""
        self.stream: VideoStream = open_video(media, container, threads=frame_threads(os.cpu_count() or 1))
        assert self.stream.time_base is not None
        self.time_base: Fraction = self.stream.time_base
        self.start = look.start // self.time_base * self.time_base
        self.length = None if look.end is None else look.end - self.start
        self.stands = media.pictures_s is not None
        self.repeats = False
        self._media = media
        self._lost, self._why = 0, ""
        self._frames = self._read(container)
        first = next(self._frames, None)
        if first is None:
            raise InputError(f"{media.path}: none of the requested frames can be decoded")
        self.first = first

    def __iter__(self) -> Iterator[tuple[Fraction, VideoFrame]]:
        yield self.first
        yield from self._frames

    @property
    def notes(self) -> list[str]:
        if not self._lost:
            return []
        stretches = f"{self._lost} stretch{'es' if self._lost > 1 else ''}"
        return [f"{stretches} without a decodable frame skipped; first: {self._why}"]

    def _read(self, container: InputContainer) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Yield frames; the one on screen at the start begins there. Each is yielded once the next one is later."""
        waiting: tuple[Fraction, VideoFrame] | None = None
        for time, frame in self._shown(container):
            place = max(time - self.start, Fraction(0))
            if waiting is not None and place > waiting[0]:
                yield waiting
            if self.length is not None and place >= self.length:
                return
            waiting = place, frame
        if waiting is not None:
            self.repeats = self.stands
            yield waiting
            yield from self._still(*waiting)

    def _still(self, time: Fraction, frame: VideoFrame) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Repeat the last frame until the end of the sound."""
        end = Fraction(self._media.duration_s) - self.start
        end = end if self.length is None else min(end, self.length)
        step = max(1, round(min(frame_length(self.stream) or _STILL, _STILL) / self.time_base)) * self.time_base
        while self.stands and time + step < end:
            time += step
            yield time, frame

    def _steps(self, container: InputContainer) -> Iterator[Step]:
        return read_steps(container, self.stream, start=self._media.start + self.start if self.start else None)

    def _shown(self, container: InputContainer) -> Iterator[tuple[Fraction, VideoFrame]]:
        was_lost = True  # gaps before the first frame are not reported
        for time, frame in events(self._media, self.stream, self._steps(container)):
            if isinstance(frame, VideoFrame):
                yield time, frame
            elif not was_lost and self.start <= time < Fraction(self._media.duration_s):
                self._lost, self._why = self._lost + 1, self._why or f"at {float(time):.3f} s {frame}"
            was_lost = isinstance(frame, str)
