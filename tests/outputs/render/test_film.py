"""The annotated video, decoded again: what was drawn is where the document says, and nothing else has changed."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.stream import Disposition
from msgspec.structs import replace

from framefleet.errors import InputError, OutputError, UsageError
from framefleet.media.files.probe import probe
from framefleet.outputs.render.options import RenderOptions
from framefleet.outputs.render.paint import Painter
from framefleet.outputs.render.render import Film, render
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from tests.conftest import full, full_but
from tests.media.make import make_audio
from tests.media.odd import HLG, PQ, make_wide
from tests.media.test_damage import spoil
from tests.outputs.render.squares import (
    BOX,
    PERSON,
    SIZE,
    box_at,
    box_found,
    document_of,
    frames_of,
    opened,
    squares,
    where,
)

Make = Callable[..., tuple[Film, Path]]


@pytest.fixture
def rendered(tmp_path: Path) -> Make:
    """`rendered(video, document, **look)`: what came of it, and the new file."""

    def make(video: Path, document: Document | None = None, **look: Any) -> tuple[Film, Path]:
        target = tmp_path / "annotated.mp4"
        film = render(document or document_of(video), probe(video), target, RenderOptions(**{"crf": 12.0} | look))
        return film, target

    return make


def near(found: Any, wanted: Any, pixels: float = 4) -> bool:
    return found is not None and all(abs(a - b) <= pixels for a, b in zip(found, wanted, strict=True))


VIDEOS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "h264.mkv": {"audio": "aac"},
    "hevc.mp4": {"codec": "libx265", "pix_fmt": "yuv420p10le"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "h264.ts": {"audio": "aac"},
    "odd.mp4": {"size": (321, 241), "pix_fmt": "yuv444p"},
    "full.mp4": {"pix_fmt": "yuvj420p"},
    "90.mp4": {"rotation": 90},
    "180.mp4": {"rotation": 180},
    "270.mp4": {"rotation": 270},
    "vfr.mkv": {"times": [Fraction(n * n, 1000) + Fraction(n, 100) for n in range(40)]},
}


@pytest.mark.full
@pytest.mark.parametrize("name", full_but(["h264.mkv", "odd.mp4", "90.mp4", "vfr.mkv"], VIDEOS))
def test_boxes_move_with_what_they_are_about_and_every_picture_keeps_its_time(
    tmp_path: Path, rendered: Make, name: str
) -> None:
    video = squares(tmp_path / name, **VIDEOS[name])
    film, target = rendered(video)
    start = probe(video).start
    with opened(video) as source:
        times = [frame.pts * frame.time_base - start for frame in source.decode(video=0)]  # type: ignore[operator]
    frames = frames_of(target)
    assert [time for time, _ in frames] == times
    assert film.pictures == len(times)
    with opened(target) as made:
        stream = made.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert next(made.decode(video=0)).rotation == 0
        assert (stream.width, stream.height) == tuple(side + side % 2 for side in VIDEOS[name].get("size", SIZE))
    for time, planes in frames:
        if time <= 1:  # from the last sample on it holds
            assert near(box_found(planes), box_at(float(time))), float(time)


@pytest.mark.full
@pytest.mark.parametrize("rates", [(25, 5), (5, 25), (10, 40)])
def test_where_the_rate_varies_the_last_picture_too_lasts_as_long_as_it_did(
    tmp_path: Path, rendered: Make, rates: tuple[int, int]
) -> None:
    times = [Fraction(n, rates[0]) for n in range(20)]
    times += [times[-1] + Fraction(n, rates[1]) for n in range(1, 20)]
    video = squares(tmp_path / "vfr.mp4", times=times, options={"bf": "0"})  # else its own last one lasts anyhow
    film, target = rendered(video)
    assert film.pictures == len(times)
    with opened(video) as source, opened(target) as made:
        before, after = (file.streams.video[0] for file in (source, made))
        assert after.duration * after.time_base == before.duration * before.time_base  # type: ignore[operator]
        assert made.duration == source.duration


def test_a_part_is_no_longer_than_was_asked_for(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "slow.mp4", times=[Fraction(n) for n in range(4)])
    _, target = rendered(video, end=Fraction(5, 2))
    with opened(target) as made:
        assert made.duration == 2_500_000


def test_a_box_is_whole_where_it_was_seen_and_dashed_in_between(tmp_path: Path, rendered: Make) -> None:
    film, target = rendered(squares(tmp_path / "v.mp4"))
    for time, planes in frames_of(target):
        if time >= 2:
            break
        _, _, _, bottom = map(int, box_at(float(time)))
        line = where(planes, PERSON).astype(float)[bottom // 2 - 1]
        share = line.sum() / (120 / 2)
        seen = time % Fraction(1, 2) == 0
        assert share > 0.95 if seen else 0.4 < share < 0.7, (float(time), share)
    assert film.boxes == "boxes moved along their tracks between samples, others held (dashed)"


@pytest.mark.full
@pytest.mark.parametrize("tracked", [True, False])
def test_boxes_hold_where_told_to_or_without_tracks(tmp_path: Path, rendered: Make, tracked: bool) -> None:
    video = squares(tmp_path / "v.mp4")
    document = document_of(video, tracked=tracked)
    film, target = rendered(video, document, boxes="hold" if tracked else "move")
    assert film.boxes.startswith("boxes held until the next sample (dashed)")
    assert film.boxes.endswith("(dashed)" if tracked else "since there are no tracks")
    for time, planes in frames_of(target):
        assert near(box_found(planes), box_at(int(time * 2) / 2))


def test_why_boxes_hold_although_there_are_tracks(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4", times=[Fraction(n, 2) for n in range(14)])
    film, _ = rendered(video, document_of(video, fps=0.4, boxes=lambda _: [box_at(0)]))
    assert film.boxes == (
        "boxes held until the next sample (dashed), since the samples of a track are more than 2 s apart"
    )


def legend_in(planes: Any) -> bool:
    """Whether something is written in the upper right corner."""
    return bool((planes[0][:14, -80:] > 200).any())


@pytest.mark.full
def test_a_legend_where_there_are_boxes_unless_it_is_not_wanted(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    assert legend_in(frames_of(rendered(video)[1])[0][1])
    assert not legend_in(frames_of(rendered(video, legend=False)[1])[0][1])
    film, target = rendered(video, document_of(video, boxes=lambda _: [], tracked=False))
    assert not legend_in(frames_of(target)[0][1])
    assert film.boxes == "no boxes: no objects"


def test_a_part_is_told_of_by_itself(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    document = document_of(video, boxes=lambda t: [box_at(t)] if t < 1 else [], said=[(0, 1, "नमस्ते")])
    film, target = rendered(video, document, start=Fraction(3, 2))
    assert (film.boxes, film.subtitles, film.notes) == ("no boxes: no objects", "no subtitles", [])
    assert not legend_in(frames_of(target)[0][1])


def test_labels_that_cannot_be_drawn_are_told_of(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    document = document_of(video)
    assert document.detections is not None
    found = [DetectedObject(0, label, 0.5, BOX) for label in ("cat", "قطة", "dog 🐶")]
    document = replace(document, detections=[replace(d, objects=found) for d in document.detections], tracks=None)
    assert rendered(video, document)[0].notes == [
        "2 of the labels cannot be drawn; the class number is shown instead: قطة, dog 🐶"
    ]


def test_boxes_do_not_outlast_a_cut(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    _, target = rendered(video, document_of(video, cuts=[0.24]))
    drawn = {time: box_found(planes) is not None for time, planes in frames_of(target)}
    assert not any(drawn[Fraction(n, 25)] for n in range(6, 13))
    assert all(drawn[Fraction(n, 25)] for n in (*range(6), *range(13, 38)))


@pytest.mark.full
@pytest.mark.parametrize("codec", ["libx264", *full("libvpx-vp9", "libx265", "mpeg4")])
def test_what_is_drawn_never_gets_into_pictures_predicted_from_it(tmp_path: Path, rendered: Make, codec: str) -> None:
    """Decoders predict from the very memory that they hand out."""
    video = squares(tmp_path / "v.mkv", codec=codec)
    _, target = rendered(video, document_of(video, boxes=lambda t: [box_at(0)] if t == 0 else []), boxes="hold")
    for (_, before), (time, after) in zip(frames_of(video), frames_of(target), strict=True):
        if time >= 0.5:
            luma = [planes[0].astype(int)[20:] for planes in (before, after)]  # below the line about the boxes
            assert abs(luma[0] - luma[1]).mean() < 2
            assert not where(after, PERSON).any()


def test_subtitles_are_drawn_while_they_are_said(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    document = document_of(video, boxes=lambda _: [], said=[(0.4, 1.6, "Hello there")])
    film, target = rendered(video, document)
    for time, (luma, _, _) in frames_of(target):
        plate = luma[-24:-4, SIZE[0] // 2 - 20 : SIZE[0] // 2 + 20]
        assert (plate.max() > 200 and plate.min() < 60) == (0.4 <= float(time) < 1.6), float(time)
    assert film.subtitles == "subtitles drawn"
    with opened(target) as made:
        assert not made.streams.subtitles


@pytest.mark.full
@pytest.mark.parametrize("name", ["still.mkv", "still.mp4"])
def test_the_last_picture_stands_while_somebody_speaks(tmp_path: Path, rendered: Make, name: str) -> None:
    """As in the source: as long as the document says, and what is said then is drawn, and gone again."""
    video = squares(tmp_path / name, audio="aac", audio_s=6)
    document = document_of(video, boxes=lambda _: [BOX], said=[(3.0, 4.0, "HELLO")])
    film, target = rendered(video, document)
    media = probe(target)
    assert media.duration_s == pytest.approx(document.video.duration_s, abs=0.06)
    assert media.pictures_s is None
    frames = frames_of(target)
    assert film.pictures == len(frames) > 50

    def lettered(time_s: float) -> int:
        luma = [planes[0] for time, planes in frames if time <= time_s][-1]
        return int((luma[luma.shape[0] * 3 // 4 :] > 200).sum())

    assert lettered(3.5) > 40
    assert [lettered(time_s) for time_s in (2.8, 4.3, 5.9)] == [0, 0, 0]
    assert near(box_found(next(planes for time, planes in frames if time >= 5)), BOX)


@pytest.mark.full
def test_a_part_of_a_still_end(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "still.mkv", audio="aac", audio_s=6)
    film, target = rendered(video, document_of(video), start=Fraction(3), end=Fraction(5))
    assert probe(target).duration_s == pytest.approx(2, abs=0.1)
    assert film.pictures >= 20


@pytest.mark.full
@pytest.mark.parametrize(("text", "look"), [("नमस्ते दुनिया", "draw"), ("Hello", "track")])
def test_subtitles_in_other_scripts_are_a_track(tmp_path: Path, rendered: Make, text: str, look: Any) -> None:
    video = squares(tmp_path / "v.mp4", audio="aac")
    film, target = rendered(video, document_of(video, said=[(0.4, 1.6, text)]), subtitles=look)
    with opened(target) as made:
        (stream,) = made.streams.subtitles
        said = [(p.pts * p.time_base, bytes(p)[2:].decode()) for p in made.demux(stream) if p.size > 2]  # type: ignore[operator]
    assert said == [(Fraction(2, 5), text)]
    assert film.subtitles == "subtitles as a track"
    plates = [luma[-24:-4].min() for _, (luma, _, _) in frames_of(target)]
    assert min(plates) > 60
    assert bool(film.notes) == (look == "draw")


def test_no_subtitles_where_none_are_wanted(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    film, target = rendered(video, document_of(video, said=[(0, 2, "Hello")]), subtitles="none")
    assert film.subtitles == "no subtitles"
    with opened(target) as made:
        assert not made.streams.subtitles
    assert min(luma[-24:-4].min() for _, (luma, _, _) in frames_of(target)) > 60


@pytest.mark.parametrize("name", ["v.mp4", *full("v.mkv", "v.ts")])
def test_a_part_of_the_video(tmp_path: Path, rendered: Make, name: str) -> None:
    video = squares(tmp_path / name, audio="aac")
    _, target = rendered(video, start=Fraction(53, 100), end=Fraction(3, 2))
    frames = frames_of(target)
    assert frames[0][0] == 0  # the picture on screen at 0.53 s
    assert frames[1][0] == Fraction(56, 100) - Fraction(53, 100)
    assert frames[-1][0] == Fraction(148, 100) - Fraction(53, 100)
    for time, planes in frames[1:]:
        assert near(box_found(planes), box_at(float(time) + 0.53))


def test_a_part_begins_with_a_tick_of_the_file(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.avi", codec="mpeg4")  # whose ticks are pictures
    _, target = rendered(video, start=Fraction(53, 100), end=Fraction(1))
    frames = frames_of(target)
    assert [time for time, _ in frames] == [Fraction(n, 25) for n in range(12)]
    assert near(box_found(frames[3][1]), box_at(16 / 25))


def test_a_box_at_the_border_and_a_label_longer_than_the_picture(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    document = document_of(video)
    assert document.detections is not None
    wild = [(-1e9, -50.0, 1e9, 1e9), (318.0, 238.0, 320.0, 240.0), (5.0, 5.0, 5.0, 5.0), (500.0, 0.0, 600.0, 10.0)]
    found = [DetectedObject(0, "a very long label " * 9, 0.5, box) for box in wild]
    document = replace(document, detections=[replace(d, objects=found) for d in document.detections], tracks=None)
    _, target = rendered(video, document)
    assert len(frames_of(target)) == 50


@pytest.mark.full
def test_a_hundred_thousand_boxes_in_a_picture(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4", times=[Fraction(0), Fraction(1, 25)])
    found = [DetectedObject(0, "person", n / 1e5, (n % 300, n % 200, n % 300 + 9, n % 200 + 9)) for n in range(100_000)]
    document = replace(document_of(video), detections=[Detection(0, 0.0, 0.0, found)], tracks=None)
    film, _ = rendered(video, document)
    assert film.notes == ["more than 300 boxes in 1 of the frames: the most confident are drawn"]


@pytest.mark.full
def test_a_stretch_that_cannot_be_decoded_is_passed_over(tmp_path: Path, rendered: Make) -> None:
    times = [Fraction(n, 25) for n in range(96)]
    video = squares(tmp_path / "v.mp4", times=times, audio="aac", options={"g": "24"})
    spoil(video, 30, 34)
    film, target = rendered(video, document_of(video, boxes=lambda _: [box_at(0)]))
    came = [time for time, _ in frames_of(target)]
    lost = set(times) - set(came)
    assert lost
    assert lost <= set(times[24:56])
    assert set(came) < set(times)
    assert "without a decodable frame" in film.notes[0]
    with opened(target) as made:
        assert sum(p.duration for p in made.demux(audio=0) if p.size) / 48_000 == pytest.approx(96 / 25, abs=0.1)


@pytest.mark.full
def test_what_is_not_as_it_was_is_said(tmp_path: Path, rendered: Make) -> None:
    odd = squares(tmp_path / "odd.mp4", size=(321, 241), pix_fmt="yuv444p")
    deep = squares(tmp_path / "deep.mp4", codec="libx265", pix_fmt="yuv420p10le")
    assert rendered(odd)[0].notes == ["321×241 pixels are padded to 322×242: H.264 is even"]
    assert rendered(deep)[0].notes == ["10-bit frames are converted to 8-bit"]


@pytest.mark.full
def test_pixels_that_are_not_square_stay_so(tmp_path: Path, rendered: Make) -> None:
    flat = {"options": {"x264-params": "sar=4/3"}}
    for turned, shape in ((0, Fraction(4, 3)), (90, Fraction(3, 4))):
        _, target = rendered(squares(tmp_path / f"{turned}.mp4", rotation=turned, **flat))
        with opened(target) as made:
            assert made.streams.video[0].codec_context.sample_aspect_ratio == shape


@pytest.mark.full
@pytest.mark.parametrize("rotation", [0, *full(90)])
@pytest.mark.parametrize("colour", [(1, 1), (1, 2), (5, 2)])
def test_colours_are_tagged_as_they_were_and_full_range_becomes_limited(
    tmp_path: Path, rendered: Make, colour: tuple[int, int], rotation: int
) -> None:
    _, target = rendered(squares(tmp_path / "v.mp4", colour=colour, rotation=rotation))
    with opened(target) as made:
        context = made.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (colour[0], 1)
    for _, (luma, *_) in frames_of(target):
        assert abs(float(luma[-40:, :20].mean()) - (16 + 219 * 90 / 255)) < 2


@pytest.mark.parametrize(("curve", "name"), [(PQ, "PQ"), (HLG, "HLG")])
def test_high_dynamic_range_is_mapped_to_what_eight_bits_hold(
    tmp_path: Path, rendered: Make, curve: int, name: str
) -> None:
    picture = np.full((240, 320, 3), 128, np.uint8)
    for place, colour in enumerate([(255, 255, 255), (180, 40, 40), (40, 160, 40), (40, 40, 180)]):
        picture[20:220, 80 * place + 10 : 80 * place + 70] = colour
    video = make_wide(tmp_path / "wide.mp4", picture, curve=curve)
    film, target = rendered(video, document_of(video, boxes=lambda _: [(120, 200, 200, 236)]))
    assert film.notes == [f"HDR ({name}) is mapped to SDR (BT.709, 8-bit)"]
    with opened(target) as made:
        context = made.streams.video[0].codec_context
        tags = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        frame = next(made.decode(video=0))
        seen = frame.to_ndarray(format="rgb24").astype(int)
    assert tags == (1, 1, 1, 1)
    for place in range(4):
        middle = np.s_[60:180, 80 * place + 30 : 80 * place + 50]
        assert np.abs(seen[middle].mean((0, 1)) - picture[middle].mean((0, 1))).max() < 25, place
    assert box_found(frames_of(target)[0][1]) is not None, "in its colour, which is one of SDR"


@pytest.mark.full
@pytest.mark.parametrize(
    ("language", "task", "tag"),
    [
        ("en", "transcribe", "eng"),
        ("de", "transcribe", "deu"),
        ("yue", "transcribe", "yue"),
        ("de", "translate", "eng"),
    ],
)
def test_a_subtitle_track_says_its_language(tmp_path: Path, rendered: Make, language: str, task: str, tag: str) -> None:
    video = squares(tmp_path / "v.mp4")
    document = document_of(video, said=[(0, 1, "Hello")])
    assert document.transcription is not None
    document = replace(
        document,
        transcription=replace(document.transcription, language=language),
        config=replace(document.config, task=task),
    )
    _, target = rendered(document=document, video=video, subtitles="track")
    with opened(target) as made:
        [track] = made.streams.subtitles
        assert (track.language, bool(track.disposition & Disposition.default)) == (tag, True)


@pytest.mark.full
def test_interlaced_pictures_stay_interlaced(tmp_path: Path, rendered: Make) -> None:
    fields = {"options": {"flags": "+ildct+ilme", "x264-params": "tff=1"}}
    _, target = rendered(squares(tmp_path / "v.mp4", **fields))
    with opened(target) as made:
        assert next(made.decode(video=0)).interlaced_frame


def test_players_can_begin_before_all_is_there(tmp_path: Path, rendered: Make) -> None:
    _, target = rendered(squares(tmp_path / "v.mp4"))
    content = target.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_nothing_is_left_of_what_was_not_finished(
    tmp_path: Path, rendered: Make, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    video = squares(tmp_path / "v.mp4")
    before = set(tmp_path.iterdir())
    painted = Painter.paint
    calls = iter(range(100))

    def paint(*arguments: Any) -> None:
        if next(calls) == 20:
            raise error
        painted(*arguments)

    monkeypatch.setattr(Painter, "paint", paint)
    with pytest.raises((KeyboardInterrupt, OutputError)):
        rendered(video)
    assert set(tmp_path.iterdir()) == before


def test_sound_alone_and_documents_that_say_nothing_are_refused(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    document = document_of(video)
    with pytest.raises(InputError, match="nothing to draw on"):
        rendered(make_audio(tmp_path / "a.m4a"), document)
    with pytest.raises(InputError, match="neither objects nor speech"):
        rendered(video, replace(document, detections=None, transcription=None))
    with pytest.raises(UsageError, match="ends at 2 s"):
        rendered(video, document, start=Fraction(2))


@pytest.mark.full
def test_words_alone_are_enough(tmp_path: Path, rendered: Make) -> None:
    video = squares(tmp_path / "v.mp4")
    document = replace(document_of(video, said=[(0, 1, "Hello")]), detections=None, tracks=None, scenes=None)
    film, target = rendered(video, document)
    assert film.boxes == "no boxes: the objects stage did not run"
    assert not any(np.asarray(where(planes, PERSON)).any() for _, planes in frames_of(target))
