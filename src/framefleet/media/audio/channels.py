"""Which of the channels are heard, and how, so that the mix of them leaves nobody out.

Almost always it is FFmpeg's mix, and frames pass as they are. Two things get lost in it: channels that are each other's
opposite cancel out (a cable with its wires crossed, a balanced signal recorded as stereo), and what has no place in its
matrix is left out (low-frequency effects, channels overhead, those of recorders that give them no names).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame

from framefleet.schema.document import AudioChannel

MIXED = frozenset({"FL", "FR", "FC", "BL", "BR", "BC", "SL", "SR", "FLC", "FRC"})
"""The channels that FFmpeg's mix to one is made of (libswresample/rematrix.c)."""

BLOCK_S = 0.5
"""Of sound that is decided on at once: shorter than a sentence, longer than a vowel."""

_WEIGHED = 6  # frames of a block, spread over it, tell enough of what its channels have in common
_FADE = 0.25  # of what a block counts in the next one's decision
_OPPOSITE = -0.6  # of a correlation between −1 and 1: mixed, such channels are 6 dB quieter than their difference
_ALIKE_AGAIN = -0.3
_LOUDER = 2.0  # times as much power: what another channel must have to be taken instead
_LOST = 0.01  # 20 dB below the loudest channel nothing of it is in the mix
_FLOOR = (16 / 32768) ** 2  # −66 dBFS: nobody speaks below it

_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "flt": "f4", "dbl": "f8"}  # of FFmpeg's formats; of s64 PyAV has none

Matrix = npt.NDArray[np.float32]


class Mixer:
    """Frames of one track in the order of time, block by block, on their way to FFmpeg's mix to one channel.

    `wanted` None: that mix, but where channels get lost in it they are turned or added; `mended` once that was so.
    """

    def __init__(self, wanted: AudioChannel | None) -> None:
        self.mended = False
        self._wanted = wanted
        self._matrix: Matrix | None = None  # what the channels are multiplied by; None: they stay as they are
        self._begin(())

    def heard(self, frames: Sequence[AudioFrame]) -> Sequence[AudioFrame]:
        """The frames of a block, alike in layout and rate, with their channels as they are to be mixed."""
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
        """What the channels have in common, of this block and, ever less, of those before."""
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
        if not mixed.any() or (count > 2 and "NONE" in names):  # names that FFmpeg would make up do not count
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
        """1 for each channel, −1 for those that are the opposite of the loudest one."""
        first = loud.argmax()
        alike = 2 * self._power[first] / np.maximum(loud + loud[first], np.finfo(np.float32).tiny)
        opposite = alike < np.where(self._signs == self._signs[first], _OPPOSITE, _ALIKE_AGAIN)
        signs = np.where(opposite, -1, 1).astype(np.float32)
        if opposite.any() and signs @ self._signs < 0:  # the same, heard from the other side: nothing need change
            signs = -signs
        self._signs = signs
        return signs


def _alone(number: int, count: int) -> Matrix:
    return np.eye(count, dtype=np.float32)[number : number + 1]


def _multiplied(wave: Matrix, before: Matrix | None, now: Matrix | None) -> Matrix:
    """Channels × samples by `now`, coming over from `before`; None is 1."""
    after = wave if now is None else now @ wave
    if before is now:
        return after
    share = np.linspace(0, 1, wave.shape[1], dtype=np.float32)
    return (1 - share) * (wave if before is None else before @ wave) + share * after


def _wave_of(frame: AudioFrame) -> Matrix:
    """Channels × samples, of −1 to 1."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    full, middle = _scale(samples.dtype)
    return (samples.astype(np.float32) - middle) / full


def _rebuilt(frame: AudioFrame, wave: Matrix) -> AudioFrame:
    """The frame with other samples in its own format: of one channel, or of as many as before."""
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
    """What an integer sample of full scale is, and what silence is."""
    return 2.0 ** (8 * dtype.itemsize - 1), 128 if dtype.kind == "u" else 0
