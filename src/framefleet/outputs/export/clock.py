"""The clocks of players and editing programs, in relation to a document's times."""

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

from framefleet.errors import InputError
from framefleet.logs import logger
from framefleet.schema.document import Document
from framefleet.timebase import Seconds

log = logger(__name__)

STANDARD = (*(Fraction(n * 1000, d) for n in (24, 30, 48, 60) for d in (1001, 1000)), Fraction(25), Fraction(50))
"""The rates of SMPTE ST 12's timecodes: editing programs and their exchange formats take no others."""

_RATE_OF_SOUND = Fraction(25)  # a rate for files without frames
_LEAST, _MOST = 0.01, 1000  # frames per second; a header beyond these is wrong, or holds the ticks of its clock
_SAME = 5e-4  # 29.97 and 30 differ by twice that
_STEADY = 0.01  # deviation of the average rate from the usual one


@dataclass(frozen=True, slots=True)
class PlayerClock:
    """A player's clock: it starts at `zero_s` on the document's, counts `rate` frames per second and has `length_s`.

    `timecode` is the camera's timecode of the start, such as `01:00:00;02`.
    """

    zero_s: Seconds
    length_s: Seconds
    rate: float
    timecode: str | None = None


def clock(document: Document, video: Path | None = None) -> PlayerClock:
    """Return a player's clock, at the rate of the file if it is readable, else near the document's average rate."""
    zero_s = player_zero_s(document)
    length_s = max(document.video.duration_s - zero_s, 0.0)
    usual, timecode = None, None
    average: Fraction | None = Fraction(document.video.fps).limit_denominator(1_000_000)
    if video is not None:
        from framefleet.media.files.container import open_media, video_stream

        try:
            with open_media(video) as container:
                timecodes = (part.metadata.get("timecode") for part in (container, *container.streams))
                timecode = next(filter(None, timecodes), None)
                if (stream := video_stream(container)) is not None:
                    usual, average = stream.base_rate, stream.average_rate
        except InputError as error:
            log.info("%s: its rate is taken from the document", video, exc_info=error)
    return PlayerClock(zero_s, length_s, float(counted_rate(usual, average)), timecode)


def player_zero_s(document: Document) -> Seconds:
    """Return the start of a player's clock on the document's: that of the earliest stream, negative if sound leads."""
    audio = document.video.audio
    return min(0.0, audio.start_s) if audio is not None else 0.0


def counted_rate(usual: Fraction | None, average: Fraction | None) -> Fraction:
    """Return the rate at which to count frames, from the usual and the average rate, if these are known.

    A standard rate is preferred: recordings of screens, meetings and phones have averages that no tool uses. Any other
    rate is kept if it does not vary, such as 10. For interlaced video FFmpeg reports the field rate as the usual one.
    """
    usual, average = (rate if rate and _LEAST < rate < _MOST else None for rate in (usual, average))
    if usual and average and abs(usual / average - 2) < _SAME:
        usual = average
    known = [rate for rate in (usual, average) if rate is not None]
    if not known:
        return _RATE_OF_SOUND
    for rate in known:
        if abs(_standard(rate) / rate - 1) < _SAME:
            return _standard(rate)
    steady = abs(average / usual - 1) < _STEADY if usual and average else _is_round(known[0])
    return known[0] if steady else _standard(known[-1])


def video_path(document: Document, video: Path | None) -> str:
    """Return the absolute path where the video is or was, in the notation of its operating system."""
    if video is not None:
        return str(video.absolute())
    path = document.video.path
    return path if _is_windows(path) or path.startswith("/") else str(Path(path).absolute())


def video_url(document: Document, video: Path | None) -> str:
    """Return `video_path` as a `file://…` URL."""
    path = video_path(document, video)
    if not _is_windows(path):
        return f"file://{quote(os.fsencode(path))}"
    slashed = quote(path.replace("\\", "/"), safe="/:")
    return f"file:{slashed}" if slashed.startswith("//") else f"file:///{slashed}"


def _is_windows(path: str) -> bool:
    """Return whether it is an absolute Windows path: `C:\\…` or `\\\\server\\…`."""
    return PureWindowsPath(path).is_absolute() and not path.startswith("/")


def _is_round(rate: Fraction) -> bool:
    """Return whether a rate is likely intended: a multiple of 0.5, or 1000/1001 of one."""
    return any(abs(part - round(part)) < _SAME for part in (2 * rate, 2 * rate * Fraction(1001, 1000)))


def _standard(rate: Fraction) -> Fraction:
    return min(STANDARD, key=lambda one: abs(one / rate - 1))
