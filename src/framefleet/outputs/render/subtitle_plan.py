"""Subtitles of the new file: drawn, or as a track (3GPP timed text), which players show in any script."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Literal

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from framefleet.media.files.languages import as_in_mp4
from framefleet.outputs.render.lettering import is_whole, legible
from framefleet.results.query.cues import Cue, Cues


class SubtitlePlan:
    """The split of subtitles into those `drawn` into the frames and those written as a `track`.

    With `way` "draw", those whose letters cannot be drawn become a track. Symbols that cannot be drawn are left out of
    drawn ones.
    """

    def __init__(self, cues: Iterable[Cue], way: Literal["draw", "track", "none"]) -> None:
        all_of_them = Cues(() if way == "none" else cues)
        self._count, self._way = len(all_of_them), way
        self.drawn = Cues(cue for cue in all_of_them if way == "draw" and can_be_drawn(cue))
        self.track = Cues(cue for cue in all_of_them if way == "track" or not can_be_drawn(cue))

    @property
    def summary(self) -> str:
        """A description of how the subtitles are kept."""
        if not self._count:
            return "no subtitles"
        if self.drawn and self.track:
            return f"subtitles drawn, {len(self.track)} of {self._count} as a track"
        return "subtitles drawn" if self.drawn else "subtitles as a track"

    @property
    def notes(self) -> list[str]:
        """Differences from the transcript, a line each."""
        notes = []
        if self.track and self._way == "draw":
            many = f"{len(self.track)} of {self._count} subtitles"
            notes.append(f"{many} are a subtitle track instead: they have letters that cannot be drawn")
        if partly := sum(not is_whole(cue.text) for cue in self.drawn):
            notes.append(f"{partly} of {self._count} subtitles are drawn without symbols that the font lacks")
        return notes


def can_be_drawn(cue: Cue) -> bool:
    """Return whether its letters can be drawn; symbols, such as 🙂, are no letters."""
    return all(legible(line) is not None for line in cue.lines)


_CLOCK = Fraction(1, 1000)
_LAST = 2**31  # ticks: the limit of 32 bits
_STYLE = b"""[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""  # FFmpeg's encoder derives the track's style from it


class SubtitleTrack:
    """A subtitle track, which players show themselves. `start` is 0 in the new file, `length` its end.

    `language` is a tag such as `en`, by which players list and select it.
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
        """Write the cues that begin before `time` on the new file's clock; None: the rest."""
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
    """Return a packet: the length of the text in two bytes, then the text."""
    text = cue.text.encode()[:65535]
    packet: Packet[Stream] = Packet(len(text).to_bytes(2, "big") + text)
    packet.time_base = _CLOCK
    packet.pts = packet.dts = begin
    packet.duration = end - begin
    return packet
