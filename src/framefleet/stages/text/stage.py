"""The client's side of the text stage."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.install_hints import with_extra
from framefleet.media.transport.frames import Shown, prepared
from framefleet.media.types import (
    Gap,
    MediaInfo,
    PictureTime,
    Sample,
)
from framefleet.protocol.envelope import read_reply
from framefleet.protocol.ocr import OcrFrame, OcrReply, OcrRequest
from framefleet.schema.text import TextResult
from framefleet.stages import checked
from framefleet.stages.base import (
    Answer,
    Capabilities,
    Handler,
    Pace,
    Prefilter,
    RequestBatch,
)
from framefleet.stages.frame_stage import PictureStage, matched, max_side
from framefleet.stages.text.changed import ChangeFilter, to_see
from framefleet.stages.text.merge import merge

ENDPOINT_PACE = Pace(unit_s=0.05, alone_s=0.08)
"""A GPU worker's seconds per frame with a few lines of text. An assumption: no GPU was timed."""

LOCAL_PACE = Pace(unit_s=0.11, alone_s=0.15)
"""A frame of 1280 × 720 with four lines, on two cores of a server (benchmarks/text_batched.py)."""

_HERE, _THERE = 736, 1280  # pixels


def find_side(can: Capabilities) -> int:
    """Return the longer side, in pixels, of the detector's input.

    Of 48 lines of 10 to 44 pixels of height in frames of 1280 × 720, 46 are found at 640 and all at 736, 960 and more.
    Detection takes 49 ms at 640, 57 at 736, 137 at 960, and 286 by RapidOCR's own rule (736 for the shorter side). A
    GPU uses all the pixels that are sent.
    """
    return _THERE if can.remote else _HERE


class TextStage(PictureStage[OcrRequest, OcrReply]):
    """See `Stage`. Of the planned frames only those that `ChangeFilter` selects are sent; see `unchanged`."""

    name = "text"
    endpoint = "ocr"

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        """Include what chooses the samples: "unchanged from the frame before" is an answer that depends on it.

        `turned` makes answers invalid that this machine gave before it could read text that is on its side or upside
        down. To read it again is free.
        """
        turned = {} if can.remote else {"turned": True}
        chosen = {"from_s": options.from_s, "to_s": options.to_s, "dense_first": options.dense_first or None}
        chosen["ends"] = True if options.sampling == "ends" else None
        return (
            turned
            | {name: value for name, value in chosen.items() if value is not None}
            | {
                "crop": options.crop,
                "max_side": max_side(options, can),
                "jpeg_quality": options.jpeg_quality,
                "find_side": find_side(can),
                "fps": options.fps,
                "sampling": options.decoding,
            }
        )

    def prefilter(self, options: Options, can: Capabilities) -> Prefilter:
        changed = ChangeFilter()

        def sift(piece: Shown | Gap) -> Shown | Gap | Answer[OcrReply]:
            read = changed.see(piece)
            return piece if read or isinstance(piece, Gap) else self.unchanged(piece)

        return sift

    def to_see(self, wanted: Sequence[Sample], every: Sequence[Sample]) -> Sequence[Sample]:
        return to_see(wanted, every)

    def unchanged(self, picture: Shown) -> Answer[OcrReply]:
        """Return the answer of a frame that need not be read. The journal saves it like any other."""
        frame = OcrFrame(picture.at.index, picture.at.time_s, None, unchanged=True)
        return Answer((picture.at,), OcrReply(model="", model_id="", device="", frames=[frame]))

    def pack(
        self, payload: Sequence[Shown], media: MediaInfo, options: Options, can: Capabilities
    ) -> RequestBatch[OcrRequest]:
        seen = options.crop or media
        request = OcrRequest(
            source=prepared(payload),
            source_width=seen.width,
            source_height=seen.height,
            max_side=find_side(can),
        )
        return RequestBatch(request, tuple(picture.at for picture in payload))

    def parse(self, facts: Sequence[PictureTime], output: Any) -> OcrReply:
        """Drop frames with neither lines nor an error: a worker has to read, not to compare.

        A frame with an invalid line is dropped too: see `checked.lines`. For the rest see `matched`.
        """
        reply = read_reply(output, OcrReply)
        told = [frame for frame in reply.frames if frame.lines is not None or frame.error is not None]
        reply = matched(facts, replace(reply, frames=[replace(frame, unchanged=False) for frame in told]))
        checked.named(reply)
        return replace(reply, frames=checked.believed(reply.frames, self._checked))

    def _checked(self, frame: OcrFrame) -> OcrFrame:
        error = frame.error and frame.error[: checked.TEXT]
        read = None if frame.lines is None else checked.lines(frame.lines, self.seen)
        return replace(frame, lines=read, error=error)

    def reply_type(self) -> type[OcrReply]:
        return OcrReply

    def count(self, reply: OcrReply) -> int:
        return sum(len(frame.lines or ()) for frame in reply.frames)

    def pace(self, can: Capabilities) -> Pace:
        return ENDPOINT_PACE if can.remote else LOCAL_PACE

    def missing(self, options: Options) -> str | None:
        return None if find_spec("rapidocr") else f"RapidOCR is not installed; {with_extra('text')}"

    def open_handler(self, options: Options) -> Handler:
        from framefleet.stages.text.worker.handler import make_handler, open_engine

        return make_handler(open_engine())

    def merge(
        self,
        media: MediaInfo,
        options: Options,
        answers: Sequence[Answer[OcrReply]],
        unanswered: Sequence[PictureTime] = (),
    ) -> TextResult:
        samples = self.samples(media, options)
        seen = self.about(media, options).seen

        def drawable(frame: OcrFrame) -> OcrFrame:
            read = frame.lines and checked.sound(frame.lines, lambda some: checked.lines(some, seen))
            return frame if read == frame.lines else replace(frame, lines=read)

        replies = [replace(a.reply, frames=[drawable(frame) for frame in a.reply.frames]) for a in answers]
        given = [(answer.facts, reply) for answer, reply in zip(answers, replies, strict=True)]
        return merge(samples, given, options.crop, media.duration_s, 1 / options.fps, options.decoding)
