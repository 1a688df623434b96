"""Ultralytics YOLO on torch, for a GPU worker. Ultralytics is AGPL-3.0; nothing else here imports it."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from framefleet.errors import SetupError, WorkerError
from framefleet.models import file_sha256
from framefleet.stages.objects.worker.engines.base import Boxes, DetectionSettings, Pixels


class UltralyticsEngine:
    """See `Detector`. `model` is a .pt or .onnx file, or a .yaml that Ultralytics knows (random weights, for tests)."""

    def __init__(self, model: str | None, *, threads: int = 0) -> None:
        if model is None:
            raise SetupError("the Ultralytics engine has no embedded model", hint="name a file, such as yolo11m.pt")
        os.environ.setdefault("YOLO_OFFLINE", "true")  # no telemetry about each prediction; read on import
        try:
            import torch
            import ultralytics
        except ImportError as error:
            raise SetupError(f"{error.name} is not installed", hint="install torch and ultralytics") from None
        path = Path(model)
        if path.suffix != ".yaml" and not path.is_file():
            raise SetupError(
                f"{model}: no such model", hint="give the path of its file"
            )  # Ultralytics would download one
        if threads:
            torch.set_num_threads(threads)
        self._torch = torch
        self._cuda = torch.cuda.is_available()
        self._yolo = ultralytics.YOLO(model, task="detect")
        self._loaded_half: bool | None = None
        self._lock = Lock()  # the predictor holds the settings, so one batch at a time
        self.model = path.stem
        self.model_id = file_sha256(path) if path.is_file() else ""
        self.labels: dict[int, str] = dict(self._yolo.names)
        self.device = "cuda:0" if self._cuda else "cpu"
        self.gpu: str | None = torch.cuda.get_device_name(0) if self._cuda else None

    def settle(self, asked: DetectionSettings) -> DetectionSettings:
        return replace(asked, imgsz=-(-asked.imgsz // 32) * 32, half=asked.half and self._cuda)

    def detect(self, pictures: Sequence[Pixels], settings: DetectionSettings) -> list[Boxes]:
        reversed_channels = [np.ascontiguousarray(picture[..., ::-1]) for picture in pictures]  # Ultralytics reads BGR
        with self._lock:
            try:
                return [_rows(result) for result in self._predict(reversed_channels, settings)]
            except self._torch.OutOfMemoryError as error:
                reason = f"{len(pictures)} frames at {settings.imgsz}: {error}"
            # After the error is released: its traceback holds the batch that did not fit.
            self._torch.cuda.empty_cache()
            raise WorkerError("out_of_memory", reason)

    def _predict(self, pictures: list[Pixels], settings: DetectionSettings) -> Any:
        """Run one pass over the whole batch."""
        if self._loaded_half not in {None, settings.half}:
            self._yolo.predictor = None  # Ultralytics fixes the precision when it first predicts
        self._loaded_half = settings.half
        return self._yolo.predict(
            pictures,
            imgsz=settings.imgsz,
            conf=settings.conf,
            iou=settings.iou,
            max_det=settings.max_det,
            classes=None if settings.classes is None else list(settings.classes),
            half=settings.half,
            batch=len(pictures),
            rect=True,
            device=self.device,
            verbose=False,
        )


def _rows(result: Any) -> Boxes:
    boxes: Boxes = result.boxes.data.cpu().numpy().astype(np.float32, copy=False)
    return boxes[:, :6]
