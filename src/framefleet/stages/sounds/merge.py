"""The merge of answers, one per clip, into events on the video's clock. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from framefleet.protocol.ast import AstReply, HeardClass, Slice
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.stages.base import Answer
from framefleet.timebase import Seconds, Span

JOIN_S: Seconds = 0.5
"""The maximum pause within one event: one slice of YAMNet in which the class was not heard."""


def merge_sounds(answers: Sequence[Answer[AstReply]], threshold: float) -> Sounds:
    """Return all clips' slices as events, whatever their order of arrival. Clips without an answer are left out."""
    heard: dict[str, list[tuple[Span, HeardClass]]] = defaultdict(list)
    for answer in answers:
        for span, piece in _tiled(answer.reply.slices, answer.facts[0].span):
            for found in piece.classes:
                if found.score >= threshold:
                    heard[found.label].append((span, found))
    events = [event for parts in heard.values() for event in _joined(parts)]
    return Sounds(threshold, sorted(events, key=lambda event: (event.start_s, -event.score, event.label)))


def _tiled(slices: Sequence[Slice], clip: Span) -> Iterator[tuple[Span, Slice]]:
    """Yield each slice with the stretch it stands for. Slices overlap; these stretches only touch, and cover the clip.

    A stretch is what is nearest to the slice's middle, because a sound is heard once it fills about half of a slice.
    """
    in_order = sorted(slices, key=lambda piece: piece.start_s)
    middles = [clip.start_s + (piece.start_s + piece.end_s) / 2 for piece in in_order]
    edges = [clip.start_s, *((a + b) / 2 for a, b in pairwise(middles)), clip.end_s]
    for (start_s, end_s), piece in zip(pairwise(edges), in_order, strict=False):
        yield Span(round(start_s, 3), round(end_s, 3)), piece


def _joined(parts: list[tuple[Span, HeardClass]]) -> Iterator[SoundEvent]:
    """Yield the events of one class."""
    parts.sort(key=lambda part: (part[0].start_s, part[0].end_s, -part[1].score))
    group: list[tuple[Span, HeardClass]] = []
    for part in parts:
        if group and part[0].start_s - group[-1][0].end_s > JOIN_S:
            yield _event(group)
            group = []
        group.append(part)
    yield _event(group)


def _event(group: Sequence[tuple[Span, HeardClass]]) -> SoundEvent:
    scores = [found.score for _, found in group]
    return SoundEvent(
        label=group[0][1].label,
        class_id=group[0][1].class_id,
        start_s=group[0][0].start_s,
        end_s=group[-1][0].end_s,
        score=max(scores),
        mean_score=round(sum(scores) / len(scores), 4),
    )
