"""The annotated video: one decode, drawing on every frame, one encode, in constant memory."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from av.video.frame import VideoFrame

from framefleet.errors import InputError, UsageError
from framefleet.media.types import MediaInfo
from framefleet.outputs.palette import Rgb, colours
from framefleet.outputs.render.encoder import new_file
from framefleet.outputs.render.options import RenderOptions
from framefleet.outputs.render.overlay import Account, Moments
from framefleet.outputs.render.paint import Painter
from framefleet.outputs.render.sound import Sound
from framefleet.outputs.render.subtitle_plan import SubtitlePlan, SubtitleTrack
from framefleet.progress import (
    ItemDone,
    Listener,
    StageDone,
    StageStarted,
    silent,
)
from framefleet.results.query.cues import cue_language, cues_of
from framefleet.schema.document import Document
from framefleet.storage.atomic import whole_file
from framefleet.timebase import Seconds, Span

_STAGE = "render"
_PAUSE_S = 0.2  # between two progress events


class News:
    """Progress events for a listener, in seconds of video."""

    def __init__(self, listener: Listener, length_s: Seconds, stage: str = _STAGE) -> None:
        self._listener, self._length_s, self._stage = listener, length_s, stage
        self._told_s, self._count = 0.0, 0
        self._at = time.monotonic()

    def __enter__(self) -> Self:
        self._listener(StageStarted(self._stage, "local", 0, round(self._length_s, 3), "s"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._listener(StageDone(self._stage))

    def reached(self, place: Fraction) -> None:
        """Report progress; `place` is the time of the encoded frame from the start of the new video."""
        now = time.monotonic()
        if now - self._at < _PAUSE_S:
            return
        units = float(place) - self._told_s
        self._listener(ItemDone(self._stage, self._count, units, 0, now - self._at))
        self._told_s, self._at, self._count = float(place), now, self._count + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The result. `boxes`, `subtitles` and `sound` describe how each is kept; `notes` are lines for the user."""

    pictures: int
    boxes: str
    subtitles: str
    sound: str
    notes: list[str]


def render(
    document: Document,
    media: MediaInfo,
    target: Path,
    look: RenderOptions,
    *,
    palette: Mapping[str, Rgb] | None = None,
    listener: Listener = silent,
) -> Film:
    """Write the annotated video to `target`, an MP4 with H.264, atomically.

    Every frame keeps its time, on a clock whose 0 is the first frame, or `look.start`. `palette` has the colour of
    every label, if `document` is filtered (None: it is complete). Raises `InputError` if there is nothing to draw, or
    no frames to draw on, `UsageError` if `look.start` is after the last frame, and `OutputError` if the place is not
    writable.
    """
    if not media.has_video or not document.video.width:
        raise InputError(f"{media.path}: nothing to draw on: the file has audio only")
    if document.detections is None and not (document.transcription and document.transcription.segments):
        raise InputError(f"{media.path}: nothing to draw: the document has neither objects nor speech")
    if look.start >= Fraction(media.duration_s):
        raise UsageError(f"--from {float(look.start):g}: the video ends at {media.duration_s:g} s")
    with whole_file(target) as temporary, News(listener, look.length_s(media.duration_s)) as news:
        return _Rendering(document, media, look, palette or colours(document)).write(target, temporary, news)


class Alongside(Protocol):
    """Another stream of the new file, written in step with the frames."""

    def until(self, time: Fraction | None) -> None:
        """Write what begins before `time` on the new file's clock; None: the rest."""


class _Rendering:
    """The state of one rendering: boxes, subtitles and painter."""

    def __init__(self, document: Document, media: MediaInfo, look: RenderOptions, palette: Mapping[str, Rgb]) -> None:
        self._media, self._look = media, look
        part = Span(float(look.start), float("inf") if look.end is None else float(look.end))
        self._moments = Moments(document, move=look.boxes == "move", span=part)
        self._account = Account(document, media, look, self._moments)
        self._painter = Painter(media.width, media.height, palette, self._account.legend)
        self._language = cue_language(document)
        cues = cues_of(document.transcription, self._painter.columns)
        self._spoken = SubtitlePlan((cue for cue in cues if cue.touches(part)), look.subtitles)

    def write(self, target: Path, temporary: Path, news: News) -> Film:
        media, look = self._media, self._look
        with new_file(media, target, temporary, look) as new:
            shots, coded = new.shots, new.coded
            sound = Sound(new.sounds, new.out, media.start + shots.start, shots.length)
            alongside: list[Alongside] = [sound]
            if self._spoken.track:
                alongside.append(SubtitleTrack(new.out, self._spoken.track, shots.start, shots.length, self._language))
            for time, shot in shots:
                for other in alongside:
                    other.until(time)
                frame = new.upright.of(shot, again=shots.repeats)
                self._paint(frame, float(time + shots.start))
                coded.add(frame, time, shot.duration)
                news.reached(time)
            coded.end()
            for other in alongside:
                other.until(None)
        return Film(
            pictures=coded.pictures,
            boxes=self._account.boxes,
            subtitles=self._spoken.summary,
            sound=sound.summary,
            notes=[*shots.notes, *new.upright.notes, *self._account.notes, *self._spoken.notes],
        )

    def _paint(self, frame: VideoFrame, time_s: float) -> None:
        self._painter.paint(frame, self._moments.at(time_s), self._spoken.drawn.at(time_s))
