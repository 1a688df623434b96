"""Whatever the network sends is a reply of ours or an error of ours."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import (
    BadReplyError,
    FleetError,
    TooLargeError,
    WorkerError,
    from_worker,
)
from framefleet.protocol.envelope import (
    REPLY_LIMIT,
    PixelFrame,
    PixelFrames,
    read_reply,
    read_request,
    to_input,
    to_output,
)
from framefleet.protocol.whisper import WhisperReply, WhisperRequest
from framefleet.protocol.yolo import FrameReply, YoloReply, YoloRequest
from framefleet.worker.waveform import decode

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("error", "schema_version", "model", "model_id", "device", "frames", "segments", "language")
named = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, anything))


@given(anything | named, st.sampled_from([YoloReply, WhisperReply]))
def test_any_output_is_read_or_refused(output: Any, kind: type) -> None:
    try:
        assert isinstance(read_reply(output, kind), kind)
    except FleetError as error:
        assert "\n" not in str(error)


@given(anything | named, st.sampled_from([YoloRequest, WhisperRequest]))
def test_any_request_is_read_or_refused(request_: Any, kind: type) -> None:
    try:
        read_request({"input": request_}, kind)
    except WorkerError as error:
        assert error.type == "invalid_input"
        assert "\n" not in str(error)


@given(st.text())
def test_any_text_of_a_worker_is_an_error_of_ours(text: str) -> None:
    assert isinstance(from_worker(text), FleetError)


ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def test_a_request_with_arrays_is_a_job_within_the_process_and_copies_none() -> None:
    asked = YoloRequest(source=PixelFrames([PixelFrame(3, 1.5, ARRAY)]), source_width=4, source_height=2)
    read = read_request({"input": to_input(asked)}, YoloRequest)
    (frame,) = read.source.frames
    assert isinstance(frame, PixelFrame)
    assert (frame.index, frame.time_s) == (3, 1.5)
    assert np.array_equal(frame.rgb, ARRAY)
    assert np.shares_memory(frame.rgb, ARRAY)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (YoloRequest, {"source": {"kind": "pixels", "frames": [{"index": 0, "time_s": 0, "rgb": [[[1, 2, 3]]]}]}}),
        (YoloRequest, {"source": {"kind": "pixels", "frames": [{"index": 0, "time_s": 0, "rgb": "AAAA"}]}}),
        (WhisperRequest, {"audio": {"kind": "samples", "samples": [1, 2]}, "format": "samples"}),
    ],
)
def test_nothing_that_comes_over_the_wire_is_an_array(kind: type, sent: dict[str, Any]) -> None:
    whole = sent | {"source_width": 1, "source_height": 1, "duration_s": 1}
    with pytest.raises(WorkerError, match="cannot leave its process") as caught:
        read_request({"input": whole}, kind)
    assert caught.value.type == "invalid_input"


def test_a_file_that_says_it_is_samples_is_refused() -> None:
    with pytest.raises(WorkerError, match="send opus, flac or wav"):
        decode(b"RIFF", "samples", 1.0)


def test_another_version_is_refused() -> None:
    with pytest.raises(BadReplyError, match="schema_version"):
        read_reply({"schema_version": "2", "model": "", "model_id": "", "device": "", "frames": []}, YoloReply)


def test_a_reply_that_the_service_would_lose_says_so_and_is_asked_in_halves() -> None:
    long = "x" * 1000
    frames = [FrameReply(n, 0.0, None, long) for n in range(REPLY_LIMIT // 1000)]
    reply = YoloReply(model="m", model_id="i", device="cpu", frames=frames)
    with pytest.raises(WorkerError) as caught:
        to_output(reply)
    assert isinstance(from_worker(caught.value.wire()["error"]), TooLargeError)
    small = to_output(msgspec.structs.replace(reply, frames=frames[:3]))
    assert len(small["frames"]) == 3
