"""The redacted video: a pass that detects what to hide, and a pass that covers it and encodes.

It fails closed: after any error there is no new file. Only the covered frames and one track of sound are written.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.video.frame import VideoFrame

from framefleet.errors import InputError, UsageError
from framefleet.media.files.container import audio_stream, open_media
from framefleet.media.types import MediaInfo
from framefleet.outputs.redaction.covers import covers, worst_of
from framefleet.outputs.redaction.follow import follow, kept
from framefleet.outputs.redaction.look import StrictShots, look_through, open_finders
from framefleet.outputs.redaction.options import FACE, RedactOptions, Style
from framefleet.outputs.redaction.paint import cover
from framefleet.outputs.redaction.proof import Proof
from framefleet.outputs.redaction.sightings import Looks, Trail, trails
from framefleet.outputs.render.converter import Upright
from framefleet.outputs.render.encoder import NewFile, new_file
from framefleet.outputs.render.render import News
from framefleet.outputs.render.silence import silences
from framefleet.outputs.render.sound import Sound
from framefleet.progress import Listener, Notice, silent
from framefleet.schema.document import Document
from framefleet.schema.tracks import Track
from framefleet.stages.finding import Finder
from framefleet.storage.atomic import whole_file
from framefleet.timebase import Seconds, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """What was written: `frames`, of which `covered` have something covered. `unsure` is the number of frames of the
    proof sheet to check with care; `sheet` is None if nothing in the frames was to be hidden."""

    frames: int
    covered: int
    unsure: int
    sound: str
    silences: int
    sheet: Path | None
    notes: list[str]


def proof_of(target: Path) -> Path:
    """Return where the proof sheet of a redacted video goes."""
    return target.with_name(f"{target.stem}_redaction.html")


def redact(
    document: Document,
    media: MediaInfo,
    target: Path,
    options: RedactOptions,
    *,
    finders: Sequence[Finder] | None = None,
    listener: Listener = silent,
) -> Redacted:
    """Write `target`, an MP4 with H.264, and its proof sheet next to it, completely or not at all.

    `finders` are what finds things in frames (None: those of the stages). Raises `UsageError` for a label that nothing
    here finds, a track that the document has not, words that are never said, or a start after the last frame;
    `InputError` where a frame cannot be decoded, or where a track is lost; `SetupError` where a model is missing;
    `OutputError` where the place cannot be written.
    """
    return _Redaction(document, media, target, options, finders, listener).write()


class _Redaction:
    def __init__(
        self,
        document: Document,
        media: MediaInfo,
        target: Path,
        options: RedactOptions,
        finders: Sequence[Finder] | None,
        listener: Listener,
    ) -> None:
        """Raise for whatever cannot be done, before the video is read."""
        start = options.film.start
        if not media.has_video:
            raise InputError(f"{media.path}: there are no frames in it")
        if start >= Fraction(media.duration_s):
            raise UsageError(f"--from {float(start):g}: the frames end at {media.duration_s:g} s")
        self._document, self._media, self._target, self._options = document, media, target, options
        self._listener = listener
        self._length_s = options.film.length_s(media.duration_s)
        self._hidden = [_track(document, "--blur", number) for number in options.tracks]
        self._kept = [_track(document, "--keep", number) for number in options.keep]
        self._silent = silences(document.transcription, options.mute)
        named = [*options.labels, *(track.label for track in (*self._hidden, *self._kept))]
        labels = list(dict.fromkeys(named))
        self._finders = finders
        if finders is None and options.hides:
            self._finders = open_finders(
                options, labels, media.width, media.height, lambda line: listener(Notice(line))
            )

    def write(self) -> Redacted:
        if not self._options.hides:
            with whole_file(self._target) as temporary:
                return self._encode(temporary, None)
        frames, start_s = self._look()
        found = self._chosen(frames, start_s)
        worst = worst_of(frames, covers(found, frames.times))
        originals = self._options.originals
        with (
            whole_file(self._target) as temporary,
            whole_file(proof_of(self._target), mode=0o600 if originals else 0o644) as page,
            closing(Proof(page, self._target.name, worst, start_s, originals=originals)) as proof,
        ):
            return self._encode(temporary, _Covering(self._media, frames, found, self._options.style, proof))

    def _look(self) -> tuple[Looks, Seconds]:
        """Return what is found in each frame, and where on the document's clock the frames' times begin."""
        media, film = self._media, self._options.film
        with open_media(media.path) as source, News(self._listener, self._length_s, "detect") as news:
            shots = StrictShots(media, source, film)
            upright = Upright(media, shots.first[1])
            looks = look_through(shots, upright, self._finders or (), self._options.every, news.reached)
            return looks, float(shots.start)

    def _chosen(self, frames: Looks, start_s: Seconds) -> list[Trail]:
        """Return the trails to cover. Raises `InputError` if a track to hide is lost."""
        options, media = self._options, self._media
        everything = trails(frames, media.width, media.height)
        chosen = [
            trail
            for trail in everything
            if any(one.found.label in options.labels or (options.faces and one.found.label == FACE) for one in trail)
        ]
        spared = [
            one
            for track in self._kept
            if (one := follow(track, self._document, frames, everything, start_s)) is not None
        ]
        chosen = kept(chosen, everything, spared, frames)
        for track in self._hidden:
            followed = follow(track, self._document, frames, everything, start_s)
            if followed is None:
                continue
            if followed.lost is not None:
                first, last = followed.lost.start_s + start_s, followed.lost.end_s + start_s
                raise InputError(
                    f"{media.path}: track {track.id} ({track.label}) is lost from {first:.2f} to {last:.2f} s, "
                    "so nothing was written",
                    hint=f"hide all of its kind with --blur {track.label}, or leave that part out",
                    code="track_lost",
                )
            chosen += followed.trails
        return chosen

    def _encode(self, temporary: Path, covering: "_Covering | None") -> Redacted:
        media, film, target = self._media, self._options.film, self._target
        with (
            News(self._listener, self._length_s) as news,
            new_file(media, target, temporary, film, StrictShots) as new,
        ):
            sound = self._sound(new)
            for time, shot in new.shots:
                if sound is not None:
                    sound.until(time)
                frame = new.upright.of(shot, again=True)  # a new one: a decoded frame carries captions and metadata
                if covering is not None:
                    covering.add(frame, time)
                new.coded.add(frame, time, shot.duration)
                news.reached(time)
            if covering is not None:
                covering.end()
            new.coded.end()
            if sound is not None:
                sound.until(None)
        return Redacted(
            frames=new.coded.pictures,
            covered=covering.covered if covering is not None else 0,
            unsure=covering.unsure if covering is not None else 0,
            sound=sound.summary if sound is not None else "no sound",
            silences=len(self._silent),
            sheet=proof_of(target) if covering is not None else None,
            notes=new.upright.notes,
        )

    def _sound(self, new: NewFile) -> Sound | None:
        """Return the audio track that was analyzed, or the one that players take, without its tags."""
        audio, shots = self._media.audio, new.shots
        stream = audio_stream(new.sounds, audio.track) if audio is not None else None
        if stream is None:
            return None
        start_s = float(shots.start)
        hushed = [Span(span.start_s - start_s, span.end_s - start_s) for span in self._silent]
        start = self._media.start + shots.start
        return Sound(new.sounds, new.out, start, shots.length, only=stream, silent=hushed)


class _Covering:
    """Covers the frames of the second pass in order, and adds them to the proof sheet.

    `covered` counts those with something covered, and `unsure` those of the sheet to check with care.
    """

    def __init__(self, media: MediaInfo, frames: Looks, found: Sequence[Trail], style: Style, proof: Proof) -> None:
        self._media, self._times, self._style, self._proof = media, frames.times, style, proof
        self._covers = covers(found, frames.times)
        self._number = 0
        self.covered, self.unsure = 0, proof.unsure

    def add(self, frame: VideoFrame, time: Fraction) -> None:
        """Cover a frame. Raises `InputError` if it is not the frame of the first pass."""
        if self._number >= len(self._times) or self._times[self._number] != float(time):
            raise self._changed()
        here = next(self._covers)
        self._proof.before(self._number, frame)
        for one in here:
            cover(frame, one.covered, self._style)
        self._proof.after(self._number, frame)
        self.covered += bool(here)
        self._number += 1

    def end(self) -> None:
        """Complete the proof sheet. Raises `InputError` if the first pass had more frames."""
        if self._number != len(self._times):
            raise self._changed()
        self._proof.end()

    def _changed(self) -> InputError:
        return InputError(
            f"{self._media.path}: its frames changed while it was read, so nothing was written", code="changed"
        )


def _track(document: Document, option: str, number: int) -> Track:
    known = document.tracks.tracks if document.tracks is not None else []
    found = next((track for track in known if track.id == number), None)
    if found is None:
        there = f"its tracks are 1 to {known[-1].id}" if known else "it has no tracks"
        raise UsageError(f"{option} track:{number}: no such track; {there}", code="unknown_track")
    return found
