"""YAMNet on ONNX Runtime, the embedded classifier. Its graph is quantised: bytes in, bytes out."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError, WorkerError
from framefleet.install_hints import with_extra
from framefleet.models import file_sha256
from framefleet.models.store import model_folder
from framefleet.stages.sounds.worker.engines.base import Scores, Slices, Slicing
from framefleet.timebase import Seconds

GRAPH, WEIGHTS, CLASSES = "yamnet.onnx", "model.data", "yamnet_class_map.csv"

RATE = 16_000
WINDOW, HOP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms
FRAMES, BANDS = 96, 64
LOWEST_HZ, HIGHEST_HZ = 125.0, 7500.0
OFFSET = 0.001
SAMPLES = (FRAMES - 1) * HOP + WINDOW
"""Of one slice: 0.975 s."""

# Frames per matrix product: with more, OpenBLAS starts threads that cost ten times what they save.
_RUN = 8


def log_mel(slices: Slices) -> NDArray[np.float32]:
    """Return log mel spectrograms (n, FRAMES, BANDS) for slices of (n, SAMPLES)."""
    frames = np.lib.stride_tricks.sliding_window_view(slices, WINDOW, axis=1)[:, ::HOP]
    magnitudes = np.abs(np.fft.rfft(frames * _hann(), FFT))
    runs = magnitudes.astype(np.float32, copy=False).reshape(-1, _RUN, FFT // 2 + 1)
    logged: NDArray[np.float32] = np.log(runs @ _mel_bands() + np.float32(OFFSET))
    return logged.reshape(-1, FRAMES, BANDS)


@cache
def _hann() -> NDArray[np.float32]:
    """Return the periodic Hann window, as in TensorFlow's `stft`."""
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _mel_bands() -> NDArray[np.float32]:
    """Return (FFT / 2 + 1, BANDS): triangles on HTK's mel scale, as TensorFlow's `linear_to_mel_weight_matrix`."""
    at = _mel(np.linspace(0, RATE / 2, FFT // 2 + 1))[:, None]
    lowest, highest = _mel(np.array([LOWEST_HZ, HIGHEST_HZ]))
    edges = np.linspace(lowest, highest, BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bands = np.maximum(0, np.minimum((at - low) / (centre - low), (high - at) / (high - centre)))
    bands[0] = 0  # the constant part is not sound
    return np.asarray(bands, dtype=np.float32)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    mel: NDArray[np.float64] = 1127.0 * np.log1p(hertz / 700.0)
    return mel


SLICE_S = SAMPLES / RATE
HOP_S = 0.48  # half a patch, as the authors run it

# Of "audio" and "class_scores" in the graph, where `audio_scale`, `audio_zero_point` and so on are constants that
# ONNX Runtime does not expose. A class's byte is its quantised logit.
INPUT_SCALE, INPUT_ZERO = 0.047937885, 144
OUTPUT_SCALE, OUTPUT_ZERO = 0.7565417, 190


class YamnetEngine:
    """See `SoundClassifier`. Runs on the CPU, by default on one thread: that is hundreds of times faster than real
    time, and more threads cost more than they gain. `folder` holds the files of the model "yamnet"."""

    model = "yamnet"
    device = "cpu"
    gpu = None

    def __init__(self, folder: str | None = None, *, threads: int = 0) -> None:
        place = model_folder("yamnet") if folder is None else Path(folder)
        self._session = _open(place / GRAPH, threads)
        self.model_id = file_sha256(place / WEIGHTS)
        self.labels = _labels(place / CLASSES)

    def settle(self, slice_s: Seconds | None, hop_s: Seconds | None) -> Slicing:
        if slice_s not in (None, SLICE_S):
            raise WorkerError("unsupported", f"slice_s {slice_s:g}: YAMNet takes slices of {SLICE_S} s; leave it out")
        return Slicing(SLICE_S, hop_s or HOP_S)

    def classify(self, slices: Slices) -> Scores:
        # one at a time, because the intermediate arrays then fit the cache: twice as fast as 32 at once
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
        raise SetupError(
            "onnxruntime is not installed", hint=f"{with_extra('local')}, or configure an endpoint"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 1
    options.log_severity_level = 3  # errors only
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises many types
        raise SetupError(f"{path}: ONNX Runtime cannot load it: {error}") from None
