"""The client's side of the speech stage."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import msgspec
from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.errors import BadReplyError, UsageError
from framefleet.media.audio.chunks import AudioChunk
from framefleet.media.audio.clips import plan_sound
from framefleet.media.transport.sound import sent
from framefleet.media.types import Clip, MediaInfo
from framefleet.models import model_identity
from framefleet.protocol.envelope import AudioFormat, read_reply
from framefleet.protocol.whisper import (
    LANGUAGES,
    WhisperReply,
    WhisperRequest,
    WhisperSegment,
    WhisperWord,
)
from framefleet.schema.speech import Transcription
from framefleet.stages import checked
from framefleet.stages.audio_stage import ClipStage, halved
from framefleet.stages.base import (
    Answer,
    Capabilities,
    Handler,
    Pace,
    Prefilter,
    RequestBatch,
)
from framefleet.stages.speech import local_model
from framefleet.stages.speech.merge import merge_speech
from framefleet.stages.speech.skipped import (
    NO_SPEECH,
    SentTime,
    Unsent,
    parted,
)
from framefleet.timebase import Seconds, Span

ENDPOINT_PACE = Pace(unit_s=1 / 40, alone_s=1 / 40)
"""A GPU worker's seconds per second of sound, large-v3-turbo in batches. An assumption: no real endpoint was timed."""

REMOTE_CHUNK_S: Seconds = 900.0
LOCAL_CHUNK_S: Seconds = 300.0
"""15 minutes are 2.7 MB of Opus, well below a request's limit of 10 MiB (OpenAI's is 25 MB). On this machine 5, so that
progress is visible and memory stays small."""


def plan_speech(media: MediaInfo, options: Options, can: Capabilities) -> list[AudioChunk]:
    """Return nominal chunks over the whole sound; [] without sound. Raises `UsageError` for an impossible language."""
    _check_language(options, can)
    return plan_sound(media, REMOTE_CHUNK_S if can.remote else LOCAL_CHUNK_S)


def _check_language(options: Options, can: Capabilities) -> None:
    if options.language is not None and options.language not in LANGUAGES:
        raise UsageError(
            f"--language {options.language}: not a language that Whisper supports",
            hint="give a code such as en, de or zh",
        )
    if not can.remote:
        local_model.check(options.whisper_model, options.language, options.task)


TOLERANCE_S = 1.0
"""How far Whisper's last timestamp may be after the end of the sound; more means another clip."""

WORDS_A_S = 50
"""The maximum of segments or words per second: Whisper has 224 tokens for 30 s. `MOST_WORDS` is added for very short
clips."""

MOST_WORDS = 500
TEXT_A_WORD = 100
"""The maximum of characters per word: no language's words are so long on average."""


class SpeechStage(ClipStage[WhisperRequest, WhisperReply]):
    """See `Stage`. Uses the whisper endpoint."""

    name = "speech"
    endpoint = "whisper"

    def plan(self, media: MediaInfo, options: Options, can: Capabilities) -> list[AudioChunk]:
        return plan_speech(media, options, can)

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        model = options.whisper_model
        identity: dict[str, Any] = {
            "model": model_identity(model) if can.remote else local_model.identity(model),
            "language": options.language,
            "task": options.task,
        }
        if options.vad:
            identity["vad"] = True
        elif not can.remote:
            identity["vad_filter"] = False
        return identity | ({"words": list(options.words)} if options.words else {})

    def prefilter(self, options: Options, can: Capabilities) -> Prefilter | None:
        return self.filter if options.vad else None

    def filter(self, clip: Clip) -> Clip | Answer[WhisperReply]:
        """Return the clip without long silence, as `pack` takes it; the answer if there is no speech in it.

        Without faster-whisper the clip stays whole. The detector is loaded with the first clip.
        """
        from framefleet.stages.speech.vad import silero, trim

        detect = silero()
        worth = trim(clip, detect) if detect is not None else clip
        return _nothing_said(clip) if worth is None else worth

    def pack(
        self, payload: Clip, media: MediaInfo, options: Options, can: Capabilities
    ) -> RequestBatch[WhisperRequest]:
        fact = SentTime(payload.number, payload.span, getattr(payload, "skipped", ()), gaps=payload.gaps)
        request = WhisperRequest(
            # a local handler was opened on this very model, by the path of a folder that no worker knows
            model=options.whisper_model if can.remote else None,
            audio=sent(payload),
            format=msgspec.convert(payload.format, AudioFormat),
            duration_s=fact.sent_s,
            language=options.language,
            task=options.task,
            # workers with large models batch by it, and answers of theirs that are paid for stay good
            vad_filter=options.vad or can.remote,
            words=list(options.words) if options.words else None,
        )
        return RequestBatch(request, (fact,))

    def split(self, parcel: RequestBatch[WhisperRequest]) -> list[RequestBatch[WhisperRequest]]:
        """Return the clip, cut in two at the quietest place near its middle; alone if it is too short to cut."""
        (fact,) = parcel.facts
        halves = halved(parcel.request, Span(0.0, fact.sent_s))
        if not halves:
            return [parcel]
        facts = parted(fact, halves[0][1].end_s)
        return [RequestBatch(request, (half,)) for (request, _), half in zip(halves, facts, strict=True)]

    def parse(self, facts: Sequence[SentTime], output: Any) -> WhisperReply:
        """Clamp times and probabilities that are off by a rounding error; refuse larger errors, and more text than a
        clip of that length can hold."""
        reply = read_reply(output, WhisperReply)
        checked.named(reply)
        checked.short(reply.language, checked.LABEL, "language")
        _check_length(reply, facts[0].sent_s)
        segments = [_checked(segment, facts[0].sent_s) for segment in reply.segments]
        for segment in segments:
            checked.short(segment.language or "", checked.LABEL, "language")
        sure = checked.unit(reply.language_probability, "probability")
        return replace(reply, segments=segments, language_probability=sure)

    def fact_type(self) -> Any:
        return SentTime

    def reply_type(self) -> type[WhisperReply]:
        return WhisperReply

    def count(self, reply: WhisperReply) -> int:
        return len(reply.segments)

    def pace(self, can: Capabilities) -> Pace:
        return ENDPOINT_PACE if can.remote else self.model_pace(Options())

    def missing(self, options: Options) -> str | None:
        return None

    def open_handler(self, options: Options) -> Handler:
        from framefleet.stages.speech.worker.handler import make_handler
        from framefleet.stages.speech.worker.model import open_model

        name, folder = local_model.chosen(options.whisper_model), local_model.folder_of(options.whisper_model)
        engine = open_model(folder, name=None if folder == name else name)
        local_model.check_content(name, engine.model_id)
        return make_handler(engine)

    def features(self, options: Options) -> frozenset[str]:
        return frozenset({"words"} if options.words else ())

    def model_pace(self, options: Options) -> Pace:
        return Pace(*[local_model.pace_s(options.whisper_model)] * 2)

    def lacks_model(self, options: Options) -> bool:
        return local_model.lacks(options.whisper_model)

    def fetch_model(self, options: Options, tell: Callable[[str], object]) -> None:
        local_model.fetch(options.whisper_model, tell)

    def model_name(self, options: Options) -> str:
        return local_model.chosen(options.whisper_model)

    def model_remark(self, options: Options) -> str | None:
        return local_model.remark(options.whisper_model)

    def merge(
        self,
        media: MediaInfo,
        options: Options,
        answers: Sequence[Answer[WhisperReply]],
        unanswered: Sequence[SentTime] = (),
    ) -> Transcription:
        return merge_speech(answers, unanswered, vad=options.vad)


def _check_length(reply: WhisperReply, duration_s: Seconds) -> None:
    """Raise `BadReplyError` for more segments, words or text than a clip of that length can hold."""
    most = WORDS_A_S * duration_s + MOST_WORDS
    words = sum(len(segment.words) for segment in reply.segments)
    if max(len(reply.segments), words) > most:
        much = f"{len(reply.segments)} segments with {words} words"
        raise BadReplyError(f"the worker returned {much} for a clip of {duration_s} s")
    for segment in reply.segments:
        checked.short(segment.text, int(TEXT_A_WORD * most), "text")
        for word in segment.words:
            checked.short(word.word, checked.LABEL, "word")


def _checked(segment: WhisperSegment, duration_s: Seconds) -> WhisperSegment:
    """Return the segment, clipped to the clip's time. Raises `BadReplyError` if it is out of range."""
    start, end = _within(segment, duration_s)
    if not isfinite(segment.avg_logprob):
        raise BadReplyError(f"the worker returned a log probability of {segment.avg_logprob}")
    words = []
    for word in segment.words:
        word_start, word_end = _within(word, duration_s)
        sure = checked.unit(word.probability, "probability")
        words.append(replace(word, start_s=word_start, end_s=word_end, probability=sure))
    silent = checked.unit(segment.no_speech_prob, "probability")
    return replace(segment, start_s=start, end_s=end, no_speech_prob=silent, words=words)


def _within(piece: WhisperSegment | WhisperWord, duration_s: Seconds) -> tuple[Seconds, Seconds]:
    start, end = piece.start_s, piece.end_s
    # written as `not` of the valid case, so that NaN does not pass
    if not (isfinite(start) and isfinite(end) and -TOLERANCE_S <= start <= end <= duration_s + TOLERANCE_S):
        raise BadReplyError(f"the worker returned speech from {start} to {end} s for a clip of {duration_s} s")
    return min(max(start, 0.0), duration_s), min(max(end, 0.0), duration_s)


def _nothing_said(clip: Clip) -> Answer[WhisperReply]:
    """Return the answer of a clip without speech. The journal saves it like any other."""
    skipped = Unsent(clip.span.start_s, clip.span.end_s, NO_SPEECH)
    reply = WhisperReply(model="", model_id="", device="", language="", language_probability=0.0, segments=[])
    return Answer((SentTime(clip.number, clip.span, (skipped,), gaps=clip.gaps),), reply)
