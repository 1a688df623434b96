"""The reading version of a file's sound: whether it is heard as in older versions of FrameFleet.

Those placed sound by counting its samples, and left the mix of channels to FFmpeg.
"""

from contextlib import closing
from functools import lru_cache

import av
import numpy as np

from framefleet.errors import InputError
from framefleet.logs import logger
from framefleet.media.audio.clips import sound_span
from framefleet.media.audio.clock import QUIET_S, lay
from framefleet.media.audio.stream import SoundReading
from framefleet.media.files.container import audio_stream, open_media
from framefleet.media.types import MediaInfo

log = logger(__name__)

BY_CLOCK_AND_CHANNELS = "by its clock and channels"
"""The reading version of sound that may be heard differently than before."""

_ONCE_LET_BE_S = 0.1  # a step in the timestamps that older versions ignored
_UNTIMED = {"aac", "ac3", "aiff", "amr", "au", "caf", "dts", "eac3", "flac", "mp3", "w64", "wav"}
"""FFmpeg's demuxers that compute times by counting samples, so that the two always agree."""


@lru_cache(maxsize=16)
def may_be_heard_anew(media: MediaInfo) -> bool:
    """Return whether the sound may be heard differently than in older versions of FrameFleet.

    Reads no sound: for most MP4 files, headers and tables are enough to rule it out. `is_heard_as_ever` decides the
    rest.
    """
    if media.audio is None or media.audio_channel is not None:  # older versions had no choice of channel
        return False
    if media.audio.channels > 1:
        return True
    with open_media(media.path) as container:
        if container.format.name in _UNTIMED:
            return False
        stream = audio_stream(container, media.audio.track)
        if stream is None or not stream.codec_context.frame_size or stream.time_base is None:
            return True
        length = stream.codec_context.frame_size / stream.codec_context.sample_rate / stream.time_base
        times = np.array([entry.timestamp for entry in stream.index_entries], np.int64)
        if not times.size or stream.duration is None or times[-1] + length < times[0] + stream.duration:
            return True
        late = times - times[0] - np.arange(times.size) * length
        return bool((np.abs(late) * float(stream.time_base) >= QUIET_S).any())


@lru_cache(maxsize=16)
def is_heard_as_ever(media: MediaInfo) -> bool:
    """Return whether the sound is heard as in older versions.

    Decodes all of it, without resampling or encoding: about 4 s of one core per hour.
    """
    span = sound_span(media)
    reading = SoundReading(media, span)
    once = due = span.start_s  # where older versions put a frame, and when it was due
    try:
        with closing(reading.frames()) as frames:
            for heard, place in lay(frames, span.start_s):
                time = due if heard.time is None else heard.time
                if heard.anew or abs(time - due) > _ONCE_LET_BE_S:
                    once = time
                if abs(place.start - once) > QUIET_S or reading.mended:
                    return False
                due, once = time + heard.length, once + heard.length
    except (InputError, av.FFmpegError) as error:
        log.debug("the sound cannot be read to its end", exc_info=error)
        return True  # older versions could not read it either
    return not reading.mended
