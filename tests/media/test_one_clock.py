"""Files whose clock jumps, or in which a time is wrong: pictures come at their times, and the sound stays with them."""

import random
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from framefleet.media.audio.clips import decode_clips, plan_sound
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.types import MediaInfo
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import FrameRequest, Pixels, PixelView
from tests.media.make import make_video, number_of
from tests.media.odd import Track, make_tracks, spoil_time
from tests.media.sound import bursts, heard_at, jumped, make_sound

pytestmark = pytest.mark.full

FPS, FRAMES = 10, 50
DATA = Path(__file__).parent / "data"


def numbers(path: Path, media: MediaInfo | None = None) -> list[int | None]:
    """Of the pictures on screen, ten a second; None where there is none."""
    media = media or probe(path)
    pieces = decode_orders(media, [FrameRequest(plan_samples(media.duration_s, FPS), PixelView(160))], threads=2)
    return [number_of(piece.rgb) if isinstance(piece, Pixels) else None for _, piece in pieces]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clocks")


@pytest.fixture(scope="module")
def stream(folder):
    """A transport stream of five seconds that begins at a time, its pictures stored out of order if asked."""

    def made(begin: float = 0, *, reordered: bool = True, audio: str | None = "mp2") -> Path:
        path = folder / f"{begin}{reordered}{audio}.ts"
        if not path.exists():
            make_video(
                path,
                frames=FRAMES,
                fps=FPS,
                audio=audio,
                options={"bf": "3" if reordered else "0"},
                container_options={"output_ts_offset": f"{begin:.3f}"},
            )
        return path

    return made


@pytest.mark.parametrize("fields", [("pts", "dts"), ("pts",), ("dts",)], ids="+".join)
@pytest.mark.parametrize("which", [0, 20, -2, -1])
@pytest.mark.parametrize("reordered", [False, True], ids=["in order", "reordered"])
def test_one_wrong_time_loses_no_picture(stream, tmp_path, reordered, which, fields):
    whole = stream(reordered=reordered)
    path = Path(shutil.copy(whole, tmp_path / "a.ts"))
    spoil_time(path, which, fields=fields)
    media = probe(path)
    assert media.duration_s == 5.0
    assert media.audio == probe(whole).audio
    assert numbers(path, media) == list(range(FRAMES))


@pytest.mark.parametrize("bit", [15, 16, 17])
@pytest.mark.parametrize("reordered", [False, True], ids=["in order", "reordered"])
def test_a_time_that_is_wrong_by_a_second_loses_one_picture(stream, tmp_path, reordered, bit):
    """No clock can tell it from a picture that is stored early; the order in which they are shown does."""
    path = Path(shutil.copy(stream(reordered=reordered), tmp_path / "a.ts"))
    spoil_time(path, 20, bit, fields=("pts",))
    media = probe(path)
    assert media.duration_s == pytest.approx(5, abs=1 / FPS)
    assert sum(shown != number for number, shown in enumerate(numbers(path, media))) <= 1


@pytest.mark.parametrize("bit", [20, 24, 32])
@pytest.mark.parametrize("which", [0, 2, -1])
def test_a_wrong_time_of_the_sound_moves_nothing(stream, tmp_path, which, bit):
    path = Path(shutil.copy(stream(), tmp_path / "a.ts"))
    spoil_time(path, which, bit, sound=True)
    media = probe(path)
    assert media.audio == probe(stream()).audio
    assert numbers(path, media) == list(range(FRAMES))
    (clip,) = decode_clips(media, plan_sound(media, 60))
    assert clip.span.length_s == pytest.approx(5, abs=0.05)
    assert not clip.gaps


@pytest.mark.parametrize(
    ("begins", "audio"),
    [
        ((0, 36_000), "mp2"),
        ((36_000, 0), "aac"),
        ((0, 0), "mp2"),
        ((0, 0), None),
        ((100, 0), None),
        ((90_000, 10, 50_000), "aac"),
        ((0, 95_300), "mp2"),
    ],
    ids=str,
)
def test_recordings_put_end_to_end_are_one(stream, tmp_path, begins, audio):
    path = tmp_path / "all.ts"
    path.write_bytes(b"".join(stream(begin, audio=audio).read_bytes() for begin in begins))
    media = probe(path)
    assert media.duration_s == pytest.approx(5 * len(begins), abs=0.001)
    assert media.duration_from == "counted"
    assert numbers(path, media) == list(range(FRAMES)) * len(begins)
    if audio is not None:
        assert media.audio.duration_s == pytest.approx(5 * len(begins), abs=0.1)


def test_programme_streams_put_end_to_end_are_one(tmp_path):
    """As cells of a DVD are, each with a clock of its own."""
    one = make_video(tmp_path / "a.mpg", frames=FRAMES, fps=25, codec="mpeg2video", audio="mp2", options={"g": "12"})
    both = tmp_path / "both.mpg"
    both.write_bytes(one.read_bytes() * 2)
    media = probe(both)
    assert media.duration_s == pytest.approx(4, abs=0.05)
    samples = plan_samples(media.duration_s, 25)
    pieces = decode_orders(media, [FrameRequest(samples, PixelView(160))], threads=2)
    assert [number_of(piece.rgb) for _, piece in pieces] == [*range(FRAMES)] * 2


def test_ogg_put_end_to_end_is_as_long_as_both(tmp_path):
    one = make_sound(tmp_path / "one.opus", [(0, bursts(0, 4))], codec="libopus")
    both = tmp_path / "both.opus"
    both.write_bytes(one.read_bytes() * 2)
    media = probe(both)
    assert media.duration_s == pytest.approx(8, abs=0.1)
    clips = list(decode_clips(media, plan_sound(media, 60)))
    assert heard_at(clips) == pytest.approx(range(8), abs=0.06)


def test_sound_stays_with_the_pictures_across_a_jump(tmp_path):
    parts = []
    for at in (0, 5000):
        parts.append(make_sound(tmp_path / f"{at}.ts", [(at, bursts(0, 2))], codec="mp2", video_from_s=at))
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    media = probe(both)
    assert media.duration_s == pytest.approx(4, abs=0.05)
    alone = probe(parts[0])
    apart = heard_at(decode_clips(alone, plan_sound(alone, 60)))
    assert heard_at(decode_clips(media, plan_sound(media, 60))) == pytest.approx(
        [*apart, *(time + 2 for time in apart)], abs=0.05
    )


@pytest.mark.parametrize("before_s", [3, 66])
def test_the_clock_of_33_bits_wraps(stream, before_s):
    path = stream(2**33 / 90_000 - before_s)
    media = probe(path)
    assert media.duration_s == 5.0
    assert numbers(path, media) == list(range(FRAMES))
    assert media.notes == ()


def test_parts_of_one_recording_are_one(tmp_path):
    one, two = (
        make_video(tmp_path / f"{at}.ts", frames=100, container_options={"output_ts_offset": str(at)}) for at in (0, 4)
    )
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    media = probe(both)
    assert media.duration_s == pytest.approx(8, abs=0.1)
    assert media.notes == ()


def test_a_picture_of_another_container_that_is_shown_at_a_wrong_time(tmp_path):
    """MP4: a time of composition, of which each picture has its own (ISO/IEC 14496-12, 8.6.1.3), is absurd."""
    path = make_video(tmp_path / "a.mp4", frames=FRAMES, fps=FPS, options={"bf": "3"}, audio="aac")
    right = probe(path)
    for place in (7, 30, FRAMES - 1):
        data = bytearray(path.read_bytes())
        table = data.find(b"ctts") + 12
        runs = [int.from_bytes(data[at : at + 4]) for at in range(table, table + 8 * FRAMES, 8)]
        run = next(number for number in range(len(runs)) if sum(runs[: number + 1]) > place)
        if runs[run] != 1:
            continue
        data[table + 8 * run + 4] ^= 0x10
        wrong = tmp_path / f"wrong{place}.mp4"
        wrong.write_bytes(data)
        media = probe(wrong)
        assert media.duration_s == pytest.approx(right.duration_s, abs=0.11)
        told = numbers(wrong, media)
        assert sum(a != b for a, b in zip(told, range(FRAMES), strict=False)) <= 1


def test_pictures_that_stand_long_are_no_jumps(tmp_path):
    times = [Fraction(t) for t in (0, 1, 2, 40, 41, 400, 401)]
    for name in ("a.mkv", "a.mp4"):
        path = make_video(tmp_path / name, times=times, fps=1, options={"bf": "0"})
        media = probe(path)
        assert media.duration_s == pytest.approx(402, abs=1)
        samples = [sample for sample in plan_samples(media.duration_s, 1) if sample.index in {0, 39, 40, 399, 400, 401}]
        pieces = decode_orders(media, [FrameRequest(samples, PixelView(160))])
        assert [number_of(piece.rgb) for _, piece in pieces] == [0, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
@pytest.mark.parametrize(
    ("pictures_s", "at_s", "by_s"),
    [(8, 3, 7200), (8, 3, 60), (4, 6, 7200), (8, 7.5, 40_000)],
    ids=["pictures go on", "by a minute", "behind the pictures", "near the end"],
)
def test_sound_that_jumps_ahead_alone_makes_nothing_longer(tmp_path, pictures_s, at_s, by_s, ending):
    """Hours of a picture that stands, in which nobody speaks, would be paid for."""
    path = make_tracks(tmp_path / "whole.mkv", [Track(bursts(0, 8), codec="aac")], pictures_s=(0, pictures_s))
    path = jumped(path, tmp_path / f"jumped.{ending}", at_s=at_s, by_s=by_s)
    media = probe(path)
    assert media.duration_s == pytest.approx(8, abs=0.1)
    assert media.audio.duration_s == pytest.approx(8, abs=0.1)
    assert len(media.notes) == 1
    clips = list(decode_clips(media, plan_sound(media, 60)))
    assert heard_at(clips) == pytest.approx(range(8), abs=0.06)
    assert not any(clip.gaps for clip in clips)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_sound_that_was_silent_for_long_keeps_its_time(tmp_path, ending):
    """Somebody's microphone was off while pictures went on, and again when the last one stands."""
    wave = bursts(0, 3)
    path = make_tracks(tmp_path / f"a.{ending}", [Track(wave, codec="flac")], pictures_s=(0, 30))
    quiet = jumped(path, tmp_path / f"b.{ending}", at_s=1.5, by_s=20)
    at_end = jumped(path, tmp_path / f"c.{ending}", at_s=1.5, by_s=36)
    for media, last in ((probe(quiet), 22), (probe(at_end), 38)):
        assert media.notes == ()
        assert media.duration_s == pytest.approx(max(30, last + 1), abs=0.1)
        assert heard_at(decode_clips(media, plan_sound(media, 60))) == pytest.approx([0, 1, last], abs=0.06)


def test_only_files_that_were_put_right_are_asked_about_anew(stream, tmp_path):
    whole, spoilt = stream(), Path(shutil.copy(stream(), tmp_path / "a.ts"))
    spoil_time(spoilt, 20)
    assert (probe(whole).pictures_read_anew, probe(whole).sound_read_anew, probe(whole).notes) == ((), (), ())
    media = probe(spoilt)
    assert "one clock" in media.pictures_read_anew
    assert "one clock" in media.sound_read_anew
    (note,) = media.notes
    assert "clock" in note


def test_a_hole_in_the_bytes_keeps_its_time(tmp_path):
    """Twelve seconds lost: pictures and sound jump together, as they would at another recording."""
    path = make_video(tmp_path / "a.ts", frames=300, fps=FPS, audio="mp2")
    data = bytearray(path.read_bytes())
    begin, end = (len(data) * part // 30 // 188 * 188 for part in (9, 21))
    data[begin:end] = random.Random(1).randbytes(end - begin)
    path.write_bytes(data)
    media = probe(path)
    assert media.duration_s == 30.0
    told = numbers(path, media)
    assert told[:80] == list(range(80))
    assert told[-60:] == list(range(240, 300))
    assert None in told
