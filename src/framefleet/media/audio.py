"""Sound, decoded once, as encoded clips that follow each other without a gap."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np

from framefleet.media.audio_encode import ClipFormat, encode_clip
from framefleet.media.audio_plan import RATE, AudioChunk, Samples, quietest
from framefleet.media.audio_stream import OnGap, read_sound
from framefleet.media.info import Clip, MediaInfo
from framefleet.units import Seconds, Span


def sound_span(media: MediaInfo) -> Span:
    """Where the header says the sound lies on the video's clock; an empty span where there is none."""
    if media.audio is None:
        return Span(0.0, 0.0)
    return Span(media.audio.start_s, round(media.audio.start_s + media.audio.duration_s, 6))


def decode_clips(
    media: MediaInfo, chunks: Sequence[AudioChunk], *, format: ClipFormat = "opus", on_gap: OnGap = lambda _gap: None
) -> Iterator[Clip]:
    """A clip for each of `chunks` (of one plan over `sound_span(media)`; some may be left out), in time's order.

    `clip.span` is where it really lies: each cut has moved to the quietest place within the chunk's reach, the same
    place whichever chunks are asked for. The last chunk of the plan takes all that is left; where the sound ends
    early a clip may be empty. Memory holds one chunk and a search window, whatever the file's length.
    Stretches that cannot be decoded are silent and told to `on_gap` once all is read. Raises `InputError` if
    nothing can be decoded.
    """
    if not chunks:
        return
    whole = sound_span(media)
    with closing(read_sound(media, whole, on_gap)) as blocks:
        window = _Window(blocks, whole)
        for chunk in sorted(chunks, key=lambda chunk: chunk.number):
            start, end, samples = window.take(chunk)
            yield Clip(chunk.number, Span(start, end), encode_clip(samples, format), format)


class _Window:
    """The stretch of the sound that is in memory: of `_end` samples read so far, those from `_start` on."""

    def __init__(self, blocks: Iterator[Samples], whole: Span) -> None:
        self._blocks = blocks
        self._whole = whole
        self._held: list[Samples] = []
        self._start = self._end = 0
        self._cut_at: tuple[Seconds, int] | None = None  # the last cut: where it was planned, where it is

    def take(self, chunk: AudioChunk) -> tuple[Seconds, Seconds, Samples]:
        """The chunk's real start, end and samples; what lies before it is let go."""
        reach = round(chunk.reach_s * RATE)
        if self._cut_at is None or self._cut_at[0] != chunk.span.start_s:
            self._skip_to(self._position(chunk.span.start_s) - reach)
            self._cut_at = (chunk.span.start_s, self._cut(chunk.span.start_s, reach))
        start = self._cut_at[1]
        self._drop(start)
        end = self._cut(chunk.span.end_s, reach)
        self._cut_at = (chunk.span.end_s, end)
        return self._time(start), self._time(end), self._samples()[: end - start]

    def _cut(self, nominal_s: Seconds, reach: int) -> int:
        """The sample at which the chunks that meet at `nominal_s` part; it depends on the sound around it alone."""
        if nominal_s <= self._whole.start_s:
            return 0
        if nominal_s >= self._whole.end_s:
            self._read_to(None)
            return self._end
        nominal = self._position(nominal_s)
        self._read_to(nominal + reach)
        low, high = min(nominal - reach, self._end), min(nominal + reach, self._end)
        return low + quietest(self._samples()[low - self._start : high - self._start])

    def _position(self, time_s: Seconds) -> int:
        return round((time_s - self._whole.start_s) * RATE)

    def _time(self, position: int) -> Seconds:
        return round(self._whole.start_s + position / RATE, 6)

    def _skip_to(self, position: int) -> None:
        """Reads up to `position` without keeping more than a block."""
        while self._end < position and self._read_block():
            self._held, self._start = self._held[-1:], self._end - len(self._held[-1])

    def _read_to(self, position: int | None) -> None:
        while (position is None or self._end < position) and self._read_block():
            pass

    def _read_block(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._held.append(block)
        self._end += len(block)
        return True

    def _drop(self, until: int) -> None:
        self._held, self._start = [self._samples()[until - self._start :].copy()], until

    def _samples(self) -> Samples:
        """All that is held, as one array."""
        if len(self._held) != 1:
            self._held = [np.concatenate([np.zeros(0, dtype=np.int16), *self._held])]
        return self._held[0]
