"""The sound of the new file: packets copied if browsers play their codec, else AAC; on the video's clock.

Sound that begins after the first frame, or ends before or after the last, keeps its place. Sound before the first
frame is dropped, as in the document.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Protocol, cast

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.filter import Graph
from av.packet import Packet
from av.stream import Stream

from framefleet.media.audio.clock import QUIET_S, STEP_S
from framefleet.media.files.container import demuxed
from framefleet.outputs.render.silence import hushed
from framefleet.timebase import Span

COPIED = {"aac", "mp3", "flac", "opus"}
"""Codecs that every current browser plays in MP4, unlike AC-3 and ALAC, which MP4 allows too."""

_NEED_HEADER = {"flac", "opus"}  # which MP4 needs, and MPEG-TS lacks
_AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
_BITS_A_CHANNEL = 80_000
_LEAD_IN = Fraction(1, 10)  # packets kept before the start: decoders need one or two of preroll
_MAX_READ_ERRORS = 100
_BY_THE_CLOCK = f"async=3000:min_comp={QUIET_S}:min_hard_comp={STEP_S}:comp_duration=0.1"  # 20 ms


class SoundTrack(Protocol):
    """An audio stream written to the new file."""

    @property
    def target(self) -> AudioStream: ...
    def add(self, packet: "Packet[AudioStream]") -> None: ...
    def end(self) -> None: ...


class Sound:
    """All readable audio streams of a file. `start` is in the file's own time, and 0 in the new file.

    `only` is the one stream to write, without its language and title. `silent` are spans of the new file without any
    sound; with one, all sound is encoded.
    """

    def __init__(
        self,
        source: InputContainer,
        out: OutputContainer,
        start: Fraction,
        length: Fraction | None = None,
        *,
        only: AudioStream | None = None,
        silent: Sequence[Span] = (),
    ) -> None:
        streams = source.streams.audio if only is None else [only]
        self._streams = [s for s in streams if s.codec_context is not None and s.codec_context.sample_rate]
        self._tracks = {stream.index: _track(stream, out, start, silent) for stream in self._streams}
        self._encoded = bool(silent)
        if only is None:
            for stream in self._streams:
                _describe(stream, self._tracks[stream.index].target)
        self._start, self._length = start, length
        self._packets = self._read(source)
        self._next = next(self._packets, None)

    @property
    def summary(self) -> str:
        """A description of how the sound is kept."""
        kinds = [_codec(s) + ("" if _can_copy(s) and not self._encoded else " as AAC") for s in self._streams]
        return f"sound {', '.join(kinds)}" if kinds else "no sound"

    def until(self, time: Fraction | None) -> None:
        """Write the sound before `time` on the new file's clock; None: the rest."""
        while self._next is not None and (time is None or self._next[0] < time):
            packet = self._next[1]
            self._tracks[packet.stream_index].add(packet)
            self._next = next(self._packets, None)
        if time is None:
            for track in self._tracks.values():
                track.end()

    def _read(self, source: InputContainer) -> "Iterator[tuple[Fraction, Packet[AudioStream]]]":
        """Yield packets with their times, skipping those that cannot be read."""
        failures = 0
        while self._streams and failures < _MAX_READ_ERRORS:
            try:
                for packet in demuxed(source.demux(self._streams)):
                    ticks = packet.dts if packet.dts is not None else packet.pts
                    if ticks is None or not packet.size:
                        continue
                    failures = 0
                    time = ticks * packet.time_base - self._start
                    if self._is_wanted(time, packet):
                        yield time, cast("Packet[AudioStream]", packet)
                return
            except av.FFmpegError:
                failures += 1

    def _is_wanted(self, time: Fraction, packet: "Packet[Stream]") -> bool:
        ends = time + (packet.duration or 0) * packet.time_base
        return ends > -_LEAD_IN and (self._length is None or time < self._length)


def _track(stream: AudioStream, out: OutputContainer, start: Fraction, silent: Sequence[Span]) -> SoundTrack:
    return _Copied(stream, out, start) if _can_copy(stream) and not silent else _Encoded(stream, out, start, silent)


def _can_copy(stream: AudioStream) -> bool:
    codec = _codec(stream)
    return codec in COPIED and (codec not in _NEED_HEADER or bool(stream.codec_context.extradata))


def _codec(stream: AudioStream) -> str:
    return stream.codec_context.codec.canonical_name


def _describe(stream: AudioStream, target: AudioStream) -> None:
    for name in ("language", "title"):
        if name in stream.metadata:
            target.metadata[name] = stream.metadata[name]


class _Copied:
    def __init__(self, stream: AudioStream, out: OutputContainer, start: Fraction) -> None:
        self._out, self._start = out, start
        self.target = out.add_stream_from_template(stream)
        self._last: int | None = None

    def add(self, packet: "Packet[AudioStream]") -> None:
        shift = round(self._start / packet.time_base)
        ticks = packet.dts if packet.dts is not None else packet.pts
        assert ticks is not None
        if self._last is not None and ticks <= self._last:  # a duplicate
            return
        self._last = ticks
        packet.dts = ticks - shift
        packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        packet.stream = self.target
        self._out.mux(packet)

    def end(self) -> None:
        """Do nothing: no packet is buffered."""


class _Encoded:
    """A stream that is decoded, aligned to its timestamps and encoded as AAC, mixed down to at most two channels."""

    def __init__(self, stream: AudioStream, out: OutputContainer, start: Fraction, silent: Sequence[Span]) -> None:
        self._out, self._start, self._silent = out, start, silent
        rate = stream.codec_context.sample_rate
        self._rate = rate if rate in _AAC_RATES else 48_000
        self._layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        self.target = out.add_stream("aac", rate=self._rate, layout=self._layout)
        self.target.bit_rate = _BITS_A_CHANNEL * self.target.codec_context.channels
        self._graph: Graph | None = None
        self._setup: tuple[str, str, int] | None = None

    def add(self, packet: "Packet[AudioStream]") -> None:
        try:
            frames = packet.decode()
        except av.FFmpegError:
            return  # becomes silence
        for frame in frames:
            self._encode(frame)

    def end(self) -> None:
        self._drain()
        self._out.mux(self.target.encode(None))

    def _encode(self, frame: AudioFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            return
        frame.pts -= round(self._start / frame.time_base)
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if setup != self._setup:
            self._drain()
            self._graph, self._setup = self._make(frame), setup
        assert self._graph is not None
        self._graph.push(frame)
        self._pull()

    def _make(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        sink = graph.add("abuffersink")
        graph.link_nodes(
            graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format.name,
                layout=frame.layout.name,
                time_base=frame.time_base,
            ),
            graph.add("atrim", "start=0"),
            graph.add("aresample", _BY_THE_CLOCK),
            graph.add("aformat", f"sample_fmts=fltp:sample_rates={self._rate}:channel_layouts={self._layout}"),
            sink,
        )
        graph.configure()
        return graph

    def _drain(self) -> None:
        if self._graph is not None:
            self._graph.push(None)
            self._pull()
            self._graph = None

    def _pull(self) -> None:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):  # no frame is ready, or the end
                return
            heard = cast(AudioFrame, frame)
            self._out.mux(self.target.encode(hushed(heard, self._silent) if self._silent else heard))
