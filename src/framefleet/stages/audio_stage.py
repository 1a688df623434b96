"""What stages have in common whose requests carry one clip of sound: how chunks are named, left out and halved."""

from collections.abc import Container, Sequence
from typing import Generic, Self, TypeVar

from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.media.audio.chunks import RATE, AudioChunk, quietest
from framefleet.media.audio.encode import encode_clip
from framefleet.media.types import ClipTime, MediaInfo
from framefleet.protocol.ast import AstRequest
from framefleet.protocol.envelope import AudioFormat
from framefleet.protocol.whisper import WhisperRequest
from framefleet.schema.cost import Backend
from framefleet.stages.base import (
    Answer,
    Needs,
    Prefilter,
    Reply,
    RequestBatch,
)
from framefleet.stages.speech.forecast import request_bytes
from framefleet.timebase import Seconds, Span
from framefleet.worker.waveform import decode

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


Request = TypeVar("Request", WhisperRequest, AstRequest)


class ClipStage(Generic[Request, Reply]):
    """The half of `Stage` that only minds which chunk is which; a fact is a `ClipTime`, one a parcel."""

    needs = Needs.AUDIO
    unit = "s"

    def of_spans(self, spans: Sequence[Span], count: int) -> Self:
        raise NotImplementedError("sound is listened to as a whole")

    def names(self, item: AudioChunk) -> dict[int, str]:
        of_track = f" of track {item.track}" if item.track is not None else ""
        return {item.number: f"sound {item.span.start_s} to {item.span.end_s}{of_track}"}

    def remaining(self, items: Sequence[AudioChunk], answered: Container[int], options: Options) -> list[AudioChunk]:
        return [chunk for chunk in items if chunk.number not in answered]

    def prefilter(self, options: Options, backend: Backend) -> Prefilter | None:
        return None

    def about(self, media: MediaInfo, options: Options) -> Self:
        return self

    def payload_count(self, parcel: RequestBatch[Request]) -> int:
        return 1

    def subset(self, parcel: RequestBatch[Request], facts: Sequence[ClipTime]) -> RequestBatch[Request]:
        return parcel

    def part(self, reply: Reply, fact: ClipTime) -> Reply | None:
        return reply

    def reindex(self, answer: Answer[Reply], index: int) -> Answer[Reply]:
        return Answer(tuple(replace(fact, index=index) for fact in answer.facts), answer.reply)

    def payload_bytes(
        self, items: Sequence[AudioChunk], media: MediaInfo, options: Options, backend: Backend
    ) -> tuple[int, int]:
        return request_bytes(sum(chunk.span.length_s for chunk in items), backend)


def halved(request: Request, span: Span) -> list[tuple[Request, Span]]:
    """The clip at `span` cut in two at the quietest place near its middle; none where it is too short for that."""

    return [
        (replace(request, audio=audio, format="opus", duration_s=round(half.length_s, 6)), half)
        for audio, half in halve(request.audio, request.format, span)
    ]
