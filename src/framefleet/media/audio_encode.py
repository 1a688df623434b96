"""A stretch of samples as the bytes of a small file."""

from io import BytesIO
from typing import Literal

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from framefleet.media.audio_plan import RATE, Samples

ClipFormat = Literal["opus", "flac"]

OPUS_BIT_RATE = 24_000
"""Bits a second. Speech at 16–24 kbit/s was recognised as well as lossless; 15 minutes are 2.7 MB."""

_MADE_WITH = {"opus": ("ogg", "libopus"), "flac": ("flac", "flac")}


def encode_clip(samples: Samples, format: ClipFormat) -> bytes:
    """`samples` (int16, mono, 16 kHz) as Opus in Ogg or as FLAC; a decoder gives them back without delay.

    The same samples make the same bytes (`bitexact`: Ogg's serial number is otherwise random).
    """
    container_name, codec = _MADE_WITH[format]
    file = BytesIO()
    with av.open(file, "w", format=container_name, options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        assert isinstance(stream, AudioStream)
        if format == "opus":
            stream.bit_rate = OPUS_BIT_RATE
        for start in range(0, len(samples), RATE):
            frame = AudioFrame.from_ndarray(samples[np.newaxis, start : start + RATE], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
