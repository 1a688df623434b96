"""A vector for the voice in a piece of speech: the GE2E encoder of Resemblyzer (three LSTM layers)."""

import pickle
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.stages.speakers.worker.graph import INPUT, OUTPUT, encoder_graph
from framefleet.stages.speakers.worker.sessions import open_session
from framefleet.worker.serving import look_up
from framefleet.worker.waveform import RATE, Waveform

HOP, FFT, BANDS = 160, 400, 40
FRAMES = 160
"""Of mel power in one look: 1.6 s, which is what the encoder was trained on."""

EVERY = 50
"""Frames from one look at a piece to the next."""

BATCH = 48
"""Looks at once. With five times as many the memory grows by 400 MB, and nothing is faster."""

LAYERS, UNITS = 3, 256
_QUIET_DBFS = -30  # quieter sound is raised to it, as in training

Mel = NDArray[np.float32]
Weights = dict[str, NDArray[np.float32]]


class VoiceEncoder:
    """The encoder, loaded. Safe to call from many threads."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load the checkpoint of Resemblyzer at `path`. Raises `SetupError`."""
        try:
            model = encoder_graph(read_checkpoint(path), layers=LAYERS)
        except Exception as error:  # noqa: BLE001 - a damaged pickle raises a different type for each way to be broken
            raise SetupError(f"{path}: not the encoder of voices: {type(error).__name__}: {error}") from None
        self._session = open_session(model, str(path), threads)

    def vectors(self, pieces: Sequence[Waveform]) -> NDArray[np.float32]:
        """Return a vector of length 1 for each piece of one person's speech: (pieces, 256).

        It is the mean over looks of 1.6 s; shorter speech is repeated. Looks of all pieces go through the network
        together, whose many small steps cost little more for a batch than for one.
        """
        found = np.zeros((len(pieces), UNITS), np.float32)
        looks: list[Mel] = []
        of: list[int] = []
        for number, look in _looks(pieces):
            looks.append(look)
            of.append(number)
            if len(looks) == BATCH:
                np.add.at(found, of, self._encoded(looks))
                looks, of = [], []
        if looks:
            np.add.at(found, of, self._encoded(looks))
        return _of_length_1(found)

    def _encoded(self, looks: Sequence[Mel]) -> NDArray[np.float32]:
        """(160, 40) each → (looks, 256)."""
        look_up()
        (vectors,) = self._session.run([OUTPUT], {INPUT: np.stack(looks, axis=1)})
        return _of_length_1(vectors)


def mel_power(audio: Waveform) -> Mel:
    """Return (frames, 40): mel power every 10 ms, without a logarithm, as the encoder was trained on."""
    rms = np.sqrt(np.mean(np.square(audio)) + 1e-12)
    louder = audio * np.float32(max(1.0, 10 ** (_QUIET_DBFS / 20) / rms))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(louder, FFT // 2), FFT)[::HOP] * _hann()
    power: Mel = (np.abs(np.fft.rfft(frames)) ** 2).astype(np.float32) @ _mel_bands()
    return power


def _looks(pieces: Sequence[Waveform]) -> Iterator[tuple[int, Mel]]:
    """Yield the encoder's inputs, (160, 40) each, with the number of their piece."""
    for number, piece in enumerate(pieces):
        power = mel_power(piece if len(piece) >= FRAMES * HOP else np.resize(piece, FRAMES * HOP))
        last = len(power) - FRAMES
        for start in sorted({*range(0, last + 1, EVERY), last}):
            yield number, power[start : start + FRAMES]


@cache
def _hann() -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


@cache
def _mel_bands() -> NDArray[np.float32]:
    """(FFT / 2 + 1, BANDS): triangles on Slaney's mel scale, each of the same area, as librosa has them."""
    step, knee = 200 / 3, 15.0
    top = knee + np.log(RATE / 2 / 1000) / (np.log(6.4) / 27)
    mel = np.linspace(0, top, BANDS + 2)
    edges = np.where(mel < knee, mel * step, 1000 * np.exp(np.log(6.4) / 27 * (mel - knee)))
    hertz = np.linspace(0, RATE / 2, FFT // 2 + 1)
    rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    areas = (2 / (edges[2:] - edges[:-2]))[:, None]
    return (np.maximum(0, np.minimum(rising, falling)) * areas).astype(np.float32).T.copy()


def _of_length_1(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = rows / np.maximum(np.float32(1e-9), np.linalg.norm(rows, axis=1, keepdims=True))
    return scaled


def read_checkpoint(path: Path) -> Weights:
    """Return the arrays of a torch checkpoint of the old form (until 1.6), by name, without torch.

    Raises `pickle.UnpicklingError` for one that has more in it than arrays.
    """
    with path.open("rb") as file:
        for _ in range(3):  # a magic number, the version of the form, and what machine wrote it
            _Arrays(file).load()
        arrays = _Arrays(file)
        checkpoint = arrays.load()
        for key in _Arrays(file).load():
            count = int(np.fromfile(file, "<i8", 1)[0])
            storage = arrays.storages[key]
            storage[:] = np.fromfile(file, storage.dtype, count)
    return {name: np.ascontiguousarray(array) for name, array in checkpoint["model_state"].items()}


class _Arrays(pickle.Unpickler):
    """Reads pickles with arrays and containers in them, and refuses all else: nothing in a file is ever run."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, NDArray[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor"): _array,
            ("torch._utils", "_rebuild_tensor_v2"): _array,
            ("torch", "FloatStorage"): np.dtype("<f4"),
            ("torch", "LongStorage"): np.dtype("<i8"),
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is in it")
        return known[module, name]

    def persistent_load(self, saved: Any) -> NDArray[Any]:
        _, kind, key, _, count, _ = saved
        return self.storages.setdefault(key, np.zeros(count, kind))


def _array(storage: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> NDArray[Any]:
    """Return a tensor of a checkpoint: a view of its storage, which is filled later."""
    if offset < 0 or min((*size, *stride), default=0) < 0:
        raise pickle.UnpicklingError("a tensor lies outside its storage")
    if offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) >= max(1, len(storage)):
        raise pickle.UnpicklingError("a tensor lies outside its storage")
    return np.lib.stride_tricks.as_strided(storage[offset:], size, [step * storage.itemsize for step in stride])
