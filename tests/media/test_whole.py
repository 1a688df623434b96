"""Whether a file is all there, and where its tags begin, by its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.media.files.probe import probe
from framefleet.media.files.wholeness import is_whole, tag_bytes, tags_behind
from tests.media.make import make_audio, make_video

ID3V1 = b"TAG" + b"x" * 125


def ape(items: bytes, *, header: bool) -> bytes:
    """APEv2 (the Monkey's Audio wiki): a footer of 32 bytes, whose size counts the items and itself, maybe a header."""
    size = (len(items) + 32).to_bytes(4, "little")
    ends = [b"APETAGEX\xd0\x07\0\0" + size + b"\1\0\0\0\0\0\0" + flag + b"\0" * 8 for flag in (b"\xa0", b"\x80")]
    return (ends[0] if header else b"") + items + (ends[1] if header else ends[1].replace(b"\x80", b"\0"))


@given(st.binary(max_size=400), st.booleans(), st.booleans())
def test_tags_are_as_long_as_they_say(items, header, both):
    tag = ape(items, header=header) + (ID3V1 if both else b"")
    assert tags_behind((b"sound" * 80 + tag)[-160:]) == len(tag)


@given(st.binary(max_size=200))
def test_what_is_no_tag_has_no_length(data):
    assert tags_behind(data) in {0, 128} or b"APETAGEX" in data
    assert tag_bytes(data) == 0 or data.startswith(b"ID3")
    assert is_whole(data, len(data)) in {None, True, False}


def test_a_matroska_that_is_cut_says_so(tmp_path):
    data = make_video(tmp_path / "a.mkv", frames=10).read_bytes()
    assert is_whole(data[:4096], len(data)) is True
    assert is_whole(data[:4096], len(data) - 1) is False
    live = make_video(tmp_path / "b.mkv", frames=10, container_options={"live": "1"}).read_bytes()
    assert is_whole(live[:4096], len(live)) is None


@pytest.mark.parametrize("tags", [ID3V1, ape(b"\xff\xfb\x90\x64" * 20_000, header=True) + ID3V1], ids=["ID3v1", "both"])
def test_tags_behind_the_sound_are_no_sound(tmp_path, tags):
    """A cover in a tag, whose bytes look like frames of MP3, and one frame cut off by the end of the file."""
    path = make_audio(tmp_path / "a.mp3", codec="libmp3lame", seconds=4)
    right = probe(path)
    path.write_bytes(path.read_bytes() + tags)
    info = probe(path)
    assert info.duration_s == right.duration_s
    assert info.audio == right.audio
