"""Detectors as ONNX files on ONNX Runtime: the embedded one, or another of a known format."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import WorkerError
from framefleet.models import YOLOV3_TINY, YOLOV3_TINY_SHA256, checked, file_sha256
from framefleet.stages.objects.worker.engines.base import Boxes, DetectionSettings, Pixels
from framefleet.stages.objects.worker.engines.formats import format_of
from framefleet.stages.objects.worker.engines.letterbox import Letterbox
from framefleet.stages.objects.worker.engines.sessions import Device, cores, gpu_name, open_session

# Each thread takes a group of frames through all steps alone: with 16 frames, each costs 16 ms of a core, and 18 to 20
# if ONNX Runtime splits every layer among threads. Groups of two of 416 × 256 are as fast as larger ones, single frames
# a tenth slower.
PIXELS_A_RUN = 2 * 416 * 256
FRAMES_A_RUN = 16  # on a GPU, which takes one group at a time; the threads prepare its frames


class OnnxEngine:
    """See `Detector`."""

    def __init__(self, model: str | None = None, *, threads: int = 0, device: Device = "cpu") -> None:
        remedy = "reinstall FrameFleet, which contains it"
        path = checked(YOLOV3_TINY, YOLOV3_TINY_SHA256, remedy) if model is None else Path(model)
        self._session = open_session(path, device)
        self._format = format_of(path, self._session)
        self._input = self._session.get_inputs()[0]
        self._threads = threads or cores()
        self._pool = ThreadPoolExecutor(self._threads, "detector")
        self._on_gpu = device == "cuda"
        self.model = path.stem
        self.model_id = YOLOV3_TINY_SHA256 if model is None else file_sha256(path)
        self.labels = self._format.labels
        self.device, self.gpu = ("cuda:0", gpu_name()) if self._on_gpu else ("cpu", None)

    def settle(self, asked: DetectionSettings) -> DetectionSettings:
        fixed, stride = self._format.fixed, self._format.stride
        if fixed is None:
            return replace(asked, imgsz=-(-asked.imgsz // stride) * stride, half=False)
        if self._format.adapts or asked.imgsz == max(fixed):
            return replace(asked, imgsz=max(fixed), half=False, fixed=True)
        raise WorkerError("unsupported", f"imgsz {asked.imgsz}: {self.model} only takes {max(fixed)}; request that")

    def detect(self, pictures: Sequence[Pixels], settings: DetectionSettings) -> list[Boxes]:
        places = [self._format.place(p.shape[1], p.shape[0], settings.imgsz) for p in pictures]
        runs = self._runs(places)

        def prepare(number: int) -> NDArray[np.float32]:
            return self._format.prepare(pictures[number], places[number])

        def look(run: Sequence[int]) -> list[Boxes]:
            inputs = list(self._pool.map(prepare, run) if self._on_gpu else map(prepare, run))
            said = self._infer(np.concatenate(inputs))
            at = [places[number] for number in run]
            return [p.restore(self._format.boxes(one, p.outer, settings)) for p, one in zip(at, said, strict=True)]

        answers = map(look, runs) if self._on_gpu else self._pool.map(look, runs)
        found = dict(zip(chain.from_iterable(runs), chain.from_iterable(answers), strict=True))
        return [found[number] for number in range(len(pictures))]

    def _runs(self, places: Sequence[Letterbox]) -> list[list[int]]:
        """Return the frames' numbers in groups that pass through the network together."""
        by_size: dict[tuple[int, int], list[int]] = {}
        for number, place in enumerate(places):
            by_size.setdefault(place.outer, []).append(number)
        batch, runs = self._input.shape[0], []
        for (height, width), numbers in by_size.items():
            size = FRAMES_A_RUN
            if isinstance(batch, int):
                size = batch
            elif not self._on_gpu:
                size = max(1, min(PIXELS_A_RUN // (height * width), -(-len(numbers) // self._threads)))
            runs += [numbers[start : start + size] for start in range(0, len(numbers), size)]
        return runs

    def _infer(self, inputs: NDArray[np.float32]) -> list[list[NDArray[np.float32]]]:
        """Return what the network says of each of (N, 3, h, w): its format's outputs, without their first dimension."""
        if self._input.type == "tensor(float16)":
            inputs = inputs.astype(np.float16)
        batch = self._input.shape[0]
        count = len(inputs)
        if isinstance(batch, int) and count < batch:
            inputs = np.concatenate([inputs, np.zeros((batch - count, *inputs.shape[1:]), inputs.dtype)])
        try:
            raw = self._session.run(list(self._format.outputs), {self._input.name: inputs})
        except Exception as error:
            if self._on_gpu and "memory" in str(error).lower():
                raise WorkerError("out_of_memory", f"{count} frames: {str(error).strip().splitlines()[-1]}") from None
            raise
        return [[output[number].astype(np.float32, copy=False) for output in raw] for number in range(count)]
