"""The handler of the yolo endpoint: it passes a job's frames through a detector.

An image that cannot be decoded fails alone; a request that cannot be served gets `{"error": "<type>: <line>"}`.
"""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from framefleet.errors import WorkerError
from framefleet.protocol.envelope import ProbeReply, TimingMs
from framefleet.protocol.yolo import (
    FrameReply,
    YoloObject,
    YoloReply,
    YoloRequest,
)
from framefleet.stages.objects.worker.engines import EngineKind, open_engine
from framefleet.stages.objects.worker.engines.base import (
    Boxes,
    DetectionSettings,
    Detector,
    Pixels,
)
from framefleet.worker.pictures import decode, explain
from framefleet.worker.serving import ServedHandler, ms


def detect_in_memory(
    engine: Detector, pictures: Sequence[Pixels], settings: DetectionSettings
) -> tuple[list[Boxes], int | None]:
    """Return the boxes in each frame, and how many frames fitted into memory at once if not all did (else None).

    Raises `WorkerError` ("out_of_memory") if not even one frame fits.
    """
    found: list[Boxes] = []
    most = max(1, len(pictures))
    while len(found) < len(pictures):
        boxes = _tried(engine, pictures[len(found) : len(found) + most], settings, last=most == 1)
        if boxes is None:
            most = -(-most // 2)
        else:
            found += boxes
    return found, most if most < len(pictures) else None


def _tried(
    engine: Detector, pictures: Sequence[Pixels], settings: DetectionSettings, *, last: bool
) -> list[Boxes] | None:
    """Return the boxes; None if the frames do not fit into memory, but half of them may."""
    try:
        return engine.detect(pictures, settings)
    except WorkerError as error:
        if error.type != "out_of_memory" or last:
            raise
        return None


__all__ = ["EngineKind", "ObjectsHandler", "make_handler", "open_engine"]


class ObjectsHandler(ServedHandler[YoloRequest]):
    """The handler for a loaded detector; never raises."""

    def __init__(self, engine: Detector) -> None:
        super().__init__(YoloRequest, self._probe, self._answer, explain)
        self._engine = engine

    def _probe(self) -> ProbeReply:
        engine = self._engine
        return ProbeReply(source_kinds=["jpeg_frames"], model=engine.model, model_id=engine.model_id, gpu=engine.gpu)

    def _answer(self, request: YoloRequest) -> YoloReply:
        engine = self._engine
        _check_model(request.model, engine.model)
        return self._look(request, engine.settle(_settings(request)))

    def _look(self, request: YoloRequest, settings: DetectionSettings) -> YoloReply:
        engine, frames = self._engine, request.source.frames
        began = perf_counter()
        pictures, errors = decode(frames)
        decoded = perf_counter()
        boxes, max_batch = detect_in_memory(engine, list(pictures.values()), settings)
        found = iter(boxes)
        inferred = perf_counter()
        replies = []
        for place, frame in enumerate(frames):
            objects = None
            if place in pictures:
                objects = describe(next(found), pictures[place], request, engine)
            replies.append(FrameReply(frame.index, frame.time_s, objects, errors.get(place)))
        return YoloReply(
            model=engine.model,
            model_id=engine.model_id,
            device=engine.device,
            gpu=engine.gpu,
            imgsz=settings.imgsz,
            imgsz_fixed=settings.fixed or None,
            half=settings.half,
            max_batch=max_batch,
            frames=replies,
            timing_ms=TimingMs(ms(decoded - began), ms(inferred - decoded), ms(perf_counter() - began)),
        )


def make_handler(engine: Detector) -> ObjectsHandler:
    """Return the handler of the yolo endpoint on `engine`."""
    return ObjectsHandler(engine)


def describe(boxes: Boxes, picture: Pixels, request: YoloRequest, engine: Detector) -> list[YoloObject]:
    """Return boxes in the sent image as objects in the source's pixels, clipped to the frame, best first."""
    height, width = picture.shape[:2]
    edges = np.array([request.source_width, request.source_height] * 2, np.float64)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    corners = np.clip(boxes[:, :4] * (edges / np.array([width, height] * 2)), 0, edges).round(2).tolist()
    return [
        YoloObject(number, engine.labels.get(number, str(number)), round(confidence, 4), tuple(corner))
        for corner, confidence, number in zip(
            corners, boxes[:, 4].tolist(), boxes[:, 5].astype(int).tolist(), strict=True
        )
    ]


def _check_model(asked: str | None, loaded: str) -> None:
    if asked is not None and _plain(asked) != _plain(loaded):
        raise WorkerError(
            "model_mismatch", f"the request is for {asked}, but this worker runs {loaded}; request that, or any"
        )


def _plain(model: str) -> str:
    return model.removesuffix(".pt").removesuffix(".onnx")


def _settings(request: YoloRequest) -> DetectionSettings:
    return DetectionSettings(
        imgsz=request.imgsz,
        conf=request.conf,
        iou=request.iou,
        max_det=request.max_det,
        classes=request.classes,
        half=request.half,
    )
