"""The redacted video: covered in every frame, with the sound chosen and nothing else; or no file at all."""

import stat
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from msgspec.structs import replace

from framefleet.errors import InputError, UsageError
from framefleet.media.files.probe import probe
from framefleet.outputs.redaction.options import RedactOptions
from framefleet.outputs.redaction.redact import Redacted, proof_of, redact
from framefleet.outputs.render.options import RenderOptions
from framefleet.progress import Event, ItemDone
from framefleet.schema.document import Document
from framefleet.stages.finding import Found, Pixels
from tests.conftest import full
from tests.media.sound import bursts, make_sound
from tests.media.test_damage import spoil
from tests.outputs.render.squares import box_at, document_of, frames_of, opened, squares
from tests.outputs.render.test_sound import heard_at

KINDS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "h264.mkv": {},
    "h264.ts": {},
    "h264.flv": {},
    "hevc.mov": {"codec": "libx265"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "open.mp4": {"options": {"x264-params": "open-gop=1:scenecut=0", "g": "10"}},
    "vfr.mkv": {"times": [Fraction(n * n, 1000) + Fraction(n, 100) for n in range(40)]},
}
TIMES = [Fraction(number, 25) for number in range(50)]


class Squares:
    """A finder of the lighter square, as a person. `asked` counts the frames that it looked at."""

    def __init__(self, label: str = "person") -> None:
        self.asked, self._label = 0, label

    def prepare(self, frame: VideoFrame) -> Pixels:
        return frame.to_ndarray(format="rgb24")

    def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
        self.asked += len(frames)
        return [self._look(frame[:, :, 1] > 115) for frame in frames]

    def _look(self, seen: Any) -> list[Found]:
        rows, columns = np.nonzero(seen)
        if len(rows) < 100:
            return []
        edges = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return [Found(self._label, tuple(map(float, edges)), 0.9)]  # type: ignore[arg-type]


Make = Callable[..., tuple[Redacted, Path]]


@pytest.fixture
def redacted(tmp_path: Path) -> Make:
    """`redacted(video, document, finder, **options)`: what came of it, and the new file."""

    def make(
        video: Path, document: Document | None = None, finder: Any = None, **options: Any
    ) -> tuple[Redacted, Path]:
        target = tmp_path / "out" / "redacted.mp4"
        target.parent.mkdir(exist_ok=True)
        given = RedactOptions(**{"labels": ("person",), "style": "box"} | options)
        finders = [finder or Squares()]
        return redact(document or document_of(video), probe(video), target, given, finders=finders), target

    return make


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


@pytest.mark.parametrize("every", [1, 3, 10])
def test_what_is_found_is_covered_in_every_frame(tmp_path: Path, redacted: Make, every: int) -> None:
    finder = Squares()
    made, target = redacted(squares(tmp_path / "v.mp4"), None, finder, every=every)
    frames = frames_of(target)
    assert [time for time, _ in frames] == TIMES
    assert made.frames == made.covered == 50
    for time, (luma, _, _) in frames:
        x1, y1, x2, y2 = map(round, box_at(float(time)))
        assert luma[y1:y2, x1:x2].max() < 40, float(time)
    assert finder.asked == -(-49 // every) + 1  # with the first and last, and no more: it moves evenly


@pytest.mark.full
@pytest.mark.parametrize("rotation", [90, *full(180)])
def test_turned_videos_are_covered_upright(tmp_path: Path, redacted: Make, rotation: int) -> None:
    _, target = redacted(squares(tmp_path / "v.mp4", rotation=rotation))
    for time, (luma, _, _) in frames_of(target):
        x1, y1, x2, y2 = map(round, box_at(float(time)))
        assert luma[y1:y2, x1:x2].max() < 40


@pytest.mark.full
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("sound_s", [None, 1.7, 2.4])
@pytest.mark.parametrize("start", [Fraction(0), Fraction(53, 100)])
def test_an_undamaged_file_of_any_kind_is_written_whole(
    tmp_path: Path, redacted: Make, name: str, sound_s: float | None, start: Fraction
) -> None:
    """Strictness is about damage, not about sound that ends first or last, or frames stored in another order."""
    codec = "libopus" if name.endswith(".webm") else "aac"
    sound = {} if sound_s is None else {"audio": codec, "audio_s": sound_s}
    made, target = redacted(squares(tmp_path / name, **KINDS[name], **sound), film=RenderOptions(start=start))
    assert made.frames == made.covered == len(frames_of(target))


@pytest.mark.full
def test_what_is_not_hidden_stays_as_it_was(tmp_path: Path, redacted: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    _, target = redacted(video, film=RenderOptions(crf=10.0))
    for (_, before), (_, after) in zip(frames_of(video), frames_of(target), strict=True):
        assert abs(before[0][:60].astype(int) - after[0][:60]).mean() < 2


def test_something_that_comes_between_two_looks_is_looked_for_in_every_frame(tmp_path: Path, redacted: Make) -> None:
    """Here a cut brings it, in the second frame after one that was looked at."""
    video = squares(tmp_path / "v.mp4", times=TIMES)

    class Late(Squares):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[int] = []

        def prepare(self, frame: VideoFrame) -> Pixels:
            pixels = super().prepare(frame)
            self.seen.append(len(self.seen))
            return pixels if len(self.seen) > 23 else np.zeros_like(pixels)  # from frame 23 on

    finder = Late()
    made, _ = redacted(video, None, finder, every=3)
    assert finder.asked == 18 + 2
    assert made.covered == 50 - 23 + 12  # held for half a second before


@pytest.mark.full
def test_the_last_frame_is_covered_while_it_stands(tmp_path: Path, redacted: Make) -> None:
    video = squares(tmp_path / "still.mkv", audio="aac", audio_s=6)
    made, target = redacted(video)
    frames = frames_of(target)
    assert frames[-1][0] > 5
    x1, y1, x2, y2 = map(round, box_at(49 / 25))
    assert all(luma[y1:y2, x1:x2].max() < 40 for time, (luma, _, _) in frames if time >= 2)
    assert made.covered == len(frames)


def test_a_single_frame_is_covered_while_it_stands(tmp_path: Path, redacted: Make) -> None:
    made, target = redacted(squares(tmp_path / "still.mkv", times=[Fraction(0)], audio="aac", audio_s=2))
    frames = frames_of(target)
    x1, y1, x2, y2 = map(round, box_at(0))
    assert all(luma[y1:y2, x1:x2].max() < 40 for _, (luma, _, _) in frames)
    assert made.covered == len(frames) > 10


def test_a_frame_that_stands_is_covered_where_its_own_things_are(tmp_path: Path, redacted: Make) -> None:
    """Not where those of the frame before it were."""
    video = squares(tmp_path / "still.mkv", times=[Fraction(0), Fraction(1)], audio="aac", audio_s=4)
    _, target = redacted(video, every=1)
    last = [luma for time, (luma, _, _) in frames_of(target) if time >= 2]
    x1, y1, _, y2 = map(round, box_at(0))
    gone = round(box_at(1)[0]) - 20  # what is covered is larger than the square
    assert last
    assert all(luma[y1:y2, x1:gone].min() > 60 for luma in last)


def test_both_passes_tell_how_far_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framefleet.outputs.render.render._PAUSE_S", 0.0)
    video, events = squares(tmp_path / "v.mp4"), list[Event]()
    options = RedactOptions(labels=("person",), style="box")
    redact(document_of(video), probe(video), tmp_path / "r.mp4", options, finders=[Squares()], listener=events.append)
    for stage in ("detect", "render"):
        units = [event.units for event in events if isinstance(event, ItemDone) and event.stage == stage]
        assert sum(units) == pytest.approx(49 / 25), stage


@pytest.mark.full
def test_a_part_of_the_video(tmp_path: Path, redacted: Make) -> None:
    video = squares(tmp_path / "v.mp4", audio="aac")
    made, target = redacted(video, film=RenderOptions(start=Fraction(1, 2), end=Fraction(3, 2)))
    frames = frames_of(target)
    assert made.frames == len(frames) == 26  # the first is on screen at the start
    for time, (luma, _, _) in frames[1:]:
        x1, y1, x2, y2 = map(round, box_at(float(time) + 0.5))
        assert luma[y1:y2, x1:x2].max() < 40


# --- nothing, or the whole


@pytest.mark.full
@pytest.mark.parametrize("first", [30, *full(2, 80)])
def test_a_frame_that_cannot_be_decoded_leaves_no_file(tmp_path: Path, redacted: Make, first: int) -> None:
    times = [Fraction(n, 25) for n in range(96)]
    video = squares(tmp_path / "v.mp4", times=times, options={"g": "24"})
    spoil(video, first, first + 4)
    with pytest.raises(InputError) as raised:
        redacted(video)
    assert raised.value.code == "frame_lost"
    assert left(tmp_path) == []


@pytest.mark.full
def test_a_file_that_is_cut_off_leaves_no_file(tmp_path: Path, redacted: Make) -> None:
    video = squares(tmp_path / "v.mkv", times=[Fraction(n, 25) for n in range(96)])
    video.write_bytes(video.read_bytes()[: video.stat().st_size * 2 // 3])
    with pytest.raises(InputError):
        redacted(video)
    assert left(tmp_path) == []


@pytest.mark.full
def test_a_part_without_the_damage_is_written(tmp_path: Path, redacted: Make) -> None:
    times = [Fraction(n, 25) for n in range(96)]
    video = squares(tmp_path / "v.mp4", times=times, options={"g": "24"})
    spoil(video, 50, 54)
    made, _ = redacted(video, film=RenderOptions(end=Fraction(1)))
    assert made.frames == 25


class Fails(Squares):
    """A finder that ends badly, after some frames."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
        if self.asked:
            raise self._error
        return super().find(frames)


@pytest.mark.parametrize("error", [RuntimeError("gone"), KeyboardInterrupt(), MemoryError()])
def test_whatever_ends_the_detector_leaves_no_file(tmp_path: Path, redacted: Make, error: BaseException) -> None:
    with pytest.raises(type(error)):
        redacted(squares(tmp_path / "v.mp4"), None, Fails(error))
    assert left(tmp_path) == []


def test_whatever_ends_the_encoder_leaves_no_file(
    tmp_path: Path, redacted: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = iter(range(99))

    def broken(*_: object) -> None:
        if next(count) == 20:
            raise RuntimeError("gone")

    monkeypatch.setattr("framefleet.outputs.redaction.redact.cover", broken)
    with pytest.raises(RuntimeError):
        redacted(squares(tmp_path / "v.mp4"))
    assert left(tmp_path) == []


@pytest.mark.full
def test_a_video_that_changes_between_the_two_passes_leaves_no_file(tmp_path: Path, redacted: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    other = squares(tmp_path / "other.mp4", times=[Fraction(n, 20) for n in range(50)])
    document = document_of(video)

    class Swaps(Squares):
        def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
            if other.exists():
                other.replace(video)
            return super().find(frames)

    with pytest.raises(InputError) as raised:
        redacted(video, document, Swaps())
    assert raised.value.code == "changed"
    assert left(tmp_path) == []


@pytest.mark.full
def test_a_track_of_the_document_is_covered_and_nothing_else_is(tmp_path: Path, redacted: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    made, _ = redacted(video, labels=(), tracks=(1,))
    assert made.covered == 50
    made, _ = redacted(video, labels=("dog",), tracks=())
    assert made.covered == 0


def test_a_track_that_is_kept_is_left_as_it_was(tmp_path: Path, redacted: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    made, target = redacted(video, document_of(video, fps=25), keep=(1,))
    assert made.covered == 0
    assert min(luma[150, round(box_at(float(t))[0]) + 20] for t, (luma, _, _) in frames_of(target)) > 100


def test_a_track_that_is_lost_leaves_no_file(tmp_path: Path, redacted: Make) -> None:
    class Blinks(Squares):
        def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
            return [[] for _ in frames]

    video = squares(tmp_path / "v.mp4")
    with pytest.raises(InputError) as raised:
        redacted(video, document_of(video, fps=1), Blinks(), labels=(), tracks=(1,))
    assert raised.value.code == "track_lost"
    assert left(tmp_path) == []


def test_a_part_begins_where_the_frames_of_a_coarse_clock_do(tmp_path: Path, redacted: Make) -> None:
    class Blinks(Squares):
        def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
            return [[] for _ in frames]

    video, part = squares(tmp_path / "v.avi", codec="mpeg4"), RenderOptions(start=Fraction(103, 100))  # frames at 1.00
    with pytest.raises(InputError) as raised:
        redacted(video, document_of(video, fps=5), Blinks(), labels=(), tracks=(1,), film=part)
    assert "from 1.00 to 1.80 s" in raised.value.message


def test_a_track_that_the_document_has_not_is_refused(tmp_path: Path, redacted: Make) -> None:
    with pytest.raises(UsageError, match="its tracks are 1 to 1"):
        redacted(squares(tmp_path / "v.mp4"), labels=(), tracks=(7,))
    assert left(tmp_path) == []


# --- what is in the file


def packets(path: Path, track: int = 0) -> list[bytes]:
    with opened(path) as container:
        return [bytes(packet) for packet in container.demux(audio=track) if packet.size]


def full_of_secrets(path: Path) -> Path:
    """The squares with names, places, a chapter, a cover, subtitles and a second track of sound in their file."""
    plain = squares(path.with_name("plain.mp4"), audio="aac")
    with opened(plain) as source, av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as out:
        out.metadata.update({"title": "SECRET", "location": "+52.5200+013.4050/", "artist": "SECRET"})
        out.metadata["com.apple.quicktime.location.ISO6709"] = "+52.5200+013.4050/"
        pairs = [(stream, out.add_stream_from_template(stream)) for stream in source.streams]
        second = out.add_stream_from_template(source.streams.audio[0])
        for _, target in pairs:
            target.metadata.update({"title": "SECRET", "language": "deu"})
        subtitles = out.add_stream("mov_text")
        subtitles.codec_context.subtitle_header = b"[Script Info]\n[V4+ Styles]\n[Events]\n"
        out.set_chapters(
            [{"id": 1, "start": 0, "end": 1000, "time_base": Fraction(1, 1000), "metadata": {"title": "SECRET"}}]
        )
        for packet in source.demux():
            if packet.dts is None:
                continue
            copies = [target for stream, target in pairs if stream.index == packet.stream_index]
            content, times = bytes(packet), (packet.pts, packet.dts, packet.duration, packet.time_base)
            for target in [*copies, *([second] if packet.stream.type == "audio" else [])]:
                copy = av.Packet(content)
                copy.pts, copy.dts, copy.duration, copy.time_base = times
                copy.is_keyframe, copy.stream = packet.is_keyframe, target
                out.mux(copy)
    return path


@pytest.mark.full
def test_nothing_but_the_frames_and_one_track_of_sound_is_in_the_file(tmp_path: Path, redacted: Make) -> None:
    video = full_of_secrets(tmp_path / "v.mp4")
    with opened(video) as source:
        assert len(source.streams.audio) == 2
        assert source.metadata["title"] == "SECRET"
        assert source.chapters()
    _, target = redacted(video)
    with opened(target) as made:
        assert [stream.type for stream in made.streams] == ["video", "audio"]
        assert not made.chapters()
        assert set(made.metadata) <= {"major_brand", "minor_version", "compatible_brands", "encoder"}
        for stream in made.streams:
            assert stream.metadata.get("language", "und") == "und"
            assert set(stream.metadata) <= {"language", "handler_name", "vendor_id", "encoder"}
    content = target.read_bytes()
    assert not any(part in content for part in (b"SECRET", b"+52.5", b"\xa9xyz", b"\xa9nam"))
    assert packets(target) == packets(video)


@pytest.mark.full
@pytest.mark.parametrize("codec", ["aac", *full("flac", "libopus")])
def test_sound_is_the_same_to_the_bit_where_it_can_be_copied(tmp_path: Path, redacted: Make, codec: str) -> None:
    video = squares(tmp_path / "v.mkv", audio=codec)
    made, target = redacted(video)
    assert packets(target) == packets(video)
    assert "AAC" not in made.sound


@pytest.mark.full
def test_words_are_silent_and_the_rest_is_heard(tmp_path: Path, redacted: Make) -> None:
    video = make_sound(tmp_path / "v.mp4", [(0.0, bursts(0, 4.9))], codec="aac", video_from_s=0.0)
    said = [(0.0, 0.1, "one"), (1.0, 1.1, "two"), (2.0, 2.1, "three"), (3.0, 3.1, "four"), (4.0, 4.1, "five")]
    document = replace(document_of(video, said=said, tracked=False), detections=None, tracks=None)
    assert heard_at(video) == pytest.approx([0, 1, 2, 3, 4], abs=0.02)
    made, target = redacted(video, document, labels=(), mute=("three",))
    assert made.silences == 1
    assert made.sheet is None
    assert heard_at(target) == pytest.approx([0, 1, 3, 4], abs=0.02)
    with opened(target) as new:
        loud = [(f.time or 0.0, float(np.abs(f.to_ndarray()).max())) for f in new.decode(audio=0)]
    assert max(level for time, level in loud if 1.2 < time < 2.9) < 0.01


# --- the proof sheet


def test_the_sheet_shows_a_frame_of_each_second_covered(tmp_path: Path, redacted: Make) -> None:
    made, target = redacted(squares(tmp_path / "v.mp4"))
    sheet = proof_of(target)
    assert sheet.name == "redacted_redaction.html"
    page = sheet.read_text("utf-8")
    assert page.count("<figure") == page.count("<img") == 2
    assert "1 × person, smallest 120 × 100 pixels" in page
    assert stat.S_IMODE(sheet.stat().st_mode) & 0o077
    assert made.sheet == sheet


@pytest.mark.full
def test_the_sheet_shows_uncovered_frames_only_where_they_are_asked_for(tmp_path: Path, redacted: Make) -> None:
    _, target = redacted(squares(tmp_path / "v.mp4"), originals=True)
    sheet = proof_of(target)
    page = sheet.read_text("utf-8")
    assert page.count('alt="covered"') == page.count('alt="original"') == 2
    assert "do not give it away" in page
    assert not stat.S_IMODE(sheet.stat().st_mode) & 0o077
