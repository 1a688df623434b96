"""The objects stage as a run sees it."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from framefleet.config import Backend, Options
from framefleet.errors import BadReplyError, UsageError
from framefleet.media.info import MediaInfo, Picture, PictureTime
from framefleet.media.sample import plan_samples
from framefleet.stages.base import Answer, Handler, Needs, Pace
from framefleet.stages.objects.forecast import ENDPOINT_PACE, LOCAL_PACE, request_bytes
from framefleet.stages.objects.merge import Detection, merge
from framefleet.stages.objects.plan import PictureBatch, check_crop, plan_batches
from framefleet.wire.common import TimingMs, read_reply
from framefleet.wire.yolo import JpegFrame, JpegFrames, YoloReply, YoloRequest

EMBEDDED_MODEL = "yolov3-tiny"


class ObjectsStage:
    """See `Stage`."""

    name = "objects"
    endpoint = "yolo"
    needs = Needs.PICTURES
    unit = "frames"

    def plan(self, media: MediaInfo, options: Options, backend: Backend) -> list[PictureBatch]:
        check_crop(options.crop, media.width, media.height)
        _check_model(options.yolo_model, backend)
        return plan_batches(media.duration_s, options.fps, options.batch_size) if media.has_video else []

    def pack(self, payload: Sequence[Picture], media: MediaInfo, options: Options, backend: Backend) -> YoloRequest:
        seen = options.crop or media
        return YoloRequest(
            model=None if _is_file(options.yolo_model) else options.yolo_model,
            source=JpegFrames([JpegFrame(picture.at.index, picture.at.time_s, picture.jpeg) for picture in payload]),
            source_width=seen.width,
            source_height=seen.height,
            conf=options.conf,
            iou=options.iou,
            imgsz=options.imgsz or _auto_imgsz(options.yolo_model, backend),
            half=backend != "local",
            max_det=options.max_det,
            classes=None if options.classes is None else list(options.classes),
        )

    def facts(self, payload: Sequence[Picture]) -> tuple[PictureTime, ...]:
        return tuple(picture.at for picture in payload)

    def split(self, request: YoloRequest) -> list[YoloRequest]:
        frames = request.source.frames
        if len(frames) < 2:
            return [request]
        middle = len(frames) // 2
        return [replace(request, source=JpegFrames(half)) for half in (frames[:middle], frames[middle:])]

    def join(self, replies: Sequence[YoloReply]) -> YoloReply:
        timings = [reply.timing_ms for reply in replies]
        total = TimingMs(*(sum(getattr(t, part) for t in timings) for part in ("decode", "inference", "total")))
        return replace(replies[0], frames=[frame for reply in replies for frame in reply.frames], timing_ms=total)

    def parse(self, request: YoloRequest, output: Any) -> YoloReply:
        reply = read_reply(output, YoloReply)
        asked = [frame.index for frame in request.source.frames]
        answers = {frame.index: frame for frame in reply.frames}
        wanted = set(asked)
        missing = len(wanted - answers.keys())
        twice = sum(frame.index in wanted for frame in reply.frames) - (len(wanted) - missing)
        if missing or twice:
            raise BadReplyError(
                f"of {len(asked)} pictures sent, {missing} are missing in the reply and {twice} doubled"
            )
        return replace(reply, frames=[answers[index] for index in asked])

    def count(self, reply: YoloReply) -> int:
        return sum(len(frame.objects or ()) for frame in reply.frames)

    def pace(self, backend: Backend) -> Pace:
        return LOCAL_PACE if backend == "local" else ENDPOINT_PACE

    def payload_bytes(
        self, items: Sequence[PictureBatch], media: MediaInfo, options: Options, backend: Backend
    ) -> tuple[int, int]:
        seen = options.crop or media
        return request_bytes(sum(len(batch.samples) for batch in items), seen.width, seen.height, options, backend)

    def open_handler(self, options: Options) -> Handler:
        from framefleet.stages.objects.handle import make_handler, open_engine

        return make_handler(open_engine(options.yolo_model if _is_file(options.yolo_model) else None))

    def merge(self, media: MediaInfo, options: Options, answers: Sequence[Answer[YoloReply]]) -> list[Detection]:
        samples = plan_samples(media.duration_s, options.fps) if media.has_video else []
        return merge(samples, [(answer.facts, answer.reply) for answer in answers], options.crop)


def _is_file(model: str | None) -> bool:
    return model is not None and model.endswith(".onnx")


def _auto_imgsz(model: str | None, backend: Backend) -> int:
    """1280 for endpoints; here what the embedded model was trained at, or what Ultralytics exports are made for."""
    if backend != "local":
        return 1280
    return 640 if _is_file(model) else 416


def _check_model(model: str | None, backend: Backend) -> None:
    if backend == "local" and model not in {None, EMBEDDED_MODEL} and not _is_file(model):
        raise UsageError(
            f"--yolo-model {model}: this machine has {EMBEDDED_MODEL}; give the path of an .onnx file, "
            "or set FRAMEFLEET_YOLO_ENDPOINT to an endpoint that has the model"
        )
    if backend != "local" and _is_file(model):
        raise UsageError(f"--yolo-model {model}: a file runs on this machine only; add --backend local")
