"""The client's side of the sounds stage."""

from collections.abc import Sequence
from math import inf
from typing import Any

import msgspec
from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.errors import BadReplyError, SetupError
from framefleet.media.audio.chunks import AudioChunk
from framefleet.media.audio.clips import plan_sound
from framefleet.media.transport.sound import sent
from framefleet.media.types import Clip, ClipTime, MediaInfo
from framefleet.models import model_identity
from framefleet.models.store import model_folder
from framefleet.protocol.ast import AstReply, AstRequest, Slice
from framefleet.protocol.envelope import AudioFormat, read_reply
from framefleet.schema.sounds import Sounds
from framefleet.schema.speech import Skipped
from framefleet.stages import checked
from framefleet.stages.audio_stage import ClipStage, halved
from framefleet.stages.base import (
    Answer,
    Capabilities,
    Handler,
    Pace,
    RequestBatch,
)
from framefleet.stages.sounds.merge import merge_sounds
from framefleet.timebase import Seconds

REMOTE_CHUNK_S: Seconds = 900.0
LOCAL_CHUNK_S: Seconds = 300.0
"""The same as for speech, so that both stages can share clips."""


def plan_sounds(media: MediaInfo, can: Capabilities) -> list[AudioChunk]:
    """Return nominal chunks over the whole sound; [] without sound."""
    return plan_sound(media, REMOTE_CHUNK_S if can.remote else LOCAL_CHUNK_S)


ENDPOINT_PACE = Pace(unit_s=1 / 100, alone_s=1 / 100)
"""A GPU worker's seconds per second of sound, AST in batches of 32. An assumption: no real endpoint was timed."""

LOCAL_PACE = Pace(unit_s=0.002, alone_s=0.002)
"""YAMNet on one core of a server: two slices of half a millisecond, and the same to decode FLAC."""


TOP_K = 10
"""Classes per slice: AudioSet labels a sound at several levels (Music, Musical instrument, Piano)."""

SLICES_A_S = 20
"""The maximum of slices per second: a request has one every 0.1 s at most, and there is a margin of a factor 2."""

TOLERANCE_S: Seconds = 1.0
"""How much the worker's duration may differ from the clip's; a larger difference means another clip."""


class SoundsStage(ClipStage[AstRequest, AstReply]):
    """See `Stage`. Uses the ast endpoint."""

    name = "sounds"
    endpoint = "ast"

    def plan(self, media: MediaInfo, options: Options, can: Capabilities) -> list[AudioChunk]:
        return plan_sounds(media, can)

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        return {"model": model_identity(_model(options)), "threshold": _threshold(options), "top_k": TOP_K}

    def pack(self, payload: Clip, media: MediaInfo, options: Options, can: Capabilities) -> RequestBatch[AstRequest]:
        request = AstRequest(
            # a local handler was opened on this very model, by the path of a folder that no worker knows
            model=_model(options) if can.remote else None,
            audio=sent(payload),
            format=msgspec.convert(payload.format, AudioFormat),
            duration_s=round(payload.span.length_s, 6),
            top_k=TOP_K,
            threshold=_threshold(options),
        )
        return RequestBatch(request, (ClipTime(payload.number, payload.span, gaps=payload.gaps),))

    def split(self, parcel: RequestBatch[AstRequest]) -> list[RequestBatch[AstRequest]]:
        """Return the clip, cut in two at the quietest place near its middle; alone if it is too short to cut."""
        (fact,) = parcel.facts
        halves = halved(parcel.request, fact.span)
        return [RequestBatch(half, (replace(fact, span=span),)) for half, span in halves] or [parcel]

    def parse(self, facts: Sequence[ClipTime], output: Any) -> AstReply:
        """Check that slices are in order and cover the clip, and drop surplus classes: see `checked.classes`."""
        reply = read_reply(output, AstReply)
        checked.named(reply)
        return replace(reply, slices=_checked(reply.slices, facts[0].span.length_s))

    def fact_type(self) -> Any:
        return ClipTime

    def reply_type(self) -> type[AstReply]:
        return AstReply

    def count(self, reply: AstReply) -> int:
        """Return how many classes are heard anywhere in the clip."""
        return len({found.label for piece in reply.slices for found in piece.classes})

    def pace(self, can: Capabilities) -> Pace:
        return ENDPOINT_PACE if can.remote else LOCAL_PACE

    def missing(self, options: Options) -> str | None:
        if _model(options) is None:
            try:
                model_folder("yamnet")
            except SetupError as error:
                return str(error)
        return None

    def open_handler(self, options: Options) -> Handler:
        from framefleet.stages.sounds.worker.handler import make_handler, open_engine

        model = _model(options)
        return make_handler(open_engine(model, "yamnet" if model is None else "ast"))

    def merge(
        self,
        media: MediaInfo,
        options: Options,
        answers: Sequence[Answer[AstReply]],
        unanswered: Sequence[ClipTime] = (),
    ) -> Sounds:
        if media.soundless is not None:
            return Sounds(_threshold(options), [], [Skipped(0.0, media.duration_s, media.soundless)])
        return merge_sounds(answers, _threshold(options))


def _model(options: Options) -> str | None:
    return options.ast_model


def _threshold(options: Options) -> float:
    return options.sounds_threshold


def _checked(slices: Sequence[Slice], length_s: Seconds) -> list[Slice]:
    """Return the slices, clipped to the clip's time. Raises `BadReplyError` unless they cover all of it, in order."""
    if len(slices) > SLICES_A_S * (length_s + TOLERANCE_S):
        raise BadReplyError(f"the worker returned {len(slices)} slices for a clip of {length_s} s")
    within, reached_s = [], 0.0
    for piece in slices:
        # written as `not` of the valid case, so that NaN does not pass
        follows = 0 <= piece.start_s <= reached_s + TOLERANCE_S
        if not (follows and piece.start_s <= piece.end_s < inf):
            raise BadReplyError(
                f"the worker returned a slice from {piece.start_s} to {piece.end_s} s after one to {reached_s} s"
            )
        heard = checked.classes(piece.classes, TOP_K)
        reached_s = max(reached_s, piece.end_s)
        within.append(Slice(min(piece.start_s, length_s), min(piece.end_s, length_s), heard))
    if abs(reached_s - length_s) > TOLERANCE_S:
        raise BadReplyError(f"the worker returned slices of {reached_s} s for a clip of {length_s} s")
    return within
