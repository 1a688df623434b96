"""Where sound is cut: nominal chunks from the header alone, then each cut moved to the quietest place nearby. Pure."""

from dataclasses import dataclass
from itertools import groupby
from math import ceil

import numpy as np
import numpy.typing as npt

from framefleet.timebase import Seconds, Span

RATE = 16_000
"""The sample rate of all audio here, in Hz: the one that Whisper takes."""

REACH_S = 15.0
"""The farthest that a cut moves: read speech pauses every few seconds, so a pause is always within reach."""

Samples = npt.NDArray[np.int16]

_WINDOW_S = 0.3  # shorter than a pause between sentences, longer than the closure of a "p" or "t" (about 0.1 s)
_HOP_S = 0.02
_ALIKE = 2.0  # windows up to 6 dB above the quietest belong to a pause
_FLOOR = 16.0  # RMS of 16 in 32768, −66 dBFS: there is no speech below it, so that everything quieter is one silence


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """The `number`-th planned chunk: its ends lie within `REACH_S` of the actual cuts.

    `track` is the number of the audio track in the file; None if there is only one. `part` is the part of the video
    that it belongs to; None if all of the sound is analyzed.
    """

    number: int
    span: Span
    track: int | None = None
    part: Span | None = None

    @property
    def units(self) -> Seconds:
        return self.span.length_s

    @property
    def reach_s(self) -> Seconds:
        """The farthest that its cuts may move: a quarter of the chunk at most, so that neighbouring cuts never meet."""
        return min(REACH_S, self.span.length_s / 4)

    def reach_at(self, cut_s: Seconds) -> Seconds:
        """Return the farthest that its cut at `cut_s` may move: 0 where its part begins or ends."""
        return 0.0 if self.part is not None and cut_s in {self.part.start_s, self.part.end_s} else self.reach_s


def plan_chunks(
    start_s: Seconds,
    end_s: Seconds,
    max_chunk_s: Seconds,
    *,
    first: int = 0,
    track: int | None = None,
    part: Span | None = None,
) -> list[AudioChunk]:
    """Return equal chunks of at most `max_chunk_s` that cover `start_s` to `end_s`; none if that span is empty.

    Their numbers begin at `first`.
    """
    length = end_s - start_s
    if length <= 0:
        return []
    count = max(1, ceil(length / max_chunk_s))
    edges = [start_s, *(round(start_s + length * k / count, 6) for k in range(1, count)), end_s]
    return [AudioChunk(first + k, Span(edges[k], edges[k + 1]), track, part) for k in range(count)]


def quietest(samples: Samples) -> int:
    """Return the index at which to cut `samples` (int16, mono, 16 kHz): the middle of the longest quiet pause.

    A pause is a run of 0.3 s windows whose RMS is within 6 dB of the quietest one; of pauses of equal length, the one
    nearest to the middle is taken. Sound shorter than a window is cut in the middle.
    """
    loudness = _loudness(samples)
    if not len(loudness):
        return len(samples) // 2
    quiet = loudness <= max(float(loudness.min()) * _ALIKE, _FLOOR)
    middle = len(loudness) / 2
    first, last = max(_runs(quiet), key=lambda run: (run[1] - run[0], -abs((run[0] + run[1]) / 2 - middle)))
    return round((first + last) / 2 * _HOP_S * RATE + _WINDOW_S * RATE / 2)


def _loudness(samples: Samples) -> npt.NDArray[np.float64]:
    """Return the RMS of each window, one per hop."""
    window, hop = round(_WINDOW_S * RATE), round(_HOP_S * RATE)
    power = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64))))
    starts = np.arange(0, len(samples) - window + 1, hop)
    return np.sqrt((power[starts + window] - power[starts]) / window)


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first and last index of each run of True."""
    runs = []
    for flag, group in groupby(enumerate(flags.tolist()), key=lambda pair: pair[1]):
        indices = [index for index, _ in group]
        if flag:
            runs.append((indices[0], indices[-1]))
    return runs
