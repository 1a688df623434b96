"""Files of all kinds that PyAV decodes: told by their content, sampled right; and what is none stays outside."""

import random
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import InputError
from framefleet.media.audio.clips import decode_clips, plan_sound
from framefleet.media.files.container import _opened, refusal
from framefleet.media.files.kind import is_text, sniff, what_else
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Gap
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import FrameRequest, PixelView
from tests.media.make import make_video, number_of
from tests.media.sound import bursts, heard_at, make_sound

# kind: muxer, encoder, what the encoder wants, sound
PICTURES = {
    "flv": ("flv", "flv", {}, "libmp3lame"),
    "flv of h264": ("flv", "libx264", {}, "aac"),
    "wmv": ("asf", "wmv2", {}, "wmav2"),
    "vob": ("vob", "mpeg2video", {"bf": "2", "g": "12"}, "mp2"),
    "mpg": ("mpeg", "mpeg1video", {"bf": "2", "g": "12"}, None),
    "mxf": ("mxf", "mpeg2video", {"bf": "2", "g": "12"}, "pcm_s16le"),
    "gif": ("gif", "gif", {}, None),
    "apng": ("apng", "apng", {}, None),
    "h264": ("h264", "libx264", {}, None),
    "hevc": ("hevc", "libx265", {}, None),
    "m2v": ("mpeg2video", "mpeg2video", {"bf": "2", "g": "12"}, None),
    "m4v": ("m4v", "mpeg4", {"bf": "2"}, None),
    "ivf": ("ivf", "libvpx-vp9", {}, None),
    "obu": ("obu", "libsvtav1", {"preset": "8", "crf": "20", "svtav1-params": "keyint=24"}, None),
    "mjpeg": ("mjpeg", "mjpeg", {}, None),
    "mjpeg in parts": ("mpjpeg", "mjpeg", {}, None),
    "y4m": ("yuv4mpegpipe", "wrapped_avframe", {}, None),
    "nut": ("nut", "ffv1", {}, "flac"),
    "rm": ("rm", "rv20", {}, "ac3"),
    "wtv": ("wtv", "mpeg2video", {"bf": "2", "g": "12"}, "mp2"),
    "3gp": ("3gp", "mpeg4", {}, "aac"),
}
FORMATS = {"gif": "rgb8", "apng": "rgb24", "mjpeg": "yuvj420p", "mjpeg in parts": "yuvj420p"}
FRAMES = 40
SIDES = (160, 128)

SOUNDS = {
    "wma": ("asf", "wmav2"),
    "ac3": ("ac3", "ac3"),
    "eac3": ("eac3", "eac3"),
    "caf": ("caf", "pcm_s16le"),
    "au": ("au", "pcm_s16be"),
    "w64": ("w64", "pcm_s16le"),
    "voc": ("voc", "pcm_s16le"),
    "sox": ("sox", "pcm_s32le"),
    "tta": ("tta", "tta"),
    "wv": ("wv", "wavpack"),
    "loas": ("latm", "aac"),
    "amr": ("amr", "libopencore_amrnb"),
}


@pytest.fixture(scope="module")
def of_kind(tmp_path_factory: pytest.TempPathFactory):
    """`of_kind("flv")`: that file, made once, under a name that says nothing of it."""
    folder, made = tmp_path_factory.mktemp("kinds"), {}

    def make(kind: str) -> Path:
        if kind not in made:
            format, codec, options, audio = PICTURES[kind]
            made[kind] = make_video(
                folder / f"{kind}.bin", frames=FRAMES, fps=25, size=SIDES, codec=codec, options=options, audio=audio,
                pix_fmt=FORMATS.get(kind, "yuv420p"), format=format,
            )  # fmt: skip
        return made[kind]

    return make


def numbers(media, rate, **how):
    samples = plan_samples(media.duration_s, rate)
    pieces = [piece for _, piece in decode_orders(media, [FrameRequest(samples, PixelView(160))], **how)]
    return samples, [None if isinstance(piece, Gap) else number_of(piece.rgb) for piece in pieces]


@pytest.mark.full
@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_of_every_kind_are_those_on_screen(of_kind, kind):
    media = probe(of_kind(kind))
    assert (media.width, media.height) == SIDES
    rate = Fraction(media.frame_count or FRAMES, 1) / Fraction(str(media.duration_s))
    assert media.duration_s == pytest.approx(FRAMES / float(media.fps), abs=0.05)
    assert float(rate) == pytest.approx(media.fps, rel=0.04)
    assert media.fps == pytest.approx(25, rel=0.01)
    for threads in (1, 4):
        samples, got = numbers(media, 10, threads=threads)
        assert len(got) == len(samples) >= 15
        assert got == [min(int(sample.time * 25), FRAMES - 1) for sample in samples]


@pytest.mark.full
@pytest.mark.parametrize("kind", PICTURES)
def test_keyframes_of_every_kind(of_kind, kind):
    media = probe(of_kind(kind))
    _, got = numbers(media, 2, sampling="keyframes")
    assert got and None not in got
    assert got[0] == 0


@pytest.mark.parametrize("kind", [kind for kind, (_, _, _, audio) in PICTURES.items() if audio])
def test_sound_beside_pictures_of_every_kind(of_kind, kind):
    audio = probe(of_kind(kind)).audio
    assert audio is not None
    assert audio.duration_s == pytest.approx(FRAMES / 25, abs=0.15)


@pytest.mark.full
@pytest.mark.parametrize("kind", SOUNDS)
def test_sounds_of_every_kind(tmp_path, kind):
    format, codec = SOUNDS[kind]
    path = tmp_path / "sound.bin"
    rate = 8000 if kind == "amr" else 48_000
    with av.open(str(path), "w", format=format) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        if codec == "wmav2":
            stream.bit_rate = 64_000
        wave = bursts(0, 4, rate)
        for at in range(0, len(wave), 160):
            frame = av.AudioFrame.from_ndarray(wave[None, at : at + 160], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    media = probe(path)
    assert not media.has_video and media.audio is not None
    assert media.audio.duration_s == pytest.approx(4, abs=0.15)
    heard = heard_at(decode_clips(media, plan_sound(media, 60)))
    assert heard[-3:] == pytest.approx([1, 2, 3], abs=0.06)  # of the first, some decoders need half to come in


@pytest.mark.parametrize("kind", ["h264", "hevc", "m2v", "mpg"])
def test_what_does_not_begin_at_the_beginning(of_kind, tmp_path, kind):
    """Recorders cut their files anywhere; a header that is missing is no reason to refuse a stream."""
    data = of_kind(kind).read_bytes()
    path = tmp_path / "cut.bin"
    path.write_bytes(data[len(data) // 3 :])
    media = probe(path)
    assert 0.3 < media.duration_s < FRAMES / 25
    _, got = numbers(media, 10)
    shown = [number for number in got if number is not None]
    assert shown == sorted(shown) and len(shown) >= 3
    assert shown[-1] >= FRAMES - 6


def test_sound_with_something_before_it(tmp_path):
    path = make_sound(tmp_path / "tone.mp3", [(0, bursts(0, 4))], codec="libmp3lame")
    padded = tmp_path / "padded.bin"
    padded.write_bytes(bytes(3000) + path.read_bytes())
    assert probe(padded).audio.codec == "mp3"


def test_pictures_without_times_say_so(of_kind):
    assert probe(of_kind("h264")).counted_at == 25
    assert probe(of_kind("mjpeg")).counted_at == 25
    assert probe(of_kind("flv")).counted_at is None


def still(path, codec, **options):
    return make_video(path, frames=1, codec=codec, pix_fmt=options.pop("pix_fmt", "rgb24"), size=(64, 48), **options)


def test_a_picture_is_no_video(tmp_path):
    for name, codec, more in (
        ("a.gif", "gif", {"pix_fmt": "rgb8"}),
        ("a.mp4", "png", {"format": "image2"}),
        ("b.mp4", "mjpeg", {"format": "image2", "pix_fmt": "yuvj420p"}),
        ("c.mp4", "libwebp", {"format": "webp", "pix_fmt": "yuv420p"}),
        ("d.mp4", "libsvtav1", {"format": "avif", "pix_fmt": "yuv420p"}),
        ("e.mp4", "bmp", {"format": "image2", "pix_fmt": "bgr24"}),
    ):
        path = still(tmp_path / name, codec, **more)
        assert refusal(path) == "an image", name
        with pytest.raises(InputError, match="not a video or sound but an image"):
            probe(path)


def test_two_photographs_in_one_file_are_no_video(tmp_path):
    """Cameras put a second picture behind the first: of the other eye, or of brightness."""
    one = still(tmp_path / "one.jpg", "mjpeg", format="image2", pix_fmt="yuvj420p").read_bytes()
    path = tmp_path / "two.mp4"
    path.write_bytes(one * 2)
    assert refusal(path) == "an image"
    path.write_bytes(one[:2] + b"\xff\xe2\x00\x06MPF\0" + one[2:] + one * 5)
    assert refusal(path) == "an image"
    path.write_bytes(one + b"\0" * 100 + b"\0\0\0\x18ftypmp42" + bytes(500))  # a "motion photo"
    assert refusal(path) == "an image"
    path.write_bytes(one * 3)
    assert refusal(path) is None


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [
        (b"FLV\x01\x05\0\0\0\x09", "flv"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(8), "asf"),
        (b"\0\0\x01\xba\x44\0\4\0", "mpeg"),
        (b"\0\0\x01\xe0\0\0\x81\x80", "mpeg"),
        (b"\0\0\x01\xb3\x16\0\xf0\x13", "mpegvideo"),
        (b"\0\0\0\x01\x67\x42\0\x1f" + bytes(8), "h264"),
        (b"\0\0\0\x01\x09\x10\0\0\0\x01\x27\x42" + bytes(8), "h264"),
        (b"\0\0\0\x01\x40\x01\x0c\0\0\0\x01\x42\x01" + bytes(8), "hevc"),
        (b"\0\0\x01\xb0\x01\0\0\x01\xb5\x09\0\0\x01\0\0\0\x01\x20", "m4v"),
        (b"\0\0\x01\0\x01\0\x20\x20", None),  # an icon
        (b"\x1f\x07\0\xbf", "dv"),
        (b"\x1f\x07\0\x3f", "dv"),
        (b"DHAV\xfd\0\0\0", "dhav"),
        (b"#!AMR\n\x04", "amr"),
        (b"#!AMR\nis a word", None),
        (b"MAC \x96\x0f\0\0", "ape"),
        (b"MAC addresses are six bytes", None),
        (b".snd\0\0\0\x18", "au"),
        (b"caff\0\x01", "caf"),
        (b"\x0b\x77\x4f\xfc\x1c\x40", "ac3"),
        (b"\x0b\x77\x01\x3f\x3f\x80", "eac3"),
        (b"\x0b\x77 a vertical tab", None),
        (b"RIFX\0\0\0\0WAVE", "wav"),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"RIFF\0\0\0\0ACON", None),  # a moving mouse pointer
        (b"\0\0\0\x18ftypheic\0\0\0\0", None),
        (b"\0\0\0\x18ftypavif\0\0\0\0", None),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", None),
        (b"\0\0\0\x18ftypqt  \0\0\0\0", "mp4"),
        (b"The free world", None),
        (b"I'm wide awake", None),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + b"\xff\xf1\x50\x80", "aac"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + b"fLaC\0", "flac"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xd8\xff\xe0", None),
        (b"GIF89a", None),
        (b"#EXTM3U\n#EXTINF:1,\n", None),
        (b"ffconcat version 1.0\n", None),
        (b"--frame\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\0", "mjpeg"),
        (b"--frame\r\nContent-Type: image/jpeg\r\n\r\n", None),
        (b"FWS\x09\0\0", None),
    ],
)
def test_beginnings(head, demuxer):
    assert sniff(head) == demuxer


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"PK\x03\x04\x14\0", "an archive or a document"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a document"),
        (b"\x7fELF\x02\x01\x01\0", "a program"),
        (b"MZ\x90\0\x03\0", "a program"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", "a text file"),
        ("Zeit läuft".encode("latin-1"), "a text file"),
        ("\ufeffwords".encode("utf-16"), "a text file"),
        (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0", "an animated WebP, which cannot be decoded here"),
        (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0", "an image"),
        (b"[playlist]\nFile1=a.mp4\n", "a playlist, which only names other files"),
        (b"\x81\x82\x83\0", None),
    ],
)
def test_what_else_there_is(head, what):
    assert sniff(head) is None
    assert what_else(head) == what


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_text_is_never_taken_for_a_video(text):
    for encoded in (text.encode(), ("\ufeff" + text).encode(), text.encode("utf-16")):
        assert encoded.startswith(b"YUV4MPEG2 ") or sniff(encoded) is None or not is_text(encoded)
    if text.isascii():
        assert sniff(text.encode()) is None or text.startswith("YUV4MPEG2 ")


WORDS = [
    "MAC ",
    "caff",
    "DSD ",
    "FORM",
    "ID3",
    "#!AMR\n",
    "TTA1",
    "OggS",
    "RIFF",
    "the free",
    "GIF8",
    "BM",
    "DKIF",
    "FLV\n",
]


@given(st.sampled_from(WORDS), st.text(alphabet="abc \n", min_size=20, max_size=3000))
def test_a_text_that_begins_like_a_video_is_still_one(word, rest):
    assert sniff((word + rest).encode()) is None
    assert what_else((word + rest).encode()) in {"a text file", "an image"}


def test_random_bytes_are_nothing(tmp_path):
    source = random.Random(7)
    for number, size in enumerate((10, 3000, 70_000, 300_000)):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(b"\x80" + source.randbytes(size))
        with pytest.raises(InputError, match=r"not a video or sound \("):
            probe(path)


@pytest.mark.parametrize(
    ("demuxer", "text"),
    [
        ("concat", "ffconcat version 1.0\nfile {}\n"),
        ("hls", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"),
    ],
)
def test_no_other_file_can_be_opened(tmp_path, demuxer, text):
    """Even a demuxer that opens what a file names, which is on no list, would get nothing."""
    path = tmp_path / "list.mp4"
    path.write_text(text.format(make_video(tmp_path / "neighbour.ts", frames=30)))
    options = {"safe": "0"} if demuxer == "concat" else {}
    with av.open(str(path), format=demuxer, options=options) as container:
        assert container.streams.video  # so it is if FFmpeg is left alone
    with pytest.raises((av.FFmpegError, OSError)), _opened(path, demuxer, demuxer) as container:
        next(container.demux())


def test_reference_movies_are_not_followed(tmp_path):
    """A track whose data lie in another file (`dref`) has none here."""
    path = make_video(tmp_path / "film.mov", frames=5)
    data = path.read_bytes()
    other = tmp_path / "other.mov"
    at = data.index(b"url \0\0\0\x01")
    other.write_bytes(data[: at + 4] + b"\0\0\0\0" + data[at + 8 :])  # no longer "in this very file"
    try:
        media = probe(other)
    except InputError:
        return
    assert media.path == other


def test_names_choose_nothing(tmp_path):
    """Not even one that FFmpeg would take for an address or for a list of pictures."""
    for name in ("a%03d.png", "http:clip.mp4", "concat:a|b", "-i.mkv"):
        path = make_video(tmp_path / name, frames=3, format="matroska")
        assert probe(path).codec == "h264"
