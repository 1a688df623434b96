"""The client's side of the objects stage."""

from collections.abc import Callable, Sequence
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
from framefleet.stages.objects import models
from framefleet.stages.objects.merge import merge

ENDPOINT_PACE = Pace(unit_s=0.2 / 16, alone_s=0.03)
"""A GPU worker's seconds per frame: 0.2 for 16 in one request, 0.03 for one alone."""

LOCAL_PACE = Pace(unit_s=0.045, alone_s=0.045)
"""The embedded model at 416, with the JPEG's decoding, on two cores of a server."""


class ObjectsStage(PictureStage[YoloRequest, YoloReply]):
    """See `Stage`."""

    name = "objects"
    endpoint = "yolo"

    def plan(self, media: MediaInfo, options: Options, can: Capabilities) -> list[PictureBatch]:
        _check_model(options, can)
        return super().plan(media, options, can)

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        """Return the same identity for pixels as for JPEGs, so that older answers remain valid: pixels are no worse."""
        return {
            "model": model_identity(options.yolo_model) if can.remote else models.identity(_local(options)),
            "crop": options.crop,
            "max_side": max_side(options, can),
            "jpeg_quality": options.jpeg_quality,
            "sampling": options.decoding,
            "conf": options.conf,
            "iou": options.iou,
            "imgsz": options.imgsz or _auto_imgsz(options, can),
            "max_det": options.max_det,
            "classes": None if options.classes is None else sorted(set(options.classes)),
        }

    def pack(
        self, payload: Sequence[Shown], media: MediaInfo, options: Options, can: Capabilities
    ) -> RequestBatch[YoloRequest]:
        seen = options.crop or media
        request = YoloRequest(
            model=None if models.is_file(options.yolo_model) else options.yolo_model,
            source=prepared(payload),
            source_width=seen.width,
            source_height=seen.height,
            conf=options.conf,
            iou=options.iou,
            imgsz=options.imgsz or _auto_imgsz(options, can),
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
        answered = [frame for frame in reply.frames if frame.objects is not None or frame.error is not None]
        reply = matched(facts, replace(reply, frames=answered))
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

        return make_handler(open_engine(models.file_of(_local(options))))

    def model_pace(self, options: Options) -> Pace:
        times = models.COST.get(_local(options), 1.0)
        return Pace(unit_s=LOCAL_PACE.unit_s * times, alone_s=LOCAL_PACE.alone_s * times)

    def lacks_model(self, options: Options) -> bool:
        return models.lacks(_local(options))

    def fetch_model(self, options: Options, tell: Callable[[str], object]) -> None:
        models.fetch(_local(options), tell)

    def model_name(self, options: Options) -> str:
        return _local(options)

    def model_remark(self, options: Options) -> str | None:
        return models.remark(options.yolo_model, options.imgsz)

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


def _local(options: Options) -> str:
    """Return the name or file of the model on this machine."""
    return models.chosen(options.yolo_model, options.imgsz)


def _auto_imgsz(options: Options, can: Capabilities) -> int:
    """Return 1280 for endpoints; here the size that suits the model."""
    return 1280 if can.remote else models.default_imgsz(_local(options))


def _check_model(options: Options, can: Capabilities) -> None:
    model = options.yolo_model
    if not can.remote:
        models.check(model, options.imgsz)
    elif models.is_file(model):
        raise UsageError(f"--yolo-model {model}: a file runs on this machine only", hint="add --backend local")
