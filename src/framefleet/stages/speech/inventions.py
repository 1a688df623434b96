"""What Whisper writes of sound in which nobody speaks. Pure."""

from collections.abc import Sequence
from itertools import groupby

from msgspec.structs import replace

from framefleet.protocol.whisper import WhisperReply, WhisperSegment
from framefleet.stages.speech.worker.loops import compression_ratio, repeats

LIKELY_SILENT = 0.7
"""The probability that nobody speaks, by Whisper itself, from which a loop is not believed: a synthetic "no",
said 24 times, has 0.68, and piano 0.77."""

TIMELESS = 0.5
"""The share of words without a duration from which a loop is not believed: over piano and traffic 0.9, in a chant 0."""


def without_inventions(reply: WhisperReply) -> WhisperReply:
    """Return the reply without what Whisper typically invents when it gets sound without speech.

    The segments of one window have the same measures, by which they are judged together.
    """
    heard = [segment for segment in reply.segments if not (segment.doubtful or _is_nothing(segment))]
    windows = (list(alike) for _, alike in groupby(heard, key=_window))
    return replace(reply, segments=[segment for window in windows if not _is_loop(window) for segment in window])


def _window(segment: WhisperSegment) -> tuple[float, float]:
    return segment.avg_logprob, segment.no_speech_prob


def _is_nothing(segment: WhisperSegment) -> bool:
    """Return whether it is but an ellipsis, or the one word that Whisper says of silence."""
    said = segment.text.strip(" .!").lower()
    return not said or (said == "you" and segment.no_speech_prob > 0.9 and segment.avg_logprob < -0.6)


def _is_loop(window: Sequence[WhisperSegment]) -> bool:
    text = " ".join(segment.text.strip() for segment in window)
    silent = window[0].no_speech_prob > LIKELY_SILENT
    return silent and repeats(compression_ratio(text)) and _timeless(window) > TIMELESS


def _timeless(window: Sequence[WhisperSegment]) -> float:
    """Return the share of words without a duration; 0.0 without words."""
    words = [word for segment in window for word in segment.words]
    return sum(word.end_s <= word.start_s for word in words) / len(words) if words else 0.0
