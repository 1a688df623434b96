"""From sound to segments: windows in a language of their own, and loops that are transcribed again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite
from typing import Any

from msgspec.structs import replace

from framefleet.protocol.whisper import WhisperRequest, WhisperSegment, WhisperWord
from framefleet.stages.speech.worker.languages import SURE, LanguageWindow, Vote, certainty, elected
from framefleet.stages.speech.worker.loops import compression_ratio, is_said, repeats, without_echo
from framefleet.stages.speech.worker.model import Engine
from framefleet.timebase import Seconds
from framefleet.worker.serving import look_up
from framefleet.worker.waveform import RATE, Waveform

STEADY = {
    # The fallback to higher temperatures samples, so that the same sound would give another text each time.
    "temperature": 0.0,
    # Better on long speech in every mode measured, and text does not depend on the sentence before.
    "condition_on_previous_text": False,
}

WARMER = (0.4, 0.8)
"""The temperatures at which a loop is transcribed again, in order, until one is none."""

MOST_ALONE, ALONE_S, CLEAR = 8, 2.0, 0.7
"""If the language of a window is not sure, its segments are listened to alone, unless they are many (a loop, then) or
short. A segment's own language counts from `CLEAR`: little sound is easily taken for another one."""

LEAST_LOGPROB = -1.0  # Whisper's own limit of the mean log probability of a passage

MARGIN_S: Seconds = 0.2
"""Of the sound before and after what is transcribed again."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The segments of one window, at least one; `ratio` is how well their text can be compressed."""

    segments: list[WhisperSegment]
    window: LanguageWindow | None
    ratio: float

    @property
    def start_s(self) -> Seconds:
        return self.segments[0].start_s

    @property
    def end_s(self) -> Seconds:
        return max(segment.end_s for segment in self.segments)

    @property
    def votes(self) -> list[Vote]:
        """The vote of its window; [] without one."""
        if self.window is None:
            return []
        spoken_s = sum(segment.end_s - segment.start_s for segment in self.segments)
        return [Vote(self.window.language, self.window.probability, spoken_s)]

    @property
    def labelled(self) -> list[WhisperSegment]:
        """Its segments, with the language."""
        if self.window is None:
            return self.segments
        return [replace(segment, language=self.window.language) for segment in self.segments]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a clip. `language` is the one spoken longest."""

    segments: list[WhisperSegment]
    language: str
    probability: float


def transcribed(engine: Engine, request: WhisperRequest, audio: Waveform) -> Transcript:
    """Return the clip's segments, in seconds of the clip, and its language.

    A window whose language is not sure is transcribed again: each segment in its own language if that is clear, or else
    the whole in that which the other windows elect, if it was only guessed.
    """
    passages, info = _transcribe(engine, request, audio, request.language, vad=request.vad_filter)
    language = elected(vote for passage in passages for vote in passage.votes)
    passages = [again for passage in passages for again in _in(language, engine, request, audio, passage)]
    votes = [vote for passage in passages for vote in passage.votes]
    passages = [settled for passage in passages for settled in _settled(engine, request, audio, passage)]
    segments = [segment for passage in passages for segment in passage.labelled]
    if votes:
        language = elected(votes)
        return Transcript(segments, language or "", certainty(language, votes))
    window = engine.window()
    if not info.language and window is not None:
        return Transcript(segments, window.language, window.probability)
    return Transcript(segments, info.language or "en", _number(info.language_probability, 0.0))


def _transcribe(
    engine: Engine,
    request: WhisperRequest,
    audio: Waveform,
    language: str | None,
    *,
    vad: bool,
    temperature: float = 0.0,
    start_s: Seconds = 0.0,
) -> tuple[list[Passage], Any]:
    """Return the passages in `audio`, which begins at `start_s`, and faster-whisper's information on all of it."""
    hints = {"hotwords": ", ".join(request.words)} if request.words else {}
    found, info = engine.transcribe(
        audio,
        language=language,
        task=request.task,
        word_timestamps=request.word_timestamps,
        vad_filter=vad,
        beam_size=request.beam_size,
        **STEADY | {"temperature": temperature} | hints,
    )
    length_s = len(audio) / RATE

    def pieces() -> Iterator[tuple[Any, LanguageWindow | None]]:
        for piece in found:  # a generator: segments come as each window of 30 s is done
            look_up()
            if piece.text.strip():
                yield piece, engine.window()

    passages = []
    for _, grouped in groupby(pieces(), key=lambda pair: getattr(pair[0], "seek", None)):
        window = list(grouped)
        segments = [_segment(piece, length_s, start_s) for piece, _ in window]
        ratio = compression_ratio("".join(piece.text for piece, _ in window))  # batched, Whisper's is of each segment
        passages.append(Passage(segments, window[0][1], ratio))
    return passages, info


def _in(
    language: str | None, engine: Engine, request: WhisperRequest, audio: Waveform, passage: Passage
) -> list[Passage]:
    """Return the passage in the languages of its segments if its own is not sure, or else in the elected one.

    Several languages in one window make none of them sure, and only the first is transcribed well.
    """
    window = passage.window
    if window is None or window.probability >= SURE:
        return [passage]
    several = 1 < len(passage.segments) <= MOST_ALONE and not repeats(passage.ratio)
    parts = [_of_window(passage, [one]) for one in passage.segments] if several else [passage]
    heard: list[Passage] = []
    for part in parts:
        alone = _again(engine, request, audio, part, None) if several and part.end_s - part.start_s >= ALONE_S else []
        if alone and all(one.window is not None and one.window.probability >= CLEAR for one in alone):
            heard += alone
        elif language is not None and window.guessed and window.language != language:
            again = _again(engine, request, audio, part, language)
            heard += [Passage(one.segments, LanguageWindow(language, window.probability), one.ratio) for one in again]
        else:
            heard.append(part)
    return heard


def _of_window(passage: Passage, segments: list[WhisperSegment]) -> Passage:
    """Return a passage of the same window with only these segments."""
    return Passage(segments, passage.window, compression_ratio("".join(one.text for one in segments)))


def _settled(engine: Engine, request: WhisperRequest, audio: Waveform, passage: Passage) -> list[Passage]:
    """Return the passage, or if it is a loop, what is heard instead at a higher temperature.

    If that is a loop each time, it is what was said, or it is doubtful. If it is nothing each time, nothing was said.
    """
    if not repeats(passage.ratio):
        return [passage]
    language = passage.window.language if passage.window is not None else request.language
    tries: list[Sequence[WhisperSegment]] = []
    for temperature in WARMER:
        again = _again(engine, request, audio, passage, language, temperature)
        if again and all(_is_plausible(one) for one in again):
            return [Passage(one.segments, passage.window, one.ratio) for one in again]
        tries.append([segment for one in again for segment in one.segments])
    if not any(tries):
        return []
    said = is_said(passage.segments, tries)
    segments = [without_echo(each) if said else replace(each, doubtful=True) for each in passage.segments]
    return [Passage(segments, passage.window, passage.ratio)]


def _is_plausible(passage: Passage) -> bool:
    """Return whether Whisper's own measures accept a passage."""
    return not repeats(passage.ratio) and all(each.avg_logprob > LEAST_LOGPROB for each in passage.segments)


def _again(
    engine: Engine,
    request: WhisperRequest,
    audio: Waveform,
    passage: Passage,
    language: str | None,
    temperature: float = 0.0,
) -> list[Passage]:
    """Return the passages in the sound of `passage`, transcribed alone."""
    start_s = max(0.0, passage.start_s - MARGIN_S)
    sound = audio[round(start_s * RATE) : round((passage.end_s + MARGIN_S) * RATE)]
    start_s = round(start_s, 3)
    passages, _ = _transcribe(engine, request, sound, language, vad=False, temperature=temperature, start_s=start_s)
    return passages


def _segment(piece: Any, length_s: Seconds, start_s: Seconds) -> WhisperSegment:
    """Return faster-whisper's segment as ours, `start_s` later, in order and within the clip, with finite numbers."""
    start, end = _ordered(piece.start, piece.end, 0.0, length_s)
    words = []
    for word in piece.words or ():
        word_start, word_end = _ordered(word.start, word.end, start, end)
        words.append(_word(word, round(word_start + start_s, 3), round(word_end + start_s, 3)))
    return WhisperSegment(
        round(start + start_s, 3),
        round(end + start_s, 3),
        piece.text,
        round(_number(piece.avg_logprob, -100.0), 4),
        round(_number(piece.no_speech_prob, 0.0), 4),
        words,
    )


def _word(word: Any, start_s: Seconds, end_s: Seconds) -> WhisperWord:
    return WhisperWord(start_s, end_s, word.word, round(_number(word.probability, 0.0), 4))


def _ordered(start: float, end: float, low: float, high: float) -> tuple[float, float]:
    start = min(max(float(start), low), high)
    return round(start, 3), round(min(max(float(end), start), high), 3)


def _number(value: float | None, otherwise: float) -> float:
    return float(value) if value is not None and isfinite(value) else otherwise
