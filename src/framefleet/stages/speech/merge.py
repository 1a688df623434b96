"""The merge of answers, one per clip, into one transcript on the video's clock. Pure."""

from collections import defaultdict
from collections.abc import Sequence

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
from framefleet.timebase import Span


def merge_speech(answers: Sequence[Answer[WhisperReply]], unanswered: Sequence[SentTime] = ()) -> Transcription:
    """Return all clips' segments as one transcription, whatever their order of arrival.

    Clips without an answer are left out. Skipped stretches are listed in any case.
    """
    in_order = sorted(answers, key=lambda answer: (answer.facts[0].span.start_s, answer.facts[0].span.end_s))
    segments = [segment for answer in in_order for segment in _on_the_clock(answer)]
    segments.sort(key=lambda segment: segment.start_s)
    facts = [*(fact for answer in in_order for fact in answer.facts), *unanswered]
    unsent = joined(piece for fact in facts for piece in fact.skipped)
    skipped = [Skipped(piece.start_s, piece.end_s, piece.reason) for piece in unsent]
    return Transcription(_language(in_order), " ".join(segment.text for segment in segments), segments, skipped)


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
    )


def _language(answers: Sequence[Answer[WhisperReply]]) -> str | None:
    """Return the language spoken longest, with each clip's speech weighted by the language's probability."""
    weights: dict[str, float] = defaultdict(float)
    for answer in answers:
        spoken_s = sum(Span(s.start_s, s.end_s).length_s for s in answer.reply.segments)
        if answer.reply.segments and answer.reply.language:
            weights[answer.reply.language] += spoken_s * answer.reply.language_probability
    return max(sorted(weights), key=weights.__getitem__, default=None)
