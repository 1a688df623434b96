"""How clips travel. `Capabilities.transports` lists the forms that a backend takes, the best first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from framefleet.media.audio.chunks import RATE, Samples, quietest
from framefleet.media.audio.encode import ClipForm, encode_clip
from framefleet.media.types import Clip
from framefleet.protocol.envelope import AudioFormat, SoundSamples
from framefleet.timebase import Seconds, Span
from framefleet.worker.waveform import decode

SHORTEST_S: Seconds = 10.0  # shorter clips are not split: the sound is not what is too large

_BASE64 = 4 / 3

AnyClip = TypeVar("AnyClip", bound=Clip)
Sound = bytes | SoundSamples


@dataclass(frozen=True, slots=True)
class SoundTransport:
    """A form in which a clip travels. `bytes_a_second` are the minimum and maximum size of its file per second."""

    kind: ClipForm
    bytes_a_second: tuple[float, float]

    def prepare(self, clip: AnyClip) -> AnyClip:
        """Return the clip in this form. It is encoded once, however many stages need it."""
        if self.kind == "samples" or isinstance(clip.audio, bytes):
            return clip
        if self.kind not in clip.encoded:
            clip.encoded[self.kind] = encode_clip(clip.audio, self.kind)
        return replace(clip, audio=clip.encoded[self.kind], format=self.kind)

    def split(self, sound: Sound, format: AudioFormat, span: Span) -> list[tuple[Sound, Span]]:
        """Return two clips in this form and their spans, split at the quietest place in the middle third.

        The list is empty if the clip is too short.
        """
        if span.length_s < SHORTEST_S:
            return []
        samples = _samples(sound, format, span.length_s)
        third = len(samples) // 3
        cut = third + quietest(samples[third : 2 * third])
        middle_s = round(span.start_s + cut / RATE, 6)
        return [
            (self._made(samples[:cut]), Span(span.start_s, middle_s)),
            (self._made(samples[cut:]), Span(middle_s, span.end_s)),
        ]

    def expected_bytes(self, length_s: Seconds) -> tuple[int, int]:
        """Return the minimum and maximum bytes of requests with that much sound, as JSON."""
        low, high = self.bytes_a_second
        return round(length_s * low * _BASE64), round(length_s * high * _BASE64)

    def _made(self, samples: Samples) -> Sound:
        return SoundSamples(samples) if self.kind == "samples" else encode_clip(samples, self.kind)


SAMPLES = SoundTransport("samples", (0, 0))
"""The array that was decoded, within this process."""

FLAC = SoundTransport("flac", (200, 32_500))
"""Lossless. Silence took 201 bytes per second, noise 32,300."""

OPUS = SoundTransport("opus", (225, 3_200))
"""At 24 kbit/s, variable: silence took 227 bytes per second, noise 2,670, speech up to 3,000."""

SOUND_TRANSPORTS = {each.kind: each for each in (SAMPLES, FLAC, OPUS)}


def sound_transport(offered: Sequence[str]) -> SoundTransport:
    """Return the first of the offered transports that carries sound; else Opus, which every handler takes."""
    return next((each for kind in offered for each in SOUND_TRANSPORTS.values() if each.kind == kind), OPUS)


def sent(clip: Clip) -> Sound:
    """Return the clip's sound as a request carries it."""
    return clip.audio if isinstance(clip.audio, bytes) else SoundSamples(clip.audio)


def _samples(sound: Sound, format: AudioFormat, length_s: Seconds) -> Samples:
    if isinstance(sound, SoundSamples):
        return sound.samples
    return (decode(sound, format, length_s) * 32768).astype("int16")
