"""The merge of answers, one per clip, into one transcript on the video's clock. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from msgspec import UNSET
from msgspec.structs import replace as changed

from framefleet.protocol.whisper import WhisperReply, WhisperSegment
from framefleet.schema.speech import (
    Segment,
    Skipped,
    Transcription,
    Word,
)
from framefleet.stages.base import Answer
from framefleet.stages.speech.clock import placed, stretches
from framefleet.stages.speech.skipped import SentTime, joined
from framefleet.stages.speech.worker.loops import compression_ratio, repeats
from framefleet.timebase import Span

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
    return changed(reply, segments=[segment for window in windows if not _is_loop(window) for segment in window])


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


def merge_speech(
    answers: Sequence[Answer[WhisperReply]], unanswered: Sequence[SentTime] = (), *, vad: bool = True
) -> Transcription:
    """Return all clips' segments as one transcription, whatever their order of arrival.

    Clips without an answer are left out. Skipped stretches are listed in any case. Without voice activity detection
    (`vad`), typical inventions of Whisper are left out.
    """
    in_order = sorted(answers, key=lambda answer: (answer.facts[0].span.start_s, answer.facts[0].span.end_s))
    if not vad:
        in_order = [replace(answer, reply=without_inventions(answer.reply)) for answer in in_order]
    segments = [segment for answer in in_order for segment in _on_the_clock(answer)]
    segments.sort(key=lambda segment: segment.start_s)
    facts = [*(fact for answer in in_order for fact in answer.facts), *unanswered]
    unsent = joined(piece for fact in facts for piece in fact.skipped)
    skipped = [Skipped(piece.start_s, piece.end_s, piece.reason) for piece in unsent]
    language, sure = _language(in_order)
    return Transcription(language, " ".join(segment.text for segment in segments), segments, skipped, sure)


def _on_the_clock(answer: Answer[WhisperReply]) -> list[Segment]:
    """Return the answer's segments, split where they extend over a skipped stretch."""
    clip = stretches(answer.facts[0].kept)
    return [_as_segment(part) for segment in answer.reply.segments for part in placed(segment, clip)]


def _as_segment(segment: WhisperSegment) -> Segment:
    """Return a worker's segment in the document's form."""
    return Segment(
        segment.start_s,
        segment.end_s,
        segment.text,
        segment.avg_logprob,
        segment.no_speech_prob,
        [Word(word.start_s, word.end_s, word.word, word.probability) for word in segment.words],
        language=segment.language,
        doubtful=segment.doubtful or UNSET,
    )


def _language(answers: Sequence[Answer[WhisperReply]]) -> tuple[str | None, float | None]:
    """Return the language spoken longest, weighted by its probability in each clip, and how sure that is.

    The latter is the mean of the clips' probabilities, weighted by how long the language is spoken in them.
    """
    spoken: dict[str, float] = defaultdict(float)
    weights: dict[str, float] = defaultdict(float)
    for answer in answers:
        for segment in answer.reply.segments:
            if language := segment.language or answer.reply.language:
                spoken_s = Span(segment.start_s, segment.end_s).length_s
                spoken[language] += spoken_s
                weights[language] += spoken_s * answer.reply.language_probability
    if not weights:
        return None, None
    language = max(sorted(weights), key=weights.__getitem__)
    return language, round(weights[language] / spoken[language], 4) if spoken[language] else 0.0
