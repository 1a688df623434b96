"""Silencing words: the spans to silence, and samples with silence in them. Pure."""

from collections.abc import Iterable, Sequence
from math import ceil, floor
from typing import NamedTuple

from av.audio.frame import AudioFrame

from framefleet.errors import UsageError
from framefleet.results.query.phrases import occurrences
from framefleet.schema.speech import Transcription
from framefleet.timebase import Seconds, Span

MARGIN_S = 0.5
"""The minimum silence before and after a word: nine of ten of Whisper's word times are off by at most this."""


class _Said(NamedTuple):
    start_s: Seconds
    end_s: Seconds
    text: str


def silences(transcription: Transcription | None, phrases: Iterable[str]) -> list[Span]:
    """Return the spans to silence for `phrases`: from the end of the word before to the start of the word after.

    Of a segment without words, all is silenced. Raises `UsageError` for a phrase that is not in the transcript.
    """
    said = _said(transcription)
    spans = []
    for phrase in phrases:
        found = list(occurrences([one.text for one in said], phrase))
        if not found:
            raise UsageError(
                f"--mute {phrase}: the transcript has no such words",
                hint="show how they are written with framefleet show RESULT --find WORDS",
                code="unknown_words",
            )
        spans += [_around(said, first, last) for first, last in found]
    return sorted(spans, key=lambda span: span.start_s)


def _said(transcription: Transcription | None) -> list[_Said]:
    said = []
    for segment in transcription.segments if transcription is not None else ():
        words = [_Said(word.start_s, word.end_s, word.word) for word in segment.words]
        said += words or [_Said(segment.start_s, segment.end_s, f" {segment.text}")]
    return said


def _around(said: Sequence[_Said], first: int, last: int) -> Span:
    start_s, end_s = said[first].start_s - MARGIN_S, said[last].end_s + MARGIN_S
    if first > 0:
        start_s = min(start_s, said[first - 1].end_s)
    if last + 1 < len(said):
        end_s = max(end_s, said[last + 1].start_s)
    return Span(start_s, end_s)


def hushed(frame: AudioFrame, silent: Sequence[Span]) -> AudioFrame:
    """Return a copy of the frame, with zeros in the spans, which are on the frame's own clock.

    Its samples are floats, one plane per channel. Of a frame without a time, all is silenced.
    """
    samples = frame.to_ndarray()
    if frame.pts is None or frame.time_base is None:
        samples[:] = 0
    else:
        begin = float(frame.pts * frame.time_base)
        for span in silent:
            first, last = ((time_s - begin) * frame.sample_rate for time_s in (span.start_s, span.end_s))
            samples[:, max(0, floor(first)) : max(0, ceil(last))] = 0
    quiet = AudioFrame.from_ndarray(samples, format=frame.format.name, layout=frame.layout.name)
    quiet.sample_rate, quiet.pts = frame.sample_rate, frame.pts
    if frame.time_base is not None:
        quiet.time_base = frame.time_base
    return quiet
