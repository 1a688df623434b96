"""The annotated video: one decode, drawing on every picture, one encode, in memory that does not grow."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
from av.video.frame import VideoFrame

from framefleet.errors import InputError, OutputError, UsageError
from framefleet.media.container import open_media, reason_of
from framefleet.media.info import MediaInfo
from framefleet.progress import Listener, silent
from framefleet.results.document import Document
from framefleet.results.files import whole_file
from framefleet.results.render.coded import Coded
from framefleet.results.render.cues import cues_of
from framefleet.results.render.look import Look
from framefleet.results.render.moment import MAX_BOXES, Moments
from framefleet.results.render.news import News
from framefleet.results.render.paint import Painter, can_be_said
from framefleet.results.render.shots import Shots, skip_to
from framefleet.results.render.sound import Sound
from framefleet.results.render.subtitles import SubtitleTrack
from framefleet.results.render.upright import Upright

MOVED = "dashed: moved or held between samples"
HELD = "dashed: held until the next sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What came of it. `boxes`, `subtitles` and `sound` say how they are done; `notes` are lines for people to read."""

    pictures: int
    boxes: str
    subtitles: str
    sound: str
    notes: list[str]


def render(document: Document, media: MediaInfo, target: Path, look: Look, listener: Listener = silent) -> Film:
    """Writes `target`, an MP4 with H.264, from the video and what `document` says of it; whole or not at all.

    Every picture keeps its time, on a clock whose 0 is the first picture, or `look.start`. Raises `InputError` where
    there is nothing to draw or to draw on, `UsageError` where `look.start` is after the last picture, and `OutputError`
    where the place cannot be written.
    """
    if not media.has_video or not document.video.width:
        raise InputError(f"{media.path}: nothing to draw on: there is sound alone in it")
    if document.detections is None and not (document.transcription and document.transcription.segments):
        raise InputError(f"{media.path}: nothing to draw: its document has neither objects nor words")
    if look.start >= Fraction(media.duration_s):
        raise UsageError(f"--from {float(look.start):g}: the pictures end at {media.duration_s:g} s")
    with whole_file(target) as temporary, News(listener, look.length_s(media.duration_s)) as news:
        try:
            return _Rendering(document, media, look).write(temporary, news)
        except OSError:
            raise
        except av.FFmpegError as error:
            raise OutputError(f"{target}: cannot be encoded ({reason_of(error)})") from None


class Alongside(Protocol):
    """What goes into the new file beside the pictures."""

    def until(self, time: Fraction | None) -> None:
        """Writes what begins before `time` on the new file's clock; None: all that is left."""


class _Rendering:
    """All that a picture's time is asked of."""

    def __init__(self, document: Document, media: MediaInfo, look: Look) -> None:
        self._media, self._look = media, look
        self._has_boxes = document.detections is not None
        self._is_dense = document.config.fps >= media.fps and document.config.sampling == "exact"
        self._moments = Moments(document, move=look.boxes == "move")
        self._painter = Painter(media.width, media.height, self._key())
        self._cues = cues_of(document.transcription, self._painter.columns)
        self._unsaid = sum(not can_be_said(cue) for cue in self._cues)
        wants_track = look.subtitles == "track" or (look.subtitles == "draw" and self._unsaid > 0)
        self._in_track = bool(self._cues) and wants_track
        self._drawn = look.subtitles == "draw" and not self._in_track

    def write(self, temporary: Path, news: News) -> Film:
        media, look = self._media, self._look
        with (
            open_media(media.path) as source,
            open_media(media.path) as sounds,
            av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as out,
        ):
            for container in (source, sounds) if look.start else ():
                skip_to(container, media.start + look.start)
            shots = Shots(media, source, look)
            upright = Upright(media, shots.first[1])
            coded = Coded(out, shots, upright, look)
            sound = Sound(sounds, out, media.start + shots.start, shots.length)
            alongside: list[Alongside] = [sound]
            if self._in_track:
                alongside.append(SubtitleTrack(out, self._cues, shots.start, shots.length))
            for time, shot in shots:
                for other in alongside:
                    other.until(time)
                frame = upright.of(shot)
                self._paint(frame, float(time + shots.start))
                coded.add(frame, time, shot.duration)
                news.reached(time)
            coded.end()
            for other in alongside:
                other.until(None)
        notes = [*shots.notes, *upright.notes, *self._notes()]
        return Film(
            pictures=coded.pictures, boxes=self._boxes, subtitles=self._subtitles, sound=sound.said, notes=notes
        )

    def _paint(self, frame: VideoFrame, time_s: float) -> None:
        cue = self._cues.at(time_s) if self._drawn else None
        self._painter.paint(frame, self._moments.at(time_s), cue)

    def _key(self) -> str | None:
        """What dashes mean; None where there are none to be seen."""
        if not self._has_boxes or self._is_dense:
            return None
        return MOVED if self._moments.moving else HELD

    @property
    def _boxes(self) -> str:
        if not self._has_boxes:
            return "no boxes: objects were not asked for"
        if self._is_dense:
            return "boxes as they are found in every picture"
        if self._moments.moving:
            return "boxes moved along their tracks between samples, others held (dashed)"
        why = ", for there are no tracks to move along" if self._look.boxes == "move" else ""
        return f"boxes held until the next sample (dashed){why}"

    @property
    def _subtitles(self) -> str:
        if not self._cues or not (self._drawn or self._in_track):
            return "no subtitles"
        return "subtitles drawn" if self._drawn else "subtitles as a track"

    def _notes(self) -> list[str]:
        notes, crowded = [], self._moments.crowded
        if crowded:
            notes.append(f"more than {MAX_BOXES} boxes in {crowded} of the pictures: the surest are drawn")
        if self._unsaid and self._in_track:
            notes.append("the subtitles are a track, which players show: they have letters that cannot be drawn")
        return notes
