import ctypes
from fractions import Fraction

import av
import pytest

from framefleet.media.video.packet import with_data
from framefleet.media.video.packets import read_steps
from tests.media.make import make_video

PADDING = 64  # FFmpeg's AV_INPUT_BUFFER_PADDING_SIZE


@pytest.fixture
def packet(tmp_path):
    with av.open(str(make_video(tmp_path / "v.mp4", frames=3))) as container:
        yield next(read_steps(container, container.streams.video[0]))[0]


def test_a_packet_stands_where_the_other_did(packet):
    made = with_data(packet, b"other")
    assert bytes(made) == b"other"
    assert (made.pts, made.dts, made.duration, made.time_base) == (0, packet.dts, 3600, Fraction(1, 90_000))
    assert made.stream is packet.stream
    assert made.is_keyframe
    assert not made.is_corrupt


def test_behind_its_contents_is_nothing(packet):
    """Decoders read on there, and what they find shows in the picture."""
    for size in range(1, 300):
        made = with_data(packet, b"\xff" * size)
        assert ctypes.string_at(made.buffer_ptr + size, PADDING) == bytes(PADDING)
