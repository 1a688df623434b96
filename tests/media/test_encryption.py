"""Files that play with their owner's key alone are named as that, before anything of them is decoded."""

import re
import zlib
from pathlib import Path

import av
import pytest

from framefleet.errors import InputError
from framefleet.media.files.probe import probe
from tests.media.make import make_audio, make_video

KEYS = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "000102030405060708090a0b0c0d0e0f",
    "encryption_kid": "101112131415161718191a1b1c1d1e1f",
}
WIDEVINE = bytes.fromhex("edef8ba979d64acea3c827dcd51d21ed")


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("encrypted") / "film.mp4"
    return make_video(path, frames=10, size=(64, 48), audio="aac", container_options=KEYS).read_bytes()


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        probe(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and "\n" not in line
    assert caught.value.code == "encrypted"
    assert line.endswith("; use a copy without copy protection")
    return line.removeprefix(f"{path}: ")


def test_common_encryption(encrypted, tmp_path):
    line = refused(tmp_path / "a.mp4", encrypted)
    assert line.startswith("its video and sound are encrypted (Common Encryption, cenc); ")


@pytest.mark.parametrize("scheme", ["cbcs", "cens", "cbc1"])
def test_all_its_schemes(encrypted, tmp_path, scheme):
    assert f"(Common Encryption, {scheme})" in refused(tmp_path / "a.mp4", encrypted.replace(b"cenc", scheme.encode()))


def test_pictures_alone_and_sound_alone(encrypted, tmp_path):
    """What a file says of a track counts, also where its other tracks are free."""
    assert refused(tmp_path / "a.mp4", encrypted.replace(b"enca", b"mp4a")).startswith("its video is encrypted")
    assert refused(tmp_path / "b.mp4", encrypted.replace(b"encv", b"avc1")).startswith("its sound is encrypted")


def test_a_file_of_sound(tmp_path):
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4", options=KEYS) as out:
        stream = out.add_stream("aac", rate=48_000, layout="mono")
        silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        silence.sample_rate = 48_000
        silence.planes[0].update(bytes(4096))
        out.mux(stream.encode(silence))
        out.mux(stream.encode(None))
    assert refused(path, path.read_bytes()).startswith("its sound is encrypted")


@pytest.mark.parametrize("entry", [b"drmi", b"drms", b"drmt"])
def test_fairplay(encrypted, tmp_path, entry):
    content = encrypted.replace(b"encv", entry).replace(b"enca", entry)
    assert "are encrypted (FairPlay)" in refused(tmp_path / "a.m4v", content)
    content = encrypted.replace(b"schm\0\0\0\0cenc", b"schm\0\0\0\0itun")
    assert "are encrypted (FairPlay)" in refused(tmp_path / "b.m4v", content)


def test_the_system_is_named(encrypted, tmp_path):
    at = encrypted.index(b"moov") - 4
    size = int.from_bytes(encrypted[at : at + 4], "big")
    assert at + size == len(encrypted)  # so that nothing that is pointed to moves
    box = (32).to_bytes(4, "big") + b"pssh" + bytes(4) + WIDEVINE + bytes(4)
    content = encrypted[:at] + (size + 32).to_bytes(4, "big") + encrypted[at + 4 :] + box
    assert "(Common Encryption, cenc, Widevine)" in refused(tmp_path / "a.mp4", content)


def test_a_fragmented_file(tmp_path):
    path = make_video(
        tmp_path / "a.mp4", frames=10, size=(64, 48), audio="aac",
        container_options=KEYS | {"movflags": "frag_keyframe+empty_moov+default_base_moof"},
    )  # fmt: skip
    assert "Common Encryption, cenc" in refused(path, path.read_bytes())


def test_what_is_cut_off_is_named_as_well(encrypted, tmp_path):
    path = make_video(
        tmp_path / "a.mp4", frames=10, size=(64, 48), container_options=KEYS | {"movflags": "faststart"}
    )  # fmt: skip
    content = path.read_bytes()
    assert "Common Encryption" in refused(path, content[: content.index(b"mdat") + 20])


def test_a_box_in_the_file_is_no_encryption(tmp_path):
    """The words alone prove nothing: a free file may hold them anywhere."""
    path = make_video(tmp_path / "a.mp4", frames=3, size=(64, 48))
    path.write_bytes(path.read_bytes() + b"\0\0\0\x20freeencv sinf schm pssh" + bytes(8))
    assert probe(path).has_video


def test_webm(tmp_path):
    """A track with a content encoding of the type encryption, and the id of its key."""
    path = make_video(tmp_path / "a.mkv", frames=5, size=(64, 48))
    data = path.read_bytes()
    key = b"\x50\x35" + sized(b"\x47\xe1\x81\x05" + b"\x47\xe2" + sized(b"0123456789abcdef"))
    encoding = b"\x6d\x80" + sized(b"\x62\x40" + sized(b"\x50\x31\x81\0\x50\x32\x81\x01\x50\x33\x81\x01" + key))
    assert "(WebM)" in refused(path, with_encoding(data, encoding))


def sized(content: bytes) -> bytes:
    return bytes([0x80 | len(content)]) + content


def with_encoding(data: bytes, encoding: bytes) -> bytes:
    """The file with that element at the end of its first track, in the place of its tags' and index's room (`Void`)."""
    tracks = data.index(b"\x16\x54\xae\x6b", data.index(b"\x16\x54\xae\x6b") + 4)  # the first points to it
    length, place = size_at(data, tracks + 4)
    entry = place + 6 * (data[place] == 0xBF)  # a checksum, which goes
    assert data[entry] == 0xAE
    inner, begin = size_at(data, entry + 1)
    grown = inner + len(encoding)
    track = b"\xae" + (0x0100000000000000 | grown).to_bytes(8, "big") + data[begin : begin + inner] + encoding
    body = b"\x16\x54\xae\x6b" + (0x0100000000000000 | len(track)).to_bytes(8, "big") + track
    segment = data.index(b"\x18\x53\x80\x67") + 4
    unknown = b"\x01\xff\xff\xff\xff\xff\xff\xff"  # the segment's size
    assert data[segment] == 0x01
    return data[:segment] + unknown + data[segment + 8 : tracks] + body + data[place + length :]


def size_at(data: bytes, at: int) -> tuple[int, int]:
    count = 8 - data[at].bit_length() + 1
    return int.from_bytes(data[at : at + count], "big") & (1 << 7 * count) - 1, at + count


def test_windows_media(tmp_path):
    path = make_video(tmp_path / "a.wmv", frames=5, size=(64, 48), codec="wmv2", format="asf")
    data = bytearray(path.read_bytes())
    guid = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")  # Content Encryption Object
    thing = guid + (24 + 16).to_bytes(8, "little") + bytes(16)
    data[16:24] = (int.from_bytes(data[16:24], "little") + len(thing)).to_bytes(8, "little")
    data[24:28] = (int.from_bytes(data[24:28], "little") + 1).to_bytes(4, "little")
    data[30:30] = thing
    assert "(Windows Media DRM)" in refused(path, bytes(data))


def test_pay_television(tmp_path):
    path = make_video(tmp_path / "a.ts", frames=25, size=(64, 48), audio="aac")
    free = path.read_bytes()
    data = bytearray(free)
    for at in range(0, len(data), 188):
        if (data[at + 1] & 0x1F) << 8 | data[at + 2] == 0x101:  # the sound
            data[at + 3] |= 0x80
    assert refused(path, bytes(data)).startswith("its sound is encrypted (pay television)")
    data = bytearray(free)
    data[188 * 5 + 3] |= 0x80  # one spoilt bit is none
    path.write_bytes(data)
    assert probe(path).has_video


def test_apples_transport_streams(tmp_path):
    """SAMPLE-AES: the stream's type in the table of the program says so."""
    path = make_video(tmp_path / "a.ts", frames=10, size=(64, 48))
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 188):
        if (data[at + 1] & 0x1F) << 8 | data[at + 2] == 0x1000:
            table = data.index(b"\x02\xb0", at)
            size = 3 + (data[table + 1] << 8 | data[table + 2] & 0xFF) % 4096
            section = bytes(data[table : table + size - 4]).replace(b"\x1b\xe1", b"\xdb\xe1")
            data[table : table + size] = section + crc(section).to_bytes(4, "big")
    assert "(SAMPLE-AES)" in refused(path, bytes(data))


def crc(data: bytes) -> int:
    """CRC-32 of MPEG-2: zlib's, with all bits the other way round, and not inverted at the end."""
    turned = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
    return int(f"{zlib.crc32(turned) ^ 0xFFFFFFFF:032b}"[::-1], 2)


def test_types_of_streams_that_are_no_text(tmp_path):
    """Those of AC-3 and others, 0x81 and up, which PyAV cannot tell."""
    assert probe(make_video(tmp_path / "a.ts", frames=10, size=(64, 48), audio="ac3")).audio.codec == "ac3"


def test_a_dvd(tmp_path):
    path = make_video(
        tmp_path / "a.vob", frames=50, size=(160, 128), codec="mpeg2video", audio="mp2", format="vob"
    )  # fmt: skip
    data = bytearray(path.read_bytes())
    for found in re.finditer(rb"\x00\x00\x01\xe0..[\x80-\x8f]", bytes(data), re.DOTALL):
        data[found.end() - 1] |= 0x10
    assert "(DVD)" in refused(path, bytes(data))


def test_films_for_cinemas(tmp_path):
    path = make_video(tmp_path / "a.mxf", frames=5, size=(160, 128), codec="mpeg2video", format="mxf")
    triplet = bytes.fromhex("060e2b34020401070d010301027e0100") + b"\x04" + bytes(4)
    assert "(digital cinema)" in refused(path, path.read_bytes() + triplet)


def test_what_is_free_stays_free(tmp_path):
    for name, more in (("a.mp4", {"audio": "aac"}), ("a.mkv", {}), ("a.ts", {"audio": "aac"})):
        assert probe(make_video(tmp_path / name, frames=5, size=(64, 48), **more)).has_video
    assert probe(make_audio(tmp_path / "a.m4a")).audio is not None
