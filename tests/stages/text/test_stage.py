"""The text stage: packing, splitting and checking what comes back, and the whole way through a reader."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.config.options import Options
from framefleet.errors import BadReplyError, RefusedError, UsageError
from framefleet.fleet.backends.base import IN_PROCESS, JOB_QUEUE
from framefleet.media.types import MediaInfo, Picture, PictureTime
from framefleet.protocol.envelope import to_input
from framefleet.protocol.ocr import (
    OcrFrame,
    OcrReply,
    OcrRequest,
    TextLine,
)
from framefleet.schema.document import Crop
from framefleet.stages.base import Answer, RequestBatch
from framefleet.stages.text.changed import ChangeFilter
from framefleet.stages.text.stage import TextStage

from .pictures import jpeg, plate, sign

STAGE = TextStage()
MEDIA = MediaInfo(
    path=Path("v.mp4"), size_bytes=1, start=Fraction(0), duration_s=4.0, width=640, height=360, rotation=0, fps=25.0,
    codec="h264", frame_count=100, audio=None,
)  # fmt: skip


def pictures(count: int) -> list[Picture]:
    return [Picture(PictureTime(number, float(number), number + 0.5), b"jpeg") for number in range(count)]


def parcel(count: int) -> RequestBatch[OcrRequest]:
    return STAGE.pack(pictures(count), MEDIA, Options(), JOB_QUEUE)


def reply_to(asked: RequestBatch[OcrRequest]) -> OcrReply:
    frames = [OcrFrame(frame.index, frame.time_s, []) for frame in asked.request.source.frames]
    return OcrReply(model="m", model_id="id", device="cpu", frames=frames)


def test_plan() -> None:
    assert [batch.units for batch in STAGE.plan(MEDIA, Options(fps=2, batch_size=5), IN_PROCESS)] == [5, 3]
    batches = STAGE.plan(MEDIA, Options(batch_size=2), IN_PROCESS)
    assert [batch.units for batch in STAGE.remaining(batches, {0, 1, 2}, Options(batch_size=2))] == [1]


def test_a_file_without_pictures_has_no_work() -> None:
    audio = replace(MEDIA, has_video=False, width=0, height=0)
    assert STAGE.plan(audio, Options(), IN_PROCESS) == []
    assert STAGE.merge(audio, Options(), []).spans == []


def test_a_still_that_is_read_again_is_sent_once_a_request() -> None:
    """One of each ten seconds is read, however alike they are."""
    still = [Picture(PictureTime(at, float(at), 0.0), b"jpeg") for at in (0, 10, 20)]
    asked = STAGE.pack(still, MEDIA, Options(), JOB_QUEUE)
    assert [frame.index for frame in asked.request.source.frames] == [0]
    reply = STAGE.parse(asked.facts, msgspec.to_builtins(reply_to(asked)))
    assert [(frame.index, frame.time_s, frame.lines) for frame in reply.frames] == [
        (n, float(n), []) for n in (0, 10, 20)
    ]


def test_a_crop_out_of_the_picture_is_said_before_anything_is_decoded() -> None:
    with pytest.raises(UsageError, match="--crop"):
        STAGE.plan(MEDIA, Options(crop=Crop(600, 0, 100, 100)), IN_PROCESS)


def test_what_a_place_gets_asked() -> None:
    here, there = (STAGE.pack(pictures(2), MEDIA, Options(), place).request for place in (IN_PROCESS, JOB_QUEUE))
    assert (here.max_side, there.max_side) == (736, 1280)
    assert (there.source_width, there.source_height) == (640, 360)
    cropped = STAGE.pack(pictures(1), MEDIA, Options(crop=Crop(10, 20, 300, 200)), JOB_QUEUE).request
    assert (cropped.source_width, cropped.source_height) == (300, 200)
    assert [(f.index, f.time_s, f.jpeg) for f in there.source.frames] == [(0, 0.0, b"jpeg"), (1, 1.0, b"jpeg")]


def test_an_answer_holds_for_one_rate_only() -> None:
    """What a picture is like is said of the one before it, and at another rate that is another one."""
    one, other = (STAGE.identity(Options(fps=fps), IN_PROCESS) for fps in (1, 2))
    assert one != other
    assert one != STAGE.identity(Options(fps=1), JOB_QUEUE)


@given(st.integers(1, 40))
def test_split_halves_and_loses_nothing(count: int) -> None:
    whole = parcel(count)
    parts = STAGE.split(whole)
    assert len(parts) == min(count, 2)
    assert [fact for part in parts for fact in part.facts] == list(whole.facts)
    assert [f for part in parts for f in part.request.source.frames] == whole.request.source.frames


@given(st.sets(st.integers(0, 9), min_size=1))
def test_narrow_keeps_what_is_named(numbers: set[int]) -> None:
    whole = parcel(10)
    narrow = STAGE.subset(whole, [fact for fact in whole.facts if fact.index in numbers])
    assert {fact.index for fact in narrow.facts} == numbers == {f.index for f in narrow.request.source.frames}


@given(st.permutations(range(5)))
def test_replies_in_any_order_are_put_in_order(order: list[int]) -> None:
    whole = reply_to(parcel(5))
    shuffled = msgspec.structs.replace(whole, frames=[whole.frames[place] for place in order])
    assert STAGE.parse(parcel(5).facts, msgspec.to_builtins(shuffled)) == whole
    assert STAGE.parse(parcel(3).facts, msgspec.to_builtins(shuffled)) == reply_to(parcel(3))


def test_a_worker_cannot_say_that_nothing_changed() -> None:
    frames = [OcrFrame(0, 0.0, None, unchanged=True), OcrFrame(1, 1.0, [], unchanged=True), OcrFrame(2, 2.0, None, "x")]
    reply = msgspec.structs.replace(reply_to(parcel(3)), frames=frames)
    assert STAGE.parse(parcel(3).facts, msgspec.to_builtins(reply)).frames == [OcrFrame(1, 1.0, []), frames[2]]


def test_a_reply_to_none_of_the_pictures_is_none() -> None:
    with pytest.raises(BadReplyError, match="none of the 3"):
        STAGE.parse(parcel(3).facts, msgspec.to_builtins(msgspec.structs.replace(reply_to(parcel(3)), frames=[])))


def test_a_worker_s_refusal_is_raised() -> None:
    with pytest.raises(RefusedError, match="model_mismatch"):
        STAGE.parse(parcel(1).facts, {"error": "model_mismatch: another one"})


def test_what_is_kept_of_a_picture_can_be_read_back() -> None:
    reply = msgspec.structs.replace(
        reply_to(parcel(2)), frames=[OcrFrame(7, 7.0, [TextLine("a", 0.5, (0, 0, 1, 1), ((0, 0),) * 4)])]
    )
    fact = PictureTime(7, 7.0, 7.0)
    for answer in (Answer((fact,), reply), STAGE.unchanged(Picture(fact, b""))):
        (told,) = answer.facts
        kept = msgspec.json.decode(msgspec.json.encode(STAGE.part(answer.reply, told)), type=STAGE.reply_type())
        assert kept == answer.reply
        moved = STAGE.reindex(Answer((told,), kept), 3)
        assert [f.index for f in moved.facts] == [f.index for f in moved.reply.frames] == [3]
    assert STAGE.part(reply, PictureTime(8, 8.0, 8.0)) is None
    assert STAGE.count(reply) == 1


@pytest.mark.full
def test_the_whole_way_with_a_crop() -> None:
    """Read, left out because nothing changed, read again: one span of each line, in the source's pixels."""
    pytest.importorskip("rapidocr", reason="comes with framefleet[text]")
    options = Options(crop=Crop(200, 40, 320, 120))
    shown = [jpeg(picture) for picture in (sign(), sign(), plate(), plate())]
    seen = [Picture(PictureTime(index, float(index), float(index)), data) for index, data in enumerate(shown)]
    watching = ChangeFilter()
    wanted = [picture for picture in seen if watching.see(picture)]
    assert [picture.at.index for picture in wanted] == [0, 2]
    asked = STAGE.pack(wanted, MEDIA, options, IN_PROCESS)
    output: Any = STAGE.open_handler(options)({"input": to_input(asked.request)})
    answers = [Answer(asked.facts, STAGE.parse(asked.facts, output))]
    answers += [STAGE.unchanged(picture) for picture in seen if picture not in wanted]
    result = STAGE.merge(MEDIA, options, answers)
    assert [(s.text, s.start_s, s.end_s, s.readings) for s in result.spans] == [
        ("EXIT 27", 0.0, 2.0, 1),
        ("Mind the gap", 0.0, 2.0, 1),
    ]
    assert (result.read, result.unchanged, result.unknown) == (2, 2, 0)
    assert result.spans[0].box[:2] == pytest.approx((220, 60), abs=14)
