"""Mixing of audio channels to one, without losing any of them.

Nearly always this is FFmpeg's own mix, and frames pass unchanged. That mix loses two things: channels of opposite
phase, which cancel out (a cable with swapped wires, a balanced signal recorded as stereo), and channels that its matrix
leaves out (low-frequency effects, overhead channels, those of recorders that do not name them).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from framefleet.schema.document import AudioChannel

MIXED = frozenset({"FL", "FR", "FC", "BL", "BR", "BC", "SL", "SR", "FLC", "FRC"})
"""The channels that FFmpeg's mix to mono includes (libswresample/rematrix.c)."""

BLOCK_S = 0.5
"""The length of sound that is decided on at once: shorter than a sentence, longer than a vowel."""

_WEIGHED = 6  # frames of a block, spread over it, are enough to correlate its channels
_FADE = 0.25  # weight of a block in the decision about the next one
_OPPOSITE = -0.6  # correlation from −1 to 1: mixed, such channels are 6 dB quieter than their difference
_ALIKE_AGAIN = -0.3
_LOUDER = 2.0  # power ratio at which another channel is taken instead
_LOST = 0.01  # 20 dB below the loudest channel, a channel is inaudible in the mix
_FLOOR = (16 / 32768) ** 2  # −66 dBFS: there is no speech below it

# by FFmpeg's sample format; PyAV does not support s64
_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}

Matrix = npt.NDArray[np.float32]


class Mixer:
    """A filter that prepares the frames of one track, block by block in order of time, for FFmpeg's mix to mono.

    If `wanted` is None, it inverts or adds the channels that the mix would lose, and sets `mended` once it did.
    """

    def __init__(self, wanted: AudioChannel | None) -> None:
        self.mended = False
        self._wanted = wanted
        self._matrix: Matrix | None = None  # multiplied with the channels; None: they stay unchanged
        self._begin(())

    def heard(self, frames: Sequence[AudioFrame]) -> Sequence[AudioFrame]:
        """Return the frames of a block, all of one layout and rate, with their channels ready to be mixed."""
        names = tuple(channel.name for channel in frames[0].layout.channels)
        if self._wanted == "mix" or len(names) == 1 or frames[0].format.packed.name not in _DTYPES:
            return frames
        if began := names != self._names:
            self._begin(names)
        self._weigh([_wave_of(frame) for frame in frames[:: max(1, len(frames) // _WEIGHED)]])
        before, self._matrix = self._matrix, self._choose()
        if before is None and self._matrix is None:
            return frames
        self.mended |= self._wanted is None
        first = self._matrix if began else before
        return [
            _rebuilt(frame, _multiplied(_wave_of(frame), self._matrix if k else first, self._matrix))
            for k, frame in enumerate(frames)
        ]

    def _begin(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._power: Matrix = np.zeros((len(names), len(names)), np.float32)
        self._signs: Matrix = np.ones(len(names), np.float32)
        self._loudest = 0
        self._matrix = None

    def _weigh(self, waves: Iterable[Matrix]) -> None:
        """Update the covariance of the channels with this block; earlier blocks count less and less."""
        power, count = np.zeros_like(self._power), 0
        for wave in waves:
            power += wave @ wave.T
            count += wave.shape[1]
        if power.max() > _FLOOR * count:
            self._power = power + _FADE * self._power

    def _choose(self) -> Matrix | None:
        names, count = self._names, len(self._names)
        loud = self._power.diagonal()
        if self._wanted is not None:
            return _alone(self._side(loud), count)
        signs = self._turn(loud)
        mixed = np.array([name in MIXED or (name == "NONE" and count == 2) for name in names])
        if not mixed.any() or (count > 2 and "NONE" in names):  # ignore names that FFmpeg would make up
            return signs[None] / np.float32(count)
        matrix = np.diag(signs)
        left_out = np.where(mixed, 0, loud)
        if loud[mixed].max() < _LOST * left_out.max():
            matrix[names.index("FC") if "FC" in names else mixed.argmax(), left_out.argmax()] = 1
        return None if np.array_equal(matrix, np.eye(count)) else matrix

    def _side(self, loud: Matrix) -> int:
        if self._wanted == "loudest":
            if loud.max() > _LOUDER * loud[self._loudest]:
                self._loudest = int(loud.argmax())
            return self._loudest
        name, number = ("FL", 0) if self._wanted == "left" else ("FR", 1)
        return self._names.index(name) if name in self._names else min(number, len(self._names) - 1)

    def _turn(self, loud: Matrix) -> Matrix:
        """Return 1 for each channel, and −1 for those of opposite phase to the loudest one."""
        first = loud.argmax()
        alike = 2 * self._power[first] / np.maximum(loud + loud[first], np.finfo(np.float32).tiny)
        opposite = alike < np.where(self._signs == self._signs[first], _OPPOSITE, _ALIKE_AGAIN)
        signs = np.where(opposite, -1, 1).astype(np.float32)
        # the same relation with the signs swapped: keep the signs stable
        if opposite.any() and signs @ self._signs < 0:
            signs = -signs
        self._signs = signs
        return signs


def _alone(number: int, count: int) -> Matrix:
    return np.eye(count, dtype=np.float32)[number : number + 1]


def _multiplied(wave: Matrix, before: Matrix | None, now: Matrix | None) -> Matrix:
    """Return `wave` (channels × samples) times `now`, faded over from `before`; None stands for the identity."""
    after = wave if now is None else now @ wave
    if before is now:
        return after
    share = np.linspace(0, 1, wave.shape[1], dtype=np.float32)
    return (1 - share) * (wave if before is None else before @ wave) + share * after


def _wave_of(frame: AudioFrame) -> Matrix:
    """Return the samples as (channels, samples), from −1 to 1."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    full, middle = _scale(samples.dtype)
    return (samples.astype(np.float32) - middle) / full


def _rebuilt(frame: AudioFrame, wave: Matrix) -> AudioFrame:
    """Return the frame with other samples in its own format: mono, or with as many channels as before."""
    kind = frame.format
    samples: npt.NDArray[Any] = wave
    dtype = np.dtype(_DTYPES[kind.packed.name])
    if dtype.kind != "f":
        full, middle = _scale(dtype)
        samples = np.clip(np.rint(wave.astype(np.float64) * full), -full, full - 1) + middle
    samples = samples if kind.is_planar else samples.T.reshape(1, -1)
    layout = "mono" if len(wave) == 1 else frame.layout
    rebuilt = AudioFrame.from_ndarray(np.ascontiguousarray(samples, dtype), format=kind.name, layout=layout)
    rebuilt.sample_rate, rebuilt.pts = frame.sample_rate, frame.pts
    if frame.time_base is not None:
        rebuilt.time_base = frame.time_base
    return rebuilt


def _scale(dtype: "np.dtype[Any]") -> tuple[float, int]:
    """Return the full scale of an integer sample type, and its value for silence."""
    return 2.0 ** (8 * dtype.itemsize - 1), 128 if dtype.kind == "u" else 0
