"""Planning covers every sample once; merging loses nothing, whatever the order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import UsageError
from framefleet.media.sampling import plan_samples
from framefleet.media.types import PictureTime, Sample
from framefleet.protocol.yolo import FrameReply, YoloObject, YoloReply
from framefleet.schema.document import Crop
from framefleet.schema.objects import DetectedObject
from framefleet.stages.batches import batched, check_crop
from framefleet.stages.objects.merge import merge

fps_values = st.sampled_from([0.1, 0.5, 1, 2, 12.5, 29.97])


def answer(batch: list[Sample], objects: Any = ...) -> tuple[list[PictureTime], YoloReply]:
    """Each picture has one object whose class number is the picture's index."""
    facts = [PictureTime(s.index, s.time_s, s.time_s - 0.01) for s in batch]
    frames = [
        FrameReply(s.index, s.time_s, [thing(s.index)] if objects is ... else objects, None) for s in batch
    ]  # fmt: skip
    return facts, YoloReply(model="m", model_id="id", device="cpu", frames=frames)


def thing(number: int) -> YoloObject:
    return YoloObject(number, str(number), 0.5, (1.0, 2.0, 3.0, 4.0))


def found(number: int) -> DetectedObject:
    """The same in a document."""
    return DetectedObject(number, str(number), 0.5, (1.0, 2.0, 3.0, 4.0))


@given(st.floats(0, 300), fps_values, st.integers(1, 50))
def test_planning_covers_every_sample_once(duration_s: float, fps: float, batch_size: int) -> None:
    batches = batched(plan_samples(duration_s, fps), batch_size)
    assert [s for batch in batches for s in batch.samples] == plan_samples(duration_s, fps)
    assert [batch.number for batch in batches] == list(range(len(batches)))
    assert all(batch.units == batch_size for batch in batches[:-1])
    assert all(0 < batch.units <= batch_size for batch in batches)


@given(st.data(), st.integers(1, 60), st.integers(1, 16))
def test_merging_is_independent_of_order_and_loses_nothing(data: st.DataObject, count: int, batch_size: int) -> None:
    batches = batched(plan_samples(count, 1), batch_size)
    answered = data.draw(st.lists(st.sampled_from(batches), unique_by=lambda batch: batch.number))
    merged = merge(plan_samples(count, 1), [answer(list(batch.samples)) for batch in answered], None)
    indices = {s.index for batch in answered for s in batch.samples}
    assert [entry.index for entry in merged] == list(range(count))
    for entry in merged:
        assert entry.time_s == entry.index
        assert entry.objects == ([found(entry.index)] if entry.index in indices else None)
        assert entry.pts_s == (entry.time_s - 0.01 if entry.index in indices else None)


def test_nothing_found_is_not_nothing_answered() -> None:
    samples = plan_samples(3, 1)
    merged = merge(samples, [answer(samples[:1], []), answer(samples[1:2], None)], None)
    assert [entry.objects for entry in merged] == [[], None, None]
    assert [entry.pts_s is None for entry in merged] == [False, False, True]


def test_of_two_answers_the_first_with_objects_counts() -> None:
    samples = plan_samples(1, 1)
    answers = [answer(samples, None), answer(samples, [thing(7)]), answer(samples, [thing(8)])]
    assert merge(samples, answers, None)[0].objects == [found(7)]


def test_an_answer_nobody_asked_for_is_left_out() -> None:
    merged = merge(plan_samples(1, 1), [answer(plan_samples(2, 1))], None)
    assert [entry.index for entry in merged] == [0]


def test_boxes_move_from_the_crop_to_the_source() -> None:
    samples = plan_samples(1, 1)
    merged = merge(samples, [answer(samples)], Crop(100, 50, 10, 10))
    assert merged[0].objects is not None
    assert merged[0].objects[0].box == (101.0, 52.0, 103.0, 54.0)


@pytest.mark.parametrize("crop", [Crop(1, 0, 640, 360), Crop(0, 1, 640, 360), Crop(640, 0, 1, 1)])
def test_a_crop_out_of_the_picture_is_refused(crop: Crop) -> None:
    with pytest.raises(UsageError, match="640 × 360"):
        check_crop(crop, 640, 360)


@pytest.mark.parametrize("crop", [None, Crop(0, 0, 640, 360), Crop(639, 359, 1, 1)])
def test_a_crop_inside_the_picture_is_fine(crop: Crop | None) -> None:
    check_crop(crop, 640, 360)


@given(st.floats(0, 100), st.floats(0, 100), fps_values, st.integers(1, 50))
def test_the_last_picture_that_stands_on_goes_into_one_request(a: float, b: float, fps: float, size: int) -> None:
    pictures_s, duration_s = sorted((a, b))
    batches = batched(plan_samples(duration_s, fps, pictures_s=pictures_s), size)
    assert [s for batch in batches for s in batch.samples] == plan_samples(duration_s, fps, pictures_s=pictures_s)
    assert [batch.number for batch in batches] == list(range(len(batches)))
    assert all(sum(not s.held for s in batch.samples) == size for batch in batches[:-1])
    assert all(not s.held or s.time_s >= pictures_s for batch in batches for s in batch.samples)
    assert not any(s.held for batch in batches[:-1] for s in batch.samples)
