import os
from errno import EACCES
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from framefleet.cli.options.videos import named
from framefleet.errors import InputError
from framefleet.journal.look import is_there
from framefleet.media.files.container import demuxed, open_media, video_stream
from framefleet.media.files.kind import sniff
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.video.decode import decode_pictures
from tests.media.make import make_video


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A file in a folder that may not be searched, also for the superuser; `exists` says no, as from Python 3.14 on."""
    folder = tmp_path / "locked"
    stat = Path.stat

    def refused(path, **how):
        if folder in path.parents:
            raise PermissionError(EACCES, "Permission denied", str(path))
        return stat(path, **how)

    monkeypatch.setattr(Path, "stat", refused)
    for name in ("exists", "is_file", "is_dir"):
        monkeypatch.setattr(Path, name, lambda path: False)
    return folder / "v.mp4"


def test_what_may_not_be_got_at_is_not_said_to_be_missing(locked):
    assert refusal(locked).endswith(": cannot be read (Permission denied); check its permissions")
    with pytest.raises(InputError, match="Permission denied"), open_media(locked):
        pass


def test_a_folder_that_may_not_be_searched_keeps_nobody_from_saying_so(locked):
    assert named([str(locked)]) == [locked]
    assert not is_there(locked)


def refusal(path):
    with pytest.raises(InputError) as caught:
        probe(path)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    return line


def test_what_is_not_there(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.mp4")


def test_a_folder(tmp_path):
    assert "a folder" in refusal(tmp_path)


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty.mp4"
    path.touch()
    assert "empty" in refusal(path)


def test_a_text(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("just words\n" * 100)
    assert "not a video" in refusal(path)


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"just words", "give a video or sound file"),
        (b"PK\x03\x04\x14\0", "give a video or sound file"),
        (b"MThd\0\0\0\x06", "convert it first"),
        (b"\x81\x82\x83\0", "convert it first"),
    ],
)
def test_the_hint_fits_what_the_file_is(tmp_path, content, hint):
    path = tmp_path / "file.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        probe(path)
    assert (refused.value.hint, refused.value.code) == (hint, "unsupported_format")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    assert "not a file" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = make_video(tmp_path / "secret.mp4", frames=2)
    path.chmod(0)
    assert "permissions" in refusal(path)


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile neighbour.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\nneighbour.mp4\n#EXT-X-ENDLIST\n",
        "\ufeff#EXTM3U\nneighbour.mp4\n",
    ],
)
def test_a_playlist_is_not_followed_whatever_its_name(tmp_path, text):
    make_video(tmp_path / "neighbour.mp4", frames=3)
    path = tmp_path / "list.mp4"
    path.write_text(text)
    assert "a playlist" in refusal(path)


def test_a_name_does_not_choose_the_demuxer(tmp_path):
    path = make_video(tmp_path / "film.mkv", frames=3).rename(tmp_path / "film.mp4")
    with open_media(path) as container:
        assert "matroska" in container.format.name


def test_garbage_behind_a_good_beginning(tmp_path):
    path = tmp_path / "garbage.mkv"
    path.write_bytes(b"\x1aE\xdf\xa3" + bytes(range(256)) * 40)
    assert "copy or download it again" in refusal(path)


def test_subtitles_alone_are_neither_pictures_nor_sound(tmp_path):
    path = tmp_path / "words.mkv"
    with av.open(str(path), "w") as out:
        words = out.add_mux_stream("subrip")
        packet = av.Packet(b"words")
        packet.stream, packet.pts, packet.dts, packet.duration = words, 0, 0, 1000
        packet.time_base = Fraction(1, 1000)
        out.mux(packet)
    assert "neither its video nor its sound" in refusal(path)


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [
        (b"\0\0\0\x20ftypisom", "mp4"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav"),
        (b"fLaC\0\0\0\x22", "flac"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"FORM\0\0\0\0AIFFCOMM", "aiff"),
        (b"FORM\0\0\0\0ILBMBMHD", None),
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xf3\x40\xc4", "mp3"),
        (b"\xff\xfd\x84\xc4", "mp3"),  # layer II
        (b"\xff\xf1\x50\x40", "aac"),
        (b"\xff\xfev\0i\0d\0", None),  # text in UTF-16
        (b"\xff\xd8\xff\xe0", None),  # a JPEG
        ((b"\x47" + bytes(187)) * 5, "mpegts"),
        ((bytes(4) + b"\x47" + bytes(187)) * 5, "mpegts"),
        (bytes(100) + (b"\x47" + bytes(187)) * 5, "mpegts"),
        (b"\x47 begins with a G", None),
        (b"<?xml version='1.0'?><MPD>", None),
        (b"", None),
    ],
)
def test_sniff(head, demuxer):
    assert sniff(head) == demuxer


def test_cover_art_is_not_the_video(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=48_000, layout="mono")
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        out.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")))
        out.mux(cover.encode(None))
        for start in range(0, 48_000, 1024):
            silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            silence.sample_rate, silence.pts = 48_000, start
            silence.planes[0].update(bytes(4096))
            out.mux(sound.encode(silence))
        out.mux(sound.encode(None))
    with open_media(path) as container:
        assert len(container.streams.video) == 1
        assert video_stream(container) is None
    assert not probe(path).has_video


@pytest.mark.full
def test_a_stream_that_begins_late_changes_nothing(tmp_path):
    """Sound that comes long after a transport stream was opened: PyAV stumbles over it at the end."""
    times = [Fraction(k, 5) for k in range(200)]
    noise = np.random.default_rng(1).integers(0, 256, (len(times), 48, 64, 3), np.uint8)  # large, so as to be read late
    quiet, after = (
        make_video(tmp_path / f"{begin}.ts", times=[begin + t for t in times], size=(64, 48), pictures=list(noise))
        for begin in (0, 42)
    )
    loud = tmp_path / "loud.ts"
    make_video(loud, frames=50, size=(64, 48), audio="aac", container_options={"output_ts_offset": "40"})
    path = tmp_path / "late.ts"
    path.write_bytes(quiet.read_bytes() + loud.read_bytes() + after.read_bytes())
    with open_media(path) as container:
        assert len(container.streams) == 1
        assert sum(1 for _ in demuxed(container.demux())) > 2 * len(times)
        assert len(container.streams) == 1
    media = probe(path)
    assert media.audio is None
    samples = plan_samples(media.duration_s, 1)
    pictures = list(decode_pictures(media, samples, max_side=None, jpeg_quality=80, crop=None))
    assert len(pictures) == len(samples) > 30
