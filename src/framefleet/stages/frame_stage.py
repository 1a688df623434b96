"""What stages have in common whose requests carry pictures: how batches of them are named, sent, halved and matched.

Samples that show the same frame, one after the other (the nearest keyframe, a slide, a frozen picture), are one picture
in a request, and its answer is that of each of them.
"""

from collections.abc import Container, Sequence
from copy import copy
from typing import Any, Generic, Self, TypeVar

from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.errors import BadReplyError
from framefleet.media.transport.frames import FrameTransport, frame_transport, prepared, transport_of
from framefleet.media.types import (
    MediaInfo,
    PictureTime,
    Sample,
)
from framefleet.media.video.encode import scaled_size
from framefleet.media.video.request import JpegView, PixelView
from framefleet.protocol import envelope as protocol
from framefleet.protocol.ocr import OcrFrame, OcrReply, OcrRequest
from framefleet.protocol.yolo import FrameReply, YoloReply, YoloRequest
from framefleet.schema.cost import Backend
from framefleet.stages.base import (
    Answer,
    Needs,
    Prefilter,
    RequestBatch,
)
from framefleet.stages.batches import PictureBatch, batched
from framefleet.stages.checked import Expected
from framefleet.stages.objects.forecast import max_side
from framefleet.timebase import Seconds

Request = TypeVar("Request", YoloRequest, OcrRequest)
Reply = TypeVar("Reply", YoloReply, OcrReply)
Frame = TypeVar("Frame", protocol.Frame, FrameReply, OcrFrame)


class PictureStage(Generic[Request, Reply]):
    """The half of `Stage` that only minds which picture is which; a fact is a `PictureTime`."""

    needs = Needs.PICTURES
    unit = "frames"
    seen = Expected()  # what may be in an answer about a picture

    def about(self, media: MediaInfo, options: Options) -> Self:
        stage, area = copy(self), options.crop or media
        kinds = None if options.classes is None else frozenset(options.classes)
        if media.has_video:
            stage.seen = Expected(area.width, area.height, options.max_det, kinds)
        return stage

    def names(self, item: PictureBatch) -> dict[int, str]:
        return {sample.index: f"picture {sample.time}" for sample in item.samples}

    def remaining(
        self, items: Sequence[PictureBatch], answered: Container[int], options: Options
    ) -> list[PictureBatch]:
        left = [sample for batch in items for sample in batch.samples if sample.index not in answered]
        return batched(left, options.batch_size)

    def prefilter(self, options: Options, backend: Backend) -> Prefilter | None:
        return None

    def to_see(self, wanted: Sequence[Sample], options: Options) -> Sequence[Sample]:
        """The pictures that a run has to decode for those `wanted`, with what the prefilter compares them with."""
        return wanted

    def view(self, transport: FrameTransport, options: Options, backend: Backend) -> JpegView | PixelView:
        """The form in which its pictures are read, for that transport: as small as its model needs them."""
        sent, seen = max_side(options, backend), self.seen_side(options, backend)
        longest = sent if transport.encoded else min((side for side in (sent, seen) if side), default=None)
        return transport.view(longest, options.jpeg_quality, options.crop)

    def seen_side(self, options: Options, backend: Backend) -> int | None:
        """The longest side at which the model looks at a picture, in pixels; None: however large it is."""
        return None

    def split(self, parcel: RequestBatch[Request]) -> list[RequestBatch[Request]]:
        second = transport_of(parcel.request.source).split(parcel.request.source)
        if second is None:
            return [parcel]
        middle = [fact.index for fact in parcel.facts].index(second)
        return [self.subset(parcel, half) for half in (parcel.facts[:middle], parcel.facts[middle:])]

    def payload_count(self, parcel: RequestBatch[Request]) -> int:
        return transport_of(parcel.request.source).count(parcel.request.source)

    def subset(self, parcel: RequestBatch[Request], facts: Sequence[PictureTime]) -> RequestBatch[Request]:
        source = parcel.request.source
        transport, sent = transport_of(source), _by_fact(parcel.facts, source.frames)
        pictures = [transport.shown(fact, sent[fact.index]) for fact in facts]
        return RequestBatch(replace(parcel.request, source=prepared(pictures)), tuple(facts))

    def part(self, reply: Reply, fact: PictureTime) -> Reply | None:
        frames = [frame for frame in reply.frames if frame.index == fact.index]
        return replace(reply, frames=frames) if frames else None

    def reindex(self, answer: Answer[Reply], index: int) -> Answer[Reply]:
        facts = tuple(replace(fact, index=index) for fact in answer.facts)
        return Answer(facts, replace(answer.reply, frames=[replace(f, index=index) for f in answer.reply.frames]))

    def fact_type(self) -> Any:
        return PictureTime

    def payload_bytes(
        self,
        items: Sequence[PictureBatch],
        media: MediaInfo,
        options: Options,
        backend: Backend,
        transports: Sequence[str],
    ) -> tuple[int, int]:
        """As if every picture were sent: how many need not be is known once they are decoded."""
        seen, transport = options.crop or media, frame_transport(transports)
        size = scaled_size(seen.width, seen.height, max_side(options, backend))
        return transport.expected_bytes(sum(len(batch.samples) for batch in items), *size)


def matched(facts: Sequence[PictureTime], reply: Reply) -> Reply:
    """The reply with an answer for each picture asked about, in their order, as far as it has one.

    Of a picture answered twice the first answer counts; what was not asked for is left out. Raises `BadReplyError`
    where nothing is left, or every picture failed.
    """
    answers = _by_fact(facts, list(reversed(reply.frames)))
    frames = [
        replace(answers[fact.index], index=fact.index, time_s=fact.time_s) for fact in facts if fact.index in answers
    ]
    if not frames:
        raise BadReplyError(f"none of the {len(facts)} pictures sent is in the worker's reply")
    if all(frame.error is not None for frame in frames):  # perhaps the worker's fault, and not theirs
        none = "" if len(frames) == 1 else f"the worker could look at none of {len(frames)} pictures: "
        raise BadReplyError(f"{none}{frames[0].error}")
    return replace(reply, frames=frames)


def _by_fact(facts: Sequence[PictureTime], frames: Sequence[Frame]) -> dict[int, Frame]:
    """By each fact's index its own frame, or where it has none, that of the last one before it of the same time."""
    own, found = {frame.index: frame for frame in frames}, dict[int, Frame]()
    same: dict[Seconds, Frame] = {}
    for fact in sorted(facts, key=lambda fact: fact.index):
        frame = own.get(fact.index) or same.get(fact.pts_s)
        if frame is not None:
            found[fact.index] = same[fact.pts_s] = frame
    return found
