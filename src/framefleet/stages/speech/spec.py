"""The declaration of the speech stage."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from framefleet.config.options import Options
from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.schema.speech import Skipped, Transcription
from framefleet.stages.scene import Scene, scene_of
from framefleet.stages.spec import (
    Audio,
    Belongs,
    CellType,
    Mark,
    Marks,
    Presentation,
    Remote,
    ResultKind,
    Search,
    StageSpec,
    Table,
)
from framefleet.timebase import Span

if TYPE_CHECKING:
    from framefleet.media.types import MediaInfo
    from framefleet.stages.base import Capabilities, Stage


def _load() -> "Stage":
    from framefleet.stages.speech.stage import SpeechStage

    return SpeechStage()


def spans(said: Transcription) -> Iterator[FoundSpan]:
    for segment in said.segments:
        yield FoundSpan(start_s=segment.start_s, end_s=segment.end_s, text=segment.text)


def tables(said: Transcription, _: Document) -> dict[str, Table]:
    columns: dict[str, CellType] = {"index": int, "start_s": float, "end_s": float, "text": str}
    columns |= {"avg_logprob": float, "no_speech_prob": float, "speaker": str}
    segments = [
        (index, s.start_s, s.end_s, s.text, s.avg_logprob, s.no_speech_prob, s.speaker)
        for index, s in enumerate(said.segments)
    ]
    words = [
        (index, word.start_s, word.end_s, word.word.strip(), word.probability, word.speaker)
        for index, segment in enumerate(said.segments)
        for word in segment.words
    ]
    of_word: dict[str, CellType] = {"segment": int, "start_s": float, "end_s": float, "word": str}
    of_word |= {"probability": float, "speaker": str}
    return {"segments": Table(columns, segments), "words": Table(of_word, words)}


def marks(said: Transcription) -> Iterator[Mark]:
    for segment in said.segments:
        details: dict[str, Any] = {"avg_logprob": segment.avg_logprob}
        if segment.language not in {None, said.language}:
            details["language"] = segment.language
        if segment.doubtful is True:
            details["doubtful"] = True
        yield Mark(segment.text, segment.start_s, segment.end_s, details)


def in_scenes(scenes: Sequence[Scene], said: Transcription | None, _: str) -> list[str]:
    """Return each scene's text; a segment over a cut belongs to the scene that it overlaps most."""
    texts: dict[int, list[str]] = {scene.index: [] for scene in scenes}
    for segment in said.segments if said else ():
        scene = scene_of(scenes, Span(segment.start_s, segment.end_s))
        if scene is not None:
            texts[scene.index].append(segment.text)
    return [" ".join(texts[scene.index]) for scene in scenes]


def absent(media: "MediaInfo") -> Transcription:
    """Return the transcription of a video without sound."""
    return Transcription(None, "", [], [Skipped(0.0, media.duration_s, media.soundless or "no audio stream")])


def config(options: Options, _: "Capabilities", reply: Any) -> dict[str, Any]:
    model = getattr(reply, "model", options.whisper_model)
    return {"whisper_model": model, "language": options.language, "task": options.task}


SPEECH = StageSpec(
    name="speech",
    inputs=(Audio(),),
    runs=Remote("whisper", _load),
    output=ResultKind(
        "said",
        spans,
        Transcription,
        key="transcription",
        scene_field="speech",
        tables=tables,
        marks=Marks(marks, "CYAN", order=1),
        presentation=Presentation.WORDS,
        search=Search("say", "WORDS", "when these words are spoken, in context"),
        absent=absent,
        in_scenes=in_scenes,
    ),
    config=config,
    belongs=Belongs.DEFAULT,
    prefilter="voice activity detection",
    unfiltered="--no-vad runs without it, but sends and pays for silence too",
)
