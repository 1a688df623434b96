"""The base of stages whose requests carry frames: how batches of them are named, sent, halved and matched.

Consecutive samples that show the same frame (the nearest keyframe, a slide, a still) share one image in a request, and
its answer is the answer of each of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Container, Sequence
from copy import copy
from itertools import groupby
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar, cast

from msgspec.structs import replace

from framefleet.config.options import FrameOptions, Options, StageOptions, settings_of
from framefleet.config.settings import endpoint_variable
from framefleet.errors import BadReplyError, SetupError
from framefleet.media.sampling import samples_of
from framefleet.media.transport.frames import FRAME_TRANSPORTS, Shown, frame_transport, prepared, transport_of
from framefleet.media.types import (
    MediaInfo,
    PictureTime,
    Sample,
)
from framefleet.media.video.encode import scaled_size
from framefleet.media.video.request import FrameRequest
from framefleet.protocol import envelope
from framefleet.protocol.envelope import FrameSource, JpegFrames, read_reply
from framefleet.stages import checked
from framefleet.stages.base import (
    Answer,
    Capabilities,
    Handler,
    Needs,
    Pace,
    Prefilter,
    RequestBatch,
)
from framefleet.stages.batches import PictureBatch, batched, check_crop
from framefleet.stages.checked import Expected
from framefleet.timebase import Seconds, Span, exact

ENDPOINT_MAX_SIDE = 1280
"""Pixels. The input size of a worker's model, so a larger image would only take longer to upload."""


class AboutFrame(Protocol):
    """The fields of every answer about one frame."""

    @property
    def index(self) -> int: ...
    @property
    def time_s(self) -> Seconds: ...
    @property
    def error(self) -> str | None: ...


class FramesRequest(Protocol):
    """A request that carries frames."""

    @property
    def source(self) -> FrameSource: ...


class FramesReply(Protocol):
    """A reply about frames. `model` and the like are what the worker reports."""

    @property
    def model(self) -> str: ...
    @property
    def model_id(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def gpu(self) -> str | None: ...
    @property
    def frames(self) -> Sequence[AboutFrame]: ...


Request = TypeVar("Request", bound=FramesRequest)
Reply = TypeVar("Reply", bound=FramesReply)
Frame = TypeVar("Frame", bound=AboutFrame)
Indexed = TypeVar("Indexed", bound=envelope.Frame | AboutFrame)
Message = TypeVar("Message")


def max_side(options: Options, can: Capabilities) -> int | None:
    """Return the maximum of the longer side of a frame that is sent, in pixels; None: its own size."""
    return options.max_side or (ENDPOINT_MAX_SIDE if can.remote else None)


def span_samples(spans: Sequence[Span], count: int, pictures_s: Seconds | None = None) -> list[list[Sample]]:
    """Return for each span `count` samples evenly spread over it: a single one is in its middle.

    Indices run on from span to span. Spans are in the order of time and disjoint. Frames end at `pictures_s`.
    """
    found: list[list[Sample]] = []
    for number, span in enumerate(spans):
        start, length = exact(span.start_s), exact(span.end_s) - exact(span.start_s)
        times = [start + length * (2 * place + 1) / (2 * count) for place in range(count)]
        held = [pictures_s is not None and time >= exact(pictures_s) for time in times]
        found.append([Sample(number * count + n, *each) for n, each in enumerate(zip(times, held, strict=True))])
    return found


class PictureStage(Generic[Request, Reply]):
    """The half of `Stage` that only needs to know which frame is which. A fact is a `PictureTime`."""

    needs = Needs.PICTURES
    unit = "frames"
    seen = Expected()  # the limits for an answer about a frame
    transports = tuple(FRAME_TRANSPORTS)  # forms in which its requests can carry frames
    spans: tuple[Sequence[Span], int] | None = None  # and the frames of each; None: the whole video

    def of_spans(self, spans: Sequence[Span], count: int) -> Self:
        stage = copy(self)
        stage.spans = (tuple(spans), count)
        return stage

    def samples(self, media: MediaInfo, options: Options) -> list[Sample]:
        """Return every sample that the stage analyzes, in the order of time."""
        if not media.has_video:
            return []
        if self.spans is None:
            return samples_of(media, options.fps)
        return [sample for some in span_samples(*self.spans, media.pictures_s) for sample in some]

    def plan(self, media: MediaInfo, options: Options, can: Capabilities) -> list[PictureBatch]:
        check_crop(options.crop, media.width, media.height)
        return self._batches(self.samples(media, options), options)

    def _batches(self, samples: Sequence[Sample], options: Options) -> list[PictureBatch]:
        """Return the samples in batches; those of one span stay together, whatever the batch size."""
        if self.spans is None:
            return batched(samples, options.batch_size)
        _, count = self.spans
        groups = groupby(samples, key=lambda sample: sample.index // count)
        return [PictureBatch(number, tuple(some)) for number, (_, some) in enumerate(groups)]

    def order(self, wanted: Sequence[Sample], media: MediaInfo, options: Options, can: Capabilities) -> FrameRequest:
        """Return what to decode for the samples `wanted`.

        Pixels are not scaled down to the model's input size: the model was trained with its own scaling. With another,
        2 of the sample video's 41 objects were lost.
        """
        view = frame_transport(can.transports, self.transports).view(
            max_side(options, can), options.jpeg_quality, options.crop
        )
        return FrameRequest(self.to_see(wanted, self.samples(media, options)), view)

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
        return self._batches(left, options)

    def prefilter(self, options: Options, can: Capabilities) -> Prefilter | None:
        return None

    def to_see(self, wanted: Sequence[Sample], every: Sequence[Sample]) -> Sequence[Sample]:
        """Return the samples to decode for those `wanted` out of `every` one of the stage.

        They include those that the prefilter compares them with.
        """
        return wanted

    def split(self, parcel: RequestBatch[Request]) -> list[RequestBatch[Request]]:
        source = parcel.request.source
        second = transport_of(source).split(source)  # the first index of the second half: no image is in both
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
        return RequestBatch(_changed(parcel.request, source=prepared(pictures)), tuple(facts))

    def part(self, reply: Reply, fact: PictureTime) -> Reply | None:
        frames = [frame for frame in reply.frames if frame.index == fact.index]
        return _changed(reply, frames=frames) if frames else None

    def reindex(self, answer: Answer[Reply], index: int) -> Answer[Reply]:
        facts = tuple(replace(fact, index=index) for fact in answer.facts)
        return Answer(facts, _changed(answer.reply, frames=[_changed(f, index=index) for f in answer.reply.frames]))

    def fact_type(self) -> Any:
        return PictureTime

    def payload_bytes(
        self,
        items: Sequence[PictureBatch],
        media: MediaInfo,
        options: Options,
        can: Capabilities,
    ) -> tuple[int, int]:
        """Assume that every frame is sent: which ones need not be is only known once they are decoded."""
        seen, transport = options.crop or media, frame_transport(can.transports, self.transports)
        size = scaled_size(seen.width, seen.height, max_side(options, can))
        return transport.expected_bytes(sum(len(batch.samples) for batch in items), *size)


class AboutSpan(NamedTuple, Generic[Frame]):
    """The answers about the frames of one span, or of the whole video, in the order of time."""

    span: Span
    frames: list[Frame]


class FrameStage(PictureStage[Request, Reply], ABC, Generic[Request, Reply, Frame]):
    """A complete stage of frames, except for the request and for the result made of the answers.

    `reply` is the type of an endpoint's reply, whose `frames` have an `index`, `time_s`, `error` and what was found.
    `options` are the stage's own; those that are `keyed` are part of the journal's keys.
    """

    name: str
    endpoint: str
    reply: type[Reply]
    options: type[StageOptions] = FrameOptions
    transports = ("jpeg_frames",)
    expected = Pace(unit_s=1.0, alone_s=1.0)  # a worker's seconds per frame

    @abstractmethod
    def ask(self, frames: JpegFrames, media: MediaInfo, options: Options) -> Request:
        """Return the request for these frames."""

    @abstractmethod
    def conclude(self, found: Sequence[AboutSpan[Frame]], media: MediaInfo, options: Options) -> Any:
        """Return the stage's result from all available answers. Pure."""

    def own(self, options: Options) -> Any:
        """Return the stage's own options as they are set."""
        return options.own.get(self.name) or self.options()

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        own = self.own(options)
        others = {
            name: one for name, (_, one) in settings_of(type(own)).items() if name not in Options.__struct_fields__
        }
        form = {"crop": options.crop, "max_side": max_side(options, can), "jpeg_quality": options.jpeg_quality}
        together = None if self.spans is None else self.spans[1]
        return {
            **form,
            "sampling": options.decoding,
            "together": together,
            "own": {name: getattr(own, name) for name, setting in others.items() if setting.keyed},
        }

    def pace(self, can: Capabilities) -> Pace:
        return self.expected

    def pack(
        self, payload: Sequence[Shown], media: MediaInfo, options: Options, can: Capabilities
    ) -> RequestBatch[Request]:
        frames = cast(JpegFrames, prepared(payload))
        return RequestBatch(self.ask(frames, media, options), tuple(picture.at for picture in payload))

    def parse(self, facts: Sequence[PictureTime], output: Any) -> Reply:
        reply: Reply = matched(facts, read_reply(output, cast(Any, self.reply)))
        checked.named(cast(Any, reply))
        return reply

    def reply_type(self) -> type[Reply]:
        return self.reply

    def count(self, reply: Reply) -> int:
        return sum(frame.error is None for frame in reply.frames)

    def missing(self, options: Options) -> str | None:
        return f"no endpoint is configured for it; set {endpoint_variable(self.endpoint)}"

    def open_handler(self, options: Options) -> Handler:
        raise SetupError(f"{self.name}: {self.missing(options)}")

    def merge(
        self,
        media: MediaInfo,
        options: Options,
        answers: Sequence[Answer[Reply]],
        unanswered: Sequence[PictureTime] = (),
    ) -> Any:
        known: dict[int, Frame] = {}
        for answer in answers:
            for frame in answer.reply.frames:
                if frame.error is None:
                    known.setdefault(frame.index, cast(Frame, frame))
        whole = Span(0.0, media.duration_s), len(self.samples(media, options))
        spans = [whole] if self.spans is None else [(span, self.spans[1]) for span in self.spans[0]]
        found, first = [], 0
        for span, count in spans:
            indices = range(first, first + count)
            found.append(AboutSpan(span, [known[index] for index in indices if index in known]))
            first += count
        return self.conclude(found, media, options)


def matched(facts: Sequence[PictureTime], reply: Reply) -> Reply:
    """Return the reply with one answer per requested frame, in the order of the request, as far as it has one.

    If a frame is answered twice, the first answer counts; answers that were not requested are dropped. Raises
    `BadReplyError` if nothing is left, or every frame failed.
    """
    answers = _by_fact(facts, list(reversed(reply.frames)))
    frames = [
        _changed(answers[fact.index], index=fact.index, time_s=fact.time_s) for fact in facts if fact.index in answers
    ]
    if not frames:
        raise BadReplyError(f"the worker's reply has none of the {len(facts)} frames sent")
    if all(frame.error is not None for frame in frames):  # then the worker may be at fault, not the frames
        none = "" if len(frames) == 1 else f"the worker could process none of {len(frames)} frames: "
        raise BadReplyError(f"{none}{frames[0].error}")
    return _changed(reply, frames=frames)


def _changed(message: Message, **changes: Any) -> Message:
    """Return a message with some values replaced. It is a `Struct`, which a protocol cannot express."""
    changed: Message = replace(cast(Any, message), **changes)
    return changed


def _by_fact(facts: Sequence[PictureTime], frames: Sequence[Indexed]) -> dict[int, Indexed]:
    """Return by each fact's index its own frame, or else that of the last fact before it with the same time."""
    own, found = {frame.index: frame for frame in frames}, dict[int, Indexed]()
    same: dict[Seconds, Indexed] = {}
    for fact in sorted(facts, key=lambda fact: fact.index):
        frame = own.get(fact.index) or same.get(fact.pts_s)
        if frame is not None:
            found[fact.index] = same[fact.pts_s] = frame
    return found
