"""A file's sound as one unbroken line of samples on the video's clock, whatever its timestamps and errors do."""

from collections.abc import Callable, Generator, Iterator

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from framefleet.errors import InputError
from framefleet.media.audio_plan import RATE, Samples
from framefleet.media.container import audio_stream, demuxed, open_media
from framefleet.media.info import MediaInfo
from framefleet.media.sound_gap import SoundGap
from framefleet.units import Seconds, Span

JUMP_S = 0.1
"""Timestamps that wander less are let be: container rounding and clock drift (FFmpeg's `aresample=min_hard_comp`)."""

BACK_S = 10.0
"""A larger jump back is a clock that started anew, not sound said twice: what follows is kept."""

EARLY_S = 1.0
"""Sound that ends this much before its own header says is missing something."""

SPARE_S = 60.0
"""Sound beyond the header's end is kept up to this length; more would be unbounded."""

SLOWEST_RATE = 1000
"""Samples a second. A header that says fewer is wrong, and would make hours of one frame."""

_BLOCK = 60 * RATE


OnGap = Callable[[SoundGap], None]


def read_sound(media: MediaInfo, span: Span, on_gap: OnGap) -> Generator[Samples, None, None]:
    """Blocks of int16 mono samples at 16 kHz, the first at `span.start_s`, each where the last one ended.

    `span` is where the header says the sound lies. Missing sound is filled with silence and sound given twice is
    dropped, so that a sample's place is its time. A stretch that cannot be decoded is told to `on_gap` before the
    silence in its place is handed on, and what is missing at the end before this ends. Raises `InputError` if nothing
    at all can be decoded.
    """
    line = _Line(media, span, on_gap)
    with open_media(media.path) as container:
        stream = audio_stream(container, media.audio.track if media.audio else None)
        if stream is None:
            raise InputError(f"{media.path}: no sound that can be decoded; use --no-speech")
        for frame in _frames(container, stream, line):
            yield from line.place(frame)
            if line.position > line.length + SPARE_S * RATE:
                line.error = "there is far more sound than the file's header says; the rest is left out"
                break
        yield from line.end()
    if line.error and not line.heard:
        raise InputError(f"{media.path}: its sound cannot be decoded: {line.error}; use --no-speech to do without")


def _frames(container: InputContainer, stream: AudioStream, line: "_Line") -> Iterator[AudioFrame]:
    """Every frame that can be decoded; what cannot is noted on `line`."""
    packets = demuxed(container.demux(stream))
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError as error:
            line.error = f"the file cannot be read on: {error.strerror}"
            return
        try:
            yield from packet.decode()
        except av.FFmpegError as error:
            line.error = f"the sound is damaged: {error.strerror}"


class _Line:
    """The samples handed on so far. `position` counts them; sample n is heard at `origin + n / RATE`."""

    def __init__(self, media: MediaInfo, span: Span, on_gap: OnGap) -> None:
        self.length = round(span.length_s * RATE)
        self.position = 0
        self.heard = False
        self.error: str | None = None  # what went wrong since the last frame
        self._on_gap = on_gap
        self._origin = span.start_s
        self._shift = -float(media.start)  # from the file's time to the video's clock
        self._due = self._origin  # when the next frame begins if nothing is missing
        self._skip = 0  # samples to drop, having been heard before
        self._setup: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def place(self, frame: AudioFrame) -> Iterator[Samples]:
        time = self._time_of(frame)
        tolerance = JUMP_S if self.heard and not self.error else 0
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if frame.sample_rate < SLOWEST_RATE:
            self.error = f"the sound is damaged: {frame.sample_rate} samples a second"
            return
        if abs(time - self._due) > tolerance or setup != self._setup:
            yield from self._flush()
            yield from self._move_to(round((time - self._origin) * RATE))
            self._setup = setup
            self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        assert self._resampler is not None
        try:
            resampled = self._resampler.resample(frame)
        except av.FFmpegError as error:
            self.error = f"the sound is damaged: {error.strerror} ({frame.layout.name}, {frame.format.name})"
            self._setup = self._resampler = None
            return
        self._due = time + frame.samples / frame.sample_rate
        self.heard, self.error = True, None
        yield from self._hand_on(resampled)

    def end(self) -> Iterator[Samples]:
        """What the resampler still holds; notes what is missing at the end."""
        yield from self._flush()
        if not self.error and self.length - self.position > EARLY_S * RATE:
            self.error = "the sound ends before the length that the file's header gives"
        if self.error:
            self._note_gap(max(self.position, self.length))

    def _time_of(self, frame: AudioFrame) -> Seconds:
        """The frame's time on the video's clock; right after the last one if the file's time cannot be believed."""
        if frame.time is None:
            return self._due
        time = frame.time + self._shift
        place = (time - self._origin) * RATE
        if self.position - BACK_S * RATE <= place <= self.length + SPARE_S * RATE:
            return time
        self._shift += self._due - time
        return self._due

    def _move_to(self, target: int) -> Iterator[Samples]:
        """Silence up to `target`, or a note to drop what has been heard already."""
        if self.error and target > self.position:
            self._note_gap(target)
        self._skip = max(0, self.position - target)
        while self.position < target:
            silence = np.zeros(min(_BLOCK, target - self.position), dtype=np.int16)
            self.position += len(silence)
            yield silence

    def _flush(self) -> Iterator[Samples]:
        if self._resampler is not None:
            yield from self._hand_on(self._resampler.resample(None))
            self._resampler = None

    def _hand_on(self, frames: list[AudioFrame]) -> Iterator[Samples]:
        for frame in frames:
            samples = frame.to_ndarray()[0]
            kept = samples[self._skip :]
            self._skip = max(0, self._skip - len(samples))
            self.position += len(kept)
            yield kept

    def _note_gap(self, end: int) -> None:
        self._on_gap(SoundGap(Span(self._clock(self.position), self._clock(end)), self.error or ""))

    def _clock(self, position: int) -> Seconds:
        return round(self._origin + position / RATE, 6)
