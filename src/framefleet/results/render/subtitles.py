"""The transcript as a subtitle track of the new file (3GPP timed text), which players show in any script."""

from collections.abc import Iterator
from fractions import Fraction

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from framefleet.media.languages import as_in_mp4
from framefleet.results.cues import Cue, Cues

_CLOCK = Fraction(1, 1000)
_LAST = 2**31  # ticks, which is as far as 32 bits count
_STYLE = b"""[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""  # FFmpeg's encoder makes the track's own style of it


class SubtitleTrack:
    """Players show it by themselves, so nothing is drawn then. `start` is 0 in the new file, `length` its end.

    `language` is a tag such as `en`, by which players name and choose it.
    """

    def __init__(
        self, out: OutputContainer, cues: Cues, start: Fraction, length: Fraction | None, language: str | None
    ) -> None:
        self._out, self._start, self._length = out, start, length
        self._target = out.add_stream("mov_text")
        if (tag := as_in_mp4(language)) is not None:
            self._target.metadata["language"] = tag
        self._target.codec_context.subtitle_header = _STYLE
        self._target.codec_context.time_base = _CLOCK
        self._waiting = self._made(cues)
        self._next = next(self._waiting, None)

    def until(self, time: Fraction | None) -> None:
        """Writes what begins before `time` on the new file's clock; None: all that is left."""
        while self._next is not None and (time is None or self._next[0] * _CLOCK < time):
            packet = self._next[1]
            packet.stream = self._target
            self._out.mux(packet)
            self._next = next(self._waiting, None)

    def _made(self, cues: Cues) -> "Iterator[tuple[int, Packet[Stream]]]":
        for cue in cues:
            begin, end = (self._ticks(time_s) for time_s in (cue.start_s, cue.end_s))
            if begin >= _LAST or (self._length is not None and begin * _CLOCK >= self._length):
                return
            end = min(end, _LAST)
            if end > max(begin, 0):
                yield max(begin, 0), _packet(cue, max(begin, 0), end)

    def _ticks(self, time_s: float) -> int:
        return round((Fraction(time_s) - self._start) / _CLOCK)


def _packet(cue: Cue, begin: int, end: int) -> "Packet[Stream]":
    """Its length in two bytes, then the text."""
    text = cue.text.encode()[:65535]
    packet: Packet[Stream] = Packet(len(text).to_bytes(2, "big") + text)
    packet.time_base = _CLOCK
    packet.pts = packet.dts = begin
    packet.duration = end - begin
    return packet
