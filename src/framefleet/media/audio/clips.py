"""Audio decoded in one pass, as clips that follow each other without a gap."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial

import numpy as np

from framefleet.media.audio.chunks import (
    RATE,
    AudioChunk,
    Samples,
    plan_chunks,
    quietest,
)
from framefleet.media.audio.encode import ClipForm, clip_builder
from framefleet.media.audio.gaps import SoundGap, gaps_of
from framefleet.media.audio.stream import read_sound
from framefleet.media.types import Clip, MediaInfo
from framefleet.timebase import Seconds, Span

Take = Callable[[Samples], None]


def sound_span(media: MediaInfo) -> Span:
    """Return the span of the sound on the video's clock, as the header states it; empty if there is no sound."""
    if media.audio is None:
        return Span(0.0, 0.0)
    return Span(media.audio.start_s, round(media.audio.start_s + media.audio.duration_s, 6))


def plan_sound(media: MediaInfo, max_chunk_s: Seconds) -> list[AudioChunk]:
    """Return nominal chunks over the sound of the parts that are analyzed; none without sound. Pure."""
    span, audio = sound_span(media), media.audio
    several = audio is not None and (audio.tracks or 1) > 1
    track = audio.track if audio and several else None
    if not media.parts:
        return plan_chunks(span.start_s, span.end_s, max_chunk_s, track=track)
    chunks: list[AudioChunk] = []
    for part in media.parts:
        start_s, end_s = max(part.start_s, span.start_s), min(part.end_s, span.end_s)
        chunks += plan_chunks(start_s, end_s, max_chunk_s, first=len(chunks), track=track, part=part)
    return chunks


def decode_clips(
    media: MediaInfo,
    chunks: Sequence[AudioChunk],
    *,
    format: ClipForm = "opus",
    on_mended: Callable[[], None] | None = None,
) -> Iterator[Clip]:
    """Yield a clip for each of `chunks`, in order of time.

    The chunks are of one plan over `sound_span(media)`; some may be missing. `clip.span` is its actual span: each cut
    has moved to the quietest place within the chunk's reach, which is the same place whichever chunks are requested.
    The last chunk of the plan takes everything that is left; if the sound ends early, a clip may be empty. A clip is
    encoded while the sound is read: memory holds its bytes ("samples": 2 MB per minute) and the sound around the next
    cut, whatever the file's length.

    Parts that cannot be decoded are silent, and listed in `clip.gaps`. `on_mended` is called once if the mix includes
    channels that a plain mix would lose. Raises `InputError` if nothing can be decoded.
    """
    if not chunks:
        return
    whole, gaps = sound_span(media), list[SoundGap]()
    read = read_sound if on_mended is None else partial(read_sound, on_mended=on_mended)
    with closing(read(media, whole, gaps.append)) as blocks:
        cutter = _Cutter(blocks, whole)
        for chunk in sorted(chunks, key=lambda chunk: chunk.number):
            with closing(clip_builder(format)) as builder:
                span = cutter.cut_out(chunk, builder.add)
                last = chunk.span.end_s >= whole.end_s
                yield Clip(chunk.number, span, builder.finish(), format, gaps=gaps_of(gaps, span, last=last))


class _Cutter:
    """A reader that passes on the sound between two cuts, and holds only the sound around the next cut."""

    def __init__(self, blocks: Iterator[Samples], whole: Span) -> None:
        self._blocks = blocks
        self._whole = whole
        self._held: deque[Samples] = deque()
        self._start = self._end = 0  # of the held samples; everything before `_end` has been read
        self._cut_at: tuple[Seconds, int] | None = None  # the last cut: its planned time, and its actual sample

    def cut_out(self, chunk: AudioChunk, take: Take) -> Span:
        """Pass the chunk's samples to `take` in pieces, and return the chunk's actual span. Drops earlier sound."""
        start_s, end_s = chunk.span.start_s, chunk.span.end_s
        if self._cut_at is None or self._cut_at[0] != start_s:
            self._cut_at = (start_s, self._cut(start_s, chunk.reach_at(start_s), _drop))
        start = self._cut_at[1]
        self._hand_on(start, _drop)
        end = self._cut(end_s, chunk.reach_at(end_s), take)
        self._hand_on(end, take)
        self._cut_at = (end_s, end)
        return Span(self._time(start), self._time(end))

    def _cut(self, nominal_s: Seconds, reach_s: Seconds, take: Take) -> int:
        """Return the sample at which the chunks that meet at `nominal_s` part. It depends only on the sound around it.

        Sound before the search window is passed to `take`.
        """
        if nominal_s <= self._whole.start_s:
            return 0
        if nominal_s >= self._whole.end_s:
            while self._read_block():
                self._hand_on(self._end, take)
            return self._end
        nominal, reach = round((nominal_s - self._whole.start_s) * RATE), round(reach_s * RATE)
        while self._end < nominal + reach and self._read_block():
            self._hand_on(nominal - reach, take)
        low, high = min(nominal - reach, self._end), min(nominal + reach, self._end)
        around = np.concatenate([np.zeros(0, dtype=np.int16), *self._held])
        return low + quietest(around[low - self._start : high - self._start])

    def _time(self, position: int) -> Seconds:
        return round(self._whole.start_s + position / RATE, 6)

    def _read_block(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._held.append(block)
        self._end += len(block)
        return True

    def _hand_on(self, until: int, take: Take) -> None:
        """Pass the held sound before sample `until` to `take`."""
        while self._held and self._start < until:
            block = self._held.popleft()
            count = min(len(block), until - self._start)
            take(block[:count])
            self._start += count
            if count < len(block):
                self._held.appendleft(block[count:])


def _drop(samples: Samples) -> None:
    """Discard samples that are not part of a requested chunk."""
