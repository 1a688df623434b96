"""What endpoints' messages share: the version, what is sent of a video, the probe, and reading a job's input."""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from framefleet.errors import BadReplyError, WorkerError, from_worker
from framefleet.timebase import Seconds

SCHEMA_VERSION: Literal["1"] = "1"

REPLY_LIMIT = 19_000_000
"""Bytes. RunPod loses a result over 20 MB, and the package's own check of it never fires."""

Message = TypeVar("Message", bound=msgspec.Struct)
AudioFormat = Literal["opus", "flac", "wav", "samples"]
"""How a clip travels; as `samples` within one process only."""
UnitInterval = Annotated[float, msgspec.Meta(ge=0, le=1)]
Side = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in source pixels."""


class Frame(msgspec.Struct, frozen=True):
    """One picture, in whatever form. `index` and `time_s` are only carried through to the reply."""

    index: int
    time_s: Seconds


class JpegFrame(Frame, frozen=True):
    """A picture as a JPEG file: base64 on the wire."""

    jpeg: bytes


class JpegFrames(msgspec.Struct, frozen=True, tag_field="kind", tag="jpeg_frames"):
    """A batch of pictures, each a JPEG file."""

    frames: Annotated[list[JpegFrame], msgspec.Meta(min_length=1, max_length=1024)]


class PixelFrame(Frame, frozen=True):
    """A picture within a process: `rgb` is (height, width, 3), uint8, RGB."""

    rgb: NDArray[np.uint8]


class PixelFrames(msgspec.Struct, frozen=True, tag_field="kind", tag="pixels"):
    """A batch of pictures that never leave this process: nothing that comes over the wire can be one."""

    frames: Annotated[list[PixelFrame], msgspec.Meta(min_length=1, max_length=1024)]


FrameSource = JpegFrames | PixelFrames


class SoundSamples(msgspec.Struct, frozen=True, tag_field="kind", tag="samples"):
    """A clip that never leaves this process: `samples` are (count,), int16, mono, 16 kHz."""

    samples: NDArray[np.int16]


class TimingMs(msgspec.Struct, frozen=True):
    """Where a worker's time went, in milliseconds."""

    decode: float = 0
    inference: float = 0
    total: float = 0


class Probe(msgspec.Struct, frozen=True):
    """Asks a worker what it is, and wakes one if none is awake."""

    probe: bool = True


class ProbeReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `{"probe": true}`: what this worker speaks and runs."""

    schema_versions: list[str] = msgspec.field(default_factory=lambda: [SCHEMA_VERSION])
    source_kinds: list[str] = []
    model: str
    model_id: str
    gpu: str | None = None
    max_batch: int = 64


def is_probe(job: dict[str, Any]) -> bool:
    """Whether the job only asks what the worker is."""
    request = job.get("input")
    return isinstance(request, dict) and request.get("probe") is True


def read_request(job: dict[str, Any], type: type[Message]) -> Message:
    """The request in `job["input"]`. Raises `WorkerError` ("invalid_input") that names the field."""
    try:
        return msgspec.convert(job.get("input"), type, dec_hook=_array)
    except msgspec.ValidationError as error:
        raise WorkerError("invalid_input", f"{error}; see docs/architecture.md for the request") from None


def to_output(reply: msgspec.Struct) -> dict[str, Any]:
    """A handler's whole reply. Raises `WorkerError` ("reply_too_large") for one that the service would lose."""
    size = len(msgspec.json.encode(reply))
    if size > REPLY_LIMIT:
        raise WorkerError("reply_too_large", f"{size / 1e6:.1f} MB do not get through; ask for less in one request")
    built: dict[str, Any] = msgspec.to_builtins(reply)
    return built


def read_reply(output: Any, type: type[Message]) -> Message:
    """A worker's output as `type`. Raises the worker's own error, or `BadReplyError` naming the field."""
    if isinstance(output, dict) and isinstance(output.get("error"), str):
        raise from_worker(output["error"])
    try:
        return msgspec.convert(output, type)
    except msgspec.ValidationError as error:
        raise BadReplyError(f"the worker's reply is not understood: {error}") from None


def to_input(request: msgspec.Struct) -> dict[str, Any]:
    """The request as the dict a handler gets in this process: bytes stay bytes, and arrays views of their memory."""
    built: dict[str, Any] = msgspec.to_builtins(request, builtin_types=(bytes, memoryview), enc_hook=_view)
    return built


def _view(value: Any) -> memoryview:
    if not isinstance(value, np.ndarray):
        raise NotImplementedError
    return value.data


def _array(_: Any, value: Any) -> Any:
    """What `_view` made of an array as one again. Raises `ValueError` for what came over the wire."""
    if not isinstance(value, memoryview):
        raise ValueError("an array, which does not leave its process, was expected")
    return np.asarray(value)
