"""A clip that is too large for a request, as two that follow each other."""

from framefleet.media.audio_encode import encode_clip
from framefleet.media.audio_plan import RATE, quietest
from framefleet.protocol.envelope import AudioFormat
from framefleet.stages.speech.listen import decode
from framefleet.units import Seconds, Span

SHORTEST_S: Seconds = 10.0  # less than this is not cut again: it is not the sound that is too large


def halve(audio: bytes, format: AudioFormat, span: Span) -> list[tuple[bytes, Span]]:
    """Two Opus clips and where they lie, parted at the quietest place in the middle third; none if it is too short."""
    if span.length_s < SHORTEST_S:
        return []
    samples = (decode(audio, format, span.length_s) * 32768).astype("int16")
    third = len(samples) // 3
    cut = third + quietest(samples[third : 2 * third])
    middle_s = round(span.start_s + cut / RATE, 6)
    return [
        (encode_clip(samples[:cut], "opus"), Span(span.start_s, middle_s)),
        (encode_clip(samples[cut:], "opus"), Span(middle_s, span.end_s)),
    ]
