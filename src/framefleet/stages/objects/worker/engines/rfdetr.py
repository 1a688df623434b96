"""RF-DETR on torch, by Roboflow's package `rfdetr`, for a GPU worker. Both are Apache-2.0."""

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


class RfDetrEngine:
    """See `Detector`. `model` is a .pth file whose content or name (`rf-detr-nano.pth`) says which model it is."""

    def __init__(self, model: str, *, threads: int = 0) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is downloaded; read on import
        try:
            import rfdetr
            import torch
        except ImportError as error:
            raise SetupError(f"{error.name} is not installed", hint="install torch and rfdetr") from None
        path = Path(model)
        if not path.is_file():
            raise SetupError(f"{model}: no such model", hint="give the path of its file")  # rfdetr would download one
        if threads:
            torch.set_num_threads(threads)
        self._torch = torch
        try:
            self._detr = rfdetr.RFDETR.from_checkpoint(str(path))  # refuses files that could run code
        except ValueError as error:
            raise SetupError(f"{model}: rfdetr cannot load it: {error}", code="detector_shape") from None
        self._lock = Lock()  # rfdetr does not say that a model may be used by several threads
        self.model = path.stem
        self.model_id = file_sha256(path)
        self.labels: dict[int, str] = dict(enumerate(self._detr.class_names))
        self._numbers = {label: number for number, label in self.labels.items()}
        cuda = torch.cuda.is_available()
        self.device = "cuda:0" if cuda else "cpu"
        self.gpu: str | None = torch.cuda.get_device_name(0) if cuda else None

    def settle(self, asked: DetectionSettings) -> DetectionSettings:
        return replace(asked, imgsz=int(self._detr.model.resolution), half=False, fixed=True)

    def detect(self, pictures: Sequence[Pixels], settings: DetectionSettings) -> list[Boxes]:
        if not pictures:
            return []
        with self._lock:
            try:
                found = self._detr.predict(list(pictures), threshold=settings.conf, include_source_image=False)
                return [self._rows(one, settings) for one in found]
            except self._torch.OutOfMemoryError as error:
                reason = f"{len(pictures)} frames at {settings.imgsz}: {error}"
            # After the error is released: its traceback holds the batch that did not fit.
            self._torch.cuda.empty_cache()
            raise WorkerError("out_of_memory", reason)

    def _rows(self, found: Any, settings: DetectionSettings) -> Boxes:
        """Return the boxes. Classes go by name: their numbers are COCO's category numbers, or places in the labels."""
        if not len(found.xyxy):
            return np.empty((0, 6), np.float32)
        numbers = np.array([self._numbers.get(str(label), -1) for label in found.data["class_name"]])
        kept = numbers >= 0
        if settings.classes is not None:
            kept &= np.isin(numbers, settings.classes)
        rows = np.column_stack([found.xyxy, found.confidence, numbers])[kept].astype(np.float32)
        return rows[np.argsort(-rows[:, 4], kind="stable")][: settings.max_det]
