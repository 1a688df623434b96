"""Stretches of sound that could not be decoded. Pure."""

from collections.abc import Iterable

import msgspec

from framefleet.timebase import Seconds, Span

APART_S: Seconds = 1.0
"""Gaps less far apart are one: a damaged stretch is often every other packet."""

BRIEF_S: Seconds = 0.13
"""No word is lost in a gap that is not longer: one frame of the slowest usual codecs (AAC at 8 kHz: 1024 samples).
The end of a file that was cut, and the joint of two MP3 files, cost a frame."""


class SoundGap(msgspec.Struct, frozen=True, gc=False):
    """A stretch that could not be decoded (silence stands in its place), and why in one line."""

    span: Span
    error: str


def joined(gaps: Iterable[SoundGap]) -> list[SoundGap]:
    """The gaps in order of time, those less than `APART_S` apart or told twice as one, by the reason of the first."""
    whole: list[SoundGap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.span.start_s, gap.span.end_s)):
        last = whole[-1] if whole else None
        if last is not None and gap.span.start_s - last.span.end_s < APART_S:
            whole[-1] = SoundGap(Span(last.span.start_s, max(last.span.end_s, gap.span.end_s)), last.error)
        else:
            whole.append(gap)
    return whole


def gaps_of(gaps: Iterable[SoundGap], clip: Span, *, last: bool) -> tuple[SoundGap, ...]:
    """Those that a clip at `clip` has a part in. What is missing behind the end of the sound is of the `last` clip."""
    return tuple(
        joined(
            gap
            for gap in gaps
            if (gap.span.end_s > clip.start_s and gap.span.start_s < clip.end_s)
            or (last and gap.span.end_s >= clip.end_s)
        )
    )
