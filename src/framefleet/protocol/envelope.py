"""The common parts of endpoints' messages: the version, frames and sound, the probe, and how a job's input is read."""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from framefleet.errors import BadReplyError, WorkerError, from_worker
from framefleet.timebase import Seconds

SCHEMA_VERSION: Literal["1"] = "1"

REPLY_LIMIT = 19_000_000
"""Bytes. RunPod loses a result over 20 MB, and its package's own check for that never triggers."""

Message = TypeVar("Message", bound=msgspec.Struct)
AudioFormat = Literal["opus", "flac", "wav", "samples"]
"""The encoding of a clip; `samples` only within one process."""
UnitInterval = Annotated[float, msgspec.Meta(ge=0, le=1)]
Side = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in source pixels."""


class Frame(msgspec.Struct, frozen=True):
    """A frame, in any form. `index` and `time_s` are only copied to the reply."""

    index: int
    time_s: Seconds


class JpegFrame(Frame, frozen=True):
    """A frame as a JPEG file: base64 on the wire."""

    jpeg: bytes


class JpegFrames(msgspec.Struct, frozen=True, tag_field="kind", tag="jpeg_frames"):
    """A batch of frames, each a JPEG file."""

    frames: Annotated[list[JpegFrame], msgspec.Meta(min_length=1, max_length=1024)]


class PixelFrame(Frame, frozen=True):
    """A frame within a process: `rgb` is (height, width, 3), uint8, RGB."""

    rgb: NDArray[np.uint8]


class PixelFrames(msgspec.Struct, frozen=True, tag_field="kind", tag="pixels"):
    """A batch of frames that never leaves this process: nothing that comes over the wire can be one."""

    frames: Annotated[list[PixelFrame], msgspec.Meta(min_length=1, max_length=1024)]


FrameSource = JpegFrames | PixelFrames


class SoundSamples(msgspec.Struct, frozen=True, tag_field="kind", tag="samples"):
    """A clip that never leaves this process: `samples` are (count,), int16, mono, 16 kHz."""

    samples: NDArray[np.int16]


class TimingMs(msgspec.Struct, frozen=True):
    """The time that a worker spent on each step, in milliseconds."""

    decode: float = 0
    inference: float = 0
    total: float = 0


class Probe(msgspec.Struct, frozen=True):
    """A request for a worker's description, which also wakes a worker if none is running."""

    probe: bool = True


class ProbeReply(msgspec.Struct, frozen=True, kw_only=True):
    """The reply to `{"probe": true}`: the versions and forms that the worker accepts, and its model.

    `features` are the optional parts of requests that it supports.
    """

    schema_versions: list[str] = msgspec.field(default_factory=lambda: [SCHEMA_VERSION])
    source_kinds: list[str] = []
    model: str
    model_id: str
    gpu: str | None = None
    max_batch: int = 64
    features: list[str] = []


def is_probe(job: dict[str, Any]) -> bool:
    """Return whether the job is a probe."""
    request = job.get("input")
    return isinstance(request, dict) and request.get("probe") is True


def read_request(job: dict[str, Any], type: type[Message]) -> Message:
    """Return the request in `job["input"]`. Raises `WorkerError` ("invalid_input") that names the field."""
    try:
        return msgspec.convert(job.get("input"), type, dec_hook=_array)
    except msgspec.ValidationError as error:
        raise WorkerError("invalid_input", f"{error}; see docs/architecture.md for the request") from None


def to_output(reply: msgspec.Struct) -> dict[str, Any]:
    """Return a handler's whole reply. Raises `WorkerError` ("reply_too_large") for one that the service would lose."""
    size = len(msgspec.json.encode(reply))
    if size > REPLY_LIMIT:
        raise WorkerError("reply_too_large", f"the reply of {size / 1e6:.1f} MB is too large; request less at once")
    built: dict[str, Any] = msgspec.to_builtins(reply)
    return built


def read_reply(output: Any, type: type[Message]) -> Message:
    """Return a worker's output as `type`. Raises the worker's own error, or `BadReplyError` that names the field."""
    if isinstance(output, dict) and isinstance(output.get("error"), str):
        raise from_worker(output["error"])
    try:
        return msgspec.convert(output, type)
    except msgspec.ValidationError as error:
        raise BadReplyError(f"the worker's reply is invalid: {error}") from None


def to_input(request: msgspec.Struct) -> dict[str, Any]:
    """Return the request as the dict for a handler in this process: bytes stay bytes, arrays become views of them."""
    built: dict[str, Any] = msgspec.to_builtins(request, builtin_types=(bytes, memoryview), enc_hook=_view)
    return built


def _view(value: Any) -> memoryview:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError
    return value.data


def _array(_: Any, value: Any) -> Any:
    """Return the array of a view made by `_view`. Raises `ValueError` for a value that came over the wire."""
    if not isinstance(value, memoryview):
        raise ValueError("expected an array, which cannot leave its process")
    return np.asarray(value)
