"""Samples, as they come, as the bytes of a small file."""

from io import BytesIO
from typing import Literal, Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from framefleet.media.audio.chunks import RATE, Samples

ClipFormat = Literal["opus", "flac"]
ClipForm = Literal["opus", "flac", "samples"]

OPUS_BIT_RATE = 24_000
"""Bits a second. Speech at 16–24 kbit/s was recognised as well as lossless; 15 minutes are 2.7 MB."""

_MADE_WITH = {"opus": ("ogg", "libopus"), "flac": ("flac", "flac")}


class ClipBuilder(Protocol):
    """Makes one clip of samples (int16, mono, 16 kHz), in whatever pieces they come."""

    def add(self, samples: Samples) -> None:
        """The samples that follow those added before."""

    def finish(self) -> bytes | Samples:
        """The whole clip."""

    def close(self) -> None:
        """Lets go of what it holds."""


class SampleJoiner:
    """The samples themselves, put together once."""

    def __init__(self) -> None:
        self._pieces: list[Samples] = []

    def add(self, samples: Samples) -> None:
        self._pieces.append(samples)

    def finish(self) -> Samples:
        pieces, self._pieces = self._pieces, []
        return np.concatenate([np.zeros(0, dtype=np.int16), *pieces])

    def close(self) -> None:
        self._pieces = []


class ClipEncoder:
    """One clip of int16 mono samples at 16 kHz, as Opus in Ogg or as FLAC; a decoder gives them back without delay.

    The same samples make the same bytes, in whatever pieces they come (`bitexact`: Ogg's serial number is otherwise
    random). It holds the bytes and less than a second of sound. To be ended by `finish` or `close`.
    """

    def __init__(self, format: ClipFormat) -> None:
        container_name, codec = _MADE_WITH[format]
        self._file = BytesIO()
        self._container = av.open(self._file, "w", format=container_name, options={"fflags": "+bitexact"})
        stream = self._container.add_stream(codec, rate=RATE, layout="mono")
        assert isinstance(stream, AudioStream)
        if format == "opus":
            stream.bit_rate = OPUS_BIT_RATE
        self._stream = stream
        self._second = np.zeros(RATE, dtype=np.int16)  # the one being filled
        self._filled = 0  # how much of it
        self._position = 0  # samples encoded

    def add(self, samples: Samples) -> None:
        """The samples that follow those added before."""
        while len(samples):
            taken = samples[: RATE - self._filled]
            self._second[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            samples = samples[len(taken) :]
            if self._filled == RATE:
                self._encode()

    def finish(self) -> bytes:
        """The whole file."""
        if self._filled:
            self._encode()
        self._container.mux(self._stream.encode(None))
        self.close()
        return self._file.getvalue()

    def close(self) -> None:
        """Lets go of the encoder; what was added is lost if it was not finished."""
        self._container.close()

    def _encode(self) -> None:
        frame = AudioFrame.from_ndarray(self._second[np.newaxis, : self._filled], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, self._position
        self._container.mux(self._stream.encode(frame))
        self._position += self._filled
        self._filled = 0


def clip_builder(form: ClipForm) -> ClipBuilder:
    """What makes a clip of that form."""
    return SampleJoiner() if form == "samples" else ClipEncoder(form)


def encode_clip(samples: Samples, format: ClipFormat) -> bytes:
    """`samples` (int16, mono, 16 kHz) as one clip's bytes."""
    encoder = ClipEncoder(format)
    encoder.add(samples)
    return encoder.finish()
