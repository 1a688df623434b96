"""A file's sound as one continuous line of samples on the video's clock, whatever its timestamps and errors."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import chain, islice
from typing import NamedTuple, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from framefleet.errors import InputError
from framefleet.logs import logger
from framefleet.media.audio.channels import BLOCK_S, Mixer
from framefleet.media.audio.chunks import RATE, Samples
from framefleet.media.audio.clock import Heard, Place, lay
from framefleet.media.audio.gaps import SoundGap
from framefleet.media.files.container import audio_stream, open_media
from framefleet.media.types import MediaInfo
from framefleet.media.video.packets import timed
from framefleet.timebase import Seconds, Span

log = logger(__name__)

BACK_S = 10.0
"""A larger jump back is a clock that restarted, not repeated sound: the sound that follows is kept."""

EARLY_S = 1.0
"""Sound that ends this long before its own header states is incomplete."""

SPARE_S = 60.0
"""Sound beyond the end in the header is kept up to this length; more would be unbounded."""

SLOWEST_RATE = 1000
"""In Hz. A header with a lower rate is wrong, and would turn one frame into hours."""

_BLOCK = 60 * RATE
_REPEATED_WITHIN = 8  # packets; what a network delivers twice comes again at once
_TOLD_TWICE = 3  # so many packets with one time are not a network's repetition


OnGap = Callable[[SoundGap], None]


def read_sound(
    media: MediaInfo, span: Span, on_gap: OnGap, on_mended: Callable[[], None] | None = None
) -> Generator[Samples, None, None]:
    """Yield blocks of int16 mono samples at 16 kHz, the first at `span.start_s`, each where the last one ended.

    `span` is where the header says the sound lies. Missing sound becomes silence, repeated sound is dropped, and sound
    whose clock drifts is played slightly slower or faster, so that a sample's place is its time. `on_gap` is called
    with each part that cannot be decoded, before the silence in its place is yielded, and with what is missing at the
    end. `on_mended` is called once if the mix includes channels that a plain mix to mono would lose. Raises
    `InputError` if nothing at all can be decoded.
    """
    line, reading = _SampleLine(media, span, on_gap), SoundReading(media, span)
    with closing(reading.frames()) as frames:
        for heard, place in lay(frames, span.start_s):
            if reading.mended and on_mended is not None:
                on_mended()
                on_mended = None
            yield from line.add(heard.frame, place)
            if line.position > line.length + SPARE_S * RATE:
                reading.error = "there is far more sound than the file's header states; the rest is skipped"
                break
        yield from line.end(reading.error)
    if line.error and not line.heard:
        raise InputError(
            f"{media.path}: its sound cannot be decoded: {line.error}",
            hint="pass --no-speech to analyze the video without it",
        )


class SoundFrame(NamedTuple):
    """A decoded frame, its setup, and the error since the frame before.

    Frames of different setups cannot share a resampler.
    """

    frame: AudioFrame
    setup: tuple[str, str, int]
    lost: str | None


class SoundReading:
    """One pass over the frames of the chosen track, with their times on the video's clock."""

    def __init__(self, media: MediaInfo, span: Span) -> None:
        self.error: str | None = None  # what went wrong since the last frame
        self._media = media
        self._span = span
        self._mixer = Mixer(media.audio_channel)
        self._shift = -float(media.start)  # offset from the file's time to the video's clock
        self._due = span.start_s  # when the next frame begins if none is missing
        self._setup: tuple[str, str, int] | None = None
        self._told: int | None = None  # the timestamp of the last frame

    @property
    def mended(self) -> bool:
        """Whether the mix includes channels that FFmpeg's mix to mono would lose."""
        return self._mixer.mended

    def frames(self) -> Generator[Heard[SoundFrame], None, None]:
        """Yield each frame that can be decoded, and note the errors. Raises `InputError` if there is no such track."""
        media = self._media
        with open_media(media.path) as container:
            stream = audio_stream(container, media.audio.track if media.audio else None)
            if stream is None:
                raise InputError(f"{media.path}: no sound that can be decoded", hint="pass --no-speech")
            for block in _blocks(self._decode(container, stream)):
                mixed = self._mixer.heard([frame.frame for frame in block])
                for frame, heard in zip(block, mixed, strict=True):
                    yield self._timed(
                        frame if heard is frame.frame else SoundFrame(heard, _setup_of(heard), frame.lost)
                    )

    def _decode(self, container: InputContainer, stream: AudioStream) -> Iterator[SoundFrame]:
        own = (packet for packet in timed(container) if packet.stream_index == stream.index)
        packets = _once(cast("Iterator[Packet[AudioStream]]", own))
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                log.info("reading the sound failed; the rest is skipped", exc_info=error)
                self.error = f"the rest of the file cannot be read: {error.strerror}"
                return
            try:
                for frame in packet.decode():
                    if frame.sample_rate < SLOWEST_RATE:
                        self.error = f"the sound is damaged: {frame.sample_rate} samples per second"
                        continue
                    lost, self.error = self.error, None
                    yield SoundFrame(frame, _setup_of(frame), lost)
            except av.FFmpegError as error:
                log.debug("an audio packet cannot be decoded", exc_info=error)
                self.error = f"the sound is damaged: {error.strerror}"

    def _timed(self, frame: SoundFrame) -> Heard[SoundFrame]:
        length = frame.frame.samples / frame.frame.sample_rate
        time = self._time_of(frame.frame)
        anew = frame.lost is not None or frame.setup != self._setup
        self._setup = frame.setup
        self._due = (self._due if time is None else time) + length
        return Heard(time, length, frame, anew)

    def _time_of(self, frame: AudioFrame) -> Seconds | None:
        """Return the frame's time on the video's clock; None if it has none, or one that cannot be right.

        That is one that the frame before already had (RealAudio gives all of them 0).
        """
        before, self._told = self._told, frame.pts
        if frame.time is None or frame.pts == before:
            return None
        time = frame.time + self._shift
        if self._due - BACK_S <= time <= self._span.end_s + SPARE_S:
            return time
        self._shift += self._due - time
        return None


def _setup_of(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _once(packets: "Iterator[Packet[AudioStream]]") -> "Iterator[Packet[AudioStream]]":
    """Yield the packets without repeated ones (same time and content).

    Decoders would take a repeated packet for the next one, and spoil both. If the first packets all have the same time,
    times mean nothing and silence repeats itself, so that all are kept.
    """
    first: list[Packet[AudioStream]] = []
    error: av.FFmpegError | None = None
    try:
        first.extend(islice(packets, _REPEATED_WITHIN))
    except av.FFmpegError as unread:
        error = unread  # raised after the packets that came before it
    are_timed = len(first) < _TOLD_TWICE or len({packet.pts for packet in first if packet.size}) > 1
    recent = deque[tuple[int, bytes]](maxlen=_REPEATED_WITHIN)
    for packet in chain(first, packets):
        if are_timed and packet.pts is not None and packet.size:
            told = packet.pts, bytes(packet)
            if told in recent:
                continue
            recent.append(told)
        yield packet
    if error is not None:
        raise error


def _blocks(frames: Iterator[SoundFrame]) -> Iterator[list[SoundFrame]]:
    """Yield the same frames in blocks of one setup that last `BLOCK_S`."""
    block, held = list[SoundFrame](), 0.0
    for frame in frames:
        if block and (held >= BLOCK_S or frame.setup != block[0].setup):
            yield block
            block, held = [], 0.0
        block.append(frame)
        held += frame.frame.samples / frame.frame.sample_rate
    if block:
        yield block


class _SampleLine:
    """The line of samples so far. `position` counts them; sample n is heard at `origin + n / RATE`."""

    def __init__(self, media: MediaInfo, span: Span, on_gap: OnGap) -> None:
        self.length = round(span.length_s * RATE)
        self.position = 0
        self.heard = False
        self.error: str | None = None  # what went wrong since the last frame
        self._is_promised = media.audio is None or media.audio.duration_from != "estimated"
        self._on_gap = on_gap
        self._origin = span.start_s
        self._skip = 0  # repeated samples to drop
        self._owed = 0.0  # samples by which the next ones must be played longer
        self._last = np.zeros(2, dtype=np.int16)  # the last samples passed on, at least two
        self._setup: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def add(self, sound: SoundFrame, place: Place) -> Iterator[Samples]:
        self.error = sound.lost or self.error
        if place.jump or self._resampler is None or sound.setup != self._setup:
            yield from self._flush()
            yield from self._move_to(round((place.start - self._origin) * RATE))
            self._setup = sound.setup
            self._resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
        try:
            resampled = self._resampler.resample(sound.frame)
        except av.FFmpegError as error:
            log.debug("the sound cannot be resampled; starting a new resampler", exc_info=error)
            frame = sound.frame
            self.error = f"the sound is damaged: {error.strerror} ({frame.layout.name}, {frame.format.name})"
            self._setup = self._resampler = None
            return
        self.heard, self.error = True, None
        self._owed += place.stretch * RATE
        yield from self._hand_on(resampled)

    def end(self, error: str | None) -> Iterator[Samples]:
        """Yield what the resampler still holds, and note what is missing at the end. `error` came after all frames."""
        self.error = error or self.error
        yield from self._flush()
        if not self.error and self._is_promised and self.length - self.position > EARLY_S * RATE:
            self.error = "the sound ends before the duration in the file's header"
        if self.error:
            self._note_gap(max(self.position, self.length))

    def _move_to(self, target: int) -> Iterator[Samples]:
        """Yield silence up to `target`, or remember how many repeated samples to drop."""
        if self.error and target > self.position:
            self._note_gap(target)
        self._skip, self._owed = max(0, self.position - target), 0.0
        while self.position < target:
            silence = np.zeros(min(_BLOCK, target - self.position), dtype=np.int16)
            self.position += len(silence)
            self._last = np.zeros(2, dtype=np.int16)
            yield silence

    def _flush(self) -> Iterator[Samples]:
        if self._resampler is not None:
            yield from self._hand_on(self._resampler.resample(None))
            self._resampler = None

    def _hand_on(self, frames: list[AudioFrame]) -> Iterator[Samples]:
        for frame in frames:
            samples = frame.to_ndarray()[0]
            longer = round(self._owed)
            if longer and len(samples) + longer > 0:
                samples = _played(samples, len(samples) + longer, self._last)
                self._owed -= longer
            self._last = samples if len(samples) > 1 else np.concatenate((self._last, samples))
            kept = samples[self._skip :]
            self._skip = max(0, self._skip - len(samples))
            self.position += len(kept)
            yield kept

    def _note_gap(self, end: int) -> None:
        self._on_gap(SoundGap(Span(self._clock(self.position), self._clock(end)), self.error or ""))

    def _clock(self, position: int) -> Seconds:
        return round(self._origin + position / RATE, 6)


def _played(samples: Samples, count: int, before: Samples) -> Samples:
    """Return `samples` played slower or faster, as `count` samples that follow those in `before`.

    Interpolates with a cubic through four neighbours (Catmull-Rom); the last sample stays the last, so that pieces of
    different speeds join without a step.
    """
    known = np.concatenate((before[-2:], samples, np.repeat(samples[-1:], 2))).astype(np.float64)
    at = np.arange(1, count + 1) * (len(samples) / count)
    whole = np.minimum(at.astype(np.intp), len(samples))
    part = at - whole
    a, b, c, d = (known[whole + k] for k in range(4))
    curve = b + part / 2 * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)))
    played: Samples = np.clip(np.rint(curve), -32768, 32767).astype(np.int16)
    return played
