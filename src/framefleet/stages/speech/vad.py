"""Voice activity detection on the client, so that silence and music are not paid for.

The detector is Silero's, as faster-whisper ships it, with the thresholds of faster-whisper's own filter: a worker would
have skipped the same stretches. The whole clip is analyzed; pauses shorter than `SHORTEST_CUT_S` are left to the
worker.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from framefleet.media.audio.chunks import RATE, Samples
from framefleet.media.types import Clip
from framefleet.stages.speech.skipped import NO_SPEECH, Unsent
from framefleet.stages.speech.worker.model import let_threads_sleep
from framefleet.timebase import Seconds, Span
from framefleet.worker.waveform import Waveform, as_waveform

BLOCK_S = 60  # per call: a clip of 15 minutes at once takes 284 MB, a minute 25
SHORTEST_CUT_S: Seconds = 30.0  # less than this is not worth a seam
KEPT_S: Seconds = 1.0  # kept before and after speech, for a breath or a soft onset

Detector = Callable[[Waveform], list[tuple[int, int]]]
"""A function from samples at 16 kHz to stretches of speech, in order: (first sample, the one after the last)."""


@dataclass(frozen=True, slots=True)
class TrimmedClip(Clip):
    """The part of a planned clip that is to be sent; `skipped` is the rest, on the video's clock."""

    skipped: tuple[Unsent, ...] = ()


@cache
def silero() -> Detector | None:
    """Return the detector, loaded once; None if faster-whisper is not installed."""
    let_threads_sleep()
    try:
        from faster_whisper.vad import get_speech_timestamps
    except ImportError:
        return None
    return lambda samples: [(int(s["start"]), int(s["end"])) for s in get_speech_timestamps(samples)]


def trim(clip: Clip, detect: Detector) -> Clip | None:
    """Return a clip of samples without long silence: the same object if there is none, None if there is no speech."""
    assert not isinstance(clip.audio, bytes)
    heard = spoken(clip.audio, detect)
    if not heard:
        return None
    cuts = long_silences(heard, len(clip.audio))
    return _without(clip, clip.audio, cuts) if cuts else clip


def spoken(samples: Samples, detect: Detector) -> list[tuple[int, int]]:
    """Return all stretches of speech, in order. Speech that crosses the end of a block is two stretches that touch."""
    size = BLOCK_S * RATE
    return [
        (block + first, block + last)
        for block in range(0, len(samples), size)
        for first, last in detect(as_waveform(samples[block : block + size]))
    ]


def long_silences(heard: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Return the stretches to cut out of `length` samples, as (first, the one after the last). Pure."""
    margin = round(KEPT_S * RATE)
    return [
        (start + margin * (start > 0), end - margin * (end < length))
        for start, end in _between(heard, length)
        if end - start > SHORTEST_CUT_S * RATE
    ]


def _without(clip: Clip, samples: Samples, cuts: Sequence[tuple[int, int]]) -> TrimmedClip:
    """Return the clip with these samples cut out and the rest joined."""

    def clock(sample: int) -> Seconds:
        return clip.span.end_s if sample == len(samples) else round(clip.span.start_s + sample / RATE, 6)

    kept = [(start, end) for start, end in _between(cuts, len(samples)) if start < end]
    span = Span(clock(kept[0][0]), clock(kept[-1][1]))
    skipped = tuple(Unsent(clock(start), clock(end), NO_SPEECH) for start, end in cuts)
    left = np.concatenate([samples[start:end] for start, end in kept])
    return TrimmedClip(clip.number, span, left, clip.format, skipped, gaps=clip.gaps)


def _between(stretches: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Return the stretches before, between and after the given ones; some may be empty."""
    edges = [0, *(edge for stretch in stretches for edge in stretch), length]
    return list(zip(edges[::2], edges[1::2], strict=True))
