"""An OpenAI-compatible transcription (`verbose_json`), converted to the reply of our own whisper endpoint. Pure.

Facts from OpenAI's API reference of `audio/transcriptions`: segments with times, words in a list of their own, without
probabilities and without the spaces and commas around them; the language by name.
"""

from bisect import bisect_right
from math import exp
from typing import Any

import msgspec

from framefleet.errors import BadReplyError, RefusedError
from framefleet.protocol.whisper import WhisperReply, WhisperSegment, WhisperWord, code_of
from framefleet.timebase import Seconds


class _Word(msgspec.Struct):
    word: str
    start: Seconds
    end: Seconds


class _Segment(msgspec.Struct):
    start: Seconds
    end: Seconds
    text: str
    avg_logprob: float = 0.0
    no_speech_prob: float = 0.0


class _Verbose(msgspec.Struct):
    text: str
    language: str | None = None
    segments: list[_Segment] | None = None
    words: list[_Word] | None = None


def to_output(content: bytes, model: str, duration_s: Seconds, language: str | None) -> dict[str, Any]:
    """Return the reply to a clip of `duration_s`, as a worker would have sent it; `language` is the requested one.

    Raises `BadReplyError` for content that is not `verbose_json`, `RefusedError` for text without times.
    """
    try:
        told = msgspec.json.decode(content, type=_Verbose)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadReplyError(f"the transcription API's response is not verbose_json: {error}") from None
    if told.text.strip() and not told.segments:
        raise RefusedError(f"the transcription API returned text without times; {model} may not support verbose_json")
    spoken = sorted(told.segments or [], key=lambda segment: segment.start)
    reply = WhisperReply(
        model=model,
        model_id=model,
        device="api",
        language=code_of(told.language or language or ""),
        language_probability=1.0,  # the API does not report one
        segments=[
            _segment(segment, words, duration_s)
            for segment, words in zip(spoken, _by_segment(spoken, told.words or []), strict=True)
        ],
    )
    built: dict[str, Any] = msgspec.to_builtins(reply)
    return built


def _by_segment(segments: list[_Segment], words: list[_Word]) -> list[list[_Word]]:
    """Return the words of each segment, in order of time: a word belongs to the last that began by its middle."""
    starts = [segment.start for segment in segments]
    sorted_out: list[list[_Word]] = [[] for _ in segments]
    for word in sorted(words, key=lambda word: word.start) if segments else ():
        sorted_out[max(0, bisect_right(starts, (word.start + word.end) / 2) - 1)].append(word)
    return sorted_out


def _segment(segment: _Segment, words: list[_Word], duration_s: Seconds) -> WhisperSegment:
    """Return the segment, cut at the clip's end: Whisper works in windows of 30 s and may end one with its window."""
    probability = min(1.0, exp(min(segment.avg_logprob, 0.0)))  # the mean of its tokens: no word has its own
    spaced, position = [], 0
    for word in words:
        text, position = _as_written(word.word, segment.text, position)
        spaced.append(WhisperWord(word.start, _end(word, duration_s), text, probability))
    return WhisperSegment(
        segment.start, _end(segment, duration_s), segment.text, segment.avg_logprob, segment.no_speech_prob, spaced
    )


def _as_written(word: str, text: str, position: int) -> tuple[str, int]:
    """Return the word with the space before it in the segment's text, as Whisper has it, and where it ends there."""
    bare = word.strip()
    at = text.find(bare, position)
    if at < 0:
        return word, position
    return (" " + bare if text[:at].endswith(" ") else bare), at + len(bare)


def _end(piece: _Word | _Segment, duration_s: Seconds) -> Seconds:
    return max(piece.start, min(piece.end, duration_s))
