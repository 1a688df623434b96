"""The objects stage: packing, splitting and checking what comes back."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.config.options import Options
from framefleet.errors import (
    BadReplyError,
    RefusedError,
    SetupError,
    UsageError,
)
from framefleet.fleet.backends.base import IN_PROCESS, JOB_QUEUE
from framefleet.media.types import MediaInfo, Picture, PictureTime
from framefleet.protocol.envelope import TimingMs, to_input
from framefleet.protocol.yolo import (
    FrameReply,
    YoloObject,
    YoloReply,
    YoloRequest,
)
from framefleet.schema.document import Crop
from framefleet.stages.base import Answer, RequestBatch
from framefleet.stages.objects.stage import ObjectsStage

from .pictures import SIGN_BOX, jpeg, stop_sign

STAGE = ObjectsStage()
MEDIA = MediaInfo(
    path=Path("v.mp4"), size_bytes=1, start=Fraction(0), duration_s=3.0, width=640, height=360, rotation=0, fps=25.0,
    codec="h264", frame_count=75, audio=None,
)  # fmt: skip


def pictures(count: int) -> list[Picture]:
    return [Picture(PictureTime(number, float(number), number + 0.5), b"jpeg") for number in range(count)]


def parcel(count: int) -> RequestBatch[YoloRequest]:
    return STAGE.pack(pictures(count), MEDIA, Options(), JOB_QUEUE)


def reply_to(asked: RequestBatch[YoloRequest]) -> YoloReply:
    frames = [FrameReply(frame.index, frame.time_s, []) for frame in asked.request.source.frames]
    return YoloReply(model="m", model_id="id", device="cpu", frames=frames, timing_ms=TimingMs(1, 2, 4))


def test_plan() -> None:
    batches = STAGE.plan(MEDIA, Options(fps=2, batch_size=4), IN_PROCESS)
    assert [batch.units for batch in batches] == [4, 2]


def test_a_file_without_pictures_has_no_work() -> None:
    audio = replace(MEDIA, has_video=False, width=0, height=0)
    assert STAGE.plan(audio, Options(), IN_PROCESS) == []
    assert STAGE.merge(audio, Options(), []) == []


def test_what_a_place_gets_asked_by_default() -> None:
    here, there = (STAGE.pack(pictures(2), MEDIA, Options(), place).request for place in (IN_PROCESS, JOB_QUEUE))
    assert (here.imgsz, here.half) == (416, False)
    assert (there.imgsz, there.half) == (1280, True)
    assert (there.conf, there.iou, there.max_det, there.classes, there.model) == (0.15, 0.5, 300, None, None)
    assert (there.source_width, there.source_height) == (640, 360)
    assert [(f.index, f.time_s, f.jpeg) for f in there.source.frames] == [(0, 0.0, b"jpeg"), (1, 1.0, b"jpeg")]


def test_what_is_asked_for_is_asked() -> None:
    options = Options(
        conf=0.3, iou=0.6, imgsz=640, max_det=9, classes=(2, 0), yolo_model="yolo11m", crop=Crop(10, 20, 300, 200)
    )
    asked = STAGE.pack(pictures(1), MEDIA, options, JOB_QUEUE).request
    assert (asked.conf, asked.iou, asked.imgsz, asked.max_det, asked.classes) == (0.3, 0.6, 640, 9, [2, 0])
    assert (asked.model, asked.source_width, asked.source_height) == ("yolo11m", 300, 200)


def test_a_model_file_is_no_name_to_compare() -> None:
    asked = STAGE.pack(pictures(1), MEDIA, Options(yolo_model="mine/best.onnx"), IN_PROCESS).request
    assert (asked.model, asked.imgsz) == (None, 640)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (Options(yolo_model="yolo11m"), IN_PROCESS),
        (Options(yolo_model="best.onnx"), JOB_QUEUE),
        (Options(crop=Crop(600, 0, 100, 100)), IN_PROCESS),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_decoded(options: Options, place: Any) -> None:
    with pytest.raises(UsageError):
        STAGE.plan(MEDIA, options, place)


@given(st.integers(1, 40))
def test_split_halves_and_loses_nothing(count: int) -> None:
    whole = parcel(count)
    parts = STAGE.split(whole)
    assert len(parts) == min(count, 2)
    assert [fact for part in parts for fact in part.facts] == list(whole.facts)
    assert [f for part in parts for f in part.request.source.frames] == whole.request.source.frames
    assert all(msgspec.structs.replace(p.request, source=whole.request.source) == whole.request for p in parts)


@given(st.sets(st.integers(0, 9), min_size=1))
def test_narrow_keeps_what_is_named(numbers: set[int]) -> None:
    whole = parcel(10)
    narrow = STAGE.subset(whole, [fact for fact in whole.facts if fact.index in numbers])
    assert {fact.index for fact in narrow.facts} == numbers
    assert {frame.index for frame in narrow.request.source.frames} == numbers


def frozen(shown: list[int]) -> list[Picture]:
    """Samples each of which shows the frame of this number; the frame's picture is its number."""
    return [Picture(PictureTime(at, float(at), n / 8), str(n).encode()) for at, n in enumerate(shown)]


def seen_on(asked: RequestBatch[YoloRequest]) -> YoloReply:
    """On each picture as many objects as its number says."""
    thing = YoloObject(0, "person", 0.5, (0, 0, 1, 1))
    frames = [FrameReply(f.index, f.time_s, [thing] * int(f.jpeg)) for f in asked.request.source.frames]
    return YoloReply(model="m", model_id="id", device="cpu", frames=frames)


def test_a_picture_that_several_samples_show_is_sent_once_and_its_answer_is_that_of_each() -> None:
    asked = STAGE.pack(frozen([0, 0, 0, 4, 4, 9]), MEDIA, Options(), JOB_QUEUE)
    assert [(frame.index, frame.jpeg) for frame in asked.request.source.frames] == [(0, b"0"), (3, b"4"), (5, b"9")]
    reply = STAGE.parse(asked.facts, msgspec.to_builtins(seen_on(asked)))
    assert [(frame.index, frame.time_s, len(frame.objects or ())) for frame in reply.frames] == [
        (0, 0.0, 0), (1, 1.0, 0), (2, 2.0, 0), (3, 3.0, 4), (4, 4.0, 4), (5, 5.0, 9)
    ]  # fmt: skip


def test_pictures_that_differ_are_all_sent_whatever_their_times() -> None:
    same_time = [Picture(PictureTime(at, float(at), 0.0), jpeg) for at, jpeg in enumerate([b"1", b"1", b"2", b"0"])]
    asked = STAGE.pack(same_time, MEDIA, Options(), JOB_QUEUE)
    reply = STAGE.parse(asked.facts, msgspec.to_builtins(seen_on(asked)))
    assert [len(frame.objects or ()) for frame in reply.frames] == [1, 1, 2, 0]
    (second,) = STAGE.subset(asked, asked.facts[1:2]).request.source.frames
    assert (second.index, second.jpeg) == (1, b"1")


def test_samples_of_one_picture_are_not_halved() -> None:
    asked = STAGE.pack(frozen([3] * 8), MEDIA, Options(), JOB_QUEUE)
    assert STAGE.split(asked) == [asked]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12).map(sorted), st.data())
def test_however_a_parcel_is_parted_each_sample_gets_the_answer_of_its_picture(
    shown: list[int], data: st.DataObject
) -> None:
    whole = STAGE.pack(frozen(shown), MEDIA, Options(), JOB_QUEUE)
    wanted = data.draw(st.sets(st.sampled_from(range(len(shown))), min_size=1))
    narrow = STAGE.subset(whole, [fact for fact in whole.facts if fact.index in wanted])
    found = {}
    sent = []
    for part in STAGE.split(narrow):
        reply = STAGE.parse(part.facts, msgspec.to_builtins(seen_on(part)))
        found |= {frame.index: len(frame.objects or ()) for frame in reply.frames}
        sent += [frame.jpeg for frame in part.request.source.frames]
        assert STAGE.payload_count(part) == len(part.request.source.frames) > 0
    assert found == {index: shown[index] for index in wanted}
    assert len(sent) == len(set(sent)) == STAGE.payload_count(narrow)  # no picture is paid for twice


@given(st.permutations(range(5)))
def test_replies_in_any_order_are_put_in_order(order: list[int]) -> None:
    asked = parcel(5)
    whole = reply_to(asked)
    shuffled = msgspec.structs.replace(whole, frames=[whole.frames[place] for place in order])
    assert STAGE.parse(asked.facts, msgspec.to_builtins(shuffled)) == whole


def test_answers_to_other_questions_are_left_out() -> None:
    asked = parcel(3)
    assert STAGE.parse(asked.facts, msgspec.to_builtins(reply_to(parcel(5)))) == reply_to(asked)


def test_a_reply_to_none_of_the_pictures_is_none() -> None:
    with pytest.raises(BadReplyError, match="none of the 3"):
        STAGE.parse(parcel(3).facts, msgspec.to_builtins(msgspec.structs.replace(reply_to(parcel(3)), frames=[])))


def test_a_worker_s_refusal_is_raised() -> None:
    with pytest.raises(RefusedError, match="model_mismatch"):
        STAGE.parse(parcel(1).facts, {"error": "model_mismatch: another one"})


@pytest.mark.full
def test_the_whole_way_with_a_crop() -> None:
    picture = stop_sign(width=640, height=360, left=200)
    options = Options(crop=Crop(200, 0, 320, 240))
    cropped = [Picture(PictureTime(0, 0.0, 0.0), jpeg(picture[:240, 200:520]))]
    asked = STAGE.pack(cropped, MEDIA, options, IN_PROCESS)
    reply = STAGE.parse(asked.facts, STAGE.open_handler(options)({"input": to_input(asked.request)}))
    merged = STAGE.merge(MEDIA, options, [Answer(asked.facts, reply)])
    assert [entry.objects is None for entry in merged] == [False, True, True]
    (found,) = merged[0].objects or []
    assert found.label == "stop sign"
    assert found.box == pytest.approx((SIGN_BOX[0] + 200, SIGN_BOX[1], SIGN_BOX[2] + 200, SIGN_BOX[3]), abs=8)


def test_a_model_file_that_is_missing() -> None:
    with pytest.raises(SetupError, match=r"nowhere\.onnx"):
        STAGE.open_handler(Options(yolo_model="nowhere.onnx"))
