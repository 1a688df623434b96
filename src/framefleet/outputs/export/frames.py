"""Frame numbers of the video by time, for tools that count frames."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from pathlib import Path

from framefleet.schema.document import Document
from framefleet.timebase import Seconds, seconds

_HALF_MICROSECOND = 5e-7  # times are rounded to the microsecond
_MOST = 2.0**53  # the largest range of exact integers in floats
_USUAL_FPS = 25.0  # of a video without a rate in its header


@dataclass(frozen=True, slots=True)
class FrameNumbers:
    """A mapping from times to frame numbers, from 0. `times` are the frames' own; None: only `fps` is known."""

    fps: float
    count: int
    times: list[Seconds] | None = None

    def at(self, time_s: Seconds) -> int:
        if self.times is None:
            number = frame_at(time_s, self.fps)
        else:
            number = bisect_right(self.times, time_s + _HALF_MICROSECOND) - 1
        return self._there(number)

    def before(self, time_s: Seconds) -> int:
        """Return the last frame that begins before a time, which is the last frame of a span that ends then."""
        if self.times is None:
            number = frame_at(time_s, self.fps) - 1
        else:
            number = bisect_left(self.times, time_s - _HALF_MICROSECOND) - 1
        return self._there(number)

    def _there(self, number: int) -> int:
        return min(max(number, 0), max(self.count - 1, 0))


def frame_at(time_s: Seconds, rate: float) -> int:
    """Return the number of the frame nearest to a time, at a constant rate."""
    return round(min(max(time_s * rate, -_MOST), _MOST))


def frame_numbers(document: Document, video: Path | None) -> FrameNumbers:
    """Return frame numbers by the frame times of the file if it is available, else by the header's rate."""
    times = _times(video, document.video.track) if video is not None else None
    fps = document.video.fps if document.video.fps > 0 else _USUAL_FPS
    if times:
        return FrameNumbers(fps, len(times), times)
    return FrameNumbers(fps, max(document.video.frame_count, frame_at(document.video.duration_s, fps)))


def _times(video: Path, track: int | None) -> list[Seconds] | None:
    """Return the start of each frame, from the packets alone; None if packets have no times."""
    from framefleet.media.files.container import open_media, video_stream
    from framefleet.media.files.probe import probe
    from framefleet.media.video.packets import read_steps

    start = probe(video, video_track=track).start
    with open_media(video) as container:
        stream = video_stream(container, track)
        if stream is None or stream.time_base is None:
            return None
        stamps = [packet.pts for packet, _ in read_steps(container, stream) if not packet.is_discard]
        if None in stamps:
            return None
        times = (seconds(stamp * stream.time_base - start) for stamp in stamps if stamp is not None)
        return sorted(time for time in times if time >= 0)
