"""The speakers stage: the parts of this folder behind the contract of `stages/base.py`."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.errors import BadReplyError, SetupError
from framefleet.media.audio.chunks import AudioChunk
from framefleet.media.audio.clips import plan_sound
from framefleet.media.transport.sound import sent
from framefleet.media.types import Clip, ClipTime, MediaInfo
from framefleet.models.catalog import CATALOG
from framefleet.models.store import model_folder
from framefleet.protocol.envelope import AudioFormat, read_reply
from framefleet.protocol.speakers import CENTRE, HeardVoice, SpeakersReply, SpeakersRequest, VoiceTurn
from framefleet.schema.speakers import Speaker
from framefleet.stages import checked
from framefleet.stages.audio_stage import ClipStage, halved
from framefleet.stages.base import Answer, Capabilities, Handler, Pace, Recalled, RequestBatch
from framefleet.stages.speakers.join import ClipVoice, Person, people
from framefleet.stages.speakers.names import as_kept, centre_of, kept_voices, recognized
from framefleet.timebase import Seconds

REMOTE_CHUNK_S: Seconds = 900.0
LOCAL_CHUNK_S: Seconds = 300.0
"""The same as for speech, so that both stages can share the clips of one decode."""

PACE = Pace(unit_s=0.03, alone_s=0.03)
"""Seconds of one core for a second of sound in which people speak, here and on a worker: both models run on the CPU."""

MODELS = "speakers"
"""The models' name in the catalog."""

TOLERANCE_S: Seconds = 1.0
"""A turn may end this far behind the clip; more is a reply to something else."""

VOICES, TURNS_A_S = 100, 20
"""More voices, or turns in a second, than this are no answer."""


class SpeakersStage(ClipStage[SpeakersRequest, SpeakersReply]):
    """Who speaks when, by the models on this machine or the speakers endpoint."""

    name = "speakers"
    endpoint = "speakers"

    def plan(self, media: MediaInfo, options: Options, can: Capabilities) -> list[AudioChunk]:
        return plan_sound(media, REMOTE_CHUNK_S if can.remote else LOCAL_CHUNK_S)

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        number = _number(options)
        return {"models": sorted(filter(None, CATALOG[MODELS].files.values()))} | (
            {"number": number} if number is not None else {}
        )

    def pack(
        self, payload: Clip, media: MediaInfo, options: Options, can: Capabilities
    ) -> RequestBatch[SpeakersRequest]:
        """Build the request. How many people speak is known of the whole sound alone; in a part it is a maximum."""
        number, alone = _number(options), len(self.plan(media, options, can)) == 1
        request = SpeakersRequest(
            audio=sent(payload),
            format=msgspec.convert(payload.format, AudioFormat),
            duration_s=round(payload.span.length_s, 6),
            number=number if alone else None,
            most=number,
        )
        return RequestBatch(request, (ClipTime(payload.number, payload.span, gaps=payload.gaps),))

    def split(self, parcel: RequestBatch[SpeakersRequest]) -> list[RequestBatch[SpeakersRequest]]:
        """Cut the clip in two at the quietest place near its middle, unless it is too short."""
        (fact,) = parcel.facts
        halves = halved(replace(parcel.request, number=None), fact.span)
        return [RequestBatch(half, (replace(fact, span=span),)) for half, span in halves] or [parcel]

    def parse(self, facts: Sequence[ClipTime], output: Any) -> SpeakersReply:
        """Parse the reply. Turns that end a little late are clipped; others, and bad centres, are refused."""
        reply = read_reply(output, SpeakersReply)
        checked.named(reply)
        if len(reply.voices) > VOICES:
            raise BadReplyError(f"the worker heard {len(reply.voices)} voices in one clip")
        return replace(reply, voices=[_checked(voice, facts[0].span.length_s) for voice in reply.voices])

    def fact_type(self) -> Any:
        return ClipTime

    def reply_type(self) -> type[SpeakersReply]:
        return SpeakersReply

    def count(self, reply: SpeakersReply) -> int:
        """Return how many people speak in the clip."""
        return len(reply.voices)

    def pace(self, can: Capabilities) -> Pace:
        return PACE

    def missing(self, options: Options) -> str | None:
        try:
            model_folder(MODELS)
        except SetupError as error:
            return str(error)
        return None

    def open_handler(self, options: Options) -> Handler:
        from framefleet.stages.speakers.worker.handler import make_handler, open_engine

        return make_handler(open_engine(model_folder(MODELS)))

    def merge(
        self,
        media: MediaInfo,
        options: Options,
        answers: Sequence[Answer[SpeakersReply]],
        unanswered: Sequence[ClipTime] = (),
    ) -> list[Person]:
        return merge_speakers(answers, _number(options))

    def recall(
        self, result: Sequence[Person], kept: bytes | None, options: Options, *, whole: bool
    ) -> Recalled[list[Speaker]]:
        """Return the speakers, with the names given to their voices, and without the voices themselves."""
        given = dict(options.speaker_names or ())
        speakers, keep, notes = recognized(result, kept_voices(kept), given, whole=whole)
        return Recalled(speakers, as_kept(keep), notes)


def merge_speakers(answers: Sequence[Answer[SpeakersReply]], number: int | None = None) -> list[Person]:
    """Return all clips' voices as people, on the video's clock; the order of `answers` does not matter.

    `number` is how many people there are, None: as many as can be told apart.
    """
    in_order = sorted(answers, key=lambda answer: (answer.facts[0].span.start_s, answer.facts[0].span.end_s))
    return people([voice for clip, answer in enumerate(in_order) for voice in _voices(clip, answer)], number)


def _voices(clip: int, answer: Answer[SpeakersReply]) -> Iterator[ClipVoice]:
    from_s = answer.facts[0].span.start_s
    for voice in answer.reply.voices:
        turns = [(round(from_s + turn.start_s, 3), round(from_s + turn.end_s, 3)) for turn in voice.turns]
        yield ClipVoice(clip, centre_of(voice.centre), turns)


def _number(options: Options) -> int | None:
    """Return how many people speak, if that was given."""
    number = options.speakers
    return None if isinstance(number, bool | str) else number


def _checked(voice: HeardVoice, length_s: Seconds) -> HeardVoice:
    """Return the voice with its turns within the clip. Raises `BadReplyError` if they are of something else."""
    centre = np.frombuffer(voice.centre, "<f2").astype(np.float64) if len(voice.centre) == 2 * CENTRE else np.zeros(0)
    if not 0.9 <= float(np.linalg.norm(centre)) <= 1.1:  # also where a number is NaN
        raise BadReplyError("the worker gave a voice whose centre is none")
    if len(voice.turns) > TURNS_A_S * (length_s + TOLERANCE_S):
        raise BadReplyError(f"the worker heard {len(voice.turns)} turns of one voice in a clip of {length_s} s")
    turns, reached_s = [], 0.0
    for turn in voice.turns:
        # `not` of a chain that holds, so that NaN does not pass
        if not reached_s <= turn.start_s <= turn.end_s <= length_s + TOLERANCE_S:
            raise BadReplyError(f"the worker heard a turn from {turn.start_s} to {turn.end_s} s after {reached_s} s")
        turns.append(VoiceTurn(min(turn.start_s, length_s), min(turn.end_s, length_s)))
        reached_s = turn.end_s
    return replace(voice, turns=turns)
