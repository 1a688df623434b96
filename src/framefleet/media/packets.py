"""The packets of a video, past what cannot be read, with the places where bytes are missing."""

from collections.abc import Iterator
from typing import cast

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from framefleet.media.container import demuxed
from framefleet.media.mpeg4 import one_by_one
from framefleet.media.step import Step, VideoPacket

_MAX_READ_ERRORS = 100  # in a row, with nothing read between them
_FRAMING_BYTES = 1024  # between packets of Matroska lie some ten, some more where a cluster begins


def read_steps(container: InputContainer, video: VideoStream) -> Iterator[Step]:
    """All pictures' packets that can be read, in the order of decoding, passing over what cannot."""
    steps = _read(container, video)
    return one_by_one(steps) if video.codec_context.codec.canonical_name == "mpeg4" else steps


def _read(container: InputContainer, video: VideoStream) -> Iterator[Step]:
    """The packets as they lie in the file.

    FFmpeg's readers of Matroska and MPEG-TS say nothing when they lose a stretch of the file, but packets of all
    streams lie there one behind the other. Taking a hole to be where there is none does no harm, as long as the next
    frame comes when the one before it ends.
    """
    dense = container.format.name.startswith(("matroska", "mpegts"))
    failures, behind = 0, 0
    hole: int | None = None  # where in the file a hole begins that no packet of the video has passed yet
    while failures < _MAX_READ_ERRORS:
        try:
            for packet in demuxed(container.demux() if dense else container.demux(video)):
                failures = 0
                if dense and packet.pos is not None:
                    if 0 < behind < packet.pos - _FRAMING_BYTES:
                        hole = behind
                    behind = max(behind, packet.pos + packet.size * 9 // 8)  # MPEG-TS: 4 to 16 bytes in 188 are framing
                if packet.stream_index == video.index and packet.size:  # none: PyAV's sign of the end
                    passed = hole is not None and packet.pos is not None and packet.pos >= hole
                    yield cast(VideoPacket, packet), passed
                    hole = None if passed else hole
            return
        except av.FFmpegError:
            failures, hole = failures + 1, behind
