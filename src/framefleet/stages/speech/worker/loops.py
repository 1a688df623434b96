"""Loops: text that repeats itself. Whisper invents them over noise and music, but people also say things many times.

Pure: the client judges the answers of older workers by the same measure.
"""

import re
import zlib
from collections.abc import Sequence

from msgspec.structs import replace

from framefleet.protocol.whisper import WhisperSegment

LARGEST_RATIO = 2.4
"""Whisper's own limit of how well honest text can be compressed. Invented loops had 4 to 24."""


def compression_ratio(text: str) -> float:
    """Return how many times smaller zlib makes the text, as Whisper measures it."""
    content = text.strip().encode()
    return len(content) / len(zlib.compress(content)) if content else 0.0


def repeats(ratio: float) -> bool:
    """Return whether text with this compression ratio is a loop."""
    return ratio > LARGEST_RATIO


def vocabulary(segments: Sequence[WhisperSegment]) -> frozenset[str]:
    """Return the different words in the segments, in lower case."""
    return frozenset(re.findall(r"\w+", " ".join(segment.text for segment in segments).lower()))


def is_said(loop: Sequence[WhisperSegment], tries: Sequence[Sequence[WhisperSegment]]) -> bool:
    """Return whether a loop is what was said, after it was transcribed again at other temperatures (`tries`).

    Sound in which somebody says something many times gives the same few words at any temperature; noise gives others
    each time. Their number, probabilities and times do not tell: of piano, "I don't know how to do it" came 18 times
    with a mean probability of 0.92, then "oh", then "push".
    """
    said = vocabulary(loop)
    return bool(said and tries) and all(_alike(said, vocabulary(again)) >= ALIKE for again in tries)


ALIKE = 0.5
"""The share of words that two transcripts of a loop have in common, from which they agree."""


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def without_echo(segment: WhisperSegment) -> WhisperSegment:
    """Return the segment of a loop that was said, without the words that have no time in the sound.

    Whisper goes on with a loop after the last time it is said: "no", said 24 times, came 104 times, of which 25 had a
    duration.
    """
    words = [word for word in segment.words if word.end_s > word.start_s]
    if len(words) in {0, len(segment.words)}:
        return segment
    return replace(segment, words=words, text="".join(word.word for word in words))
