"""What probing tells of a file, and the pieces that decoding hands on."""

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

_UNKNOWN = "its {} of a codec that cannot be decoded here; convert it first, such as by ffmpeg -i IN {} OUT.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """A probed file. Only its first picture is decoded for it.

    `width` and `height` are of the upright picture, turned and mirrored. `start` is the presentation time of the
    first video frame in the file's own time (of the first audio sample if there is only audio): zero of the clock.
    `duration_s` is when the file ends on that clock: the last picture stands while sound goes on, where that is more
    than a second, and `pictures_s` is when the pictures end (None: with the file). `duration_from` is of the pictures
    (of the sound if there is only sound). `notes` are lines for people about what was put right. `fps` and
    `frame_count` are the header's, for people to read: sampling relies on neither. `has_video` is False for audio
    alone. `unknown_pictures` and `unknown_sound`: there are some, but all of a codec that cannot be decoded here.
    `audio_channel` is the one asked for; None: all are mixed, and none lost in the mix.
    `pictures_read_anew` and `sound_read_anew` are reading versions: the kinds of file, such as "mirrored", that this
    one is of and that were once read wrongly. They enter the journal's keys, so that no answer to a wrong reading is
    taken for one to the right one, while answers about all other files stay good. Once published, a word stays.
    """

    path: Path
    size_bytes: int
    start: Fraction
    duration_s: Seconds
    width: int
    height: int
    rotation: int  # degrees counter-clockwise to turn the coded picture: 0, 90, 180 or 270
    fps: float
    codec: str
    frame_count: int
    audio: AudioInfo | None
    has_video: bool = True
    unknown_pictures: bool = False
    unknown_sound: bool = False
    audio_channel: AudioChannel | None = None
    mirrored: bool = False  # left and right of the coded picture are exchanged before it is turned
    track: int | None = None  # which of the file's `tracks` of pictures, counted from 1; None: the only one
    tracks: int | None = None
    usual_track: bool = True  # the one that players take
    counted_at: float | None = None  # pictures a second of a file that has no times: it is told by their number
    oddly_shown: str | None = None  # what else the display matrix would do to it, which is left undone
    pictures_s: Seconds | None = None
    duration_from: DurationFrom = "index"
    notes: tuple[str, ...] = ()
    pictures_read_anew: tuple[str, ...] = ()
    sound_read_anew: tuple[str, ...] = ()

    @property
    def turn(self) -> Turn:
        return Turn(self.rotation, self.mirrored)

    @property
    def start_s(self) -> Seconds:
        return round(float(self.start), 6)

    @property
    def is_estimated(self) -> bool:
        """Whether nobody has told or counted how long the file is."""
        return "estimated" in {self.duration_from, self.audio.duration_from if self.audio is not None else None}

    @property
    def pictureless(self) -> str | None:
        """Why there is nothing to look at; None where there is something."""
        if self.has_video:
            return None
        return _UNKNOWN.format("pictures are", "-c:v libx264") if self.unknown_pictures else "no pictures in it"

    @property
    def soundless(self) -> str | None:
        """Why there is nothing to listen to; None where there is something."""
        if self.unknown_sound:
            return _UNKNOWN.format("sound is", "-c:v copy -c:a aac")
        if self.audio is None:
            return "no audio stream"
        return None if self.audio.duration_s > 0 else "the audio stream is empty"


@dataclass(frozen=True, slots=True)
class Sample:
    """A wanted picture: the `index`-th, the one on screen at `time` (exact, k / fps).

    `held`: the last picture of all, which stands while the sound goes on.
    """

    index: int
    time: Fraction
    held: bool = False

    @property
    def time_s(self) -> Seconds:
        return round(float(self.time), 6)


class PictureTime(msgspec.Struct, frozen=True, gc=False):
    """When a sampled picture was asked for and when its frame really begins, in seconds of the video's clock."""

    index: int
    time_s: Seconds
    pts_s: Seconds


class _Gapped(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """`gaps` are what could not be decoded of a clip: kept with its answer, so that any later run tells of them."""

    gaps: tuple[SoundGap, ...] = ()


class ClipTime(_Gapped, frozen=True, gc=False):
    """Where a clip of the `index`-th planned chunk lies on the video's clock."""

    index: int
    span: Span


@dataclass(frozen=True, slots=True)
class Picture:
    """A sampled picture as a JPEG file, upright, cropped, at most `max_side` long."""

    at: PictureTime
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """A sample whose frame could not be decoded, and why in one line."""

    sample: Sample
    error: str


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of sound. `span` is where it lies on the video's clock; `gaps` could not be decoded.

    `audio` is a file's bytes, or as "samples" an array: (count,), int16, mono, 16 kHz.
    """

    number: int
    span: Span
    audio: bytes | NDArray[np.int16]
    format: str  # "opus", "flac" or "samples"
    gaps: tuple[SoundGap, ...] = field(default=(), kw_only=True)
    encoded: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False, kw_only=True)  # of samples
