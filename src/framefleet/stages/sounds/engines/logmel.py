"""Sound as YAMNet wants it: log mel spectrograms, by the recipe of its authors.

Source: `features.py` and `params.py` of YAMNet in TensorFlow's model garden. The quantised graph's input range begins
at log(0.001), which is that recipe's offset.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from framefleet.stages.sounds.engines.base import Slices

RATE = 16_000
WINDOW, HOP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms
FRAMES, BANDS = 96, 64
LOWEST_HZ, HIGHEST_HZ = 125.0, 7500.0
OFFSET = 0.001
SAMPLES = (FRAMES - 1) * HOP + WINDOW
"""Of one slice: 0.975 s."""

# Frames that are multiplied at once: with more, OpenBLAS wakes threads that cost ten times what they do.
_RUN = 8


def log_mel(slices: Slices) -> NDArray[np.float32]:
    """(n, FRAMES, BANDS) for slices of (n, SAMPLES)."""
    frames = np.lib.stride_tricks.sliding_window_view(slices, WINDOW, axis=1)[:, ::HOP]
    magnitudes = np.abs(np.fft.rfft(frames * _hann(), FFT))
    runs = magnitudes.astype(np.float32, copy=False).reshape(-1, _RUN, FFT // 2 + 1)
    logged: NDArray[np.float32] = np.log(runs @ _mel_bands() + np.float32(OFFSET))
    return logged.reshape(-1, FRAMES, BANDS)


@cache
def _hann() -> NDArray[np.float32]:
    """The periodic window, as in TensorFlow's `stft`."""
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _mel_bands() -> NDArray[np.float32]:
    """(FFT / 2 + 1, BANDS): triangles on HTK's mel scale, as in TensorFlow's `linear_to_mel_weight_matrix`."""
    at = _mel(np.linspace(0, RATE / 2, FFT // 2 + 1))[:, None]
    lowest, highest = _mel(np.array([LOWEST_HZ, HIGHEST_HZ]))
    edges = np.linspace(lowest, highest, BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bands = np.maximum(0, np.minimum((at - low) / (centre - low), (high - at) / (high - centre)))
    bands[0] = 0  # the constant part is no sound
    return np.asarray(bands, dtype=np.float32)


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    mel: NDArray[np.float64] = 1127.0 * np.log1p(hertz / 700.0)
    return mel
