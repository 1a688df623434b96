"""The decoding of a clip to a waveform. The bytes are untrusted: only the declared format is tried."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt

from framefleet.errors import WorkerError
from framefleet.protocol.envelope import AudioFormat, SoundSamples
from framefleet.timebase import Seconds

RATE = 16_000
TOLERANCE_S = 1.0
"""How much the sound's duration may differ from the request's."""

Waveform = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Kind:
    """The only demuxer and codecs for a format, and the bytes its file begins with, as (offset, bytes)."""

    demuxer: str
    codecs: tuple[str, ...]
    magic: tuple[tuple[int, bytes], ...]


_KINDS: dict[AudioFormat, _Kind] = {
    "opus": _Kind("ogg", ("opus", "libopus"), ((0, b"OggS"), (28, b"OpusHead"))),
    "flac": _Kind("flac", ("flac",), ((0, b"fLaC"),)),
    "wav": _Kind("wav", ("pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_s32le", "pcm_f32le"), ((0, b"RIFF"), (8, b"WAVE"))),
}

FORMATS: list[str] = [*_KINDS]
"""The formats that can be sent over the wire."""


def decode(audio: bytes | SoundSamples, format: AudioFormat, duration_s: Seconds) -> Waveform:
    """Return `audio` as float32 samples, mono, 16 kHz, −1 to 1; empty for no bytes and a duration of about 0.

    Raises `WorkerError` ("invalid_input") for another format, damage, or another duration than `duration_s`. Decoding
    stops as soon as there is more, so that a small file cannot fill the memory.
    """
    if isinstance(audio, SoundSamples):
        return as_waveform(audio.samples)
    if not audio and duration_s <= TOLERANCE_S:
        return np.zeros(0, dtype=np.float32)
    kind = _KINDS.get(format)
    if kind is None:
        raise WorkerError("invalid_input", f"{format} cannot be sent over the wire; send opus, flac or wav")
    if any(audio[at : at + len(text)] != text for at, text in kind.magic):
        raise WorkerError("invalid_input", f"the audio is not {format}; name the format that it has")
    limit = round((duration_s + TOLERANCE_S) * RATE)
    blocks: list[npt.NDArray[np.int16]] = []
    length = 0
    for block in _blocks(audio, format, kind):
        blocks.append(block)
        length += len(block)
        if length > limit:
            raise WorkerError("invalid_input", f"the audio is longer than its duration_s of {duration_s:g}")
    if length < round((duration_s - TOLERANCE_S) * RATE):
        raise WorkerError(
            "invalid_input", f"the audio is truncated: it lasts {length / RATE:g} s, and duration_s is {duration_s:g}"
        )
    samples = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.int16)
    return as_waveform(samples)


def explain(error: Exception) -> WorkerError:
    """Return the worker's error for an exception raised by a clip."""
    if isinstance(error, MemoryError):
        return WorkerError("out_of_memory", f"{error}; send shorter clips")
    return WorkerError("internal", f"{type(error).__name__}: {error}")


def as_waveform(samples: npt.NDArray[np.int16]) -> Waveform:
    """Return the samples as float32, −1 to 1."""
    return samples.astype(np.float32) / np.float32(32768)


def _blocks(audio: bytes, format: AudioFormat, kind: _Kind) -> Iterator[npt.NDArray[np.int16]]:
    import av  # a dependency of faster-whisper, so it is installed where this runs
    from av.audio.resampler import AudioResampler

    try:
        with av.open(BytesIO(audio), format=kind.demuxer, mode="r", metadata_errors="ignore") as container:
            streams = container.streams
            if len(streams) != 1 or not streams.audio or streams.audio[0].codec_context.name not in kind.codecs:
                raise WorkerError("invalid_input", f"the audio must be one stream of {format} and nothing else")
            if not 8000 <= streams.audio[0].codec_context.sample_rate <= 192_000:
                raise WorkerError("invalid_input", "the audio's sample rate must be 8,000 to 192,000 Hz")
            resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in container.decode(streams.audio[0]):
                yield from (out.to_ndarray()[0] for out in resampler.resample(frame))
            yield from (out.to_ndarray()[0] for out in resampler.resample(None))
    except (av.FFmpegError, ValueError) as error:
        raise WorkerError("invalid_input", f"the audio cannot be decoded as {format}: {error}") from None
