"""The merge of answers, one per clip, into one transcript on the video's clock. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from msgspec import UNSET

from framefleet.protocol.whisper import WhisperReply, WhisperSegment
from framefleet.schema.speech import (
    Segment,
    Skipped,
    Transcription,
    Word,
)
from framefleet.stages.base import Answer
from framefleet.stages.speech.clock import placed, stretches
from framefleet.stages.speech.inventions import without_inventions
from framefleet.stages.speech.skipped import SentTime, joined
from framefleet.timebase import Span


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
    return [_told(part) for segment in answer.reply.segments for part in placed(segment, clip)]


def _told(segment: WhisperSegment) -> Segment:
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
