"""Encoding of samples, in pieces, to a small file."""

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
"""In bits per second. Speech at 16–24 kbit/s was recognised as well as lossless; 15 minutes are 2.7 MB."""

_MADE_WITH = {"opus": ("ogg", "libopus"), "flac": ("flac", "flac")}


class ClipBuilder(Protocol):
    """A builder of one clip from samples (int16, mono, 16 kHz), in pieces of any length."""

    def add(self, samples: Samples) -> None:
        """Append samples."""

    def finish(self) -> bytes | Samples:
        """Return the complete clip."""

    def close(self) -> None:
        """Release all resources."""


class SampleJoiner:
    """A builder that joins the samples themselves."""

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
    """An encoder of one clip of int16 mono samples at 16 kHz, to Opus in Ogg or to FLAC, without decoding delay.

    The same samples make the same bytes, however they are split (`bitexact`: Ogg's serial number is otherwise random).
    It holds the bytes and less than a second of sound. End it with `finish` or `close`.
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
        self._second = np.zeros(RATE, dtype=np.int16)  # the second of sound that is being filled
        self._filled = 0  # number of samples in it
        self._position = 0  # samples encoded

    def add(self, samples: Samples) -> None:
        """Append samples."""
        while len(samples):
            taken = samples[: RATE - self._filled]
            self._second[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            samples = samples[len(taken) :]
            if self._filled == RATE:
                self._encode()

    def finish(self) -> bytes:
        """Return the complete file."""
        if self._filled:
            self._encode()
        self._container.mux(self._stream.encode(None))
        self.close()
        return self._file.getvalue()

    def close(self) -> None:
        """Release the encoder; without `finish`, the added samples are lost."""
        self._container.close()

    def _encode(self) -> None:
        frame = AudioFrame.from_ndarray(self._second[np.newaxis, : self._filled], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, self._position
        self._container.mux(self._stream.encode(frame))
        self._position += self._filled
        self._filled = 0


def clip_builder(form: ClipForm) -> ClipBuilder:
    """Return a builder for a clip of that form."""
    return SampleJoiner() if form == "samples" else ClipEncoder(form)


def encode_clip(samples: Samples, format: ClipFormat) -> bytes:
    """Return `samples` (int16, mono, 16 kHz) encoded as one clip."""
    encoder = ClipEncoder(format)
    encoder.add(samples)
    return encoder.finish()
