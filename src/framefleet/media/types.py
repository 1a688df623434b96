"""Data types of probing and decoding."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from framefleet.media.audio.gaps import SoundGap
from framefleet.media.video.orientation import Turn
from framefleet.schema.document import AudioChannel, AudioInfo, DurationFrom
from framefleet.timebase import Seconds, Span

_UNKNOWN = "its {} uses a codec that cannot be decoded here; convert it first: ffmpeg -i IN {} OUT.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """A probed file. Probing decodes only its first frame.

    `width` and `height` are those of the upright frame, after turning and mirroring. `start` is the presentation time
    of the first video frame in the file's own time (of the first audio sample if there is only audio): the zero of the
    video's clock. `duration_s` is the end of the file on that clock; `pictures_s` is the end of the video stream if the
    sound continues for more than a second after it, while the last frame stays on screen (None: it ends with the file).
    `duration_from` is the source of the video stream's duration (of the sound's if there is only sound). `notes` are
    lines for the user about what was corrected. `fps` and `frame_count` are the header's, for display only: sampling
    relies on neither. `has_video` is False for audio alone. `unknown_pictures` and `unknown_sound`: there are such
    streams, but none with a codec that can be decoded here. `audio_channel` is the requested one; None: all are mixed,
    so that none is lost in the mix. `parts` are the parts of the video to analyze, disjoint and in order (empty: all of
    it); in the first `dense_first_s` seconds of them, frames are sampled more often.

    `pictures_read_anew` and `sound_read_anew` are reading versions: the kinds of file, such as "mirrored", that include
    this one and that an older FrameFleet read wrongly. They are part of the journal's keys, so that an answer to a
    wrong reading is never reused, while the answers for all other files stay valid. A published word must not change.
    """

    path: Path
    size_bytes: int
    start: Fraction
    duration_s: Seconds
    width: int
    height: int
    rotation: int  # degrees to turn the coded frame counter-clockwise: 0, 90, 180 or 270
    fps: float
    codec: str
    frame_count: int
    audio: AudioInfo | None
    has_video: bool = True
    unknown_pictures: bool = False
    unknown_sound: bool = False
    audio_channel: AudioChannel | None = None
    parts: tuple[Span, ...] = ()
    dense_first_s: Seconds = 0.0
    mirrored: bool = False  # the coded frame is flipped horizontally before it is turned
    track: int | None = None  # the number of the video track, counted from 1; None: the file has only one
    tracks: int | None = None
    usual_track: bool = True  # the track that players choose
    counted_at: float | None = None  # the frame rate by which the frames of a file without timestamps are counted
    oddly_shown: str | None = None  # what else the display matrix would do, which is not applied
    pictures_s: Seconds | None = None
    duration_from: DurationFrom = "index"
    notes: tuple[str, ...] = ()
    pictures_read_anew: tuple[str, ...] = ()
    sound_read_anew: tuple[str, ...] = ()

    @property
    def analyzed(self) -> tuple[Span, ...]:
        """The parts of the video that are analyzed: all of it, unless some were chosen."""
        return self.parts or (Span(0.0, self.duration_s),)

    @property
    def turn(self) -> Turn:
        return Turn(self.rotation, self.mirrored)

    @property
    def start_s(self) -> Seconds:
        return round(float(self.start), 6)

    @property
    def is_estimated(self) -> bool:
        """Whether the duration is an estimate, neither stated by the file nor counted."""
        return "estimated" in {self.duration_from, self.audio.duration_from if self.audio is not None else None}

    @property
    def pictureless(self) -> str | None:
        """Why there are no frames to analyze; None if there are."""
        if self.has_video:
            return None
        return _UNKNOWN.format("video", "-c:v libx264") if self.unknown_pictures else "no video stream"

    @property
    def soundless(self) -> str | None:
        """Why there is no sound to analyze; None if there is."""
        if self.unknown_sound:
            return _UNKNOWN.format("sound", "-c:v copy -c:a aac")
        if self.audio is None:
            return "no audio stream"
        return None if self.audio.duration_s > 0 else "the audio stream is empty"


@dataclass(frozen=True, slots=True)
class Sample:
    """A time to look at: the `index`-th, with the frame on screen at `time` (exact, k / fps).

    `held`: the video stream has ended, and its last frame stays while the sound continues.
    """

    index: int
    time: Fraction
    held: bool = False

    @property
    def time_s(self) -> Seconds:
        return round(float(self.time), 6)


class PictureTime(msgspec.Struct, frozen=True, gc=False):
    """The time of a sample and the time at which its frame begins, in seconds on the video's clock."""

    index: int
    time_s: Seconds
    pts_s: Seconds


class _Gapped(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A clip with the `gaps` in it that could not be decoded.

    They are saved with its answer, so that later runs report them, too.
    """

    gaps: tuple[SoundGap, ...] = ()


class ClipTime(_Gapped, frozen=True, gc=False):
    """The place of the clip of the `index`-th planned chunk on the video's clock."""

    index: int
    span: Span


@dataclass(frozen=True, slots=True)
class Picture:
    """A sampled frame as a JPEG file: upright, cropped, its longer side at most `max_side` pixels."""

    at: PictureTime
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """A sample whose frame could not be decoded, with the reason in one line."""

    sample: Sample
    error: str


@dataclass(frozen=True, slots=True)
class Clip:
    """A chunk of sound, decoded. `span` is its place on the video's clock; `gaps` could not be decoded.

    `audio` is the bytes of a file, or with the format "samples" an array: (count,), int16, mono, 16 kHz.
    """

    number: int
    span: Span
    audio: bytes | NDArray[np.int16]
    format: str  # "opus", "flac" or "samples"
    gaps: tuple[SoundGap, ...] = field(default=(), kw_only=True)
    # by format, where `audio` is samples
    encoded: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False, kw_only=True)
