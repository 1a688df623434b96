"""The text stage as a run sees it."""

from collections.abc import Container, Sequence
from importlib.util import find_spec
from typing import Any

from msgspec.structs import replace

from framefleet.config import Backend, Options
from framefleet.errors import BadReplyError
from framefleet.media.info import MediaInfo, Picture, PictureTime
from framefleet.media.sample import plan_samples
from framefleet.stages.base import Answer, Handler, Needs, Pace, Parcel
from framefleet.stages.objects.forecast import max_side, request_bytes
from framefleet.stages.objects.plan import PictureBatch, batched, check_crop, plan_batches
from framefleet.stages.text.forecast import ENDPOINT_PACE, LOCAL_PACE, find_side
from framefleet.stages.text.merge import TextResult, merge
from framefleet.wire.common import read_reply
from framefleet.wire.ocr import OcrFrame, OcrReply, OcrRequest
from framefleet.wire.pictures import JpegFrame, JpegFrames


class TextStage:
    """See `Stage`. Of the pictures planned only those are asked that `ChangeFilter` lets through; see `unchanged`."""

    name = "text"
    endpoint = "ocr"
    needs = Needs.PICTURES
    unit = "frames"

    def plan(self, media: MediaInfo, options: Options, backend: Backend) -> list[PictureBatch]:
        check_crop(options.crop, media.width, media.height)
        return plan_batches(media.duration_s, options.fps, options.batch_size) if media.has_video else []

    def names(self, item: PictureBatch) -> dict[int, str]:
        return {sample.index: f"picture {sample.time}" for sample in item.samples}

    def identity(self, options: Options, backend: Backend) -> dict[str, Any]:
        """`fps` and `sampling` too: that a picture's text is that of the one before is an answer as well."""
        return {
            "crop": options.crop,
            "max_side": max_side(options, backend),
            "jpeg_quality": options.jpeg_quality,
            "find_side": find_side(backend),
            "fps": options.fps,
            "sampling": options.sampling,
        }

    def without(self, items: Sequence[PictureBatch], answered: Container[int], options: Options) -> list[PictureBatch]:
        left = [sample for batch in items for sample in batch.samples if sample.index not in answered]
        return batched(left, options.batch_size)

    def unchanged(self, picture: Picture) -> Answer[OcrReply]:
        """The answer of a picture that nobody has to read: to be kept in the journal as any other."""
        frame = OcrFrame(picture.at.index, picture.at.time_s, None, unchanged=True)
        return Answer((picture.at,), OcrReply(model="", model_id="", device="", frames=[frame]))

    def pack(
        self, payload: Sequence[Picture], media: MediaInfo, options: Options, backend: Backend
    ) -> Parcel[OcrRequest]:
        seen = options.crop or media
        request = OcrRequest(
            source=JpegFrames([JpegFrame(picture.at.index, picture.at.time_s, picture.jpeg) for picture in payload]),
            source_width=seen.width,
            source_height=seen.height,
            max_side=find_side(backend),
        )
        return Parcel(request, tuple(picture.at for picture in payload))

    def split(self, parcel: Parcel[OcrRequest]) -> list[Parcel[OcrRequest]]:
        if len(parcel.facts) < 2:
            return [parcel]
        middle = len(parcel.facts) // 2
        return [self.narrow(parcel, half) for half in (parcel.facts[:middle], parcel.facts[middle:])]

    def narrow(self, parcel: Parcel[OcrRequest], facts: Sequence[PictureTime]) -> Parcel[OcrRequest]:
        wanted = {fact.index for fact in facts}
        frames = [frame for frame in parcel.request.source.frames if frame.index in wanted]
        return Parcel(replace(parcel.request, source=JpegFrames(frames)), tuple(facts))

    def parse(self, facts: Sequence[PictureTime], output: Any) -> OcrReply:
        """Of a picture answered twice the first answer counts; what was not asked for is left out.

        So is what says neither what is written nor why not: a worker was asked to read it, not to compare it.
        """
        reply = read_reply(output, OcrReply)
        told = [frame for frame in reply.frames if frame.lines is not None or frame.error is not None]
        answers = {frame.index: replace(frame, unchanged=False) for frame in reversed(told)}
        frames = [answers[fact.index] for fact in facts if fact.index in answers]
        if not frames:
            raise BadReplyError(f"none of the {len(facts)} pictures sent is in the worker's reply")
        return replace(reply, frames=frames)

    def part(self, reply: OcrReply, fact: PictureTime) -> OcrReply | None:
        frames = [frame for frame in reply.frames if frame.index == fact.index]
        return replace(reply, frames=frames) if frames else None

    def restamp(self, answer: Answer[OcrReply], index: int) -> Answer[OcrReply]:
        facts = tuple(replace(fact, index=index) for fact in answer.facts)
        return Answer(facts, replace(answer.reply, frames=[replace(f, index=index) for f in answer.reply.frames]))

    def fact_type(self) -> Any:
        return PictureTime

    def reply_type(self) -> type[OcrReply]:
        return OcrReply

    def count(self, reply: OcrReply) -> int:
        return sum(len(frame.lines or ()) for frame in reply.frames)

    def pace(self, backend: Backend) -> Pace:
        return LOCAL_PACE if backend == "local" else ENDPOINT_PACE

    def payload_bytes(
        self, items: Sequence[PictureBatch], media: MediaInfo, options: Options, backend: Backend
    ) -> tuple[int, int]:
        """As if every picture were read: how many need not be is known once they are decoded."""
        seen = options.crop or media
        return request_bytes(sum(len(batch.samples) for batch in items), seen.width, seen.height, options, backend)

    def missing(self, options: Options) -> str | None:
        return None if find_spec("rapidocr") else "RapidOCR is not installed; pip install 'framefleet[text]'"

    def open_handler(self, options: Options) -> Handler:
        from framefleet.stages.text.handle import make_handler, open_engine

        return make_handler(open_engine())

    def merge(
        self,
        media: MediaInfo,
        options: Options,
        answers: Sequence[Answer[OcrReply]],
        unanswered: Sequence[PictureTime] = (),
    ) -> TextResult:
        samples = plan_samples(media.duration_s, options.fps) if media.has_video else []
        return merge(samples, [(answer.facts, answer.reply) for answer in answers], options.crop, media.duration_s)
