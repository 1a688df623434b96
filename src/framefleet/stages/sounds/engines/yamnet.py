"""YAMNet on ONNX Runtime: the embedded classifier. Its graph is quantised: bytes in, bytes out."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError, WorkerError
from framefleet.installing import with_extra
from framefleet.stages.sounds.engines.base import Scores, Slices, Slicing
from framefleet.stages.sounds.engines.logmel import BANDS, FRAMES, RATE, SAMPLES, log_mel
from framefleet.units import Seconds
from framefleet.weights import file_sha256
from framefleet.weights.yamnet import CLASSES, GRAPH, WEIGHTS, yamnet_files

SLICE_S = SAMPLES / RATE
HOP_S = 0.48  # half a patch, as its authors run it

# Of "audio" and "class_scores" in the graph, where `audio_scale`, `audio_zero_point` and so on are constants that ONNX
# Runtime does not tell of. A class's byte stands for its logit.
INPUT_SCALE, INPUT_ZERO = 0.047937885, 144
OUTPUT_SCALE, OUTPUT_ZERO = 0.7565417, 190


class YamnetEngine:
    """See `Engine`. Runs on the CPU, on one thread unless told otherwise: that is hundreds of times as fast as the
    sound, and more cost more than they gain. `folder` holds the files of `yamnet_files()`."""

    model = "yamnet"
    device = "cpu"
    gpu = None

    def __init__(self, folder: str | None = None, *, threads: int = 0) -> None:
        place = yamnet_files() if folder is None else Path(folder)
        self._session = _open(place / GRAPH, threads)
        self.model_id = file_sha256(place / WEIGHTS)
        self.labels = _labels(place / CLASSES)

    def settle(self, slice_s: Seconds | None, hop_s: Seconds | None) -> Slicing:
        if slice_s not in (None, SLICE_S):
            raise WorkerError("unsupported", f"slice_s {slice_s:g}: YAMNet hears {SLICE_S} s at a time; leave it out")
        return Slicing(SLICE_S, hop_s or HOP_S)

    def classify(self, slices: Slices) -> Scores:
        # each on its own, because what is made on the way then fits the cache: twice as fast as 32 at once
        spectrograms = np.concatenate([log_mel(one[None]) for one in slices])
        patches = np.round(spectrograms / INPUT_SCALE) + INPUT_ZERO
        feed = patches.clip(0, 255).astype(np.uint8).reshape(-1, 1, FRAMES, BANDS)
        (found,) = self._session.run(None, {"audio": feed})
        return _sigmoid((found.astype(np.float32) - OUTPUT_ZERO) * np.float32(OUTPUT_SCALE))


def _sigmoid(logits: NDArray[np.float32]) -> Scores:
    scores: Scores = 1 / (1 + np.exp(-logits.clip(-80, 80)))
    return scores


def _labels(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


def _open(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise SetupError(f"onnxruntime is not installed; {with_extra('local')}, or configure an endpoint") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 1
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises a different type for each way to be broken
        raise SetupError(f"{path}: ONNX Runtime cannot load it: {error}") from None
