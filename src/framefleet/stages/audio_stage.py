"""The base of stages whose requests carry one clip of sound: how chunks are named, skipped and halved."""

from collections.abc import Container, Sequence
from typing import Generic, Self, TypeVar

from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.media.audio.chunks import AudioChunk
from framefleet.media.transport.sound import OPUS, SAMPLES, sound_transport
from framefleet.media.types import ClipTime, MediaInfo
from framefleet.protocol.ast import AstRequest
from framefleet.protocol.envelope import SoundSamples
from framefleet.protocol.speakers import SpeakersRequest
from framefleet.protocol.whisper import WhisperRequest
from framefleet.stages.base import (
    Answer,
    Capabilities,
    Needs,
    Prefilter,
    Reply,
    RequestBatch,
)
from framefleet.timebase import Span

Request = TypeVar("Request", WhisperRequest, AstRequest, SpeakersRequest)


class ClipStage(Generic[Request, Reply]):
    """The half of `Stage` that only needs to know which chunk is which. Each batch has one fact, a `ClipTime`."""

    needs = Needs.AUDIO
    unit = "s"

    def of_spans(self, spans: Sequence[Span], count: int) -> Self:
        raise NotImplementedError("stages of sound cannot be planned by spans")

    def names(self, item: AudioChunk) -> dict[int, str]:
        of_track = f" of track {item.track}" if item.track is not None else ""
        within = f" in {item.part.start_s} to {item.part.end_s}" if item.part is not None else ""
        return {item.number: f"sound {item.span.start_s} to {item.span.end_s}{of_track}{within}"}

    def remaining(self, items: Sequence[AudioChunk], answered: Container[int], options: Options) -> list[AudioChunk]:
        return [chunk for chunk in items if chunk.number not in answered]

    def prefilter(self, options: Options, can: Capabilities) -> Prefilter | None:
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
        self,
        items: Sequence[AudioChunk],
        media: MediaInfo,
        options: Options,
        can: Capabilities,
    ) -> tuple[int, int]:
        return sound_transport(can.transports).expected_bytes(sum(chunk.span.length_s for chunk in items))


def halved(request: Request, span: Span) -> list[tuple[Request, Span]]:
    """Return the clip at `span`, cut in two at the quietest place near its middle; [] if it is too short to cut."""
    transport = SAMPLES if isinstance(request.audio, SoundSamples) else OPUS
    return [
        (replace(request, audio=sound, format=transport.kind, duration_s=round(half.length_s, 6)), half)
        for sound, half in transport.split(request.audio, request.format, span)
    ]
