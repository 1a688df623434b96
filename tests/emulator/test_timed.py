"""What stands in for a GPU answers every kind of request as its wire says."""

from typing import Any

import msgspec
import pytest

from framefleet.emulator.timed import TimedHandler
from framefleet.protocol.ast import AstReply, AstRequest
from framefleet.protocol.envelope import JpegFrame, JpegFrames, to_input
from framefleet.protocol.ocr import OcrReply, OcrRequest
from framefleet.protocol.whisper import WhisperReply, WhisperRequest
from framefleet.protocol.yolo import YoloReply, YoloRequest

FRAMES = JpegFrames([JpegFrame(7, 1.5, b"jpeg"), JpegFrame(8, 2.5, b"jpeg")])
SIZE: Any = {"source_width": 64, "source_height": 48}
SOUND: Any = {"audio": b"flac", "format": "flac", "duration_s": 12.5}


@pytest.mark.parametrize(
    ("request_", "reply", "took"),
    [
        (YoloRequest(source=FRAMES, **SIZE), YoloReply, 0.2),
        (OcrRequest(source=FRAMES, **SIZE), OcrReply, 0.2),
        (WhisperRequest(**SOUND), WhisperReply, 0.03),
        (AstRequest(**SOUND), AstReply, 0.03),
    ],
)
def test_each_kind_of_request_gets_its_own_kind_of_reply(request_: Any, reply: Any, took: float) -> None:
    slept: list[float] = []
    timed, input = TimedHandler(0.2, 0.03, slept.append), to_input(request_)
    answer = msgspec.convert(timed({"input": input}), reply)
    assert msgspec.convert(timed.raw(msgspec.json.encode(input)), reply) == answer
    assert slept == [took, took]
    if reply in (YoloReply, OcrReply):
        assert [(frame.index, frame.time_s) for frame in answer.frames] == [(7, 1.5), (8, 2.5)]
        found = answer.frames[0].objects if reply is YoloReply else answer.frames[0].lines
        assert found == []
    if reply is AstReply:
        assert answer.slices[-1].end_s == 12.5
