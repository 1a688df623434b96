"""The formats of detectors in ONNX files, told apart by inputs and outputs: how frames go in, how boxes come out."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.models import FOLDER, coco_labels
from framefleet.stages.objects.worker.engines.base import Boxes, DetectionSettings, Pixels
from framefleet.stages.objects.worker.engines.letterbox import Letterbox, Scaler, fit, stretched, top_left
from framefleet.stages.objects.worker.engines.sessions import open_session

Floats = NDArray[np.float32]
Size = tuple[int, int]
"""(height, width)."""

MAX_CANDIDATES = 30_000  # the best boxes of a frame that enter suppression; Ultralytics' max_nms

# Category numbers of COCO's annotations that no category has; RF-DETR has a column for each.
COCO_GAPS = {0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
COCO_COLUMNS = [number for number in range(91) if number not in COCO_GAPS]
MEAN, DEVIATION = (np.array(rgb, np.float32).reshape(3, 1, 1) for rgb in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))

EXPECTED = (
    "use an export of Ultralytics (YOLOv8, YOLO11: (n, 4 + classes, anchors)), YOLOX ((n, anchors, 5 + classes)), "
    "D-FINE (logits, pred_boxes) or RF-DETR (dets, labels), with one input of (n, 3, height, width)"
)


class DetectorFormat(Protocol):
    """How frames go into a kind of detector, and boxes come out. `fixed` is the only input size, if there is one.

    `adapts`: if another size is requested, it uses its own. `outputs` are the names of those that `boxes` reads.
    """

    @property
    def fixed(self) -> Size | None: ...
    @property
    def adapts(self) -> bool: ...
    @property
    def outputs(self) -> Sequence[str]: ...
    @property
    def labels(self) -> Mapping[int, str]: ...
    @property
    def stride(self) -> int: ...

    def place(self, width: int, height: int, imgsz: int) -> Letterbox:
        """Return where a frame of that size goes in the input."""

    def prepare(self, picture: Pixels, place: Letterbox) -> Floats:
        """Return the input: (1, 3, h, w)."""

    def boxes(self, said: Sequence[Floats], size: Size, settings: DetectionSettings) -> Boxes:
        """Return the boxes in an input of `size`, in its pixels, best first. `said` are its own outputs."""


@dataclass(frozen=True, slots=True)
class Ultralytics:
    """In: RGB, 0-1, padded on all sides, to a rectangle if the size is free. Out: (4 + classes, anchors), in pixels."""

    outputs: Sequence[str]
    labels: Mapping[int, str]
    fixed: Size | None
    stride: int
    scale: Scaler
    keep: "Suppression"
    adapts = False

    def place(self, width: int, height: int, imgsz: int) -> Letterbox:
        return fit(width, height, self.fixed or (imgsz, imgsz), None if self.fixed else self.stride)

    def prepare(self, picture: Pixels, place: Letterbox) -> Floats:
        return self.scale(picture, place)

    def boxes(self, said: Sequence[Floats], size: Size, settings: DetectionSettings) -> Boxes:
        return self.keep(said[0][:4], said[0][4:], settings)


@dataclass(frozen=True, slots=True)
class Yolox:
    """In: BGR, 0-255, padded right and below. Out: (anchors, 5 + classes), in strides from the anchor's cell."""

    outputs: Sequence[str]
    labels: Mapping[int, str]
    fixed: Size
    scale: Scaler
    keep: "Suppression"
    cells: Floats
    """(anchors, 3): x and y of each anchor's cell, and its stride."""
    stride = 32
    adapts = True

    def place(self, width: int, height: int, imgsz: int) -> Letterbox:
        return top_left(width, height, self.fixed)

    def prepare(self, picture: Pixels, place: Letterbox) -> Floats:
        return np.rint(self.scale(picture, place)[:, ::-1] * 255)

    def boxes(self, said: Sequence[Floats], size: Size, settings: DetectionSettings) -> Boxes:
        raw, stride = said[0], self.cells[:, 2:]
        with np.errstate(over="ignore"):  # infinite boxes are dropped
            boxes = np.concatenate([(raw[:, :2] + self.cells[:, :2]) * stride, np.exp(raw[:, 2:4]) * stride], axis=1)
        return self.keep(boxes.T, (raw[:, 4:5] * raw[:, 5:]).T, settings)


@dataclass(frozen=True, slots=True)
class Queries:
    """D-FINE and RF-DETR. In: RGB, 0-1, stretched to the input; `normal`: minus ImageNet's mean, by its deviation.

    Out: (queries, classes) before the sigmoid, and (queries, 4), centre and size as shares of the input; nothing has to
    be suppressed. `columns` are those that stand for a class, in the order of the labels.
    """

    outputs: Sequence[str]
    labels: Mapping[int, str]
    fixed: Size
    scale: Scaler
    columns: Sequence[int] | slice
    normal: bool
    stride = 32
    adapts = True

    def place(self, width: int, height: int, imgsz: int) -> Letterbox:
        return stretched(width, height, self.fixed)

    def prepare(self, picture: Pixels, place: Letterbox) -> Floats:
        image = self.scale(picture, place)
        return (image - MEAN) / DEVIATION if self.normal else image

    def boxes(self, said: Sequence[Floats], size: Size, settings: DetectionSettings) -> Boxes:
        return best_queries(said[0][:, self.columns], said[1], size, settings)


def best_queries(logits: Floats, shares: Floats, size: Size, settings: DetectionSettings) -> Boxes:
    """Return the boxes of (queries, classes) and (queries, 4) in an input of `size`; a query may be of two classes."""
    with np.errstate(over="ignore"):
        scores = 1 / (1 + np.exp(-logits))
    if settings.classes is not None:
        scores[:, ~np.isin(np.arange(scores.shape[1]), settings.classes)] = 0
    scores[~np.isfinite(shares).all(axis=1)] = 0
    queries, classes = np.nonzero(scores > settings.conf)
    found = scores[queries, classes]
    best = np.argsort(-found, kind="stable")[: settings.max_det]
    queries, classes, found = queries[best], classes[best], found[best]
    centre, half = shares[queries, :2], shares[queries, 2:] / 2
    height, width = size
    corners = np.concatenate([centre - half, centre + half], axis=1) * np.array([width, height] * 2, np.float32)
    return np.column_stack([corners, found, classes]).astype(np.float32, copy=False)


class Suppression:
    """Keeps the best of the boxes of one class that overlap."""

    def __init__(self) -> None:
        self._session = open_session(FOLDER / "suppress.onnx")

    def __call__(self, places: Floats, scores: Floats, settings: DetectionSettings) -> Boxes:
        """Return the boxes of `places` (4, anchors; centre and size) and `scores` (classes, anchors) that are kept."""
        best = scores.max(axis=0)
        numbers = np.flatnonzero((best > settings.conf) & np.isfinite(places).all(axis=0))
        if len(numbers) > MAX_CANDIDATES:
            numbers = numbers[np.argsort(-best[numbers], kind="stable")[:MAX_CANDIDATES]]
        classes = scores[:, numbers].argmax(axis=0)
        if settings.classes is not None:
            wanted = np.isin(classes, settings.classes)
            numbers, classes = numbers[wanted], classes[wanted]
        centre, half_size = places[:2, numbers].T, places[2:, numbers].T / 2
        boxes = np.concatenate([centre - half_size, centre + half_size], axis=1)
        kept = self._keep(boxes, best[numbers], classes, settings)
        return np.column_stack([boxes[kept], best[numbers][kept], classes[kept]]).astype(np.float32, copy=False)

    def _keep(
        self, boxes: Floats, scores: Floats, classes: NDArray[np.intp], settings: DetectionSettings
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
        kept: NDArray[np.int64] = self._session.run(None, feed)[0]
        return kept[:, 2]


def format_of(path: Path, session: Any) -> DetectorFormat:
    """Return the format of the detector in the file. Raises `SetupError` ("detector_shape") if it is none of them.

    D-FINE's and RF-DETR's outputs are told apart by name: with three or four classes both have the same shape.
    """
    entries, outputs = session.get_inputs(), session.get_outputs()
    names = _names(session.get_modelmeta().custom_metadata_map.get("names", ""))
    shapes = {output.name: list(output.shape) for output in outputs}
    made: DetectorFormat | None = None
    if len(entries) == 1 and _is_image(entries[0].shape):
        size = _size(entries[0].shape)
        if {"logits", "pred_boxes"} <= shapes.keys():
            made = _dfine(shapes["logits"], size, names)
        elif {"dets", "labels"} <= shapes.keys():
            made = _rfdetr(shapes["labels"], size, names)
        elif len(outputs) == 1 and len(outputs[0].shape) == 3:
            made = _yolo(outputs[0], size, names, session)
    if made is None:
        takes = ", ".join(f"{entry.name} {entry.shape}" for entry in entries)
        gives = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        what = f"{path}: not a supported detector: it takes {takes} and returns {gives}"
        raise SetupError(what, hint=EXPECTED, code="detector_shape")
    return made


def _dfine(logits: Sequence[Any], size: Size | None, names: dict[int, str]) -> DetectorFormat:
    labels = names or _coco(logits[-1] if isinstance(logits[-1], int) else len(coco_labels()))
    # An export may leave height and width open, but its anchors are those of the size it was made with.
    return Queries(("logits", "pred_boxes"), labels, size or (640, 640), Scaler(smooth=True), slice(None), normal=False)


def _rfdetr(logits: Sequence[Any], size: Size | None, names: dict[int, str]) -> DetectorFormat | None:
    if size is None or len(logits) != 3 or not isinstance(logits[2], int):
        return None
    # The official models have a column for each of COCO's category numbers; others a last one that is no class.
    columns = COCO_COLUMNS if logits[2] == 91 else range(logits[2] - 1)
    labels = names or _coco(len(columns))
    return Queries(("labels", "dets"), labels, size, Scaler(), columns, normal=True)


def _yolo(output: Any, size: Size | None, names: dict[int, str], session: Any) -> DetectorFormat | None:
    _, rows, columns = output.shape
    cells = cells_of(size) if size else None
    if cells is not None and rows == len(cells) and isinstance(columns, int) and columns > 5:
        return Yolox((output.name,), names or _coco(columns - 5), size or (0, 0), Scaler(), Suppression(), cells)
    if (isinstance(rows, int) and rows < 5) or columns == 6:
        return None
    stride = int(session.get_modelmeta().custom_metadata_map.get("stride", 32))
    return Ultralytics((output.name,), names, size, stride, Scaler(), Suppression())


def cells_of(size: Size) -> Floats:
    """Return (anchors, 3): x, y and stride of each cell of YOLOX's three grids over an input of `size`."""
    cells = [
        (x, y, stride) for stride in (8, 16, 32) for y, x in product(range(size[0] // stride), range(size[1] // stride))
    ]
    return np.array(cells, np.float32)


def _size(shape: Sequence[Any]) -> Size | None:
    height, width = shape[2:]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _is_image(shape: Sequence[Any]) -> bool:
    return len(shape) == 4 and (shape[1] == 3 or not isinstance(shape[1], int))  # a name: exports leave some open


def _coco(classes: int) -> dict[int, str]:
    """Return COCO's labels for as many classes as it has; {} for another number."""
    return dict(enumerate(coco_labels())) if classes == len(coco_labels()) else {}


def _names(text: str) -> dict[int, str]:
    """Return the labels in Ultralytics' metadata, `{0: 'person', …}`; {} if there are none."""
    try:
        return {int(number): str(name) for number, name in dict(ast.literal_eval(text)).items()}
    except (ValueError, SyntaxError, TypeError):
        return {}
