"""What `framefleet show` says to each question."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from framefleet.cli.output.format import clock, counted, instead
from framefleet.cli.output.table import NAME, Column, Page, width_of
from framefleet.results.query import speakers
from framefleet.results.query.availability import STAGES, failed, known
from framefleet.results.query.kinds import kinds
from framefleet.results.query.phrases import words_of
from framefleet.results.query.search import (
    LabelInterval,
    Match,
    Moment,
    SpokenMatch,
    Thing,
    labels,
)
from framefleet.results.query.speakers import Turn
from framefleet.schema.document import Document
from framefleet.schema.objects import Box
from framefleet.schema.sounds import SoundEvent
from framefleet.schema.text import TextSpan


def quoted(said: SpokenMatch, dots: str) -> str:
    middle = f"[{said.text}]" if said.text else dots
    return " ".join(part for part in (said.before, middle, said.after) if part)


def in_view(said: SpokenMatch, width: int, dots: str) -> str:
    """So much of it as there is room for: words go at the longer end, and those that were looked for stay."""
    before, after = words_of(said.before), words_of(said.after)
    shown = said
    while width_of(quoted(shown, dots)) > width and (before or after):
        if len("".join(before)) >= len("".join(after)):
            before.pop(0)
            shown = replace(shown, before=f"{dots}{''.join(before)}")
        else:
            after.pop()
            shown = replace(shown, after=f"{''.join(after)}{dots}")
    return quoted(shown, dots)


def moment(document: Document, now: Moment, page: Page) -> None:
    """All there is at a time."""
    page.title(f"{clock(now.time_s)} of {document.video.path}")
    if now.scene is not None:
        total, scene = len(document.scenes or ()), now.scene
        page.line("scene", f"{scene.index + 1} of {total}, {clock(scene.start_s)} to {clock(scene.end_s)}")
    _seen(document, now, page)
    page.line("said", quoted(now.said, page.dots) if now.said else _lacking(document, "transcription", "nothing"))
    heard = ", ".join(f"{event.label} {event.score:.2f}" for event in now.heard)
    page.line("heard", heard or _lacking(document, "sounds", "nothing"))
    if now.written:
        page.table([_name("written", len(now.written)), *_texts(now.written)])
    else:
        page.line("written", _lacking(document, "text", "nothing"))
    for name, found in ({} if now.results is UNSET else now.results).items():
        told = document.further[name].label
        page.line(told, ", ".join(one.name for one in found) or "nothing")


def label(document: Document, wanted: str, found: Mapping[str, Sequence[LabelInterval]], page: Page) -> None:
    """When it is seen, how many of it, and by which tracks."""
    if not found:
        there = labels(document)
        page.line("seen", _not_found(document, "detections", f"no {wanted}{instead(wanted, there)}"))
    for name, stretches in found.items():
        tracks = sorted({track for one in stretches for track in one.tracks})
        most = max(one.most for one in stretches)
        pictures = counted(sum(one.pictures for one in stretches), "frame")
        page.line("seen", f"{name} in {pictures}, at most {most} at once{_listed(', track', tracks)}")
        page.table(
            [
                _name("", len(stretches)),
                *_spans(stretches),
                Column("frames", [str(one.pictures) for one in stretches], right=True, rank=2),
                Column("at once", [str(one.most) for one in stretches], right=True, rank=1),
                Column("tracks", [_listed("", one.tracks) for one in stretches], rank=3, least=6, most=40),
            ]
        )


def say(document: Document, wanted: str, found: Sequence[SpokenMatch], page: Page) -> None:
    """When it is said, among the words around it."""
    if not found:
        page.line("said", _not_found(document, "transcription", f"no match for {wanted}"))
        return
    widest = max(width_of(quoted(one, page.dots)) for one in found)
    words = Column("words", lambda width: [in_view(one, width, page.dots) for one in found], least=10, most=widest)
    page.table([_name("said", len(found)), *_spans(found), words])


def speaker(document: Document, wanted: str, found: Sequence[Turn], page: Page) -> None:
    """When a speaker talks, and what is said then."""
    if not found:
        there = sorted(speakers.called(document).values())
        page.line("spoke", _not_found(document, "speakers", f"no {wanted}{instead(wanted, there)}"))
        return
    names = Column("speaker", [one.name or one.speaker for one in found], style="cyan", least=4)
    page.table(
        [_name("spoke", len(found)), *_spans(found), names, Column("words", [one.text for one in found], least=10)]
    )


def sound(document: Document, wanted: str, found: Sequence[SoundEvent], page: Page) -> None:
    """When it is heard, and how clearly at best."""
    if not found:
        there = sorted({event.label for event in document.sounds.events}) if document.sounds else []
        page.line("heard", _not_found(document, "sounds", f"no {wanted}{instead(wanted, there)}"))
        return
    names = Column("sound", [event.label for event in found], style="cyan", least=10)
    scores = Column("score", [f"{event.score:.2f}" for event in found], right=True, rank=1)
    page.table([_name("heard", len(found)), *_spans(found), names, scores])


def text(document: Document, wanted: str, found: Sequence[TextSpan], page: Page) -> None:
    """When and where it is written."""
    if not found:
        page.line("written", _not_found(document, "text", f"no match for {wanted}"))
        return
    page.table([_name("written", len(found)), *_spans(found), *_texts(found)])


def find(document: Document, wanted: str, found: Sequence[Match], page: Page) -> None:
    """When anything of it is there, and which stage found it."""
    if not found:
        there = sorted({span.name for kind in kinds(document) for span in kind.spans})
        page.line("found", f"no {wanted}{instead(wanted, there)}")
        return
    firsts = [one.kind if not place or found[place - 1].kind != one.kind else "" for place, one in enumerate(found)]
    names = Column("what", [one.name for one in found], style="cyan", least=10)
    sure = ["" if one.confidence is None else f"{one.confidence:.2f}" for one in found]
    confidences = Column("confidence", sure, right=True, rank=1)
    page.table([Column("", [f"{one:<{NAME - 1}}" for one in firsts], style="bold"), *_spans(found), names, confidences])


TELL: dict[str, Callable[[Document, str, Any, Page], None]] = {
    "label": label,
    "say": say,
    "speaker": speaker,
    "sound": sound,
    "text": text,
    "find": find,
}


def _seen(document: Document, now: Moment, page: Page) -> None:
    if now.things is None or now.picture_s is None:
        page.line("seen", _lacking(document, "detections", _unseen(now)))
        return
    if not now.things:
        page.line("seen", f"nothing in the frame at {clock(now.picture_s)}")
        return
    page.table(_things(now.things, f"frame at {clock(now.picture_s)}"))


def _unseen(now: Moment) -> str:
    if now.picture_s is None:
        return "nothing"
    if now.cut_since:
        return f"unknown: a cut since the frame at {clock(now.picture_s)}; boxes follow with the next sample"
    return "unknown: no answer for this frame"


def _things(things: Sequence[Thing], title: str) -> list[Column]:
    return [
        _name("seen", len(things)),
        Column(title, [one.label for one in things], style="cyan", least=10),
        Column("confidence", [f"{one.confidence:.2f}" for one in things], right=True, rank=2),
        Column("track", ["" if one.track is None else str(one.track) for one in things], right=True, rank=1),
        Column("left, top, right, bottom", [_box(one.box) for one in things], rank=3),
    ]


def _texts(spans: Sequence[TextSpan]) -> list[Column]:
    return [
        Column("text", [one.text for one in spans], style="cyan", least=10),
        Column("confidence", [f"{one.confidence:.2f}" for one in spans], right=True, rank=1),
        Column("left, top, right, bottom", [_box(one.box) for one in spans], rank=2),
    ]


def _name(name: str, rows: int) -> Column:
    return Column("", [f"{name if row == 0 else '':<{NAME - 1}}" for row in range(rows)], style="bold")


def _spans(found: Iterable[LabelInterval | SpokenMatch | Turn | SoundEvent | TextSpan | Match]) -> list[Column]:
    times = [(clock(one.start_s), clock(one.end_s)) for one in found]
    return [
        Column("from", [start for start, _ in times], right=True),
        Column("to", [end for _, end in times], right=True),
    ]


def _box(box: Box) -> str:
    return ", ".join(f"{edge:.0f}" for edge in box)


def _listed(name: str, numbers: Sequence[int]) -> str:
    """`, tracks 1, 2` for the name `, track`; nothing of nothing."""
    listed = ", ".join(map(str, numbers))
    return f"{name}{'s' if len(numbers) > 1 else ''} {listed}" if name and listed else listed


def _not_found(document: Document, part: str, otherwise: str) -> str:
    """Why nothing was found of what was looked for: as `_lacking`, or it may be where the stage failed."""
    in_part = known(document, part) and any(failure.stage == STAGES[part] for failure in document.failures)
    return _lacking(document, part, otherwise) + (f" ({STAGES[part]} failed partly)" if in_part else "")


def _lacking(document: Document, part: str, otherwise: str) -> str:
    """Why there is nothing: nobody looked for it, or that failed, or else `otherwise`."""
    if known(document, part):
        return otherwise
    error = failed(document, part)
    return "unknown: stage not run" if error is None else f"unknown: {STAGES[part]} failed ({error})"
