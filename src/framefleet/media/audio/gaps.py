"""Parts of the sound that could not be decoded. Pure."""

from collections.abc import Iterable

import msgspec

from framefleet.timebase import Seconds, Span

APART_S: Seconds = 1.0
"""Gaps closer together than this are reported as one: in a damaged part, often every other packet is damaged."""

BRIEF_S: Seconds = 0.13
"""The longest gap in which no word is lost: one frame of the slowest usual codecs (AAC at 8 kHz: 1024 samples).

The end of a truncated file and the joint of two MP3 files cost one frame.
"""


class SoundGap(msgspec.Struct, frozen=True, gc=False):
    """A part that could not be decoded and is silent instead, with the reason in one line."""

    span: Span
    error: str


def joined(gaps: Iterable[SoundGap]) -> list[SoundGap]:
    """Return the gaps in order of time, merged if less than `APART_S` apart or repeated; keeps the first reason."""
    whole: list[SoundGap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.span.start_s, gap.span.end_s)):
        last = whole[-1] if whole else None
        if last is not None and gap.span.start_s - last.span.end_s < APART_S:
            whole[-1] = SoundGap(Span(last.span.start_s, max(last.span.end_s, gap.span.end_s)), last.error)
        else:
            whole.append(gap)
    return whole


def gaps_of(gaps: Iterable[SoundGap], clip: Span, *, last: bool) -> tuple[SoundGap, ...]:
    """Return the gaps that overlap `clip`. Sound that is missing at the end belongs to the `last` clip."""
    return tuple(
        joined(
            gap
            for gap in gaps
            if (gap.span.end_s > clip.start_s and gap.span.start_s < clip.end_s)
            or (last and gap.span.end_s >= clip.end_s)
        )
    )
