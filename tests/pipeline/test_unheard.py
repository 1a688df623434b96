"""What could not be decoded of the sound: a failure, or where no word is lost, a line."""

from typing import Any

from framefleet.fleet.execution.dispatcher import Outcome
from framefleet.media.audio.gaps import BRIEF_S, SoundGap
from framefleet.media.types import ClipTime
from framefleet.pipeline.finish import unheard
from framefleet.progress import Notice
from framefleet.stages.base import Answer
from framefleet.timebase import Span


def told(*gaps: tuple[float, float]) -> tuple[list[Span], list[str]]:
    outcome: Any = Outcome.__new__(Outcome)
    spans = tuple(SoundGap(Span(start, end), "the sound is damaged: invalid data") for start, end in gaps)
    outcome.answers = [Answer((ClipTime(0, Span(0, 100), gaps=spans),), None)]
    lines: list[str] = []
    failures = unheard(outcome, "speech", lambda event: lines.append(event.text) if isinstance(event, Notice) else None)
    return [failure.facts[0].span for failure in failures], lines


def test_a_frame_that_is_lost_is_a_line_and_no_failure() -> None:
    failures, (line,) = told((24.385, 24.409))
    assert failures == []
    assert "speech" in line
    assert "24.39 s" in line or "24.38 s" in line
    assert "damaged" in line


def test_more_is_a_failure() -> None:
    failures, lines = told((10, 10 + BRIEF_S + 0.01), (50, 60))
    assert [span.start_s for span in failures] == [10, 50]
    assert lines == []


def test_many_frames_near_each_other_are_more() -> None:
    failures, lines = told(*((10 + k / 2, 10.03 + k / 2) for k in range(5)))
    assert [(span.start_s, span.end_s) for span in failures] == [(10, 12.03)]
    assert lines == []


def test_several_lost_frames_are_one_line() -> None:
    failures, (line,) = told((10, 10.03), (50, 50.03), (70, 71))
    assert len(failures) == 1
    assert "2 times, first at 10.00 s" in line
