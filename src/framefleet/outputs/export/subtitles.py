"""The transcript as subtitles: SRT, WebVTT and ASS, by pysubs2, with the same cues and lines as `render` draws.

A player's clock begins with the earliest stream of the file, and a document's with the first frame, so if sound begins
before the first frame, cues are later by the difference.
"""

import re
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from framefleet.errors import InputError
from framefleet.outputs.export.base import Context, Format, library
from framefleet.outputs.export.clock import player_zero_s
from framefleet.outputs.export.text import clean
from framefleet.results.query import cues as shown
from framefleet.results.query.cues import COLUMNS, cues_of, wrapped
from framefleet.schema.document import Document
from framefleet.stages.speakers.display import labels
from framefleet.timebase import Seconds

LEAST_MS = 100  # minimum time of a cue, if the next one begins late enough
_SHORTEST_MS = 10  # cues may not be empty (WebVTT 1.0, 4.1), nor shorter than ASS can express
_LAST_MS = 99 * 3_600_000  # SRT has two digits for hours
_LAST_OF_ASS_MS = 10 * 3_600_000 - 10  # and ASS in one
_JOINER = "\N{WORD JOINER}"  # invisible, but breaks up what a reader would take for markup


@dataclass(frozen=True, slots=True)
class TimedCue:
    """A cue. `text` may have two lines; `speaker` is an id.

    `words` are (milliseconds from the cue's start, text with leading space).
    """

    start_ms: int
    end_ms: int
    text: str
    words: Sequence[tuple[int, str]] = ()
    speaker: str | None = None


def cues(document: Document) -> list[TimedCue]:
    """Return the cues ordered by time, without overlaps, none before the player's zero, none without text or length."""
    zero_s = player_zero_s(document)
    return _apart([made for cue in cues_of(document.transcription) if (made := _of(cue, zero_s)).text])


def word_cues(document: Document) -> list[TimedCue]:
    """Return a cue per word, or the whole cue if its words are unknown; ordered by time and without overlaps."""
    found = []
    for cue in cues(document):
        edges = pairwise([*(cue.start_ms + at for at, _ in cue.words), cue.end_ms])
        spoken = [
            TimedCue(*edge, text.strip(), speaker=cue.speaker)
            for edge, (_, text) in zip(edges, cue.words, strict=True)
            if text.strip()
        ]
        found += spoken or [cue]
    return _apart(found)


def _apart(given: list[TimedCue]) -> list[TimedCue]:
    """Return the cues ordered by start, without overlaps.

    Cues that begin together, as words without length do, get LEAST_MS each, except the last, or less if the next cue
    would otherwise begin late.
    """
    made: list[TimedCue] = []
    waiting = deque(given)
    free = 0
    while waiting:
        start = max(waiting[0].start_ms, free)
        together = [waiting.popleft()]
        while waiting and waiting[0].start_ms <= start:
            together.append(waiting.popleft())
        until = waiting[0].start_ms if waiting else sys.maxsize
        step = max(_SHORTEST_MS, min(LEAST_MS, (until - start) // len(together)))
        for cue in together:
            free = start + step
            end = free if cue is not together[-1] else max(free, min(cue.end_ms, until))
            made.append(replace(cue, start_ms=start, end_ms=end))
            start = free
    return made


def in_srt(text: str) -> str:
    """Make text safe for SubRip, which has no escapes: replace what players read as times, tags or positions."""
    text = re.sub(r"(\d:\d{1,2}:\d{1,2})(?=[.,]\d)", rf"\1{_JOINER}", text).replace("-->", "→")
    text = re.sub(r"<(?=\s*/?\s*[A-Za-z])", "‹", text)
    return text.replace("{", "｛").replace("}", "｝")


def in_vtt(text: str) -> str:
    """Escape text for WebVTT, which has HTML's escapes."""
    return escape(re.sub(r"(\d\d:\d\d)(?=\.\d)", rf"\1{_JOINER}", text), quote=False)


def in_ass(text: str) -> str:
    """Make text safe for ASS: braces become full-width, as it has no escapes that all players support."""
    return text.replace("{", "｛").replace("}", "｝")


def _of(cue: shown.Cue, zero_s: Seconds) -> TimedCue:
    start, end = _ms(cue.start_s - zero_s), _ms(cue.end_s - zero_s)
    words: list[tuple[int, str]] = []
    for begun_s, word in cue.words:
        spaced = (" " if word[:1].isspace() and words else "") + clean(word)
        words.append((min(max(_ms(begun_s - zero_s) - start, 0), max(end - start, 0)), spaced))
    text = "\n".join(filter(None, map(clean, cue.lines)))
    return TimedCue(start, end, text, words, cue.speaker)


def _ms(time_s: Seconds) -> int:
    return round(min(max(0.0, time_s * 1000), _LAST_MS))


def _write(form: str, escaped: Callable[[str], str], document: Document, context: Context, path: Path) -> None:
    pysubs2 = library("pysubs2")
    subtitles = pysubs2.SSAFile()
    spoken = word_cues(document) if context.words and form != "ass" else cues(document)
    if form == "ass" and spoken and spoken[-1].end_ms > _LAST_OF_ASS_MS:
        raise InputError(
            "ass: the format ends at 9:59:59.99, and there is speech after that", hint="try --to srt or vtt"
        )
    names = labels(document) if context.speakers else {}
    for cue in spoken:
        name = clean(names.get(cue.speaker or "", ""))
        text = _karaoke(cue, escaped) if context.words and cue.words else _for_pysubs2(cue.text, escaped)
        if name and form == "vtt":
            text = f"<v {_for_pysubs2(name, escaped)}>{text}"
        elif name and form == "srt" and not context.words:
            text = _for_pysubs2("\n".join(wrapped(f"[{name}] {' '.join(cue.text.split())}", COLUMNS)), escaped)
        actor = name.replace(",", " ") if form == "ass" else ""  # commas part an event's fields
        subtitles.append(pysubs2.SSAEvent(start=cue.start_ms, end=cue.end_ms, text=text, name=actor))
    if form == "ass":
        _dress(subtitles, document, context.stem)
        subtitles.save(str(path), format_=form)
    else:
        subtitles.save(str(path), format_=form, keep_ssa_tags=True)  # which leaves the text unchanged


def _for_pysubs2(text: str, escaped: Callable[[str], str]) -> str:
    r"""Escape text for pysubs2, which reads `\N`, `\n` and `\h` as breaks and spaces in every format."""
    return escaped(text).replace("\\", "\\" + _JOINER).replace("\n", "\\N")


def _karaoke(cue: TimedCue, escaped: Callable[[str], str]) -> str:
    r"""Prefix each word with its duration, `{\k}` in hundredths of a second, by which ASS players colour the words."""
    starts = [0, *(round(at / 10) for at, _ in cue.words[1:]), round((cue.end_ms - cue.start_ms) / 10)]
    lasting = (after - begun for begun, after in pairwise(starts))
    return "".join(
        f"{{\\k{hundredths}}}{_for_pysubs2(text, escaped)}"
        for hundredths, (_, text) in zip(lasting, cue.words, strict=True)
    )


def _dress(subtitles: Any, document: Document, title: str) -> None:
    """Scale the style to the frame size, since ASS is laid out in its pixels."""
    width, height = document.video.width or 1280, document.video.height or 720
    subtitles.info |= {"Title": clean(title), "PlayResX": str(width), "PlayResY": str(height)}
    style, unit = subtitles.styles["Default"], min(width, height)
    style.fontsize, style.outline, style.shadow = round(unit / 18, 1), round(unit / 360, 1), 0
    style.marginl = style.marginr = style.marginv = unit // 20


def _format(form: str, about: str, escaped: Callable[[str], str]) -> Format:
    write = partial(_write, form, escaped)
    return Format(name=form, ending=f".{form}", about=about, needs=("transcription",), write=write, spoken=True)


SRT = _format("srt", "subtitles for nearly every player", in_srt)
VTT = _format("vtt", "subtitles for web pages (WebVTT)", in_vtt)
ASS = _format("ass", "subtitles with a look, for mpv, VLC, Aegisub; --words: karaoke", in_ass)
