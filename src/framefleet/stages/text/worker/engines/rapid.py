"""RapidOCR (Apache-2.0) with the PP-OCRv6 networks of its own wheel, on ONNX Runtime; nothing else here imports it.

Its own call takes one image at a time. Here its detector finds the lines of all frames first, and its recognizer then
reads all lines of the batch: many at a time on a GPU, one on each core of a CPU, where more gain nothing.

Text may be upside down, or turned to either side. RapidOCR has a network that classifies each line for that; here a
line that is tall, or is read with little confidence, is also read rotated by 180 degrees, and the more confident
reading counts. That costs nothing for the lines of most frames.
"""

import copy
import hashlib
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError, WorkerError
from framefleet.install_hints import anew, with_extra
from framefleet.stages.text.worker.engines import Device
from framefleet.stages.text.worker.engines.base import Corners, Reading
from framefleet.worker.pictures import Pixels

HEIGHT = 48
LEAST_WIDTH = 320  # the width that PP-OCR's recognizers are trained at, and that RapidOCR pads shorter lines to
STEP = 64  # a GPU is set up again for every new width
GREY = 128  # padding: 0 after the network's (x / 255 - 0.5) / 0.5


def strip_of(line: Pixels) -> NDArray[np.uint8]:
    """Return the line scaled to a height of 48 pixels, padded with grey to a whole step: (48, width, 3)."""
    height, width = line.shape[:2]
    inner = max(1, round(HEIGHT * width / height))
    outer = max(LEAST_WIDTH, -(-inner // STEP) * STEP)
    strip = np.full((HEIGHT, outer, 3), GREY, np.uint8)
    strip[:, :inner] = cv2.resize(line, (inner, HEIGHT))
    return strip


def groups_of(widths: Sequence[int], most: int) -> list[list[int]]:
    """Return the numbers of the strips in groups of equal width and of at most `most`."""
    by_width: dict[int, list[int]] = {}
    for number, width in enumerate(widths):
        by_width.setdefault(width, []).append(number)
    return [same[start : start + most] for same in by_width.values() for start in range(0, len(same), most)]


MODEL = "PP-OCRv6-small"
NETWORKS = ("PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx")
LINES_A_GROUP = 32  # on a GPU
WIDEST = 8.0  # an image wider than this many times its height gets a border, as in RapidOCR
LEAST_HEIGHT = 30  # pixels; as above
TALL = 1.5  # height over width: RapidOCR turns such a line on its side, its right edge up
SURE = 0.9  # confidence: upside-down lines are read with 0.85 at most, most others with more than 0.95

Found = list[tuple[Corners, Pixels]]
"""The corners of each line in an image, and the line cut out and upright."""


class RapidEngine:
    """See `Engine`."""

    model = MODEL

    def __init__(self, device: Device, *, threads: int = 0) -> None:
        # Each network call uses one core, so a CPU runs several side by side; a GPU takes them one by one.
        self._pool = ThreadPoolExecutor(1 if device == "cuda" else threads or _cores(), "reader")
        self._lines_a_group = LINES_A_GROUP if device == "cuda" else 1
        self._detector, self._recognizer, self.model_id = _load(device)
        self.device, self.gpu = ("cuda:0", _gpu_name()) if device == "cuda" else ("cpu", None)

    def read(self, pictures: Sequence[Pixels], max_side: int) -> list[list[Reading]]:
        found = list(self._pool.map(lambda picture: self._find(picture, max_side), pictures))
        readings = iter(self._either_way([line for lines in found for line in lines]))
        return [[next(readings) for _ in lines] for lines in found]

    def _either_way(self, lines: Found) -> list[Reading]:
        """Return the lines as read upright or, if that is more confident, rotated by 180 degrees."""
        texts = self._recognize([line for _, line in lines])
        readings = [Reading(*text, corners) for text, (corners, _) in zip(texts, lines, strict=True)]
        doubtful = [n for n, reading in enumerate(readings) if reading.confidence < SURE or _is_tall(reading.corners)]
        turned = self._recognize([np.ascontiguousarray(lines[number][1][::-1, ::-1]) for number in doubtful])
        for number, (text, confidence) in zip(doubtful, turned, strict=True):
            if confidence > readings[number].confidence:
                readings[number] = Reading(text, confidence, np.roll(readings[number].corners, 2, axis=0))
        return readings

    def _find(self, picture: Pixels, max_side: int) -> Found:
        from rapidocr.utils.process_img import apply_vertical_padding, get_rotate_crop_image

        bordered, record = apply_vertical_padding(np.ascontiguousarray(picture[..., ::-1]), {}, WIDEST, LEAST_HEIGHT)
        boxes = _in_memory(self._sized(max_side), bordered).boxes
        border = np.array([record["padding_1"]["left"], record["padding_1"]["top"]])
        return [
            (_laid(np.asarray(box, np.float64)) - border, get_rotate_crop_image(bordered, np.asarray(box, np.float32)))
            for box in (() if boxes is None else boxes)
        ]

    def _sized(self, max_side: int) -> Any:
        """Return the detector for images scaled to `max_side`: a copy per thread, which shares the network."""
        detector = copy.copy(self._detector)
        detector.limit_type, detector.limit_side_len = "max", max_side
        return detector

    def _recognize(self, lines: Sequence[Pixels]) -> list[tuple[str, float]]:

        strips = list(self._pool.map(strip_of, lines))
        groups = groups_of([strip.shape[1] for strip in strips], self._lines_a_group)
        answers = self._pool.map(lambda group: self._read_group([strips[number] for number in group]), groups)
        texts = dict(zip(chain.from_iterable(groups), chain.from_iterable(answers), strict=True))
        return [texts[number] for number in range(len(lines))]

    def _read_group(self, strips: list[Pixels]) -> list[tuple[str, float]]:
        from rapidocr.ch_ppocr_rec import TextRecInput

        read = _in_memory(self._recognizer, TextRecInput(img=strips))
        return [(str(text), float(score)) for text, score in zip(read.txts, read.scores, strict=True)]


def _laid(box: Corners) -> Corners:
    """Return the corners in the order of the image that is read: the box itself, or the box turned on its side."""
    width = int(max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[2] - box[3])))
    height = int(max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2])))
    return np.roll(box, -1, axis=0) if height >= TALL * width else box


def _is_tall(corners: Corners) -> bool:
    """Return whether a line runs up or down rather than across."""
    across, down = np.abs(corners[1] - corners[0])
    return bool(down > across)


def _load(device: Device) -> tuple[Any, Any, str]:
    """Return RapidOCR's detector and recognizer, and the sha256 of their weights. Raises `SetupError`."""
    rapid_ocr, folder = _package()
    paths = [folder / "models" / name for name in NETWORKS]
    digest = hashlib.sha256()
    for path in paths:
        if not path.is_file():  # RapidOCR would download it
            raise SetupError(f"{path}: the model file is missing", hint=anew("rapidocr"))
        digest.update(path.read_bytes())
    ocr = rapid_ocr(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.use_cuda": device == "cuda",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            # To try all algorithms for each new input size takes seconds.
            "EngineConfig.onnxruntime.cuda_ep_cfg.cudnn_conv_algo_search": "HEURISTIC",
            "Det.model_path": str(paths[0]),
            "Rec.model_path": str(paths[1]),
            "Rec.rec_batch_num": LINES_A_GROUP,
        }
    )
    # There is no public name for either; the wheel is pinned.
    detector, recognizer = ocr._load_det_model(), ocr._load_rec_model()
    for network in (detector, recognizer):
        if device == "cuda" and "CUDAExecutionProvider" not in network.session.session.get_providers():
            raise SetupError("ONNX Runtime cannot use this GPU", hint="install onnxruntime-gpu, CUDA 12 and cuDNN 9")
    return detector, recognizer, digest.hexdigest()


def _package() -> tuple[Any, Path]:
    try:
        import onnxruntime  # noqa: F401
        import rapidocr

        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        return rapidocr.RapidOCR, Path(rapidocr.__file__).parent
    except ImportError as error:
        raise SetupError(
            f"text: {error.name or error} is not installed",
            hint=f"{with_extra('text')}, or set FRAMEFLEET_OCR_ENDPOINT to an endpoint",
        ) from None


def _in_memory(network: Any, entry: Any) -> Any:
    """Run RapidOCR's network on `entry`. Raises `WorkerError` ("out_of_memory")."""
    from rapidocr.inference_engine.onnxruntime.main import ONNXRuntimeError

    try:
        return network(entry)
    except ONNXRuntimeError as error:
        *_, line = str(error).strip().splitlines()
        if "memory" in line.lower():
            raise WorkerError("out_of_memory", f"{line}; send fewer or smaller frames") from None
        raise WorkerError("RuntimeError", line) from None


def _gpu_name() -> str | None:
    """Return the name that NVIDIA's driver has for the first GPU; None if it reports none."""
    places = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    lines = places[0].read_text(encoding="utf-8").splitlines() if places else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), None)


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
