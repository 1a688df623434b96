"""What stages have in common whose requests carry pictures: how batches of them are named, halved and matched."""

from collections.abc import Container, Sequence
from typing import Any, Generic, TypeVar

from msgspec.structs import replace

from framefleet.config import Backend, Options
from framefleet.errors import BadReplyError
from framefleet.media.info import MediaInfo, PictureTime, Sample
from framefleet.stages.base import Answer, Needs, Parcel, Sieve
from framefleet.stages.objects.forecast import request_bytes
from framefleet.stages.objects.plan import PictureBatch, batched
from framefleet.wire.ocr import OcrReply, OcrRequest
from framefleet.wire.pictures import JpegFrames
from framefleet.wire.yolo import YoloReply, YoloRequest

Request = TypeVar("Request", YoloRequest, OcrRequest)
Reply = TypeVar("Reply", YoloReply, OcrReply)


class PictureStage(Generic[Request, Reply]):
    """The half of `Stage` that only minds which picture is which; a fact is a `PictureTime`."""

    needs = Needs.PICTURES
    unit = "frames"

    def names(self, item: PictureBatch) -> dict[int, str]:
        return {sample.index: f"picture {sample.time}" for sample in item.samples}

    def without(self, items: Sequence[PictureBatch], answered: Container[int], options: Options) -> list[PictureBatch]:
        left = [sample for batch in items for sample in batch.samples if sample.index not in answered]
        return batched(left, options.batch_size)

    def sieve(self, options: Options, backend: Backend) -> Sieve | None:
        return None

    def to_see(self, wanted: Sequence[Sample], options: Options) -> Sequence[Sample]:
        """The pictures that a run has to decode for those `wanted`, these among them: what the sieve compares with."""
        return wanted

    def split(self, parcel: Parcel[Request]) -> list[Parcel[Request]]:
        if len(parcel.facts) < 2:
            return [parcel]
        middle = len(parcel.facts) // 2
        return [self.narrow(parcel, half) for half in (parcel.facts[:middle], parcel.facts[middle:])]

    def narrow(self, parcel: Parcel[Request], facts: Sequence[PictureTime]) -> Parcel[Request]:
        wanted = {fact.index for fact in facts}
        frames = [frame for frame in parcel.request.source.frames if frame.index in wanted]
        return Parcel(replace(parcel.request, source=JpegFrames(frames)), tuple(facts))

    def part(self, reply: Reply, fact: PictureTime) -> Reply | None:
        frames = [frame for frame in reply.frames if frame.index == fact.index]
        return replace(reply, frames=frames) if frames else None

    def restamp(self, answer: Answer[Reply], index: int) -> Answer[Reply]:
        facts = tuple(replace(fact, index=index) for fact in answer.facts)
        return Answer(facts, replace(answer.reply, frames=[replace(f, index=index) for f in answer.reply.frames]))

    def fact_type(self) -> Any:
        return PictureTime

    def payload_bytes(
        self, items: Sequence[PictureBatch], media: MediaInfo, options: Options, backend: Backend
    ) -> tuple[int, int]:
        """As if every picture were sent: how many need not be is known once they are decoded."""
        seen = options.crop or media
        return request_bytes(sum(len(batch.samples) for batch in items), seen.width, seen.height, options, backend)


def matched(facts: Sequence[PictureTime], reply: Reply) -> Reply:
    """The reply with an answer for each picture sent, in their order, as far as it has one.

    Of a picture answered twice the first answer counts; what was not asked for is left out. Raises `BadReplyError`
    where nothing is left.
    """
    answers = {frame.index: frame for frame in reversed(reply.frames)}
    frames = [answers[fact.index] for fact in facts if fact.index in answers]
    if not frames:
        raise BadReplyError(f"none of the {len(facts)} pictures sent is in the worker's reply")
    return replace(reply, frames=frames)
