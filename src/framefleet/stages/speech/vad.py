"""Where in a clip somebody speaks, found here, so that silence and music are not paid for.

The detector is Silero's, as faster-whisper ships it; with the thresholds that faster-whisper's own filter has, so what
is not sent a worker would not have listened to either. It looks from both ends only as far as the first and the last
speech: the speech between them is the worker's to find.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from framefleet.errors import WorkerError
from framefleet.media.audio_encode import encode_clip
from framefleet.media.info import Clip
from framefleet.stages.speech.listen import RATE, Waveform, decode
from framefleet.stages.speech.skipped import NO_SPEECH, Skipped
from framefleet.units import Seconds, Span
from framefleet.wire.whisper import AudioFormat

BLOCK_S = 60  # looked at as one: all of a clip of 15 minutes at once takes 284 MB, a minute 25
SHORTEST_CUT_S: Seconds = 30.0  # less than this at a clip's end is not worth encoding it again
KEPT_S: Seconds = 1.0  # left before the first and after the last speech: a breath, a soft onset

Detector = Callable[[Waveform], list[tuple[int, int]]]
"""Samples at 16 kHz in, stretches of speech out: their first samples and those that follow them, in order."""


@dataclass(frozen=True, slots=True)
class TrimmedClip(Clip):
    """As much of a planned clip as is to be sent; `skipped` is the rest, on the video's clock."""

    skipped: tuple[Skipped, ...] = ()


@cache
def silero() -> Detector | None:
    """The detector, loaded once; None where faster-whisper is not installed."""
    try:
        from faster_whisper.vad import get_speech_timestamps
    except ImportError:
        return None
    return lambda samples: [(int(s["start"]), int(s["end"])) for s in get_speech_timestamps(samples)]


def trim(clip: Clip, detect: Detector) -> Clip | None:
    """The clip without long silence at its ends, the very clip where there is none, None where nobody speaks at all."""
    try:
        samples = decode(clip.audio, _format(clip), clip.span.length_s)
    except WorkerError:
        return clip  # whoever it is sent to says what is wrong with it
    spoken = spoken_span(samples, detect)
    if spoken is None:
        return None
    first, last = spoken
    cut_in = first > SHORTEST_CUT_S * RATE
    cut_out = len(samples) - last > SHORTEST_CUT_S * RATE
    if not cut_in and not cut_out:
        return clip
    start = first - round(KEPT_S * RATE) if cut_in else 0
    end = last + round(KEPT_S * RATE) if cut_out else len(samples)
    return _cut(clip, samples, start, end)


def spoken_span(samples: Waveform, detect: Detector) -> tuple[int, int] | None:
    """The first sample of the first speech and the one after the last; None where there is none."""
    size = BLOCK_S * RATE
    blocks = range(0, len(samples), size)
    for block in blocks:
        if heard := detect(samples[block : block + size]):
            first, last = block + heard[0][0], block + heard[-1][1]
            break
    else:
        return None
    for later in reversed(range(block + size, len(samples), size)):
        if heard := detect(samples[later : later + size]):
            return first, later + heard[-1][1]
    return first, last


def _cut(clip: Clip, samples: Waveform, start: int, end: int) -> TrimmedClip:
    """Samples `start` to `end` of the clip as a clip of their own, in Opus."""
    span = clip.span
    start_s = round(span.start_s + start / RATE, 6) if start else span.start_s
    end_s = round(span.start_s + end / RATE, 6) if end < len(samples) else span.end_s
    cut = [Skipped(*ends, NO_SPEECH) for ends in ((span.start_s, start_s), (end_s, span.end_s)) if ends[0] < ends[1]]
    audio = encode_clip((samples[start:end] * 32768).astype("int16"), "opus")
    return TrimmedClip(clip.number, Span(start_s, end_s), audio, "opus", tuple(cut))


def _format(clip: Clip) -> AudioFormat:
    return "flac" if clip.format == "flac" else "opus"
