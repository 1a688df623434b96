"""Detectors as ONNX files on ONNX Runtime: the embedded one, or another with the output shape of YOLOv8."""

import ast
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError, WorkerError
from framefleet.install_hints import with_extra
from framefleet.models import (
    FOLDER,
    YOLOV3_TINY,
    YOLOV3_TINY_SHA256,
    checked,
    file_sha256,
)
from framefleet.stages.objects.worker.engines.base import Boxes, DetectionSettings, Pixels


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A frame of `width` × `height` scaled to `inner_width` × `inner_height`, with borders around it, in pixels."""

    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def outer(self) -> tuple[int, int]:
        """The detector's input size: (height, width)."""
        return self.inner_height + self.top + self.bottom, self.inner_width + self.left + self.right

    def restore(self, boxes: Boxes) -> Boxes:
        """Return boxes (n, 4 or more) in the input as boxes in the frame, clipped to it."""
        restored = boxes.copy()
        for axis, border, size, inner in (
            (0, self.left, self.width, self.inner_width),
            (1, self.top, self.height, self.inner_height),
        ):
            restored[:, axis:4:2] = np.clip((boxes[:, axis:4:2] - border) * (size / inner), 0, size)
        return restored


def fit(width: int, height: int, box: tuple[int, int], stride: int | None) -> Letterbox:
    """Return the letterbox for `box` (height, width): padded to a multiple of `stride`, or to the whole box (None)."""
    gain = min(box[0] / height, box[1] / width)
    inner_width, inner_height = max(round(width * gain), 1), max(round(height * gain), 1)
    spare_x, spare_y = box[1] - inner_width, box[0] - inner_height
    if stride:
        spare_x, spare_y = spare_x % stride, spare_y % stride
    left, top = round(spare_x / 2 - 0.1), round(spare_y / 2 - 0.1)
    return Letterbox(width, height, inner_width, inner_height, left, top, spare_x - left, spare_y - top)


def rows_to_blend(height: int, inner_height: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return for each of `inner_height` rows the two of `height` rows around it: all upper ones, then all lower ones.

    The second array has the weight of each, times 4, as `weights/letterbox.onnx` expects it.
    """
    at = (np.arange(inner_height) + 0.5) * (height / inner_height) - 0.5
    upper = np.floor(at)
    lower_share = np.round((at - upper) * 2048) / 2048  # OpenCV rounds weights to 2048ths
    rows = np.concatenate([upper, upper + 1]).clip(0, height - 1).astype(np.int64)
    return rows, (4 * np.concatenate([1 - lower_share, lower_share])).astype(np.float32)


# Each thread takes a group of frames through all steps alone: with 16 frames, each costs 16 ms of a core, and 18 to 20
# if ONNX Runtime splits every layer among threads. Groups of two of 416 × 256 are as fast as larger ones, single frames
# a tenth slower.
PIXELS_A_RUN = 2 * 416 * 256
MAX_CANDIDATES = 30_000  # the best boxes of a frame that enter suppression; Ultralytics' max_nms


class OnnxEngine:
    """See `Detector`. Runs on the CPU."""

    device = "cpu"
    gpu = None

    def __init__(self, model: str | None = None, *, threads: int = 0) -> None:
        remedy = "reinstall FrameFleet, which contains it"
        path = checked(YOLOV3_TINY, YOLOV3_TINY_SHA256, remedy) if model is None else Path(model)
        self._session = _open(path)
        self._letterbox = _open(FOLDER / "letterbox.onnx")
        self._suppress = _open(FOLDER / "suppress.onnx")
        self._threads = threads or _cores()
        self._pool = ThreadPoolExecutor(self._threads, "detector")
        self._input, self._output = self._session.get_inputs()[0], self._session.get_outputs()[0]
        _check_shapes(path, self._input, self._output)
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.model = path.stem
        self.model_id = YOLOV3_TINY_SHA256 if model is None else file_sha256(path)
        self.labels = _names(metadata.get("names", ""))
        self._stride = int(metadata.get("stride", 32))
        height, width = self._input.shape[2:]
        self._fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None

    def settle(self, asked: DetectionSettings) -> DetectionSettings:
        if self._fixed is None:
            return replace(asked, imgsz=-(-asked.imgsz // self._stride) * self._stride, half=False)
        if asked.imgsz == max(self._fixed):
            return replace(asked, half=False)
        raise WorkerError(
            "unsupported", f"imgsz {asked.imgsz}: {self.model} only takes {max(self._fixed)}; request that"
        )

    def detect(self, pictures: Sequence[Pixels], settings: DetectionSettings) -> list[Boxes]:
        places = [self._fit(picture, settings.imgsz) for picture in pictures]
        runs = self._runs(places)
        answers = self._pool.map(lambda run: self._look(pictures, places, run, settings), runs)
        order = chain.from_iterable(runs)
        found = dict(zip(order, chain.from_iterable(answers), strict=True))
        return [found[number] for number in range(len(pictures))]

    def _look(
        self, pictures: Sequence[Pixels], places: Sequence[Letterbox], run: Sequence[int], settings: DetectionSettings
    ) -> list[Boxes]:
        """Return the boxes in the frames of one run, whose inputs have the same size."""
        raw = self._infer(np.concatenate([self._scale(pictures[number], places[number]) for number in run]))
        return [places[number].restore(self._select(one, settings)) for number, one in zip(run, raw, strict=True)]

    def _fit(self, picture: Pixels, imgsz: int) -> Letterbox:
        height, width = picture.shape[:2]
        return fit(width, height, self._fixed or (imgsz, imgsz), None if self._fixed else self._stride)

    def _runs(self, places: Sequence[Letterbox]) -> list[list[int]]:
        """Return the frames' numbers in groups that pass through the network together."""
        by_size: dict[tuple[int, int], list[int]] = {}
        for number, place in enumerate(places):
            by_size.setdefault(place.outer, []).append(number)
        runs = []
        for (height, width), numbers in by_size.items():
            size = max(1, min(PIXELS_A_RUN // (height * width), -(-len(numbers) // self._threads)))
            if isinstance(self._input.shape[0], int):
                size = self._input.shape[0]
            runs += [numbers[start : start + size] for start in range(0, len(numbers), size)]
        return runs

    def _scale(self, picture: Pixels, place: Letterbox) -> NDArray[np.float32]:
        """Return the network's input: (1, 3, h, w), 0-1."""
        rows, shares = rows_to_blend(place.height, place.inner_height)
        feed = {
            "picture": picture[None],
            "rows": rows,
            "shares": shares[None, :, None, None],
            "size": np.array([1, len(rows), place.inner_width, 3]),
            "border": np.array([0, place.top, place.left, 0, 0, place.bottom, place.right, 0]),
        }
        image: NDArray[np.float32] = self._letterbox.run(None, feed)[0]
        return image

    def _infer(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, 4 + classes, anchors) for (N, 3, h, w)."""
        if self._input.type == "tensor(float16)":
            inputs = inputs.astype(np.float16)
        batch = self._input.shape[0]
        count = len(inputs)
        if isinstance(batch, int) and count < batch:
            inputs = np.concatenate([inputs, np.zeros((batch - count, *inputs.shape[1:]), inputs.dtype)])
        raw: NDArray[np.float32] = self._session.run([self._output.name], {self._input.name: inputs})[0]
        return raw[:count].astype(np.float32, copy=False)

    def _select(self, raw: NDArray[np.float32], settings: DetectionSettings) -> Boxes:
        """Return the boxes of (4 + classes, anchors) that are kept, in the input's pixels, each with its best class."""
        best = raw[4:].max(axis=0)
        numbers = np.flatnonzero(best > settings.conf)
        if len(numbers) > MAX_CANDIDATES:
            numbers = numbers[np.argsort(-best[numbers], kind="stable")[:MAX_CANDIDATES]]
        classes = raw[4:, numbers].argmax(axis=0)
        if settings.classes is not None:
            wanted = np.isin(classes, settings.classes)
            numbers, classes = numbers[wanted], classes[wanted]
        centre, half_size = raw[:2, numbers].T, raw[2:4, numbers].T / 2
        boxes = np.concatenate([centre - half_size, centre + half_size], axis=1)
        kept = self._keep(boxes, best[numbers], classes, settings)
        return np.column_stack([boxes[kept], best[numbers][kept], classes[kept]]).astype(np.float32, copy=False)

    def _keep(
        self,
        boxes: NDArray[np.float32],
        scores: NDArray[np.float32],
        classes: NDArray[np.intp],
        settings: DetectionSettings,
    ) -> NDArray[np.int64]:
        """Return the numbers of the boxes that no better box of their class overlaps by more than `iou`, best first."""
        if not len(boxes):
            return np.empty(0, np.int64)
        # One suppression for all classes: the boxes of each class are moved to an area of their own. Areas are numbered
        # among the classes present, because far from zero 32 bits no longer hold fractions of a pixel.
        apart = np.float32(boxes.max() - boxes.min() + 1)
        place = np.unique(classes, return_inverse=True)[1].astype(np.float32)
        feed = {
            "boxes": (boxes + (place * apart)[:, None])[None],
            "scores": scores[None, None],
            "max_det": np.array([settings.max_det]),
            "iou": np.array([settings.iou], np.float32),
        }
        kept: NDArray[np.int64] = self._suppress.run(None, feed)[0]
        return kept[:, 2]


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _open(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise SetupError(
            "onnxruntime is not installed", hint=f"{with_extra('local')}, or configure an endpoint"
        ) from None
    if not path.is_file():
        raise SetupError(f"{path}: no such model", hint="give the path of an .onnx file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors only: users cannot act on warnings about a model's graph
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises many types
        raise SetupError(f"{path}: ONNX Runtime cannot load it: {error}") from None


def _check_shapes(path: Path, entry: Any, output: Any) -> None:
    shape = output.shape
    if len(entry.shape) != 4 or len(shape) != 3 or (isinstance(shape[1], int) and shape[1] < 5) or shape[2] == 6:
        raise SetupError(
            f"{path}: not a supported detector: it takes {entry.shape} and returns {shape}",
            hint="use one that takes (batch, 3, height, width) and returns (batch, 4 + classes, anchors), as exported "
            "by Ultralytics for YOLOv8 and YOLO11",
            code="detector_shape",
        )


def _names(text: str) -> dict[int, str]:
    """Return the labels in Ultralytics' metadata, `{0: 'person', …}`; {} if there are none."""
    try:
        return {int(number): str(name) for number, name in dict(ast.literal_eval(text)).items()}
    except (ValueError, SyntaxError, TypeError):
        return {}
