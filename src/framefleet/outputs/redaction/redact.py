"""The redacted video: a pass that detects what to hide, and a pass that covers it and encodes.

It fails closed: after any error there is no new file. Only the covered frames and one track of sound are written.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame

from framefleet.errors import InputError, OutputError, UsageError
from framefleet.media.files.container import audio_stream, open_media, reason_of
from framefleet.media.types import MediaInfo
from framefleet.media.video.packets import skip_to
from framefleet.outputs.redaction.covers import Cover, covers, worst_of
from framefleet.outputs.redaction.follow import Followed, follow, kept
from framefleet.outputs.redaction.look import StrictShots, look_through, open_finders
from framefleet.outputs.redaction.options import FACE, RedactOptions
from framefleet.outputs.redaction.paint import cover
from framefleet.outputs.redaction.proof import Proof
from framefleet.outputs.redaction.sightings import Looks, Trail, trails
from framefleet.outputs.render.converter import Upright
from framefleet.outputs.render.encoder import VideoEncoder
from framefleet.outputs.render.render import News
from framefleet.outputs.render.silence import silences
from framefleet.outputs.render.sound import Sound
from framefleet.progress import Listener, silent
from framefleet.schema.document import Document
from framefleet.schema.tracks import Track
from framefleet.stages.finding import Finder
from framefleet.storage.atomic import whole_file
from framefleet.timebase import Span


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
            self._finders = open_finders(options, labels, media.width, media.height)

    def write(self) -> Redacted:
        if not self._options.hides:
            return self._render(None, [])
        frames = self._look()
        found = self._chosen(frames)
        return self._render(frames, found)

    def _look(self) -> Looks:
        media, film = self._media, self._options.film
        with open_media(media.path) as source, News(self._listener, self._length_s, "detect") as news:
            shots = StrictShots(media, source, film)
            upright = Upright(media, shots.first[1])
            return look_through(shots, upright, self._finders or (), self._options.every, news.reached)

    def _chosen(self, frames: Looks) -> list[Trail]:
        """Return the trails to cover. Raises `InputError` if a track to hide is lost."""
        options, media = self._options, self._media
        everything = trails(frames, media.width, media.height)
        chosen = [
            trail
            for trail in everything
            if any(one.found.label in options.labels or (options.faces and one.found.label == FACE) for one in trail)
        ]
        spared = [one for track in self._kept if (one := self._follow(track, frames, everything)) is not None]
        chosen = kept(chosen, everything, spared, frames)
        for track in self._hidden:
            followed = self._follow(track, frames, everything)
            if followed is None:
                continue
            if followed.lost is not None:
                start_s = float(options.film.start)
                first, last = followed.lost.start_s + start_s, followed.lost.end_s + start_s
                raise InputError(
                    f"{media.path}: track {track.id} ({track.label}) is lost from {first:.2f} to {last:.2f} s, "
                    "so nothing was written",
                    hint=f"hide all of its kind with --blur {track.label}, or leave that part out",
                    code="track_lost",
                )
            chosen += followed.trails
        return chosen

    def _follow(self, track: Track, frames: Looks, everything: Sequence[Trail]) -> Followed | None:
        return follow(track, self._document, frames, everything, float(self._options.film.start))

    def _render(self, frames: Looks | None, found: Sequence[Trail]) -> Redacted:
        target, options = self._target, self._options
        sheet = proof_of(target) if frames is not None else None
        with ExitStack() as files:
            news = files.enter_context(News(self._listener, self._length_s))
            temporary = files.enter_context(whole_file(target))
            proof = None
            if frames is not None and sheet is not None:
                worst = worst_of(frames, covers(found, frames.times))
                mode = 0o600 if options.originals else 0o644
                page = files.enter_context(whole_file(sheet, mode=mode))
                proof = files.enter_context(
                    closing(Proof(page, target.name, worst, float(options.film.start), originals=options.originals))
                )
            try:
                return self._encode(temporary, frames, found, proof, sheet, news)
            except OSError:
                raise
            except av.FFmpegError as error:
                raise OutputError(f"{target}: cannot be encoded ({reason_of(error)})") from None

    def _encode(
        self,
        temporary: Path,
        frames: Looks | None,
        found: Sequence[Trail],
        proof: Proof | None,
        sheet: Path | None,
        news: News,
    ) -> Redacted:
        media, film = self._media, self._options.film
        covered = unsure = 0
        with (
            open_media(media.path) as source,
            open_media(media.path) as sounds,
            av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as out,
        ):
            if film.start:
                skip_to(sounds, media.start + film.start)
            shots = StrictShots(media, source, film)
            upright = Upright(media, shots.first[1])
            coded = VideoEncoder(out, shots, upright, film)
            sound = self._sound(sounds, out, shots)
            hidden = covers(found, frames.times if frames is not None else [])
            for number, (time, shot) in enumerate(shots):
                if sound is not None:
                    sound.until(time)
                frame = upright.of(
                    shot, again=True
                )  # a new one, because a decoded frame carries captions and other metadata
                if frames is not None and proof is not None:
                    here = _next(hidden, frames, number, time, media)
                    proof.before(number, frame)
                    self._cover(frame, here)
                    proof.after(number, frame)
                    covered += bool(here)
                coded.add(frame, time, shot.duration)
                news.reached(time)
            if frames is not None and coded.pictures != len(frames.times):
                raise _changed(media)
            coded.end()
            if sound is not None:
                sound.until(None)
        if proof is not None:
            unsure = proof.unsure
            proof.end()
        return Redacted(
            frames=coded.pictures,
            covered=covered,
            unsure=unsure,
            sound=sound.said if sound is not None else "no sound",
            silences=len(self._silent),
            sheet=sheet,
            notes=upright.notes,
        )

    def _sound(self, source: InputContainer, out: av.container.OutputContainer, shots: StrictShots) -> Sound | None:
        """Return the audio track that was analyzed, or the one that players take, without its tags."""
        audio = self._media.audio
        stream = audio_stream(source, audio.track) if audio is not None else None
        if stream is None:
            return None
        start_s = float(shots.start)
        hushed = [Span(span.start_s - start_s, span.end_s - start_s) for span in self._silent]
        return Sound(source, out, self._media.start + shots.start, shots.length, only=stream, silent=hushed)

    def _cover(self, frame: VideoFrame, here: Sequence[Cover]) -> None:
        for one in here:
            cover(frame, one.covered, self._options.style)


def _next(hidden: Iterator[list[Cover]], frames: Looks, number: int, time: Fraction, media: MediaInfo) -> list[Cover]:
    """Return the covers of a frame. Raises `InputError` if it is not the frame of the first pass."""
    if number >= len(frames.times) or frames.times[number] != float(time):
        raise _changed(media)
    return next(hidden)


def _changed(media: MediaInfo) -> InputError:
    return InputError(f"{media.path}: its frames changed while it was read, so nothing was written", code="changed")


def _track(document: Document, option: str, number: int) -> Track:
    known = document.tracks.tracks if document.tracks is not None else []
    found = next((track for track in known if track.id == number), None)
    if found is None:
        there = f"its tracks are 1 to {known[-1].id}" if known else "it has no tracks"
        raise UsageError(f"{option} track:{number}: no such track; {there}", code="unknown_track")
    return found
