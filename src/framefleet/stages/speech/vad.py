"""Where in a clip somebody speaks, found here, so that silence and music are not paid for.

The detector is Silero's, as faster-whisper ships it; with the thresholds that faster-whisper's own filter has, so what
is not sent a worker would not have listened to either. All of a clip is looked at; pauses shorter than `SHORTEST_CUT_S`
are the worker's to find.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from framefleet.media.audio.chunks import RATE, Samples
from framefleet.media.types import Clip
from framefleet.stages.speech.skipped import NO_SPEECH, Unsent
from framefleet.timebase import Seconds, Span
from framefleet.worker.waveform import Waveform, as_waveform

BLOCK_S = 60  # looked at as one: all of a clip of 15 minutes at once takes 284 MB, a minute 25
SHORTEST_CUT_S: Seconds = 30.0  # less than this is not worth a seam
KEPT_S: Seconds = 1.0  # left before and after what is spoken: a breath, a soft onset

Detector = Callable[[Waveform], list[tuple[int, int]]]
"""Samples at 16 kHz in, stretches of speech out: their first samples and those that follow them, in order."""


@dataclass(frozen=True, slots=True)
class TrimmedClip(Clip):
    """As much of a planned clip as is to be sent; `skipped` is the rest, on the video's clock."""

    skipped: tuple[Unsent, ...] = ()


@cache
def silero() -> Detector | None:
    """The detector, loaded once; None where faster-whisper is not installed."""
    try:
        from faster_whisper.vad import get_speech_timestamps
    except ImportError:
        return None
    return lambda samples: [(int(s["start"]), int(s["end"])) for s in get_speech_timestamps(samples)]


def trim(clip: Clip, detect: Detector) -> Clip | None:
    """A clip of samples without long silence, the very clip where there is none, None where nobody speaks at all."""
    assert not isinstance(clip.audio, bytes)
    heard = spoken(clip.audio, detect)
    if not heard:
        return None
    cuts = long_silences(heard, len(clip.audio))
    return _without(clip, clip.audio, cuts) if cuts else clip


def spoken(samples: Samples, detect: Detector) -> list[tuple[int, int]]:
    """All stretches of speech, in order; what goes on over a block's end are two that touch."""
    size = BLOCK_S * RATE
    return [
        (block + first, block + last)
        for block in range(0, len(samples), size)
        for first, last in detect(as_waveform(samples[block : block + size]))
    ]


def long_silences(heard: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """What to cut out of `length` samples: stretches of them, each its first and the one after its last. Pure."""
    margin = round(KEPT_S * RATE)
    return [
        (start + margin * (start > 0), end - margin * (end < length))
        for start, end in _between(heard, length)
        if end - start > SHORTEST_CUT_S * RATE
    ]


def _without(clip: Clip, samples: Samples, cuts: Sequence[tuple[int, int]]) -> TrimmedClip:
    """The clip with these samples cut out, what is left put together."""

    def clock(sample: int) -> Seconds:
        return clip.span.end_s if sample == len(samples) else round(clip.span.start_s + sample / RATE, 6)

    kept = [(start, end) for start, end in _between(cuts, len(samples)) if start < end]
    span = Span(clock(kept[0][0]), clock(kept[-1][1]))
    skipped = tuple(Unsent(clock(start), clock(end), NO_SPEECH) for start, end in cuts)
    left = np.concatenate([samples[start:end] for start, end in kept])
    return TrimmedClip(clip.number, span, left, clip.format, skipped, gaps=clip.gaps)


def _between(stretches: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """What lies before, between and after the stretches; some of it may be empty."""
    edges = [0, *(edge for stretch in stretches for edge in stretch), length]
    return list(zip(edges[::2], edges[1::2], strict=True))
