"""From what failed to what the document says of it."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from framefleet.fleet.execution.delivery import Failure
from framefleet.fleet.execution.dispatcher import Outcome
from framefleet.media.types import ClipTime, PictureTime
from framefleet.protocol.yolo import FrameReply, YoloReply
from framefleet.results.assemble.document import failure_entries
from framefleet.stages.base import Answer
from framefleet.stages.registry import spec_of
from framefleet.timebase import Span

errors = st.sampled_from(["it broke", "it was lost"])


def picture(index: int) -> PictureTime:
    return PictureTime(index, float(index), float(index))


def reply(*frames: FrameReply) -> YoloReply:
    return YoloReply(model="fake", model_id="", device="cpu", frames=list(frames))


def entries(failures: list[Failure], answers: list[Answer[Any]]) -> list[Any]:
    plan = SimpleNamespace(spec=spec_of("objects"))
    stage: Any = SimpleNamespace(plan=plan, outcome=Outcome(answers=answers, failures=failures))
    return list(failure_entries("objects", stage))


@given(
    batches=st.lists(st.tuples(st.sets(st.integers(0, 50), min_size=1, max_size=5), errors, st.integers(0, 3))),
    spans=st.lists(st.tuples(st.floats(0, 9), errors)),
    bad=st.dictionaries(st.integers(51, 60), errors),
)
def test_what_failed_is_told_and_nothing_else(batches: Any, spans: Any, bad: dict[int, str]) -> None:
    failures = [Failure(tuple(map(picture, indices)), error, tries) for indices, error, tries in batches]
    failures += [Failure((ClipTime(0, Span(start, 10.0)),), error, 1) for start, error in spans]
    fine = FrameReply(99, 99.0, [])
    answer = Answer((), reply(fine, *(FrameReply(i, float(i), None, error) for i, error in bad.items())))
    told = entries(failures, [answer])
    said = {(index, entry.error, entry.attempts) for entry in told for index in entry.items or ()}
    expected = {(index, error, tries) for indices, error, tries in batches for index in indices}
    assert said == expected | {(index, error, 1) for index, error in bad.items()}
    assert sorted((e.span_s.start_s, e.error) for e in told if e.span_s) == sorted(spans)
    assert all((entry.items is None) != (entry.span_s is None) for entry in told)
    assert all(entry.items == sorted(set(entry.items)) for entry in told if entry.items)
    assert all(entry.stage == "objects" for entry in told)


def test_a_failure_of_nobody_knows_what_is_told_too() -> None:
    (entry,) = entries([Failure((), "a fault of this program", 0)], [])
    assert (entry.items, entry.span_s, entry.error) == (None, None, "a fault of this program")


def test_pictures_that_failed_alike_are_one_entry() -> None:
    failures = [Failure((picture(4), picture(5)), "lost", 2), Failure((picture(1),), "lost", 2)]
    (entry,) = entries(failures, [])
    assert (entry.items, entry.error, entry.attempts) == ([1, 4, 5], "lost", 2)


def test_a_picture_without_objects_and_without_a_reason_failed() -> None:
    (entry,) = entries([], [Answer((), reply(FrameReply(3, 3.0, None)))])
    assert (entry.items, entry.error) == ([3], "the worker gave no reason")
