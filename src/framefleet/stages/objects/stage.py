"""The client's side of the objects stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.errors import UsageError
from framefleet.media.transport.frames import Shown, prepared
from framefleet.media.types import MediaInfo, PictureTime
from framefleet.models import model_identity
from framefleet.protocol.envelope import read_reply
from framefleet.protocol.yolo import FrameReply, YoloReply, YoloRequest
from framefleet.schema.objects import Detection
from framefleet.stages import checked
from framefleet.stages.base import (
    Answer,
    Capabilities,
    Handler,
    Pace,
    RequestBatch,
)
from framefleet.stages.batches import PictureBatch
from framefleet.stages.frame_stage import PictureStage, matched, max_side
from framefleet.stages.objects.merge import merge

EMBEDDED_MODEL = "yolov3-tiny"

ENDPOINT_PACE = Pace(unit_s=0.2 / 16, alone_s=0.03)
"""A GPU worker's seconds per frame: 0.2 for 16 in one request, 0.03 for one alone."""

LOCAL_PACE = Pace(unit_s=0.045, alone_s=0.045)
"""The embedded model at 416, with the JPEG's decoding, on two cores of a server."""


class ObjectsStage(PictureStage[YoloRequest, YoloReply]):
    """See `Stage`."""

    name = "objects"
    endpoint = "yolo"

    def plan(self, media: MediaInfo, options: Options, can: Capabilities) -> list[PictureBatch]:
        _check_model(options.yolo_model, can)
        return super().plan(media, options, can)

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        """Return the same identity for pixels as for JPEGs, so that older answers remain valid: pixels are no worse."""
        return {
            "model": model_identity(options.yolo_model),
            "crop": options.crop,
            "max_side": max_side(options, can),
            "jpeg_quality": options.jpeg_quality,
            "sampling": options.sampling,
            "conf": options.conf,
            "iou": options.iou,
            "imgsz": options.imgsz or _auto_imgsz(options.yolo_model, can),
            "max_det": options.max_det,
            "classes": None if options.classes is None else sorted(set(options.classes)),
        }

    def pack(
        self, payload: Sequence[Shown], media: MediaInfo, options: Options, can: Capabilities
    ) -> RequestBatch[YoloRequest]:
        seen = options.crop or media
        request = YoloRequest(
            model=None if _is_file(options.yolo_model) else options.yolo_model,
            source=prepared(payload),
            source_width=seen.width,
            source_height=seen.height,
            conf=options.conf,
            iou=options.iou,
            imgsz=options.imgsz or _auto_imgsz(options.yolo_model, can),
            half=can.remote,
            max_det=options.max_det,
            classes=None if options.classes is None else list(options.classes),
        )
        return RequestBatch(request, tuple(picture.at for picture in payload))

    def parse(self, facts: Sequence[PictureTime], output: Any) -> YoloReply:
        """Check each frame by itself: one with an invalid answer is dropped, and sent again.

        So is one that has neither objects nor an error. See `checked.objects`.
        """
        reply = read_reply(output, YoloReply)
        told = [frame for frame in reply.frames if frame.objects is not None or frame.error is not None]
        reply = matched(facts, replace(reply, frames=told))
        checked.named(reply)
        return replace(reply, frames=checked.believed(reply.frames, self._checked))

    def _checked(self, frame: FrameReply) -> FrameReply:
        error = frame.error and frame.error[: checked.TEXT]
        found = None if frame.objects is None else checked.objects(frame.objects, self.seen)
        return replace(frame, objects=found, error=error)

    def reply_type(self) -> type[YoloReply]:
        return YoloReply

    def count(self, reply: YoloReply) -> int:
        return sum(len(frame.objects or ()) for frame in reply.frames)

    def pace(self, can: Capabilities) -> Pace:
        return ENDPOINT_PACE if can.remote else LOCAL_PACE

    def missing(self, options: Options) -> str | None:
        return None

    def open_handler(self, options: Options) -> Handler:
        from framefleet.stages.objects.worker.handler import make_handler, open_engine

        return make_handler(open_engine(options.yolo_model if _is_file(options.yolo_model) else None))

    def merge(
        self,
        media: MediaInfo,
        options: Options,
        answers: Sequence[Answer[YoloReply]],
        unanswered: Sequence[PictureTime] = (),
    ) -> list[Detection]:
        samples = self.samples(media, options)
        seen = self.about(media, options).seen

        def drawable(frame: FrameReply) -> FrameReply:
            found = frame.objects and checked.sound(frame.objects, lambda some: checked.objects(some, seen))
            return frame if found == frame.objects else replace(frame, objects=found)

        replies = [replace(a.reply, frames=[drawable(frame) for frame in a.reply.frames]) for a in answers]
        given = [(answer.facts, reply) for answer, reply in zip(answers, replies, strict=True)]
        return merge(samples, given, options.crop, unanswered)


def _is_file(model: str | None) -> bool:
    return model is not None and model.endswith(".onnx")


def _auto_imgsz(model: str | None, can: Capabilities) -> int:
    """Return 1280 for endpoints; here the embedded model's training size, or the default of Ultralytics' exports."""
    if can.remote:
        return 1280
    return 640 if _is_file(model) else 416


def _check_model(model: str | None, can: Capabilities) -> None:
    if not can.remote and model is not None and _is_file(model) and not Path(model).is_file():
        raise UsageError(f"--yolo-model {model}: no such file")
    if not can.remote and model not in {None, EMBEDDED_MODEL} and not _is_file(model):
        raise UsageError(
            f"--yolo-model {model}: this machine only has {EMBEDDED_MODEL}",
            hint="give the path of an .onnx file, or set FRAMEFLEET_YOLO_ENDPOINT to an endpoint that has the model",
        )
    if can.remote and _is_file(model):
        raise UsageError(f"--yolo-model {model}: a file runs on this machine only", hint="add --backend local")
