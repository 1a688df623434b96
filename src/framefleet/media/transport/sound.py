"""How a clip of sound travels. A backend says by `Capabilities.transports` which of these it takes, the best first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from framefleet.media.audio.chunks import RATE, Samples, quietest
from framefleet.media.audio.encode import ClipForm, encode_clip
from framefleet.media.types import Clip
from framefleet.protocol.envelope import AudioFormat, SoundSamples
from framefleet.timebase import Seconds, Span
from framefleet.worker.waveform import decode

SHORTEST_S: Seconds = 10.0  # less than this is not cut again: it is not the sound that is too large

_BASE64 = 4 / 3

AnyClip = TypeVar("AnyClip", bound=Clip)
Sound = bytes | SoundSamples


@dataclass(frozen=True, slots=True)
class SoundTransport:
    """A form in which a clip travels. `bytes_a_second` are the least and most of its file."""

    kind: ClipForm
    bytes_a_second: tuple[float, float]

    def prepare(self, clip: AnyClip) -> AnyClip:
        """The clip in this form: encoded once, however many stages want it."""
        if self.kind == "samples" or isinstance(clip.audio, bytes):
            return clip
        if self.kind not in clip.encoded:
            clip.encoded[self.kind] = encode_clip(clip.audio, self.kind)
        return replace(clip, audio=clip.encoded[self.kind], format=self.kind)

    def split(self, sound: Sound, format: AudioFormat, span: Span) -> list[tuple[Sound, Span]]:
        """Two clips in this form and where they lie, parted at the quietest place in the middle third.

        None where it is too short.
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
        """Least and most bytes of requests with so much sound, as JSON."""
        low, high = self.bytes_a_second
        return round(length_s * low * _BASE64), round(length_s * high * _BASE64)

    def _made(self, samples: Samples) -> Sound:
        return SoundSamples(samples) if self.kind == "samples" else encode_clip(samples, self.kind)


SAMPLES = SoundTransport("samples", (0, 0))
"""The very array that was read, within this process."""

FLAC = SoundTransport("flac", (200, 32_500))
"""Nothing is lost. Silence took 201 bytes a second, noise 32,300."""

OPUS = SoundTransport("opus", (225, 3_200))
"""At 24 kbit/s, variable: silence took 227 bytes a second, noise 2,670, speech up to 3,000."""

SOUND_TRANSPORTS = {each.kind: each for each in (SAMPLES, FLAC, OPUS)}


def sound_transport(offered: Sequence[str]) -> SoundTransport:
    """The first of those offered that carries sound; Opus, which every handler takes, where none is."""
    return next((each for kind in offered for each in SOUND_TRANSPORTS.values() if each.kind == kind), OPUS)


def sent(clip: Clip) -> Sound:
    """The clip's sound as a request carries it."""
    return clip.audio if isinstance(clip.audio, bytes) else SoundSamples(clip.audio)


def _samples(sound: Sound, format: AudioFormat, length_s: Seconds) -> Samples:
    if isinstance(sound, SoundSamples):
        return sound.samples
    return (decode(sound, format, length_s) * 32768).astype("int16")
