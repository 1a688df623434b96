"""Makes files that are unlike most: of wide colours, of fields, with covers, with several audio tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from tests.media.make import Picture, make_video
from tests.media.once import once
from tests.media.sound import FILE_RATE, Wave

PQ, HLG, BT2020 = 16, 18, 9
_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593])


def pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """PQ codes, 0 to 1, of light in cd/m² (SMPTE ST 2084)."""
    power = np.clip(light / 10_000, 0, 1) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """HLG codes, 0 to 1, of what a display of 1000 cd/m² shows, in BT.2020's colours (ITU-R BT.2100)."""
    luminance = np.maximum(light @ _LUMINANCE, 1e-6)[..., None] / 1000
    scene = np.clip(light / 1000 * luminance ** (1 / 1.2 - 1), 0, 1)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def to_bt2020(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light of sRGB's colours as the same light of BT.2020's."""
    return light @ _TO_BT2020.T


@once
def make_wide(path: Path, picture: Picture, *, curve: int, frames: int = 3) -> Path:
    """An HEVC video of 10 bits in high dynamic range that shows `picture`, its white at 203 cd/m²."""
    srgb = picture / 255
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) * 203
    codes = {PQ: pq, HLG: hlg}[curve](to_bt2020(light))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=5, options={"preset": "ultrafast", "x265-params": "log-level=none"})
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = BT2020, BT2020, curve
        context.color_range = ColorRange.MPEG
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.round(codes * 65535).astype(np.uint16), format="rgb48le")
            frame = frame.reformat(format="yuv420p10le", dst_colorspace=BT2020, dst_color_range=ColorRange.MPEG)
            frame.pts, frame.time_base = number, Fraction(1, 5)
            frame.color_primaries, frame.color_trc = BT2020, curve
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@once
def make_woven(path: Path, picture: Picture, *, frames: int = 3) -> Path:
    """An H.264 video of interlaced frames; between its two fields everything moves by two pixels."""
    pictures = []
    for number in range(frames):
        woven = np.roll(picture, 4 * number, axis=1)
        woven[1::2] = np.roll(picture, 4 * number + 2, axis=1)[1::2]
        pictures.append(woven)
    size = picture.shape[1], picture.shape[0]
    return make_video(path, frames=frames, fps=5, size=size, pictures=pictures, options={"flags": "+ilme+ildct"})


def disguise(path: Path, codec: bytes) -> Path:
    """The Matroska file with this codec's name, such as b"A_AAC", made one that nobody knows."""
    data = path.read_bytes()
    assert data.count(codec) == 1
    path.write_bytes(data.replace(codec, codec[:2] + b"Q" * len(codec[2:])))
    return path


def add_cover(path: Path, to: Path, picture: Picture) -> Path:
    """A copy of the streams of `path` with a picture for its cover."""
    with av.open(str(path)) as source, av.open(str(to), "w") as out:
        copies = {stream: out.add_stream_from_template(stream) for stream in source.streams}
        cover = out.add_stream("mjpeg", rate=1)
        cover.height, cover.width = picture.shape[:2]
        cover.pix_fmt = "yuvj420p"
        cover.disposition = Disposition.attached_pic
        packets = [packet for packet in source.demux() if packet.size]
        for packet in packets:
            packet.stream = copies[packet.stream]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts = 0
        for packet in (*cover.encode(frame), *cover.encode(None), *packets):
            out.mux(packet)
    return to


def attach(path: Path, to: Path, name: str, kind: str, content: bytes) -> Path:
    """A Matroska copy of `path` with a file attached."""
    with av.open(str(path)) as source, av.open(str(to), "w") as out:
        copies = {stream: out.add_stream_from_template(stream) for stream in source.streams}
        out.add_attachment(name, kind, content)
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream]
                out.mux(packet)
    return to


@dataclass(frozen=True)
class Track:
    """An audio track: its samples at 48 kHz, when they begin in the file, and what the file says of it."""

    wave: Wave
    start_s: float = 0.0
    codec: str = "flac"
    language: str | None = None
    title: str | None = None
    disposition: Disposition | None = None


@once
def make_tracks(path: Path, tracks: Sequence[Track], *, pictures_s: tuple[float, float] | None = (0.0, 2.0)) -> Path:
    """A file with these tracks and, from the first time of `pictures_s` to the second, small pictures, ten a second."""
    with av.open(str(path), "w") as out:
        packets = _pictures(out, *pictures_s) if pictures_s is not None else []
        for track in tracks:
            packets += _sound(out, track)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            out.mux(packet)
    return path


def _pictures(out: av.container.OutputContainer, start_s: float, end_s: float) -> list[av.Packet]:
    stream = out.add_stream("mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    packets = []
    for number in range(round(start_s * 10), round(end_s * 10)):
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 10)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _sound(out: av.container.OutputContainer, track: Track) -> list[av.Packet]:
    stream = out.add_stream(track.codec, rate=FILE_RATE, layout="mono")
    if track.language is not None:
        stream.metadata["language"] = track.language
    if track.title is not None:
        stream.metadata["title"] = track.title
    if track.disposition is not None:
        stream.disposition = track.disposition
    packets = []
    for at in range(0, len(track.wave), 960):
        frame = av.AudioFrame.from_ndarray(track.wave[None, at : at + 960], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = FILE_RATE, Fraction(1, FILE_RATE)
        frame.pts = round(track.start_s * FILE_RATE) + at
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def spoil_time(
    path: Path,
    which: int,
    bit: int = 28,
    *,
    fields: Sequence[str] = ("pts", "dts"),
    sound: bool = False,
) -> Path:
    """Turns a bit of the times of the `which`-th packet of the pictures, or of the sound, of an MPEG transport stream.

    FFmpeg's muxer gives the first stream the PID 0x100 and the second 0x101 (ISO/IEC 13818-1, 2.4.3.6 for the fields).
    """
    data = bytearray(path.read_bytes())
    heads = []
    for at in range(0, len(data) - 187, 188):
        pid, begins = (data[at + 1] & 0x1F) << 8 | data[at + 2], data[at + 1] & 0x40
        if pid == 0x101 if sound else pid == 0x100 and begins:
            head = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            if data[head : head + 3] == b"\0\0\1":
                heads.append(head)
    head = heads[which]
    if "pts" in fields:
        _turn_bit(data, head + 9, bit)
    if "dts" in fields and data[head + 7] >> 6 == 3:
        _turn_bit(data, head + 14, bit)
    path.write_bytes(data)
    return path


def _turn_bit(data: bytearray, at: int, bit: int) -> None:
    """Of a time of 33 bits, which lie in five bytes between markers."""
    low, byte = (bit, 4) if bit < 7 else (bit - 7, 3) if bit < 15 else (bit - 15, 2) if bit < 22 else (bit - 22, 1)
    if bit >= 30:
        low, byte = bit - 30, 0
    data[at + byte] ^= 1 << (low + 1 if byte in {0, 2, 4} else low)
